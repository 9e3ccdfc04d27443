#include "investigator/roster_edit.h"

#include <catch2/catch.hpp>

#include "tests/core/made_up_people.h"

using namespace mig;
using namespace mig::investigator;
using Catch::Contains;
using core::made_up::day;
using core::made_up::now;
using core::made_up::why;

namespace {

PersonKeys person(const std::string& name) {
  auto key = core::made_up::key_of_person(name);
  return {name, key.fingerprint(), {key.public_key()}};
}
core::Result<PersonKeys> keys_of(const std::string& word) {
  for (const char* name : {"ann", "ben", "cid", "dan"})
    if (word == name || word == person(name).fingerprint) return person(name);
  return core::Error{core::Code::not_found, "key '" + word + "': gpg does not have it"};
}

struct Edited {
  core::Roster roster = core::made_up::roster();
  std::string operator()(const std::string& what, const std::string& value) { return why(edit(roster, {what, value}, keys_of, now)); }
};

std::string text_of(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

}  // namespace

TEST_CASE("the next version builds on the held one and lives as long") {
  const core::Roster held = core::made_up::roster();
  const core::Bytes text = core::made_up::text_of(held);
  const core::Roster next = next_version(held, text, now);
  CHECK(next.version == 8);
  CHECK(next.prev == core::to_hex(core::blake2b(text, 32)));
  CHECK(next.issued == now);
  CHECK(next.expires - next.issued == held.expires - held.issued);
}

TEST_CASE("an administrator changes people, rules and limits by words, and what is wrong is named") {
  Edited edited;
  CHECK(edited("add", "dan") == "accepted");
  CHECK(edited("allow", "file=2") == "accepted");
  CHECK(edited("weight", "file:ann=1") == "accepted");
  CHECK(edited("weight", "file:dan=2") == "accepted");
  CHECK(edited("targets", "file=tags->>'env'='test'") == "accepted");
  CHECK(edited("spread", "file=10") == "accepted");
  CHECK(edited("revoke", "ben") == "accepted");
  CHECK(edited("drop", "cid") == "accepted");
  CHECK(edited("life", "240h") == "accepted");
  const auto& rule = edited.roster.access.at("file");
  CHECK(rule.minimum_weight == 2);
  CHECK(rule.weights == std::map<core::Fingerprint, std::uint32_t>{{person("ann").fingerprint, 1}, {person("dan").fingerprint, 2}});
  CHECK(rule.targets == "tags->>'env'='test'");
  CHECK(rule.spread == 10);
  CHECK(edited.roster.investigators.size() == 3);
  CHECK_FALSE(edited.roster.by_fingerprint(person("ben").fingerprint)->active);
  CHECK(edited.roster.expires == now + 10 * day);
  CHECK(why(core::parse_roster(core::made_up::text_of(edited.roster))) == "accepted");

  CHECK_THAT(edited("add", "mallory"), Contains("gpg does not have it"));
  CHECK_THAT(edited("weight", "file=1"), Contains("is not MODULE:PERSON=WEIGHT"));
  CHECK_THAT(edited("weight", "file:eve=1"), Contains("nobody in the roster is called so"));
  CHECK_THAT(edited("allow", "file=many"), Contains("not a whole number"));
  CHECK_THAT(edited("spread", "ping=10"), Contains("'ping' has no rule of its own"));
  CHECK_THAT(edited("revoke-node", "12"), Contains("is not 32 hex digits"));
}

TEST_CASE("an administrator is warned of modules nobody reaches, keys that end, and a roster that ends") {
  Edited edited;
  edited("allow", "default=1");
  edited("weight", "default:ann=1");
  edited.roster.enrollers.resize(1);
  CHECK(warnings(edited.roster, now).empty());

  edited("allow", "file=2");
  edited("weight", "file:ann=1");
  edited("weight", "file:ben=1");
  CHECK(warnings(edited.roster, now).empty());
  edited.roster.investigators[1].keys[0].not_after = now + 5 * day;
  CHECK_THAT(text_of(warnings(edited.roster, now)), Contains("file: nobody will reach it in 30 days, when keys have expired: weight 1 of 2 is left then") && Contains("ben: key"));
  edited("revoke", "ben");
  CHECK_THAT(text_of(warnings(edited.roster, now)), Contains("file: nobody can reach it any more: the active people have weight 1 of 2"));
  edited("life", "24h");
  edited("close", "default");
  edited.roster.enrollers.clear();
  CHECK_THAT(text_of(warnings(edited.roster, now)), Contains("the roster expires") && Contains("no `default`") && Contains("no enroller"));
}

TEST_CASE("what differs between two rosters is said line by line") {
  const core::Roster before = core::made_up::roster();
  Edited edited;
  edited("revoke", "ben");
  edited("allow", "file=1");
  const auto told = differences(before, edited.roster);
  REQUIRE(told.size() == 2);
  CHECK(told[0] == "+ access file: weight 1 of: nobody");
  CHECK_THAT(told[1], Contains("~ person " + person("ben").fingerprint) && Contains("ben (revoked)"));
}

TEST_CASE("MIG's acl.cfg becomes access rules: keys in any case, one person once, those without a key left out") {
  const std::string ann = person("ann").fingerprint, ben = person("ben").fingerprint;
  std::string lower = ann;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::string acl = R"({"default": {"MinimumWeight": 2, "Investigators": {"Ann": {"Fingerprint": ")" + lower + R"(", "weight": 2}, "Ann again": {"fingerprint": ")" + ann +
                          R"(", "Weight": 1}, "Ben": {"fingerprint": ")" + ben + R"(", "weight": 1}}}, "agentdestroy": {"minimumweight": 1, "investigators": {}}})";
  core::Roster roster;
  std::vector<std::string> left_out;
  REQUIRE(import_acl(acl, {person("ann")}, roster, left_out));
  CHECK(roster.access.at("default").minimum_weight == 2);
  CHECK(roster.access.at("default").weights == std::map<core::Fingerprint, std::uint32_t>{{ann, 2}});
  CHECK(roster.access.at("agentdestroy").weights.empty());
  CHECK(left_out == std::vector<std::string>{"default.Ben: " + ben + " has no valid signing key in the key directory"});
  CHECK(roster.investigators.size() == 1);
  CHECK_THAT(why(import_acl(R"({"default": {"minimumweight": "two"}})", {}, roster, left_out)), Contains("default: minimumweight must be a whole number"));
  CHECK_THAT(why(import_acl("[]", {}, roster, left_out)), Contains("acl.cfg"));
}
