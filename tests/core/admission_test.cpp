// Who may have what run: signers, weights, and everything admit() holds an action against.
#include <catch2/catch.hpp>

#include "node/core/limits.h"
#include "node/core/roster.h"
#include "tests/core/gpg_fixtures.h"
#include "tests/core/made_up_people.h"

using namespace mig::core;
using made_up::why;
using Catch::Contains;

namespace {

using Signers = std::vector<const Investigator*>;

Signers people(const Roster& roster, const std::vector<std::string>& names) {
  Signers out;
  for (const std::string& name : names)
    out.push_back(roster.by_fingerprint(made_up::key_of_person(name).fingerprint()));
  return out;
}

/// The verdict on modules asked for by people, under the rules.
std::string access(std::map<std::string, AccessRule> rules, const std::vector<std::string>& signers,
                   const std::vector<std::string>& modules = {"file"}) {
  Roster roster = made_up::roster();
  roster.access = std::move(rules);
  return why(check_access(made_up::action(modules), people(roster, signers), roster));
}

Roster open_roster() {
  Roster roster = made_up::roster();
  roster.access["default"] = made_up::rule(1, {{"ann", 1}, {"ben", 1}, {"cid", 1}});
  return roster;
}

Result<Admission> admitted(const SignedText& action, const Roster& roster = open_roster(), WallMs now = made_up::now) {
  return admit(action, roster, now);
}

/// A roster that holds the people of the gpg fixtures who may sign.
Roster gpg_roster() {
  Roster roster;
  roster.mesh = *MeshId::from(*from_hex("000102030405060708090a0b0c0d0e0f"));
  roster.version = 7;
  roster.issued = fixtures::now() - made_up::day;
  roster.expires = fixtures::now() + made_up::day;
  roster.access["default"] = AccessRule{1, {}};
  for (std::string name : {"alice", "bob", "carol", "fred", "gus", "rita"}) {
    Investigator person{name, fixtures::key(name).fingerprint, {fixtures::key(name)}};
    if (name == "alice") person.keys.push_back(fixtures::key("alice-subkey"));
    person.active = name != "rita";
    roster.access["default"].weights[person.fingerprint] = 1;
    roster.investigators.push_back(std::move(person));
  }
  return roster;
}

std::string gpg_verdict(const std::vector<std::string>& files, std::uint32_t minimum = 1) {
  Roster roster = gpg_roster();
  roster.access["default"].minimum_weight = minimum;
  SignedText action{fixtures::action_document(), {}};
  for (const std::string& file : files) action.signatures.push_back(fixtures::packet(file));
  return why(admit(action, roster, fixtures::now()));
}

}  // namespace

// --- MIG's access rules, as its own tests had them ---

