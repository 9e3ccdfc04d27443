#include "node/core/roster.h"

#include <catch2/catch.hpp>
#include <chrono>

#include "node/core/limits.h"
#include "tests/core/gpg_fixtures.h"
#include "tests/core/made_up_people.h"

using namespace mig::core;
using made_up::why;
using Catch::Contains;

namespace {

const std::vector<std::string> root_names{"root-1", "root-2", "root-3"};

Trust trust(std::uint32_t threshold) {
  Trust out;
  out.name = "a mesh";
  for (const std::string& name : root_names) out.roots.push_back(made_up::key_of_person(name).public_key());
  out.threshold = threshold;
  out.mesh = mesh_id_of(out.roots, threshold);
  return out;
}

Roster roster_for(const Trust& trust) {
  Roster out = made_up::roster();
  out.mesh = trust.mesh;
  return out;
}

SignedText signed_roster(const std::vector<std::string>& roots, const Roster& roster) {
  SignedText out{made_up::text_of(roster), {}};
  for (const std::string& name : roots)
    out.signatures.push_back(
        made_up::key_of_person(name).sign(roster_signing_text(out.text), made_up::now - made_up::minute));
  return out;
}

std::string verdict(const SignedText& roster, const Trust& trust, WallMs now = made_up::now) {
  return why(verify_roster(roster, trust, now));
}

Roster full_roster() {
  Roster out = made_up::roster();
  out.prev = std::string(64, 'a');
  SigningKey subkey = made_up::key_of_person("ann's second key").public_key();
  subkey.not_after = made_up::now + made_up::day;
  out.investigators[0].keys.push_back(subkey);
  SigningKey rsa = fixtures::key("carol");
  out.investigators[1].keys.push_back(rsa);
  out.investigators[2].active = false;
  out.access["default"] = made_up::rule(2, {{"ann", 1}, {"ben", 1}});
  out.access["agentdestroy"] = made_up::rule(0, {});
  out.enrollers.resize(1);
  out.enrollers[0].octets.fill(3);
  out.revoked.resize(2);
  out.revoked[1].octets.fill(4);
  out.action_life_ms = 7 * made_up::day;
  return out;
}

template <class Change>
std::string refusal(Change change) {
  Json document = to_json(full_roster());
  change(document);
  return why(parse_roster(canonical_json(document)));
}

}  // namespace

TEST_CASE("a roster says after reading what it said before writing") {
  Bytes text = made_up::text_of(full_roster());
  Result<Roster> read = parse_roster(text);
  REQUIRE(why(read) == "accepted");
  CHECK(made_up::text_of(*read) == text);
  Roster wrote = full_roster();
  CHECK(read->investigators[0].keys == wrote.investigators[0].keys);
  CHECK(read->investigators[1].keys == wrote.investigators[1].keys);
  CHECK_FALSE(read->investigators[2].active);
  CHECK(read->access["default"].minimum_weight == 2);
  CHECK(read->access["default"].weights == wrote.access["default"].weights);
  CHECK(read->enrollers == wrote.enrollers);
  CHECK(read->revoked == wrote.revoked);
  CHECK(read->prev == wrote.prev);
  CHECK(read->action_life_ms == 7 * made_up::day);
}

TEST_CASE("a person is found by the primary fingerprint, and by each key that signs for her") {
  Roster roster = full_roster();
  const SigningKey* key = nullptr;
  const Investigator* ann = roster.by_fingerprint(made_up::key_of_person("ann").fingerprint());
  REQUIRE(ann != nullptr);
  CHECK(roster.by_key(made_up::key_of_person("ann's second key").fingerprint(), &key) == ann);
  CHECK(key->not_after != 0);
  CHECK(roster.by_fingerprint(made_up::key_of_person("ann's second key").fingerprint()) == nullptr);
  CHECK(roster.by_key(made_up::key_of_person("mallory").fingerprint(), &key) == nullptr);
}

