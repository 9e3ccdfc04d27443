#include "node/core/identity.h"

#include <catch2/catch.hpp>
#include <map>
#include <tuple>

#include "node/core/identity_fields.h"
#include "node/core/limits.h"
#include "node/core/random.h"

using namespace mig::core;

namespace {

Seed seed(unsigned char fill) {
  Seed out;
  out.octets.fill(fill);
  return out;
}
constexpr WallMs day = 24LL * 3600 * 1000, now = 20'000 * day;

Certificate some_certificate(const Keys& node) {
  Certificate c;
  c.role = Role::agent, c.sign_key = node.sign_public(), c.link_key = node.link_public(), c.name = "web-1";
  c.segment = "DMZ", c.tags = {{"owner", "ops"}, {"rack", "7"}}, c.not_before = now - day, c.not_after = now + 30 * day;
  c.serial = 12;
  return c;
}
Roster roster_of(const Keys& enroller) {
  Roster roster;
  roster.version = 3;
  roster.enrollers = {enroller.sign_public()};
  return roster;
}
template <class T>
std::string why(const Result<T>& result) {
  return result ? "accepted" : result.error().text;
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The same text with one octet changed in the middle of its signed body.
Bytes altered(Bytes bytes) {
  bytes[bytes.size() / 3] ^= 1;
  return bytes;
}

Invite some_invite(const Keys& secret) {
  Invite invite;
  invite.id = Bytes(16, 'i'), invite.role = Role::agent, invite.key = secret.sign_public();
  invite.tags = {{"owner", "ops"}}, invite.segment = "DMZ", invite.uses = 5, invite.not_after = now + day;
  return invite;
}

}  // namespace

TEST_CASE("keys are derived from the seed alone, as MESSAGES.md states them") {
  Keys a(seed(1)), again(seed(1)), b(seed(2));
  CHECK(a.sign_public() == again.sign_public());
  CHECK(a.link_public() == again.link_public());
  CHECK(a.link_secret() == again.link_secret());
  CHECK(a.id() == node_id_of(a.sign_public()));
  CHECK(a.sign_public() != b.sign_public());
  CHECK(a.link_public() != b.link_public());
  CHECK(a.sign_public().view() != a.link_public().view());
}

TEST_CASE("a signature holds for its domain, text and key only") {
  Keys keys(seed(1)), other(seed(2));
  Bytes signature = keys.sign(domain::row, "text");
  REQUIRE(signature.size() == 64);
  CHECK(verify(domain::row, "text", signature, keys.sign_public()));
  CHECK(!verify(domain::pull, "text", signature, keys.sign_public()));
  CHECK(!verify(domain::row, "texts", signature, keys.sign_public()));
  CHECK(!verify(domain::row, "text", signature, other.sign_public()));
  CHECK(!verify(domain::row, "text", signature.substr(1), keys.sign_public()));
  CHECK(!verify(domain::row, "text", "", keys.sign_public()));
  // What moves from the domain into the text signs something else.
  CHECK(!verify("mesh1:ro", "wtext", signature, keys.sign_public()));
  CHECK(!verify("mesh1:ro", Bytes("w\0text", 6), signature, keys.sign_public()));
}

TEST_CASE("a certificate says whose keys these are as long as its enroller is in the roster") {
  Keys enroller(seed(1)), node(seed(2));
  Roster roster = roster_of(enroller);
  Bytes bytes = issue(some_certificate(node), enroller);
  auto read = verify_certificate(bytes, roster, now);
  INFO(why(read));
  REQUIRE(read);
  Certificate expected = some_certificate(node);
  expected.enroller = enroller.sign_public();
  auto all = [](const Certificate& c) {
    return std::tie(c.role, c.sign_key, c.link_key, c.name, c.segment, c.tags, c.not_before, c.not_after, c.serial, c.enroller);
  };
  CHECK(all(*read) == all(expected));
  CHECK(read->id() == node.id());
  CHECK(read_certificate(bytes)->name == "web-1");

  SECTION("not with another enroller") {
    CHECK(has(why(verify_certificate(issue(some_certificate(node), Keys(seed(9))), roster, now)), "not in roster 3"));
  }
  SECTION("not when the node is revoked") {
    roster.revoked = {node.id()};
    CHECK(has(why(verify_certificate(bytes, roster, now)), "is revoked"));
  }
  SECTION("not outside its time, skew allowed at the beginning only") {
    CHECK(verify_certificate(bytes, roster, now - day - limits::clock_skew_ms));
    CHECK(has(why(verify_certificate(bytes, roster, now - day - limits::clock_skew_ms - 1)), "not valid before"));
    CHECK(verify_certificate(bytes, roster, now + 30 * day - 1));
    CHECK(has(why(verify_certificate(bytes, roster, now + 30 * day)), "expired at"));
  }
  SECTION("not when altered, cut or followed by something") {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      Bytes bad = bytes;
      bad[i] ^= 1;
      CHECK(!verify_certificate(bad, roster, now));
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) CHECK(!verify_certificate(bytes.substr(0, i), roster, now));
    CHECK(!verify_certificate(bytes + "x", roster, now));
  }
  SECTION("not for an investigator") {
    Certificate wrong = some_certificate(node);
    wrong.role = Role::investigator;
    CHECK(has(why(verify_certificate(issue(wrong, enroller), roster, now)), "role must be relay or agent"));
  }
}