TEST_CASE("a signer listed under the module may") {
  CHECK(access({{"file", made_up::rule(1, {{"ann", 1}})}}, {"ann"}) == "accepted");
}
TEST_CASE("a signer listed under default may, where the module has no entry") {
  CHECK(access({{"default", made_up::rule(1, {{"ann", 1}})}}, {"ann"}) == "accepted");
}
TEST_CASE("one of several listed signers suffices for a minimum of one") {
  CHECK(access({{"file", made_up::rule(1, {{"ann", 1}, {"ben", 1}, {"cid", 1}})}}, {"ben"}) == "accepted");
}
TEST_CASE("two listed signers reach a minimum of two, and so does one of weight two") {
  CHECK(access({{"file", made_up::rule(2, {{"ann", 1}, {"ben", 1}})}}, {"ann", "ben"}) == "accepted");
  CHECK(access({{"file", made_up::rule(2, {{"ann", 2}})}}, {"ann"}) == "accepted");
}
TEST_CASE("a minimum of two is not reached by one listed and one unlisted signer") {
  CHECK(access({{"file", made_up::rule(2, {{"ann", 1}, {"ben", 1}})}}, {"ann", "cid"}) == "weight 1 of 2 for file");
}
TEST_CASE("a signer not in the module's own list may not, whatever default says") {
  CHECK(access({{"file", made_up::rule(1, {{"ben", 1}})}, {"default", made_up::rule(1, {{"ann", 1}})}}, {"ann"}) ==
        "weight 0 of 1 for file");
}
TEST_CASE("a module with neither an entry nor a default is closed") {
  CHECK_THAT(access({{"netstat", made_up::rule(1, {{"ann", 1}})}}, {"ann"}),
             Contains("no rule for file and no default"));
}
TEST_CASE("a minimum of two is not reached by weight one") {
  CHECK(access({{"file", made_up::rule(2, {{"ann", 1}})}}, {"ann"}) == "weight 1 of 2 for file");
}
TEST_CASE("no signers at all may nothing") {
  CHECK(access({{"file", made_up::rule(1, {{"ann", 1}})}}, {}) == "weight 0 of 1 for file");
}
TEST_CASE("a minimum of nothing closes a module to everyone") {
  CHECK_THAT(access({{"file", made_up::rule(0, {{"ann", 1}})}}, {"ann"}), Contains("closes file to everyone"));
}
TEST_CASE("every operation must pass, not only the first") {
  std::map<std::string, AccessRule> one{{"file", made_up::rule(1, {{"ann", 1}})}};
  CHECK_THAT(access(one, {"ann"}, {"file", "pkg"}), Contains("no rule for pkg"));
  CHECK_THAT(access(one, {"ann"}, {"pkg", "file"}), Contains("no rule for pkg"));
  one["pkg"] = made_up::rule(2, {{"ann", 1}});
  CHECK(access(one, {"ann"}, {"file", "pkg"}) == "weight 1 of 2 for pkg");
  one["pkg"] = made_up::rule(1, {{"ann", 1}});
  CHECK(access(one, {"ann"}, {"file", "pkg"}) == "accepted");
}
TEST_CASE("module names are compared letter by letter") {
  CHECK_THAT(access({{"File", made_up::rule(1, {{"ann", 1}})}}, {"ann"}), Contains("no rule for file"));
}
TEST_CASE("a person handed in twice still counts once") {
  CHECK(access({{"file", made_up::rule(2, {{"ann", 1}})}}, {"ann", "ann"}) == "weight 1 of 2 for file");
}
TEST_CASE("large weights do not wrap around") {
  Roster roster = made_up::roster();
  roster.access["file"] = made_up::rule(1000, {{"ann", 0xffffffff}, {"ben", 0xffffffff}, {"cid", 2}});
  CHECK(why(check_access(made_up::action(), people(roster, {"ann", "ben", "cid"}), roster)) == "accepted");
}

// --- signers ---

TEST_CASE("who signed is told once each, in order, however often and with whatever key") {
  SoftKey second = made_up::key_of_person("ann's second key");
  Roster roster = made_up::roster();
  roster.investigators[0].keys.push_back(second.public_key());
  Bytes text = made_up::text_of(made_up::action());
  SignedText action = made_up::signed_by({"ben", "ann", "ann", "ben"}, text);
  action.signatures.push_back(second.sign(action_signing_text(text), made_up::now));
  auto signers = check_signers(action_signing_text(text), action.signatures, roster, made_up::now);
  REQUIRE(why(signers) == "accepted");
  CHECK(*signers == people(roster, {"ben", "ann"}));

  roster.access["default"] = made_up::rule(3, {{"ann", 1}, {"ben", 1}, {"cid", 1}});
  CHECK(why(admitted(action, roster)) == "weight 2 of 3 for file");
}

TEST_CASE("one bad signature among good ones refuses everything, wherever it stands") {
  Bytes text = made_up::text_of(made_up::action());
  SignedText good = made_up::signed_by({"ann", "ben"}, text);
  Bytes bad = made_up::signed_by({"cid"}, text + " ").signatures[0];
  for (std::size_t at = 0; at <= 2; ++at) {
    SignedText mixed = good;
    mixed.signatures.insert(mixed.signatures.begin() + static_cast<std::ptrdiff_t>(at), bad);
    CHECK_THAT(why(admitted(mixed)), Contains("signature " + std::to_string(at + 1) + " of 3: does not fit the text"));
  }
  SignedText stranger = good;
  stranger.signatures.push_back(made_up::signed_by({"mallory"}, text).signatures[0]);
  CHECK_THAT(why(admitted(stranger)), Contains("signature 3 of 3: made by key"));
}

