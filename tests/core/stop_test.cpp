#include "node/core/stop.h"

#include <catch2/catch.hpp>

#include "node/core/limits.h"
#include "node/core/membership.h"
#include "tests/core/made_up_people.h"

using namespace mig::core;
using made_up::why;
using Catch::Contains;

namespace {

const Trust trust{mesh_id_of({made_up::key_of_person("root").public_key()}, 1), "made up", {made_up::key_of_person("root").public_key()}, 1};

Roster roster(std::uint64_t version = 7) {
  Roster out = made_up::roster();
  out.mesh = trust.mesh;
  out.version = version;
  out.investigators[0].keys.push_back(made_up::key_of_person("ann's second key").public_key());
  out.access["default"] = made_up::rule(1, {{"ann", 1}, {"ben", 1}});
  return out;
}

SignedText signed_roster(const Roster& roster) {
  const Bytes text = made_up::text_of(roster);
  return {text, {made_up::key_of_person("root").sign(roster_signing_text(text), made_up::now)}};
}

StopOrder order(const std::string& subject) { return {trust.mesh, subject, made_up::now, made_up::now + made_up::day, "the laptop is gone"}; }

SignedText stop(const std::string& subject, const std::string& signer) {
  const Bytes text = canonical_json(to_json(order(subject)));
  return {text, {made_up::key_of_person(signer).sign(stop_signing_text(text), made_up::now)}};
}

std::string finger(const std::string& name) { return made_up::key_of_person(name).fingerprint(); }

struct Node {
  Membership membership{trust};
  Node() { REQUIRE(membership.adopt(signed_roster(roster()), made_up::now)); }
  std::string takes(const SignedText& text) { return why(membership.take_stop(text, made_up::now)); }
  std::string admits(const std::string& signer) {
    Action action = made_up::action();
    action.mesh = trust.mesh;
    return why(admit(made_up::signed_by({signer}, made_up::text_of(action)), *membership.roster(), made_up::now));
  }
};

}  // namespace

TEST_CASE("a stop of one root, or of a key of that very person, takes a person's rights at once; nobody else's does") {
  for (const char* signer : {"root", "ann", "ann's second key"}) {
    Node node;
    REQUIRE(node.admits("ann") == "accepted");
    CHECK(node.takes(stop(finger("ann"), signer)) == "accepted");
    CHECK_THAT(node.admits("ann"), Contains("made by ann, whose rights roster 7 or a stop revokes"));
    CHECK(node.admits("ben") == "accepted");
  }
  Node node;
  CHECK_THAT(node.takes(stop(finger("ann"), "ben")), Contains("is neither a root nor a key of the person it stops"));
  CHECK_THAT(node.takes(stop(finger("ann"), "mallory")), Contains("is neither a root nor"));
  SignedText altered = stop(finger("ann"), "root");
  altered.text = canonical_json(to_json(order(finger("ben"))));
  CHECK_FALSE(node.membership.take_stop(altered, made_up::now));
  CHECK(node.admits("ann") == "accepted");
}

TEST_CASE("a stop of one key leaves the person's other keys") {
  Node node;
  REQUIRE(node.takes(stop(finger("ann's second key"), "ann")) == "accepted");
  CHECK_THAT(node.admits("ann's second key"), Contains("which roster 7 does not hold or a stop took away"));
  CHECK(node.admits("ann") == "accepted");
}

TEST_CASE("a stop by somebody's own key still holds after a restart without her, should she come back") {
  const SignedText stopped = stop(finger("ann"), "ann");
  Roster without = roster(8), again = roster(9);
  std::erase_if(without.investigators, [](const Investigator& person) { return person.fingerprint == finger("ann"); });
  Node node;
  REQUIRE(node.takes(stopped) == "accepted");
  REQUIRE(node.membership.adopt(signed_roster(without), made_up::now));
  Membership restarted(trust);
  REQUIRE(restarted.adopt(signed_roster(without), made_up::now));
  CHECK_FALSE(restarted.take_stop(stopped, made_up::now));  // from somebody else, who cannot show that she signed it
  REQUIRE(restarted.take_stop(stopped, made_up::now, true));
  REQUIRE(restarted.adopt(signed_roster(again), made_up::now));
  CHECK_FALSE(restarted.roster()->by_fingerprint(finger("ann"))->active);
}

