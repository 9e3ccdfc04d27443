#include "node/core/identity.h"

#include <algorithm>

#include "node/core/identity_fields.h"
#include "node/core/sodium.h"

namespace mig::core {
namespace {

constexpr char derivation[crypto_kdf_CONTEXTBYTES + 1] = "MIGmesh1";

/// domain | 0 | bytes: what is really signed.
Bytes covered(std::string_view domain, BytesView bytes) {
  Bytes out;
  out.reserve(domain.size() + 1 + bytes.size());
  out.append(domain).append(1, '\0').append(bytes);
  return out;
}

Bytes sign_and_pack(const Bytes& body, std::string_view domain, const Keys& keys) {
  return codec::pack(codec::Signed{body, keys.sign(domain, body)});
}

/// Verified bytes first, fields after: nothing of a body is looked at before its signature held.
template <class T>
Result<T> open_signed(BytesView bytes, std::string_view domain, const SignPublic& key) {
  constexpr std::string_view name = codec::Shape<T>::name;
  auto outer = codec::unpack<codec::Signed>(bytes);
  if (!outer) return codec::unreadable(name, outer.error().text);
  if (!verify(domain, outer->body, outer->signature, key))
    return refused(fmt::format("{}: the signature does not hold", name));
  return codec::unpack<T>(outer->body);
}

}  // namespace

SignPair sign_pair_of(const Seed& seed) {
  // Picks the fast implementations for this processor; every call after the first returns at once.
  static const int ready = sodium_init();
  (void)ready;
  SignPair pair;
  Bytes derived(crypto_sign_SEEDBYTES, '\0');
  crypto_kdf_derive_from_key(raw(derived), derived.size(), 1, derivation, seed.octets.data());
  crypto_sign_seed_keypair(pair.key.octets.data(), pair.secret.data(), raw(derived));
  return pair;
}

LinkSecret link_secret_of(const Seed& seed) {
  LinkSecret secret;
  crypto_kdf_derive_from_key(secret.octets.data(), secret.octets.size(), 2, derivation, seed.octets.data());
  return secret;
}

LinkPublic public_of(const LinkSecret& secret) {
  LinkPublic key;
  crypto_scalarmult_base(key.octets.data(), secret.octets.data());
  return key;
}

std::string_view to_text(Role role) {
  switch (role) {
    case Role::relay: return "relay";
    case Role::agent: return "agent";
    case Role::investigator: return "investigator";
  }
  return "unknown";
}

Keys::Keys(const Seed& seed) {
  SignPair pair = sign_pair_of(seed);
  sign_public_ = pair.key;
  sign_secret_ = pair.secret;
  link_secret_ = link_secret_of(seed);
  link_public_ = public_of(link_secret_);
  id_ = node_id_of(sign_public_);
}

Bytes Keys::sign(std::string_view domain, BytesView bytes) const {
  Bytes text = covered(domain, bytes), signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(raw(signature), nullptr, raw(text), text.size(), sign_secret_.data());
  return signature;
}

bool verify(std::string_view domain, BytesView bytes, BytesView signature, const SignPublic& key) {
  if (signature.size() != crypto_sign_BYTES) return false;
  Bytes text = covered(domain, bytes);
  return crypto_sign_verify_detached(raw(signature), raw(text), text.size(), key.octets.data()) == 0;
}

// ---- certificates ----

Bytes issue(const Certificate& certificate, const Keys& enroller) {
  Certificate signed_by = certificate;
  signed_by.enroller = enroller.sign_public();
  return sign_and_pack(codec::pack(signed_by), domain::certificate, enroller);
}

Result<Certificate> read_certificate(BytesView certificate) {
  auto outer = codec::unpack<codec::Signed>(certificate);
  if (!outer) return codec::unreadable("certificate", outer.error().text);
  return codec::unpack<Certificate>(outer->body);
}

Result<Certificate> verify_certificate(BytesView bytes, const Roster& roster, WallMs now) {
  auto read = read_certificate(bytes);
  if (!read) return read.error();
  const auto& enrollers = roster.enrollers;
  if (std::find(enrollers.begin(), enrollers.end(), read->enroller) == enrollers.end())
    return refused(fmt::format("certificate of {}: its enroller {} is not in roster {}", read->name,
                               read->enroller.brief(), roster.version));
  if (std::find(roster.revoked.begin(), roster.revoked.end(), read->id()) != roster.revoked.end())
    return refused(fmt::format("certificate of {}: {} is revoked", read->name, read->id().brief()));
  if (read->not_before > now + limits::clock_skew_ms)
    return refused(fmt::format("certificate of {}: not valid before {}", read->name, to_rfc3339(read->not_before)));
  if (read->not_after <= now)
    return refused(fmt::format("certificate of {}: expired at {}", read->name, to_rfc3339(read->not_after)));
  return open_signed<Certificate>(bytes, domain::certificate, read->enroller);
}

// ---- tickets ----

Bytes write_ticket(const Ticket& ticket, const Keys& agent) {
  return sign_and_pack(codec::pack(ticket), domain::ticket, agent);
}

Result<Ticket> verify_ticket(BytesView ticket, const SignPublic& agent_key) {
  auto read = open_signed<Ticket>(ticket, domain::ticket, agent_key);
  if (read && read->agent != node_id_of(agent_key)) return refused("ticket: it names another agent");
  return read;
}

// ---- enrolment ----

Bytes write_invite(const Invite& invite, const Keys& enroller) {
  return sign_and_pack(codec::pack(invite), domain::invite, enroller);
}

Result<Invite> verify_invite(BytesView bytes, const SignPublic& enroller, WallMs now) {
  auto invite = open_signed<Invite>(bytes, domain::invite, enroller);
  if (invite && invite->not_after <= now)
    return refused(fmt::format("invite: expired at {}; make a new one with mig invite", to_rfc3339(invite->not_after)));
  return invite;
}

Bytes write_enrol_request(const EnrolRequest& request, const Seed& invite_secret, const Keys& node) {
  codec::ProvenRequest proven;
  proven.request = codec::pack(request);
  proven.invite_signature = Keys(invite_secret).sign(domain::enrol, proven.request);
  proven.node_signature = node.sign(domain::enrol, proven.request);
  return codec::pack(proven);
}

Bytes write_renewal(const Bytes& certificate, const Keys& node) {
  EnrolRequest request{certificate, node.sign_public(), node.link_public(), {}, {}, {}, true};
  codec::ProvenRequest proven;
  proven.request = codec::pack(request);
  proven.invite_signature = proven.node_signature = node.sign(domain::enrol, proven.request);
  return codec::pack(proven);
}

/// Whose signature shows that the request is no stranger's.
static Result<SignPublic> bearer_of(const EnrolRequest& request) {
  if (request.renews) {
    auto certificate = read_certificate(request.invite);
    if (!certificate) return certificate.error();
    return certificate->sign_key;
  }
  auto outer = codec::unpack<codec::Signed>(request.invite);
  if (!outer) return codec::unreadable("invite", outer.error().text);
  auto invite = codec::unpack<Invite>(outer->body);
  if (!invite) return invite.error();
  return invite->key;
}

Result<EnrolRequest> read_enrol_request(BytesView bytes) {
  auto proven = codec::unpack<codec::ProvenRequest>(bytes);
  if (!proven) return proven.error();
  auto request = codec::unpack<EnrolRequest>(proven->request);
  if (!request) return request;
  auto bearer = bearer_of(*request);
  if (!bearer) return bearer.error();
  if (!verify(domain::enrol, proven->request, proven->invite_signature, *bearer))
    return refused(request->renews ? "enrol request: not signed with the key of the certificate it renews" : "enrol request: not signed with the secret of its invite");
  if (!verify(domain::enrol, proven->request, proven->node_signature, request->sign_key))
    return refused("enrol request: not signed with the key it wants certified");
  return request;
}

Bytes write_enrol_answer(const EnrolAnswer& answer) { return codec::pack(answer); }
Result<EnrolAnswer> read_enrol_answer(BytesView bytes) { return codec::unpack<EnrolAnswer>(bytes); }

}  // namespace mig::core