TEST_CASE("a person whose rights are revoked spoils an action others signed well") {
  Roster roster = open_roster();
  roster.investigators[1].active = false;
  SignedText action = made_up::signed_by({"ann", "ben"}, made_up::text_of(made_up::action()));
  Result<Admission> got = admitted(action, roster);
  CHECK(why(got) == "signature 2 of 2: made by ben, whose rights roster 7 or a stop revokes");
  CHECK(got.error().code == Code::refused);
}

TEST_CASE("a commit or a mail signed with the same key is no action") {
  Bytes text = made_up::text_of(made_up::action());
  SignedText action{text, {made_up::key_of_person("ann").sign(text, made_up::now)}};
  CHECK_THAT(why(admitted(action)), Contains("does not fit the text"));
  action.signatures = {made_up::key_of_person("ann").sign(roster_signing_text(text), made_up::now)};
  CHECK_THAT(why(admitted(action)), Contains("does not fit the text"));
}

// --- admission ---

TEST_CASE("an action signed well, in its time and within the rules is admitted") {
  SignedText action = made_up::signed_by({"ann", "ben"}, made_up::text_of(made_up::action()));
  Result<Admission> got = admitted(action);
  REQUIRE(why(got) == "accepted");
  CHECK(got->action.id == action_id_of(action.text));
  CHECK(got->signers == std::vector<Fingerprint>{made_up::key_of_person("ann").fingerprint(),
                                                 made_up::key_of_person("ben").fingerprint()});
}

TEST_CASE("an action is refused outside its window, with the time that is missing") {
  SignedText action = made_up::signed_by({"ann"}, made_up::text_of(made_up::action()));
  WallMs from = made_up::action().valid_from, until = made_up::action().expire_after;
  CHECK(why(admitted(action, open_roster(), until)) == "accepted");
  CHECK(why(admitted(action, open_roster(), until + 1)) == "action: expired 0s ago by this clock");
  CHECK(why(admitted(action, open_roster(), until + 2 * 60 * made_up::minute)) ==
        "action: expired 2h ago by this clock");
  CHECK(why(admitted(action, open_roster(), from - limits::clock_skew_ms)) == "accepted");

  Action later = made_up::action();  // signed now, to begin tomorrow
  later.valid_from = made_up::now + made_up::day;
  later.expire_after = made_up::now + 2 * made_up::day;
  CHECK_THAT(why(admitted(made_up::signed_by({"ann"}, made_up::text_of(later)))),
             Contains("24h from now by this clock"));
}

TEST_CASE("a relay keeps an action that nobody may start any more until its answers are in") {
  SignedText action = made_up::signed_by({"ann"}, made_up::text_of(made_up::action()));
  const WallMs until = made_up::action().expire_after, end = made_up::action().result_by();
  CHECK(why(admit(action, open_roster(), end, Purpose::keep)) == "accepted");
  CHECK_THAT(why(admit(action, open_roster(), end + 1, Purpose::keep)), Contains("expired"));
  CHECK_THAT(why(admit(action, open_roster(), until + 1, Purpose::start)), Contains("expired"));
}

TEST_CASE("a roster may shorten how long actions are valid, never lengthen it") {
  Action action = made_up::action();
  action.expire_after = action.valid_from + 8 * made_up::day;
  SignedText long_one = made_up::signed_by({"ann"}, made_up::text_of(action));
  Roster roster = open_roster();
  CHECK(why(admitted(long_one, roster)) == "accepted");
  roster.action_life_ms = 7 * made_up::day;
  CHECK(why(admitted(long_one, roster)) == "action: valid for 8d; the roster allows 7d");
  roster.action_life_ms = 60 * made_up::day;
  CHECK(why(admitted(long_one, roster)) == "accepted");
}