TEST_CASE("a certificate that names a trusted enroller but is signed by another key is refused") {
  Keys enroller(seed(1)), forger(seed(8)), node(seed(2));
  Certificate c = some_certificate(node);
  c.enroller = enroller.sign_public();
  Bytes body = codec::pack(c);
  Bytes forged = codec::pack(codec::Signed{body, forger.sign(domain::certificate, body)});
  CHECK(has(why(verify_certificate(forged, roster_of(enroller), now)), "signature does not hold"));
}

TEST_CASE("a ticket is the agent's own word") {
  Keys agent(seed(1)), other(seed(2));
  Ticket ticket{agent.id(), 17, other.id(), now};
  Bytes bytes = write_ticket(ticket, agent);
  CHECK(bytes.size() <= limits::ticket_bytes);
  auto read = verify_ticket(bytes, agent.sign_public());
  REQUIRE(read);
  CHECK(std::tie(read->agent, read->attach_seq, read->relay, read->at) ==
        std::tie(ticket.agent, ticket.attach_seq, ticket.relay, ticket.at));
  CHECK(!verify_ticket(bytes, other.sign_public()));
  CHECK(!verify_ticket(altered(bytes), agent.sign_public()));
  ticket.agent = other.id();
  CHECK(has(why(verify_ticket(write_ticket(ticket, agent), agent.sign_public())), "another agent"));
}

TEST_CASE("an invite holds until it expires") {
  Keys enroller(seed(1)), secret(seed(5));
  Bytes bytes = write_invite(some_invite(secret), enroller);
  auto read = verify_invite(bytes, enroller.sign_public(), now);
  REQUIRE(read);
  Invite expected = some_invite(secret);
  auto all = [](const Invite& i) { return std::tie(i.id, i.role, i.key, i.tags, i.segment, i.uses, i.not_after); };
  CHECK(all(*read) == all(expected));
  CHECK(has(why(verify_invite(bytes, enroller.sign_public(), now + day)), "expired"));
  CHECK(!verify_invite(bytes, secret.sign_public(), now));
  CHECK(!verify_invite(altered(bytes), enroller.sign_public(), now));
  Invite none = some_invite(secret);
  none.uses = 0;
  CHECK(!verify_invite(write_invite(none, enroller), enroller.sign_public(), now));
}

TEST_CASE("an enrol request proves the invite's secret and the node's key") {
  Keys enroller(seed(1)), node(seed(2));
  Bytes invite = write_invite(some_invite(Keys(seed(5))), enroller);
  EnrolRequest request{invite, node.sign_public(), node.link_public(), "web-1", "DMZ", {{"rack", "7"}}};
  auto read = read_enrol_request(write_enrol_request(request, seed(5), node));
  INFO(why(read));
  REQUIRE(read);
  auto all = [](const EnrolRequest& r) { return std::tie(r.invite, r.sign_key, r.link_key, r.name, r.segment, r.tags); };
  CHECK(all(*read) == all(request));
  CHECK(has(why(read_enrol_request(write_enrol_request(request, seed(6), node))), "secret of its invite"));
  CHECK(has(why(read_enrol_request(write_enrol_request(request, seed(5), Keys(seed(3))))), "the key it wants certified"));
  CHECK(!read_enrol_request(altered(write_enrol_request(request, seed(5), node))));
}