TEST_CASE("a roster is refused for every looseness, in words") {
  CHECK(refusal([](Json&) {}) == "accepted");
  CHECK_THAT(refusal([](Json& r) { r["version"] = 0; }), Contains("roster: version: 0 is not a whole number in 1.."));
  CHECK_THAT(refusal([](Json& r) { r["prev"] = "aa"; }), Contains("roster: prev: must be empty or 64 hex digits"));
  CHECK_THAT(refusal([](Json& r) { r["expires"] = r["issued"]; }), Contains("roster: expires: is not after issued"));
  CHECK_THAT(refusal([](Json& r) { r["roots"] = 1; }), Contains("roster: roots: is not known here"));
  CHECK_THAT(refusal([](Json& r) { r.erase("access"); }), Contains("roster: access: is missing"));
  CHECK_THAT(refusal([](Json& r) { r["revoked"][0] = "00"; }), Contains("revoked[0]: must be 32 hex digits"));
  CHECK_THAT(refusal([](Json& r) { r["enrollers"][0] = std::string(64, 'F'); }), Contains("canonical form"));
  CHECK_THAT(refusal([](Json& r) { r["access"]["file"] = {{"minimumweight", -1}, {"weights", Json::object()}}; }),
             Contains("access.file.minimumweight: -1 is not"));
  CHECK_THAT(refusal([](Json& r) { r["access"]["default"]["weights"]["ann"] = 1; }),
             Contains("access.default.weights.ann: the name is not a fingerprint"));
  CHECK_THAT(refusal([](Json& r) { r["access"]["default"]["weights"][std::string(40, 'A')] = 1001; }),
             Contains("1001 is not a whole number in 0..1000"));
  CHECK_THAT(refusal([](Json& r) { r["investigators"][0]["keys"] = Json::array(); }), Contains("keys: has 0 entries"));
  CHECK_THAT(refusal([](Json& r) { r["investigators"][0]["keys"][0]["material"] = "00"; }),
             Contains("investigators[0].keys[0]: key"));
  CHECK_THAT(refusal([](Json& r) { r["investigators"][1]["keys"][1]["exponent"] = "010000"; }),
             Contains("the RSA exponent must be odd"));
  CHECK_THAT(refusal([](Json& r) { r["investigators"][0]["state"] = "away"; }), Contains("one of: active, revoked"));
  CHECK_THAT(refusal([](Json& r) { r["investigators"][1]["fingerprint"] = r["investigators"][0]["fingerprint"]; }),
             Contains("investigators[1]: this person stands twice"));
  CHECK_THAT(why(parse_roster(made_up::text_of(full_roster()) + " ")), Contains("canonical form"));
  CHECK_THAT(why(parse_roster("")), Contains("roster: json"));
}

TEST_CASE("one key cannot stand for two people, under its own or a made-up fingerprint") {
  CHECK_THAT(refusal([](Json& r) { r["investigators"][1]["keys"][0] = r["investigators"][0]["keys"][0]; }),
             Contains("stands there twice"));
  CHECK_THAT(refusal([](Json& r) {
               r["investigators"][1]["keys"][0]["material"] = r["investigators"][0]["keys"][0]["material"];
             }),
             Contains("stands there twice"));
}

TEST_CASE("a trust anchor is the hash of its roots and threshold, in any order") {
  Trust one = trust(2);
  std::vector<SigningKey> turned{one.roots[2], one.roots[0], one.roots[1]};
  CHECK(mesh_id_of(turned, 2) == one.mesh);
  CHECK(mesh_id_of(turned, 1) != one.mesh);
  CHECK(mesh_id_of({one.roots[0], one.roots[1]}, 2) != one.mesh);
  SigningKey other = one.roots[2];
  other.material[0] = static_cast<char>(other.material[0] ^ 1);
  CHECK(mesh_id_of({one.roots[0], one.roots[1], other}, 2) != one.mesh);

  Result<Trust> read = trust_from_json(to_json(one));
  REQUIRE(why(read) == "accepted");
  CHECK(read->mesh == one.mesh);
  CHECK(read->roots == one.roots);
  CHECK(read->threshold == 2);
  CHECK(read->name == "a mesh");
}

TEST_CASE("a trust anchor that contradicts itself is refused") {
  auto refused_trust = [](auto change) {
    Json json = to_json(trust(2));
    change(json);
    return why(trust_from_json(json));
  };
  CHECK_THAT(refused_trust([](Json& t) { t["threshold"] = 1; }), Contains("the id is not the hash of these roots"));
  CHECK_THAT(refused_trust([](Json& t) { t["threshold"] = 0; }), Contains("threshold: 0 is not a whole number"));
  CHECK_THAT(refused_trust([](Json& t) { t["threshold"] = 4; }), Contains("there are 3 roots"));
  CHECK_THAT(refused_trust([](Json& t) { t["roots"] = Json::array(); }), Contains("roots: has 0 entries"));
  CHECK_THAT(refused_trust([](Json& t) { t["roots"][1] = t["roots"][0]; }), Contains("stands there twice"));
  CHECK_THAT(refused_trust([](Json& t) { t["roots"][1]["material"] = t["roots"][0]["material"]; }),
             Contains("stands there twice"));
  CHECK_THAT(why(trust_from_json(Json())), Contains("trust: is null, not an object"));
}