TEST_CASE("an action for another mesh is refused") {
  Action action = made_up::action();
  action.mesh.octets[0] ^= 1;
  CHECK_THAT(why(admitted(made_up::signed_by({"ann"}, made_up::text_of(action)))), Contains("action: for mesh"));
}

TEST_CASE("an action that wants a newer roster can be tried again later") {
  Action action = made_up::action();
  action.roster_version = 8;
  Result<Admission> got = admitted(made_up::signed_by({"ann"}, made_up::text_of(action)));
  REQUIRE_FALSE(got);
  CHECK(got.error().code == Code::later);
  CHECK(got.error().text == "action: wants roster 8 or newer; version 7 is held here");
  action.roster_version = 3;
  CHECK(why(admitted(made_up::signed_by({"ann"}, made_up::text_of(action)))) == "accepted");
}

TEST_CASE("under a roster that has expired nothing is admitted until a newer one comes") {
  SignedText action = made_up::signed_by({"ann"}, made_up::text_of(made_up::action()));
  Roster roster = open_roster();
  roster.expires = made_up::now - 3 * made_up::day;
  Result<Admission> got = admitted(action, roster);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == Code::later);
  CHECK(got.error().text == "roster: version 7 expired 3d ago by this clock; a newer one is needed");
}

TEST_CASE("an action altered anywhere, its target widened or its id swapped is refused") {
  SignedText action = made_up::signed_by({"ann"}, made_up::text_of(made_up::action()));
  REQUIRE(admitted(action));
  for (std::size_t i = 0; i < action.text.size(); ++i) {
    SignedText altered = action;
    altered.text[i] = static_cast<char>(altered.text[i] ^ 1);
    REQUIRE_FALSE(admitted(altered));
  }
  Action wider = made_up::action();
  wider.target = "all";
  CHECK_THAT(why(admitted({made_up::text_of(wider), action.signatures})), Contains("does not fit the text"));
  Action again = made_up::action();
  again.nonce = Bytes(16, '\x01');
  CHECK_THAT(why(admitted({made_up::text_of(again), action.signatures})), Contains("does not fit the text"));
}

TEST_CASE("a well-signed text that is no strict action is refused") {
  Bytes text = made_up::text_of(made_up::action());
  CHECK_THAT(why(admitted(made_up::signed_by({"ann"}, text + " "))), Contains("canonical form"));
  Bytes twice = text;
  twice.insert(1, "\"target\":\"all\",");
  CHECK_THAT(why(admitted(made_up::signed_by({"ann"}, twice))), Contains("stands twice"));
  CHECK_THAT(why(admitted(made_up::signed_by({"ann"}, "hello"))), Contains("action: json"));
}

TEST_CASE("sizes and counts are looked at before any signature") {
  SignedText action = made_up::signed_by({"ann"}, made_up::text_of(made_up::action()));
  SignedText many = action, large = action, none = action, long_text = action;
  many.signatures.resize(limits::signatures + 1, action.signatures[0]);
  CHECK(why(admitted(many)) == "signature: 9 of them; at most 8 are allowed");
  large.signatures.push_back(Bytes(limits::signature_bytes + 1, 'x'));
  CHECK(why(admitted(large)) == "signature: 1025 bytes; at most 1024 are allowed");
  none.signatures.clear();
  CHECK(why(admitted(none)) == "signature: there is none");
  long_text.text.append(limits::action_bytes, ' ');
  REQUIRE_FALSE(admitted(long_text));
  CHECK(admitted(long_text).error().code == Code::too_large);
}

TEST_CASE("a roster without people admits nothing") {
  Roster empty = open_roster();
  empty.investigators.clear();
  CHECK_THAT(why(admitted(made_up::signed_by({"ann"}, made_up::text_of(made_up::action())), empty)),
             Contains("which roster 7 does not hold"));
}