TEST_CASE("a renewal proves the key of the certificate that it renews") {
  Keys enroller(seed(1)), node(seed(2));
  const Bytes certificate = issue(some_certificate(node), enroller);
  auto read = read_enrol_request(write_renewal(certificate, node));
  INFO(why(read));
  REQUIRE(read);
  CHECK(read->renews);
  CHECK(read->invite == certificate);
  CHECK(read->sign_key == node.sign_public());
  CHECK(has(why(read_enrol_request(write_renewal(certificate, Keys(seed(3))))), "not signed with the key of the certificate it renews"));
  CHECK(!read_enrol_request(altered(write_renewal(certificate, node))));
}

TEST_CASE("an enrol answer is a certificate with a roster, or a reason") {
  EnrolAnswer yes{"certificate", {"roster", {"s1", "s2"}}, ""};
  auto read = read_enrol_answer(write_enrol_answer(yes));
  REQUIRE(read);
  CHECK(read->certificate == yes.certificate);
  CHECK(read->roster == yes.roster);
  CHECK(read->refused.empty());
  CHECK(read_enrol_answer(write_enrol_answer({"", {}, "the invite is used up"}))->refused == "the invite is used up");
  CHECK(!read_enrol_answer(write_enrol_answer({})));
}

TEST_CASE("addresses are checked before anything is dialled or bound") {
  for (const char* good : {"tcp://10.0.0.1:7447", "tcp://relay-1.example.org:1", "tcp://[2001:db8::7]:65535",
                           "tcp://[::1]:7447", "tcp://localhost:7447"}) {
    INFO(good);
    CHECK(check_address(good));
    CHECK(check_address(good, true));
  }
  for (const char* listening : {"tcp://*:7447", "tcp://0.0.0.0:7447", "tcp://[::]:7447", "tcp://127.0.0.1:*", "tcp://*:*"}) {
    INFO(listening);
    CHECK(!check_address(listening));
    CHECK(check_address(listening, true));
  }
  for (const char* bad : {"", "10.0.0.1:7447", "udp://10.0.0.1:7447", "tcp://10.0.0.1", "tcp://:7447", "tcp://h:0", "tcp://h:65536",
                          "tcp://h:7x", "tcp://h:", "tcp://h: 1", "tcp://::1:7447", "tcp://[::1:7447", "tcp://[]:1", "tcp://[1.2.3.4]:1",
                          "tcp://10.0.0:7447", "tcp://10.0.0.256:7447", "tcp://a b:1", "tcp://a/b:1", "tcp://-a:1", "tcp://h:+1"}) {
    INFO(bad);
    CHECK(!check_address(bad));
    CHECK(!check_address(bad, true));
  }
  CHECK(has(why(check_address("10.0.0.1:7447")), "tcp://HOST:PORT"));
}

TEST_CASE("an endpoint is an address and the key it must prove") {
  Endpoint endpoint{"tcp://[::1]:7447", Keys(seed(1)).link_public()};
  CHECK(*endpoint_from_text(to_text(endpoint)) == endpoint);
  CHECK(to_text(endpoint).size() == endpoint.address.size() + 65);
  CHECK(has(why(endpoint_from_text("tcp://h:1")), "key is missing"));
  CHECK(has(why(endpoint_from_text("tcp://h:1#abcd")), "64 hex digits"));
  CHECK(!endpoint_from_text("tcp://*:1#" + endpoint.key.hex()));
}

TEST_CASE("roles have names") {
  CHECK(to_text(Role::relay) == "relay");
  CHECK(to_text(Role::agent) == "agent");
  CHECK(to_text(Role::investigator) == "investigator");
}
