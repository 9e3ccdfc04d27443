#include <catch2/catch.hpp>
#include <map>
#include <tuple>

#include "node/core/identity.h"
#include "node/core/json.h"
#include "node/core/limits.h"
#include "node/core/soft_key.h"

using namespace mig::core;

namespace {

Seed seed(unsigned char fill) {
  Seed out;
  out.octets.fill(fill);
  return out;
}
constexpr WallMs hour = 3600 * 1000, now = 20'000 * 24 * hour;

template <class T>
std::string why(const Result<T>& result) {
  return result ? "accepted" : result.error().text;
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Two investigators and a third person the roster does not know.
struct People {
  SoftKey alice{seed(1), now - 24 * hour}, bob{seed(2), now - 24 * hour}, mallory{seed(3), now - 24 * hour};
  Roster roster;
  Keys keys{seed(4)};

  People() {
    roster.version = 1, roster.issued = now - hour, roster.expires = now + 1000 * hour;
    roster.investigators = {{"Alice", alice.fingerprint(), {alice.public_key()}, true},
                            {"Bob", bob.fingerprint(), {bob.public_key()}, true}};
  }
  Session session() const {
    return {alice.fingerprint(), keys.link_public(), keys.sign_public(), *SinkId::from(Bytes(16, 's')), now + 12 * hour};
  }
  Bytes packed(const Session& session, const SoftKey& signer) const { return packed_text(session_text(session), signer); }
  Bytes packed_text(const Bytes& text, const SoftKey& signer) const {
    return pack_session({text, {signer.sign(session_signing_text(text), now)}});
  }
  std::string answer(const Bytes& bytes) const { return why(verify_session(bytes, roster, now)); }
};

Trust some_trust(const SoftKey& root) {
  Trust trust;
  trust.roots = {root.public_key()};
  trust.mesh = mesh_id_of(trust.roots, 1);
  trust.name = "acme";
  return trust;
}

}  // namespace

TEST_CASE("a session that an active investigator signed is accepted with her name") {
  People p;
  auto verified = verify_session(p.packed(p.session(), p.alice), p.roster, now);
  INFO(why(verified));
  REQUIRE(verified);
  CHECK(verified->name == "Alice");
  auto all = [](const Session& s) { return std::tie(s.investigator, s.link_key, s.sign_key, s.sink, s.not_after); };
  Session expected = p.session();
  CHECK(all(verified->session) == all(expected));
}

TEST_CASE("a session text is canonical and begins with its line when signed") {
  People p;
  Bytes text = session_text(p.session());
  CHECK(canonical_json(*parse_json(text, 4096)) == text);
  CHECK(session_signing_text(text) == "MIG Mesh session 1\n" + text);
}

TEST_CASE("a session is refused when it lasts too long, is over, or names another person") {
  People p;
  Session s = p.session();
  s.not_after = now + 12 * hour + limits::clock_skew_ms + 1;
  CHECK(has(p.answer(p.packed(s, p.alice)), "more than 12 h"));
  s.not_after = now;
  CHECK(has(p.answer(p.packed(s, p.alice)), "expired"));
  s.not_after = now + 1;
  CHECK(p.answer(p.packed(s, p.alice)) == "accepted");
  CHECK(has(p.answer(p.packed(s, p.bob)), "but Bob signed it"));
}

TEST_CASE("a session needs exactly one good signature of an active person") {
  People p;
  Bytes text = session_text(p.session()), good = p.alice.sign(session_signing_text(text), now);
  CHECK(p.answer(pack_session({text, {good}})) == "accepted");
  CHECK(has(p.answer(pack_session({text, {}})), "exactly one"));
  CHECK(has(p.answer(pack_session({text, {good, good}})), "exactly one"));
  CHECK(p.answer(p.packed(p.session(), p.mallory)) != "accepted");
  CHECK(p.answer(pack_session({text, {p.alice.sign(text, now)}})) != "accepted");  // without the line in front
  CHECK(p.answer(pack_session({text, {p.alice.sign("MIG Mesh action 3\n" + text, now)}})) != "accepted");
  Bytes bad = text;
  bad[20] ^= 1;
  CHECK(p.answer(pack_session({bad, {good}})) != "accepted");
  p.roster.investigators[0].active = false;
  CHECK(p.answer(pack_session({text, {good}})) != "accepted");
}

TEST_CASE("a signed session whose text is not one is refused") {
  People p;
  Json json = *parse_json(session_text(p.session()), 4096);
  auto with = [&](const char* field, Json value) {
    Json changed = json;
    changed[field] = std::move(value);
    return p.answer(p.packed_text(canonical_json(changed), p.alice));
  };
  CHECK(with("sink", json["sink"]) == "accepted");
  CHECK(has(with("sink", "abcd"), "sink must be 32 hex digits"));
  CHECK(has(with("link_key", 5), "link_key must be a text"));
  CHECK(has(with("not_after", "tomorrow"), "not_after"));
  CHECK(has(with("investigator", "Alice"), "fingerprint"));
  CHECK(has(with("extra", 1), "five fields"));
  CHECK(p.answer(p.packed_text("[1,2,3,4,5]", p.alice)) != "accepted");
  CHECK(p.answer(p.packed_text("{", p.alice)) != "accepted");
  CHECK(p.answer(p.packed_text(Bytes(limits::session_bytes + 1, ' '), p.alice)) != "accepted");
  CHECK(p.answer("") != "accepted");
  CHECK(p.answer(p.packed(p.session(), p.alice) + "x") != "accepted");
}

TEST_CASE("a join string brings everything back, also through a mail that broke it") {
  SoftKey root(seed(9), now);
  JoinString join;
  join.trust = some_trust(root);
  join.role = Role::relay;
  join.relays = {{"tcp://h1:7447", Keys(seed(1)).link_public()}, {"tcp://[::1]:7448", Keys(seed(2)).link_public()}};
  join.enroller = Keys(seed(3)).sign_public();
  join.invite = Bytes("\x00\xff invite", 9);
  join.invite_secret = seed(5);
  std::string text = to_text(join);
  CHECK(text.substr(0, 5) == "mig1.");
  auto same = [&](const Result<JoinString>& read) {
    INFO(why(read));
    REQUIRE(read);
    CHECK(read->trust.mesh == join.trust.mesh);
    CHECK(read->trust.roots == join.trust.roots);
    CHECK(read->trust.name == "acme");
    CHECK(read->role == Role::relay);
    CHECK(read->relays == join.relays);
    CHECK(read->enroller == join.enroller);
    CHECK(read->invite == join.invite);
    CHECK(read->invite_secret == join.invite_secret);
    CHECK(!read->enroller_seed);
    CHECK(!read->node_seed);
    CHECK(!read->roster);
  };
  same(join_from_text(text));
  std::string broken = "  ";
  for (std::size_t i = 0; i < text.size(); ++i) {
    broken += text[i];
    if (i % 60 == 59) broken += "\r\n\t";
  }
  same(join_from_text(broken + "\n"));
}

TEST_CASE("the first relay's join string carries the enroller and the roster") {
  SoftKey root(seed(9), now);
  JoinString join;
  join.trust = some_trust(root);
  join.role = Role::relay;
  join.enroller_seed = seed(6), join.node_seed = seed(7);
  join.roster = SignedText{"{\"version\":1}", {Bytes("\x00sig", 4), "other"}};
  auto read = join_from_text(to_text(join));
  INFO(why(read));
  REQUIRE(read);
  CHECK(read->enroller_seed == seed(6));
  CHECK(read->node_seed == seed(7));
  CHECK(read->roster == join.roster);
  CHECK(!read->invite_secret);
}

TEST_CASE("a damaged join string says so in words") {
  SoftKey root(seed(9), now);
  JoinString join;
  join.trust = some_trust(root);
  join.relays = {{"tcp://h1:7447", Keys(seed(1)).link_public()}};
  std::string text = to_text(join);
  CHECK(has(why(join_from_text("")), "begins with mig1."));
  CHECK(has(why(join_from_text("hello")), "begins with mig1."));
  CHECK(has(why(join_from_text("mig2.abc")), "another version"));
  CHECK(has(why(join_from_text("mig1.")), "cut off"));
  CHECK(has(why(join_from_text("mig1.***")), "cut off or altered"));
  for (std::size_t i = 0; i < text.size(); ++i) CHECK(!join_from_text(text.substr(0, i)));
  CHECK(has(why(join_from_text(text.substr(0, text.size() - 10))), "cut off"));
  CHECK(has(why(join_from_text("mig1." + to_base64url("{}"))), "trust anchor"));
}
