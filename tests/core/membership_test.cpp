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
