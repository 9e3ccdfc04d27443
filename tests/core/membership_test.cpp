#include "node/core/membership.h"

#include <catch2/catch.hpp>

#include "tests/core/made_up_people.h"

using namespace mig::core;

namespace {

/// A mesh with one root, and rosters it signs.
struct Mesh {
  SoftKey root = made_up::key_of_person("root");
  Trust trust{mesh_id_of({root.public_key()}, 1), "made up", {root.public_key()}, 1};
  SignedText roster(std::uint64_t version, const std::string& person = "ann") const {
    Roster roster = made_up::roster();
    roster.mesh = trust.mesh;
    roster.version = version;
    roster.investigators = {made_up::person(person)};
    const Bytes text = canonical_json(to_json(roster));
    return {text, {root.sign(roster_signing_text(text), made_up::now)}};
  }
};

std::string verdict(const Result<Membership::Adopted>& adopted) {
  if (!adopted) return adopted.error().text;
  switch (*adopted) {
    case Membership::Adopted::newer: return "newer";
    case Membership::Adopted::same: return "same";
    case Membership::Adopted::older: return "older";
    case Membership::Adopted::forked: break;
  }
  return "forked";
}

}  // namespace

TEST_CASE("a node goes forward to a newer roster and never back") {
  const Mesh mesh;
  Membership node(mesh.trust);
  CHECK(verdict(node.adopt(mesh.roster(2), made_up::now)) == "newer");
  CHECK(verdict(node.adopt(mesh.roster(2), made_up::now)) == "same");
  CHECK(verdict(node.adopt(mesh.roster(1), made_up::now)) == "older");
  CHECK(node.roster_version() == 2);
  CHECK(verdict(node.adopt(mesh.roster(5), made_up::now)) == "newer");
  CHECK(node.roster_version() == 5);
}

TEST_CASE("two rosters of one version are a fork, and the first one stays") {
  const Mesh mesh;
  Membership node(mesh.trust);
  REQUIRE(verdict(node.adopt(mesh.roster(2, "ann"), made_up::now)) == "newer");
  CHECK(verdict(node.adopt(mesh.roster(2, "ben"), made_up::now)) == "forked");
  CHECK(node.roster()->investigators[0].name == "ann");
  CHECK(verdict(node.adopt(mesh.roster(3, "ben"), made_up::now)) == "newer");
}

TEST_CASE("a roster of other roots is not taken, whatever its version") {
  const Mesh mesh;
  Membership node(mesh.trust);
  SignedText roster = mesh.roster(9);
  roster.signatures = {made_up::key_of_person("mallory").sign(roster_signing_text(roster.text), made_up::now)};
  CHECK(!node.adopt(roster, made_up::now));
  CHECK(node.roster_version() == 0);
}

namespace {

std::string verdict(const Result<Roster>& roster) { return made_up::why(roster); }

/// Two of three roots, then others.
struct Roots {
  std::vector<std::string> names;
  std::uint32_t threshold = 2;
  std::vector<SigningKey> keys() const {
    std::vector<SigningKey> out;
    for (const auto& name : names) out.push_back(made_up::key_of_person(name).public_key());
    return out;
  }
};
const Roots first{{"old-1", "old-2", "old-3"}, 2}, second{{"old-3", "new-1", "new-2"}, 2};
const Trust anchor{mesh_id_of(first.keys(), 2), "made up", first.keys(), 2};

std::vector<Bytes> signatures_of(const std::vector<std::string>& names, const Bytes& text) {
  std::vector<Bytes> out;
  for (const auto& name : names) out.push_back(made_up::key_of_person(name).sign(text, made_up::now));
  return out;
}

RootChange change_signed_by(const std::vector<std::string>& names, const std::vector<RootChange>& before = {}) {
  RootChange change{second.keys(), second.threshold, {}};
  change.signatures = signatures_of(names, root_change_text(anchor.mesh, before, change));
  return change;
}

SignedText roster_of(std::uint64_t version, const std::vector<RootChange>& changes, const std::vector<std::string>& signers, const Bytes& prev = {}) {
  Roster roster = made_up::roster();
  roster.mesh = anchor.mesh;
  roster.version = version;
  roster.root_changes = changes;
  if (!prev.empty()) roster.prev = to_hex(blake2b(prev, Hash::size));
  const Bytes text = canonical_json(to_json(roster));
  return {text, signatures_of(signers, roster_signing_text(text))};
}

}  // namespace

