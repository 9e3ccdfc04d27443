#include "node/core/identity.h"

#include <sodium.h>

#include "node/core/check.h"
#include "node/core/identity_fields.h"

namespace mig::core {
namespace {

constexpr char kdf_context[8] = {'m', 'i', 'g', '-', 'm', 'e', 's', 'h'};
constexpr WallMs session_life_ms = 12LL * 3600 * 1000;

const unsigned char* raw(BytesView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

/// What Ed25519 signs: the domain string, a zero octet (no domain holds one), the bytes.
Bytes message_of(std::string_view domain, BytesView bytes) {
  Bytes out(domain);
  out += '\0';
  out += bytes;
  return out;
}

template <class T>
Bytes sign_statement(std::string_view domain, const T& value, const Keys& keys) {
  codec::Statement statement{codec::pack(value), {}};
  statement.signature = keys.sign(domain, statement.text);
  return codec::pack(statement);
}

template <class T>
Result<T> read_statement(BytesView bytes) {
  auto statement = codec::unpack<codec::Statement>(bytes);
  if (!statement) return statement.error();
  return codec::unpack<T>(statement->text);
}

bool statement_holds(std::string_view domain, BytesView bytes, const SignPublic& key) {
  auto statement = codec::unpack<codec::Statement>(bytes);
  return statement && verify(domain, statement->text, statement->signature, key);
}

}  // namespace

std::string_view to_text(Role role) {
  switch (role) {
    case Role::relay: return "relay";
    case Role::agent: return "agent";
    case Role::investigator: return "investigator";
  }
  return "?";
}

Keys::Keys(const Seed& seed) {
  MIG_CHECK(sodium_init() >= 0, "libsodium must initialise");
  unsigned char sub[32], sign_public[32], link_public[32], link_secret[32];
  crypto_kdf_derive_from_key(sub, sizeof sub, 1, kdf_context, seed.octets.data());
  crypto_sign_seed_keypair(sign_public, sign_secret_.data(), sub);
  crypto_kdf_derive_from_key(sub, sizeof sub, 2, kdf_context, seed.octets.data());
  crypto_box_seed_keypair(link_public, link_secret, sub);
  std::copy_n(sign_public, 32, sign_public_.octets.begin());
  std::copy_n(link_public, 32, link_public_.octets.begin());
  std::copy_n(link_secret, 32, link_secret_.octets.begin());
  id_ = node_id_of(sign_public_);
  sodium_memzero(sub, sizeof sub);
  sodium_memzero(link_secret, sizeof link_secret);
}

Bytes Keys::sign(std::string_view domain, BytesView bytes) const {
  const Bytes message = message_of(domain, bytes);
  Bytes signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, raw(message), message.size(), sign_secret_.data());
  return signature;
}

bool verify(std::string_view domain, BytesView bytes, BytesView signature, const SignPublic& key) {
  if (signature.size() != crypto_sign_BYTES) return false;
  const Bytes message = message_of(domain, bytes);
  return crypto_sign_verify_detached(raw(signature), raw(message), message.size(), key.octets.data()) == 0;
}

// ---- certificates and tickets ----

Bytes issue(const Certificate& certificate, const Keys& enroller) { return sign_statement(domain::certificate, certificate, enroller); }

Result<Certificate> read_certificate(BytesView certificate) { return read_statement<Certificate>(certificate); }

Result<Certificate> verify_certificate(BytesView bytes, const Roster& roster, WallMs now) {
  auto certificate = read_certificate(bytes);
  if (!certificate) return certificate.error();
  if (std::find(roster.enrollers.begin(), roster.enrollers.end(), certificate->enroller) == roster.enrollers.end())
    return refused("certificate: its enroller is not in the roster");
  if (now < certificate->not_before - limits::clock_skew_ms) return refused("certificate: not valid yet by this clock");
  if (now > certificate->not_after + limits::clock_skew_ms)
    return refused("certificate: expired at " + to_rfc3339(certificate->not_after));
  if (std::find(roster.revoked.begin(), roster.revoked.end(), certificate->id()) != roster.revoked.end())
    return refused("certificate: revoked by the roster");
  if (!statement_holds(domain::certificate, bytes, certificate->enroller))
    return refused("certificate: the enroller's signature does not hold");
  return certificate;
}

Bytes write_ticket(const Ticket& ticket, const Keys& agent) { return sign_statement(domain::ticket, ticket, agent); }

Result<Ticket> verify_ticket(BytesView bytes, const SignPublic& agent_key) {
  if (!statement_holds(domain::ticket, bytes, agent_key)) return refused("ticket: the agent's signature does not hold");
  return read_statement<Ticket>(bytes);
}

// ---- sessions ----

Bytes session_text(const Session& session) {
  return canonical_json({{"investigator", session.investigator},
                         {"link_key", session.link_key.hex()},
                         {"sign_key", session.sign_key.hex()},
                         {"sink", session.sink.hex()},
                         {"not_after", to_rfc3339(session.not_after)}});
}

Bytes session_signing_text(BytesView text) { return "MIG Mesh session 1\n" + Bytes(text); }

Bytes pack_session(const SignedText& signed_session) { return codec::pack(signed_session); }

namespace {

template <class T>
bool hex_field(const Json& json, const char* name, T& out) {
  if (!json.contains(name) || !json[name].is_string()) return false;
  auto bytes = from_hex(json[name].get<std::string>());
  auto id = bytes ? T::from(*bytes) : Result<T>(bytes.error());
  if (id) out = *id;
  return static_cast<bool>(id);
}

Result<Session> read_session(BytesView text) {
  auto json = parse_json(text, 4096);
  if (!json) return json.error();
  Session session;
  if (!json->is_object() || json->size() != 5 || !json->contains("investigator") || !(*json)["investigator"].is_string() ||
      !json->contains("not_after") || !(*json)["not_after"].is_string() || !hex_field(*json, "link_key", session.link_key) ||
      !hex_field(*json, "sign_key", session.sign_key) || !hex_field(*json, "sink", session.sink))
    return invalid("session: it must hold investigator, link_key, sign_key, sink and not_after, and nothing else");
  session.investigator = (*json)["investigator"].get<std::string>();
  auto not_after = from_rfc3339((*json)["not_after"].get<std::string>());
  if (!not_after) return not_after.error();
  session.not_after = *not_after;
  return session;
}

}  // namespace

Result<VerifiedSession> verify_session(BytesView packed, const Roster& roster, WallMs now) {
  auto signed_session = codec::unpack<SignedText>(packed);
  if (!signed_session) return signed_session.error();
  if (signed_session->signatures.size() != 1) return refused("session: it must have exactly one signature");
  auto signers = check_signers(session_signing_text(signed_session->text), signed_session->signatures, roster, now);
  if (!signers) return signers.error();
  auto session = read_session(signed_session->text);
  if (!session) return session.error();
  if (signers->size() != 1 || signers->front()->fingerprint != session->investigator)
    return refused("session: signed by somebody else than it names");
  if (now > session->not_after + limits::clock_skew_ms) return refused("session: expired at " + to_rfc3339(session->not_after));
  if (session->not_after > now + session_life_ms + limits::clock_skew_ms) return refused("session: it claims more than 12 hours");
  return VerifiedSession{*session, signers->front()->name};
}

// ---- enrolment ----

Bytes write_invite(const Invite& invite, const Keys& enroller) { return sign_statement(domain::invite, invite, enroller); }

Result<Invite> verify_invite(BytesView bytes, const SignPublic& enroller, WallMs now) {
  if (!statement_holds(domain::invite, bytes, enroller)) return refused("invite: not signed by this mesh's enroller");
  auto invite = read_statement<Invite>(bytes);
  if (!invite) return invite.error();
  if (now > invite->not_after) return refused("invite: expired at " + to_rfc3339(invite->not_after) + "; make a new one with `mig invite`");
  return invite;
}

Bytes write_enrol_request(const EnrolRequest& request, const Seed& invite_secret, const Keys& node) {
  codec::ProvenRequest proven{codec::pack(request), {}, {}};
  proven.invite_signature = Keys(invite_secret).sign(domain::enrol, proven.text);
  proven.node_signature = node.sign(domain::enrol, proven.text);
  return codec::pack(proven);
}

Result<EnrolRequest> read_enrol_request(BytesView bytes) {
  auto proven = codec::unpack<codec::ProvenRequest>(bytes);
  if (!proven) return proven.error();
  auto request = codec::unpack<EnrolRequest>(proven->text);
  if (!request) return request.error();
  auto invite = read_statement<Invite>(request->invite);
  if (!invite) return invite.error();
  if (!verify(domain::enrol, proven->text, proven->invite_signature, invite->key))
    return refused("enrolment: the request does not prove the invite's secret");
  if (!verify(domain::enrol, proven->text, proven->node_signature, request->sign_key))
    return refused("enrolment: the request does not prove the node's own key");
  return request;
}

Bytes write_enrol_answer(const EnrolAnswer& answer) { return codec::pack(answer); }
Result<EnrolAnswer> read_enrol_answer(BytesView bytes) { return codec::unpack<EnrolAnswer>(bytes); }

}  // namespace mig::core