// --- the same with signatures by a real gpg ---

TEST_CASE("people who sign through gpg are admitted") {
  for (std::string file : {"alice-SHA256.sig", "alice-SHA384.sig", "alice-SHA512.sig", "alice-subkey.sig", "bob.sig",
                           "carol.sig", "zero-r.sig", "zero-s.sig", "lasting.sig", "sender.sig"}) {
    INFO(file);
    CHECK(gpg_verdict({file}) == "accepted");
  }
  CHECK(gpg_verdict({"alice-SHA256.sig", "bob.sig", "carol.sig"}, 3) == "accepted");
  CHECK(gpg_verdict({"carol.sig", "alice-subkey.sig"}, 2) == "accepted");
}

TEST_CASE("what gpg signed but must not count is refused") {
  CHECK(gpg_verdict({"sha1.sig"}) == "signature: made with SHA-1; SHA-256 or better is needed");
  CHECK_THAT(gpg_verdict({"dated-2030.sig"}), Contains("dated 2030-01-01T00:00:00Z"));
  CHECK_THAT(gpg_verdict({"expired.sig"}), Contains("its own validity ended"));
  CHECK_THAT(gpg_verdict({"expired-key.sig"}), Contains("expired 2026-02-01T00:00:00Z"));
  CHECK(gpg_verdict({"rita.sig"}) == "signature: made by rita, whose rights roster 7 or a stop revokes");
  CHECK_THAT(gpg_verdict({"mallory.sig"}), Contains("which roster 7 does not hold"));
  CHECK_THAT(gpg_verdict({"text-mode.sig"}), Contains("text mode"));
  CHECK_THAT(gpg_verdict({"critical-notation.sig"}), Contains("marked critical"));
  CHECK_THAT(gpg_verdict({"armored.sig"}), Contains("ASCII armor"));
  CHECK_THAT(gpg_verdict({"clear.sig"}), Contains("signature: "));
  CHECK_THAT(gpg_verdict({"inline.sig"}), Contains("a signed message, not a detached signature"));
  CHECK_THAT(gpg_verdict({"compressed.sig"}), Contains("signature: "));
  CHECK_THAT(gpg_verdict({"short-rsa.sig"}), Contains("RSA with 1024 bits"));
  CHECK_THAT(gpg_verdict({"dsa.sig"}), Contains("made with DSA"));
  CHECK_THAT(gpg_verdict({"ecdsa.sig"}), Contains("made with ECDSA"));
}

TEST_CASE("a key that may not sign does not, even with a signature that fits (forged through an ssh agent)") {
  CHECK_THAT(gpg_verdict({"authentication.sig"}), Contains("which roster 7 does not hold"));
  CHECK_THAT(gpg_verdict({"encryption.sig"}), Contains("which roster 7 does not hold"));
}

TEST_CASE("the same signature twice, and two keys of one person, weigh as one person") {
  CHECK(gpg_verdict({"alice-SHA256.sig", "alice-SHA256.sig"}, 2) == "weight 1 of 2 for file");
  CHECK(gpg_verdict({"alice-SHA256.sig", "alice-SHA512.sig"}, 2) == "weight 1 of 2 for file");
  CHECK(gpg_verdict({"alice-SHA256.sig", "alice-subkey.sig"}, 2) == "weight 1 of 2 for file");
}

TEST_CASE("good then bad and bad then good are refused, as two items and as two packets in one") {
  CHECK_THAT(gpg_verdict({"alice-SHA256.sig", "other-text.sig"}), Contains("signature 2 of 2: does not fit the text"));
  CHECK_THAT(gpg_verdict({"other-text.sig", "alice-SHA256.sig"}), Contains("signature 1 of 2: does not fit the text"));
  CHECK_THAT(gpg_verdict({"good-then-bad.sig"}), Contains("exactly one signature"));
  CHECK_THAT(gpg_verdict({"bad-then-good.sig"}), Contains("exactly one signature"));
}