TEST_CASE("a roster counts once enough different roots have signed it") {
  Trust two_of_three = trust(2);
  Roster roster = roster_for(two_of_three);
  CHECK(verdict(signed_roster({"root-1", "root-2"}, roster), two_of_three) == "accepted");
  CHECK(verdict(signed_roster({"root-3", "root-1", "root-2"}, roster), two_of_three) == "accepted");
  CHECK(verdict(signed_roster({"root-2"}, roster), two_of_three) ==
        "roster: signed by 1 of this mesh's 3 roots; 2 are needed");
  CHECK(verdict(signed_roster({"root-2", "root-2", "root-2"}, roster), two_of_three) ==
        "roster: signed by 1 of this mesh's 3 roots; 2 are needed");
  CHECK_THAT(verdict(signed_roster({"ann", "ben", "cid"}, roster), two_of_three), Contains("signed by 0 of"));
  CHECK_THAT(verdict(signed_roster({"root-1", "ann"}, roster), two_of_three), Contains("signed by 1 of"));
  CHECK_THAT(verdict(signed_roster({}, roster), two_of_three), Contains("signature: there is none"));
}

TEST_CASE("a threshold of nothing still wants one root") {
  Trust none = trust(1);
  none.threshold = 0;
  CHECK_THAT(verdict(signed_roster({"ann"}, roster_for(none)), none), Contains("signed by 0 of"));
}

TEST_CASE("one false root signature refuses a roster that enough roots signed") {
  Trust two_of_three = trust(2);
  Roster roster = roster_for(two_of_three);
  SignedText good = signed_roster({"root-1", "root-2", "root-3"}, roster);
  Roster other = roster;
  other.version = 8;
  for (std::size_t at = 0; at < 3; ++at) {
    SignedText mixed = good;
    mixed.signatures[at] = signed_roster({root_names[at]}, other).signatures[0];
    CHECK_THAT(verdict(mixed, two_of_three), Contains("signature " + std::to_string(at + 1) + " of 3: does not fit"));
    mixed.signatures[at] = "junk";
    CHECK_THAT(verdict(mixed, two_of_three), Contains("not an OpenPGP packet"));
  }
}

TEST_CASE("a roster is for one mesh, one time, and one kind of signature") {
  Trust one = trust(1);
  Roster roster = roster_for(one);
  CHECK(verdict(signed_roster({"root-1"}, roster), one, roster.expires) == "accepted");
  CHECK_THAT(verdict(signed_roster({"root-1"}, roster), one, roster.expires + made_up::day * 3),
             Contains("3d ago by this clock"));
  Roster foreign = roster;
  foreign.mesh = made_up::mesh();
  CHECK_THAT(verdict(signed_roster({"root-1"}, foreign), one), Contains("roster: of mesh"));
  Roster early = roster;
  early.issued = made_up::now + limits::clock_skew_ms + 1000;
  CHECK_THAT(verdict(signed_roster({"root-1"}, early), one), Contains("in the future by this clock"));
  early.issued = made_up::now + limits::clock_skew_ms;
  CHECK(verdict(signed_roster({"root-1"}, early), one) == "accepted");

  SignedText as_action{made_up::text_of(roster), {}};
  as_action.signatures = made_up::signed_by({"root-1"}, as_action.text).signatures;
  CHECK_THAT(verdict(as_action, one), Contains("does not fit the text"));
}

TEST_CASE("a roster over its bounds is refused before it is parsed") {
  Trust one = trust(1);
  Result<Roster> large = verify_roster({Bytes(limits::roster_bytes + 1, '{'), {"x"}}, one, made_up::now);
  REQUIRE_FALSE(large);
  CHECK(large.error().code == Code::too_large);
  SignedText many = signed_roster({"root-1"}, roster_for(one));
  many.signatures.resize(limits::signatures + 1, many.signatures[0]);
  CHECK_THAT(verdict(many, one), Contains("signature: 9 of them; at most 8"));
  many.signatures = {Bytes(limits::signature_bytes + 1, 'x')};
  CHECK_THAT(verdict(many, one), Contains("1025 bytes; at most 1024"));
}

TEST_CASE("a roster signed by the gpg of this machine is verified") {
  if (!fixtures::Gpg::present()) {
    WARN("skipped: there is no gpg on this machine");
    return;
  }
  fixtures::Gpg gpg;
  Trust one;
  one.roots = {gpg.make_key("root")};
  one.mesh = mesh_id_of(one.roots, 1);
  WallMs at = std::chrono::duration_cast<std::chrono::milliseconds>(
                  std::chrono::system_clock::now().time_since_epoch()).count();
  Roster roster = roster_for(one);
  roster.issued = at;
  roster.expires = at + made_up::day;
  SignedText travels{made_up::text_of(roster), {}};
  travels.signatures = {gpg.sign("root", roster_signing_text(travels.text))};
  CHECK(verdict(travels, one, at) == "accepted");
  CHECK_THAT(verdict(travels, trust(1), at), Contains("roster: of mesh "));
}