TEST_CASE("a change of roots counts once both the old and the new roots have signed it, each by its own threshold") {
  const auto judged = [](const std::vector<std::string>& names) {
    return verdict(verify_roster(roster_of(2, {change_signed_by(names)}, {"new-1", "new-2"}), anchor, made_up::now));
  };
  CHECK(judged({"old-1", "old-2", "new-1", "new-2"}) == "accepted");
  CHECK(judged({"old-1", "old-3", "new-1"}) == "accepted");  // old-3 is a root before and after
  CHECK(judged({"old-1", "new-1", "new-2"}) == "change of roots: signed by 1 of the old 3 roots; 2 are needed");
  CHECK(judged({"old-1", "old-2", "new-1"}) == "change of roots: signed by 1 of the new 3 roots; 2 are needed");
  CHECK(judged({"old-1", "old-1", "new-1", "new-2"}) == "change of roots: signed by 1 of the old 3 roots; 2 are needed");
  const RootChange change = change_signed_by({"old-1", "old-2", "new-1", "new-2"});
  CHECK(verdict(verify_roster(roster_of(2, {change}, {"old-1", "old-2"}), anchor, made_up::now)) == "roster: signed by 0 of this mesh's 3 roots; 2 are needed");
  RootChange altered = change;
  altered.threshold = 1;
  CHECK_FALSE(verify_roster(roster_of(2, {altered}, {"new-1", "new-2"}), anchor, made_up::now));
}

TEST_CASE("old roots cannot be had back: a roster goes on from the changes a node knows") {
  const RootChange change = change_signed_by({"old-1", "old-2", "new-1", "new-2"});
  Membership node(anchor);
  REQUIRE(verdict(node.adopt(roster_of(2, {change}, {"new-1", "new-2"}), made_up::now)) == "newer");
  CHECK(node.roots_in_force().roots == second.keys());
  CHECK(verdict(node.adopt(roster_of(3, {}, {"old-1", "old-2"}), made_up::now)) == "roster: version 3 does not follow the changes of roots that version 2 knows");
  const RootChange back{first.keys(), 2, {}};
  RootChange second_change = back;
  second_change.signatures = signatures_of({"new-1", "new-2", "old-1", "old-2"}, root_change_text(anchor.mesh, {change}, back));
  CHECK(verdict(node.adopt(roster_of(4, {change, second_change}, {"old-1", "old-2"}), made_up::now)) == "newer");
  // A change belongs behind the one it was signed for.
  RootChange moved = back;
  moved.signatures = signatures_of({"new-1", "new-2", "old-1", "old-2"}, root_change_text(anchor.mesh, {}, back));
  Membership other(anchor);
  CHECK_FALSE(other.adopt(roster_of(2, {change, moved}, {"old-1", "old-2"}), made_up::now));
}

TEST_CASE("a roster that was built on another one of the version held here gives the fork away") {
  const SignedText one = roster_of(5, {}, {"old-1", "old-2"}, "a"), other = roster_of(5, {}, {"old-1", "old-2"}, "b");
  Membership node(anchor);
  REQUIRE(verdict(node.adopt(one, made_up::now)) == "newer");
  CHECK_FALSE(node.built_on_another());
  CHECK(verdict(node.adopt(other, made_up::now)) == "forked");
  CHECK(node.fork()->text == other.text);
  CHECK(verdict(node.adopt(other, made_up::now)) == "same");  // told once
  CHECK(verdict(node.adopt(roster_of(5, {}, {"old-1", "old-2"}, "c"), made_up::now)) == "forked");
  CHECK(node.fork()->text == other.text);  // one of them shows it
  REQUIRE(verdict(node.adopt(roster_of(6, {}, {"old-1", "old-2"}, other.text), made_up::now)) == "newer");
  CHECK(node.built_on_another());
  CHECK_FALSE(node.fork());
  REQUIRE(verdict(node.adopt(roster_of(7, {}, {"old-1", "old-2"}, node.roster_text().text), made_up::now)) == "newer");
  CHECK_FALSE(node.built_on_another());
}
