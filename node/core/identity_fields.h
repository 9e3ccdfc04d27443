// The fields of what nodes sign about themselves and each other: certificate, ticket, session, invite, enrolment.
#pragma once

#include "node/core/codec.h"
#include "node/core/message_fields.h"

namespace mig::core::codec {

constexpr std::size_t tags_max = 32, tag_bytes = 128;

/// A signed statement as it travels: the exact bytes and an Ed25519 signature over them.
struct Statement {
  Bytes text, signature;
};
template <>
struct Shape<Statement> {
  static constexpr std::string_view name = "statement";
  static void fields(auto& v, auto& x) {
    v.must(1, "text", octets(x.text, limits::certificate_bytes, 1));
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
    v.must(4, "name", text(x.name, limits::name_bytes));
    v.may(5, "segment", text(x.segment, limits::name_bytes));
    v.may(6, "tags", text_map(x.tags, tags_max, limits::name_bytes, tag_bytes));
    v.must(7, "not_before", x.not_before);
    v.must(8, "not_after", x.not_after);
    v.must(9, "serial", x.serial);
    v.must(10, "enroller", x.enroller);
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
/// A session document and its one OpenPGP signature.
template <>
struct Shape<SignedText> {
  static constexpr std::string_view name = "signed text";
  static void fields(auto& v, auto& x) {
    v.must(1, "text", octets(x.text, limits::roster_bytes, 1));
    v.must(2, "signatures", octets_list(x.signatures, limits::signatures, limits::signature_bytes));
  }
};
template <>
struct Shape<Invite> {
  static constexpr std::string_view name = "invite";
  static void fields(auto& v, auto& x) {
    v.must(1, "id", octets(x.id, 16, 16));
    v.must(2, "role", x.role);
    v.must(3, "key", x.key);
    v.may(4, "tags", text_map(x.tags, tags_max, limits::name_bytes, tag_bytes));
    v.may(5, "segment", text(x.segment, limits::name_bytes));
    v.must(6, "uses", x.uses);
    v.must(7, "not_after", x.not_after);
  }
};
template <>
struct Shape<EnrolRequest> {
  static constexpr std::string_view name = "enrol request";
  static void fields(auto& v, auto& x) {
    v.must(1, "invite", octets(x.invite, limits::certificate_bytes, 1));
    v.must(2, "sign_key", x.sign_key);
    v.must(3, "link_key", x.link_key);
    v.must(4, "name", text(x.name, limits::name_bytes));
    v.may(5, "segment", text(x.segment, limits::name_bytes));
    v.may(6, "tags", text_map(x.tags, tags_max, limits::name_bytes, tag_bytes));
  }
};
/// A request with both proofs: by the invite's secret and by the node's own key.
struct ProvenRequest {
  Bytes text, invite_signature, node_signature;
};
template <>
struct Shape<ProvenRequest> {
  static constexpr std::string_view name = "proven request";
  static void fields(auto& v, auto& x) {
    v.must(1, "text", octets(x.text, 2 * limits::certificate_bytes, 1));
    v.must(2, "invite_signature", octets(x.invite_signature, signature_octets, signature_octets));
    v.must(3, "node_signature", octets(x.node_signature, signature_octets, signature_octets));
  }
};
template <>
struct Shape<EnrolAnswer> {
  static constexpr std::string_view name = "enrol answer";
  static void fields(auto& v, auto& x) {
    v.may(1, "certificate", octets(x.certificate, limits::certificate_bytes));
    v.may(2, "roster", octets(x.roster.text, limits::roster_bytes));
    v.may(3, "signatures", octets_list(x.roster.signatures, limits::signatures, limits::signature_bytes));
    v.may(4, "refused", text(x.refused, 512));
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
    v.may(6, "reason", text(x.reason, 512));
    v.must(7, "started", x.started);
    v.must(8, "finished", x.finished);
    v.must(9, "body", x.body);
    v.must(10, "body_bytes", x.body_bytes);
  }
};
template <>
struct Shape<ReplyBody> {
  static constexpr std::string_view name = "reply body";
  static void fields(auto& v, auto& x) {
    v.must(1, "action", x.action);
    v.must(2, "agent", x.agent);
    v.must(3, "state", x.state);
    v.may(4, "trouble", text(x.trouble, 512));
    v.may(5, "results", octets(x.results, limits::job_output_bytes));
  }
};

}  // namespace mig::core::codec
