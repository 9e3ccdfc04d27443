// The fields of what node keys sign and seal: certificate, ticket, invite, enrolment, reply.
//
// The rules for adding a field stand in message_fields.h.
#pragma once

#include "node/core/codec.h"
#include "node/core/identity.h"
#include "node/core/seal.h"

namespace mig::core::codec {

template <>
inline constexpr unsigned last_of<Role> = 3;
template <>
inline constexpr unsigned last_of<State> = 13;

constexpr std::size_t signature_octets = 64;  // Ed25519

/// What one key signs: the exact octets and the signature beside them.
struct Signed {
  Bytes body, signature;
};
template <>
struct Shape<Signed> {
  static constexpr std::string_view name = "signed";
  static void fields(auto& v, auto& x) {
    v.must(1, "body", octets(x.body, limits::certificate_bytes, 1));
    v.must(2, "signature", octets(x.signature, signature_octets, signature_octets));
  }
};

template <>
struct Shape<Certificate> {
  static constexpr std::string_view name = "certificate";
  static void fields(auto& v, auto& x) {
    v.must(1, "role", x.role);
    v.must(2, "sign_key", x.sign_key);
    v.must(3, "link_key", x.link_key);
    v.may(4, "name", text(x.name, limits::name_bytes));
    v.may(5, "segment", text(x.segment, limits::name_bytes));
    v.may(6, "tags", text_map(x.tags, limits::tags, limits::name_bytes, limits::tag_bytes));
    v.must(7, "not_before", x.not_before);
    v.must(8, "not_after", x.not_after);
    v.must(9, "serial", x.serial);
    v.must(10, "enroller", x.enroller);
  }
  static const char* valid(const Certificate& x) {
    return x.role == Role::investigator ? "role must be relay or agent; investigators have sessions" : nullptr;
  }
};

template <>
struct Shape<Ticket> {
  static constexpr std::string_view name = "ticket";
  static void fields(auto& v, auto& x) {
    v.must(1, "agent", x.agent);
    v.must(2, "attach_seq", x.attach_seq);
    v.must(3, "relay", x.relay);
    v.must(4, "at", x.at);
  }
};

template <>
struct Shape<Invite> {
  static constexpr std::string_view name = "invite";
  static void fields(auto& v, auto& x) {
    v.must(1, "id", octets(x.id, 16, 16));
    v.must(2, "role", x.role);
    v.must(3, "key", x.key);
    v.may(4, "tags", text_map(x.tags, limits::tags, limits::name_bytes, limits::tag_bytes));
    v.may(5, "segment", text(x.segment, limits::name_bytes));
    v.must(6, "uses", x.uses);
    v.must(7, "not_after", x.not_after);
  }
  static const char* valid(const Invite& x) {
    if (x.role == Role::investigator) return "role must be relay or agent";
    return x.uses == 0 || x.uses > limits::invite_uses ? "uses must be 1..100000" : nullptr;
  }
};

template <>
struct Shape<EnrolRequest> {
  static constexpr std::string_view name = "enrol request";
  static void fields(auto& v, auto& x) {
    v.must(1, "invite", octets(x.invite, limits::certificate_bytes, 1));
    v.must(2, "sign_key", x.sign_key);
    v.must(3, "link_key", x.link_key);
    v.may(4, "name", text(x.name, limits::name_bytes));
    v.may(5, "segment", text(x.segment, limits::name_bytes));
    v.may(6, "tags", text_map(x.tags, limits::tags, limits::name_bytes, limits::tag_bytes));
    v.may(7, "renews", x.renews);
  }
};
/// A request with its two proofs: the invite's secret, the node's own key.
struct ProvenRequest {
  Bytes request, invite_signature, node_signature;
};
template <>
struct Shape<ProvenRequest> {
  static constexpr std::string_view name = "proven request";
  static void fields(auto& v, auto& x) {
    v.must(1, "request", octets(x.request, limits::enrol_bytes, 1));
    v.must(2, "invite_signature", octets(x.invite_signature, signature_octets, signature_octets));
    v.must(3, "node_signature", octets(x.node_signature, signature_octets, signature_octets));
  }
};

template <>
struct Shape<SignedText> {
  static constexpr std::string_view name = "signed text";
  static void fields(auto& v, auto& x) {
    v.must(1, "text", octets(x.text, limits::roster_bytes, 1));
    v.must(2, "signatures", octets_list(x.signatures, limits::signatures, limits::signature_bytes));
  }
};
template <>
struct Shape<EnrolAnswer> {
  static constexpr std::string_view name = "enrol answer";
  static void fields(auto& v, auto& x) {
    v.may(1, "certificate", octets(x.certificate, limits::certificate_bytes));
    v.may(2, "roster_text", octets(x.roster.text, limits::roster_bytes));
    v.may(3, "roster_signatures", octets_list(x.roster.signatures, limits::signatures, limits::signature_bytes));
    v.may(4, "refused", text(x.refused, limits::text_bytes));
  }
  static const char* valid(const EnrolAnswer& x) {
    bool complete = !x.certificate.empty() && !x.roster.text.empty();
    return !complete && x.refused.empty() ? "neither a certificate with a roster nor a refusal" : nullptr;
  }
};

template <>
struct Shape<ReplyHeader> {
  static constexpr std::string_view name = "reply header";
  static void fields(auto& v, auto& x) {
    v.must(1, "action", x.action);
    v.must(2, "agent", x.agent);
    v.must(3, "part", x.part);
    v.must(4, "parts", x.parts);
    v.must(5, "state", x.state);
    v.may(6, "reason", text(x.reason, limits::text_bytes));
    v.must(7, "started", x.started);
    v.must(8, "finished", x.finished);
    v.must(9, "body", x.body);
    v.must(10, "body_bytes", x.body_bytes);
  }
  static const char* valid(const ReplyHeader& x) {
    if (x.parts == 0 || x.parts > limits::reply_parts || x.part >= x.parts) return "part must be below parts, parts 1..64";
    return is_open(x.state) || x.state == State::unknown ? "an agent cannot answer with this state" : nullptr;
  }
};
template <>
struct Shape<ReplyBody> {
  static constexpr std::string_view name = "reply body";
  static void fields(auto& v, auto& x) {
    v.must(1, "action", x.action);
    v.must(2, "agent", x.agent);
    v.must(3, "state", x.state);
    v.may(4, "trouble", text(x.trouble, limits::trouble_bytes));
    v.may(5, "results", octets(x.results, limits::reply_plain_bytes));
  }
  static const char* valid(const ReplyBody& x) {
    bool fits = x.state == State::found || x.state == State::clean || x.state == State::failed || x.state == State::cancelled;
    return fits ? nullptr : "state must be found, clean, failed or cancelled";
  }
};

}  // namespace mig::core::codec