TEST_CASE("a stopped node counts as revoked") {
  Node node;
  const NodeId agent = *NodeId::from("sixteen octets ?");
  REQUIRE(node.takes(stop(agent.hex(), "root")) == "accepted");
  CHECK(node.membership.roster()->revoked == std::vector<NodeId>{agent});
  CHECK_FALSE(node.membership.take_stop(stop(agent.hex(), "ann"), made_up::now));
}

TEST_CASE("what was stopped does not return with a newer roster, unless that lifts the stop by name") {
  Node node;
  const SignedText stopped = stop(finger("ann"), "root");
  REQUIRE(node.takes(stopped) == "accepted");
  REQUIRE(node.membership.adopt(signed_roster(roster(8)), made_up::now));
  CHECK_THAT(node.admits("ann"), Contains("or a stop revokes"));
  Roster lifting = roster(9);
  lifting.lifted = {stop_id_of(stopped.text)};
  REQUIRE(node.membership.adopt(signed_roster(lifting), made_up::now));
  CHECK(node.admits("ann") == "accepted");
}

TEST_CASE("a stop says what it is about strictly, and no longer than ten years") {
  auto judged = [](auto change) {
    Json document = to_json(order(finger("ann")));
    change(document);
    return why(parse_stop(canonical_json(document)));
  };
  CHECK(judged([](Json&) {}) == "accepted");
  CHECK_THAT(judged([](Json& d) { d["subject"] = "ann"; }), Contains("neither a fingerprint (40 capitals) nor a node id"));
  CHECK_THAT(judged([](Json& d) { d["expires"] = to_rfc3339(made_up::now + 2 * limits::stop_life_ms); }), Contains("ten years"));
  CHECK_THAT(judged([](Json& d) { d["more"] = 1; }), Contains("is not known here"));
  Node node;
  SignedText twice = stop(finger("ann"), "root");
  twice.signatures.push_back(twice.signatures[0]);
  CHECK_THAT(node.takes(twice), Contains("one signature"));
}

TEST_CASE("an agent holds itself to the targets and the spread of a rule") {
  Roster rules = roster();
  rules.access["file"] = made_up::rule(1, {{"ann", 1}});
  rules.access["file"].targets = "tags->>'env'='test'";
  AgentFacts self;
  self.id = "0123456789abcdef0123456789abcdef";
  Action action = made_up::action();
  CHECK(why(check_limits(action, rules, self, made_up::now)) == "access: file may be asked only where tags->>'env'='test'");
  self.tags["env"] = "test";
  CHECK(why(check_limits(action, rules, self, made_up::now)) == "accepted");

  rules.access["file"].targets.clear();
  rules.access["file"].spread = 20;
  int drawn = 0;
  for (int i = 0; i < 1000; ++i) {
    self.id = to_hex(blake2b(std::to_string(i), 16));
    const auto verdict = why(check_limits(action, rules, self, made_up::now));
    drawn += verdict == "accepted";
    if (verdict != "accepted") CHECK(verdict == "access: file may be asked of 20 in 100 agents at a time, and this one was not drawn");
  }
  CHECK(drawn > 150);
  CHECK(drawn < 250);
}

TEST_CASE("the module that ends agents is opened by its own rule alone") {
  Roster rules = roster();
  const Action action = made_up::action({"agentdestroy"});
  const std::vector<const Investigator*> ann{&rules.investigators[0]};
  CHECK(why(check_access(action, ann, rules)) == "access: the roster has no rule for agentdestroy, and no default opens it");
  rules.access["agentdestroy"] = made_up::rule(1, {{"ann", 1}});
  CHECK(why(check_access(action, ann, rules)) == "accepted");
}
