// The fields of every frame and record in message.h: key, name, type and bound, once for reading, writing and the page.
//
// Rules for whoever adds a field: keys are below 32, never used again for something else, and a new field is `may`,
// so that older nodes go on understanding newer ones.
#pragma once

#include "node/core/identity_fields.h"
#include "node/core/message.h"

namespace mig::core::codec {

template <>
inline constexpr unsigned last_of<ObjectKind> = 255;  // unknown kinds are read, then dropped
template <>
inline constexpr unsigned last_of<Journal> = 4;
template <>
inline constexpr unsigned last_of<ByeCode> = 14;
template <>
inline constexpr unsigned last_of<VerdictCode> = 5;
template <>
inline constexpr unsigned last_of<AckCode> = 3;

/// A kind this build knows, with an id of the right length.
inline bool is_known_kind(ObjectKind kind) { return kind >= ObjectKind::action && kind <= ObjectKind::chunk; }
inline bool is_known_key(const BoardKey& key) {
  auto kind = static_cast<ObjectKind>(static_cast<unsigned char>(key[0]));
  return is_known_kind(kind) && key.size() == (kind == ObjectKind::roster ? 1u : 17u);
}

// ---- parts of frames, as arrays ----

template <>
struct Shape<Version> {
  static constexpr std::string_view name = "version";
  static constexpr bool tuple = true;
  static void fields(auto& v, auto& x) {
    v.must(0, "major", x.major);
    v.must(1, "minor", x.minor);
  }
};
template <>
struct Shape<LogPosition> {
  static constexpr std::string_view name = "position";
  static constexpr bool tuple = true;
  static void fields(auto& v, auto& x) {
    v.must(0, "instance", x.instance);
    v.must(1, "index", x.index);
  }
};
template <>
struct Shape<Digest> {
  static constexpr std::string_view name = "digest";
  static constexpr bool tuple = true;
  static void fields(auto& v, auto& x) {
    v.must(0, "key", octets(x.key, 17, 1));
    v.must(1, "version", x.version);
  }
};
template <>
struct Shape<Held> {
  static constexpr std::string_view name = "held";
  static constexpr bool tuple = true;
  static void fields(auto& v, auto& x) {
    v.must(0, "action", x.action);
    v.must(1, "state", x.state);
  }
};
template <>
struct Shape<RefusedAck> {
  static constexpr std::string_view name = "refusal";
  static constexpr bool tuple = true;
  static void fields(auto& v, auto& x) {
    v.must(0, "action", x.action);
    v.must(1, "code", x.code);
    v.must(2, "retry_ms", x.retry_ms);
  }
};

// ---- parts of frames, as maps ----

template <>
struct Shape<Object> {
  static constexpr std::string_view name = "object";
  static void fields(auto& v, auto& x) {
    v.must(1, "kind", x.kind);
    v.must(2, "text", octets(x.text, limits::roster_bytes, 1));
    v.must(3, "signatures", octets_list(x.signatures, limits::signatures, limits::signature_bytes));
    v.may(4, "author", octets(x.author, limits::certificate_bytes));
  }
};
template <>
struct Shape<SignedRow> {
  static constexpr std::string_view name = "signed row";
  static constexpr bool tuple = true;
  static void fields(auto& v, auto& x) {
    v.must(0, "row", octets(x.row, limits::row_bytes, 1));
    v.must(1, "signature", octets(x.signature, signature_octets, signature_octets));
  }
};
template <>
struct Shape<PullItem> {
  static constexpr std::string_view name = "pull item";
  static void fields(auto& v, auto& x) {
    v.must(1, "action", x.action);
    v.may(2, "from", list(x.from, limits::log_segments));
    v.must(3, "window", x.window);
    v.must(4, "row_version", x.row_version);
  }
};
template <>
struct Shape<LogEntry> {
  static constexpr std::string_view name = "log entry";
  static void fields(auto& v, auto& x) {
    v.must(1, "header", octets(x.reply.header, limits::reply_header_bytes, 1));
    v.must(2, "signature", octets(x.reply.signature, signature_octets, signature_octets));
    v.may(3, "body", octets(x.reply.body, limits::reply_part_bytes));
    v.may(4, "certificate", octets(x.certificate, limits::certificate_bytes));
  }
};
template <>
struct Shape<AgentLine> {
  static constexpr std::string_view name = "agent line";
  static void fields(auto& v, auto& x) {
    v.must(1, "agent", x.agent);
    v.may(2, "name", text(x.name, limits::name_bytes));
    v.may(3, "online", x.online);
    v.may(4, "seen", x.seen);
    v.may(5, "attributes", octets(x.attributes, limits::attributes_bytes));
    v.must(6, "state", x.state);
  }
};

// ---- records: what is signed by node keys ----

template <>
struct Shape<RelayRecord> {
  static constexpr std::string_view name = "relay record";
  static void fields(auto& v, auto& x) {
    v.must(1, "relay", x.relay);
    v.must(2, "instance", x.instance);
    v.must(3, "n", x.n);
    v.must(4, "issued", x.issued);
    v.must(5, "expires", x.expires);
    v.may(6, "name", text(x.name, limits::name_bytes));
    v.may(7, "segment", text(x.segment, limits::name_bytes));
    v.may(8, "neighbours", list(x.neighbours, limits::neighbours));
    v.may(9, "known", x.known);
    v.may(10, "online", x.online);
    v.may(11, "boot_nonce", x.boot_nonce);
    v.may(12, "enroller", x.enroller);
    v.may(13, "software", text(x.software, limits::name_bytes));
    v.may(14, "endpoints", text_list(x.endpoints, limits::endpoints, limits::endpoint_bytes));
  }
  static const char* valid(const RelayRecord& x) {
    for (const auto& [relay, cost] : x.neighbours)
      if (cost == 0 || cost > limits::neighbour_cost) return "a neighbour's cost must be 1..1000000";
    return nullptr;
  }
};
template <>
struct Shape<SinkRecord> {
  static constexpr std::string_view name = "sink record";
  static void fields(auto& v, auto& x) {
    v.must(1, "sink", x.sink);
    v.must(2, "epoch", x.epoch);
    v.must(3, "n", x.n);
    v.must(4, "relay", x.relay);
    v.must(5, "issued", x.issued);
    v.must(6, "expires", x.expires);
  }
};
template <>
struct Shape<Row> {
  static constexpr std::string_view name = "row";
  static void fields(auto& v, auto& x) {
    v.must(1, "action", x.action);
    v.must(2, "relay", x.relay);
    v.must(3, "version", x.version);
    v.may(4, "log", list(x.log, limits::log_segments));
    v.may(5, "queued", x.queued);
    v.may(6, "delivered", x.delivered);
    v.may(7, "running", x.running);
    v.may(8, "offline", x.offline);
    v.may(9, "answered", x.answered);
    v.may(10, "found", x.found);
    v.may(11, "refused", x.refused);
    v.may(12, "not_targeted", x.not_targeted);
    v.may(13, "cancelled", x.cancelled);
    v.may(14, "expired", x.expired);
    v.may(15, "reset_at", x.reset_at);
    v.may(16, "at", x.at);
  }
};
template <>
struct Shape<Pull> {
  static constexpr std::string_view name = "pull";
  static void fields(auto& v, auto& x) {
    v.must(1, "sink", x.sink);
    v.must(2, "epoch", x.epoch);
    v.must(3, "n", x.n);
    v.must(4, "items", list(x.items, limits::pull_items));
  }
};
template <>
struct Shape<Ask> {
  static constexpr std::string_view name = "ask";
  static void fields(auto& v, auto& x) {
    v.must(1, "sink", x.sink);
    v.must(2, "n", x.n);
    v.may(3, "action", x.action);
  }
};

// ---- frames ----

template <>
struct Shape<Hello> {
  static constexpr std::string_view name = "HELLO";
  static constexpr unsigned number = 1;
  static void fields(auto& v, auto& x) {
    v.must(1, "protocol_low", x.protocol_low);
    v.must(2, "protocol_high", x.protocol_high);
    v.must(3, "role", x.role);
    v.must(4, "proof", octets(x.proof, limits::certificate_bytes, 1));
    v.must(5, "boot_nonce", x.boot_nonce);
    v.must(6, "now", x.now);
    v.may(7, "features", x.features);
    v.must(8, "window", x.window);
    v.may(9, "roster_version", x.roster_version);
    v.may(10, "ticket", octets(x.ticket, limits::ticket_bytes));
    v.may(11, "attributes", octets(x.attributes, limits::attributes_bytes));
    v.may(12, "maybe_at", list(x.maybe_at, limits::maybe_at));
    v.may(13, "held", list(x.held, limits::held));
    v.may(14, "peers", text_list(x.peers, limits::alternatives, limits::endpoint_bytes));
    v.may(15, "roster_mark", x.roster_mark);
  }
  static const char* valid(const Hello& x) {
    return x.protocol_low > x.protocol_high ? "protocol_low is above protocol_high" : nullptr;
  }
};
template <>
struct Shape<Welcome> {
  static constexpr std::string_view name = "WELCOME";
  static constexpr unsigned number = 2;
  static void fields(auto& v, auto& x) {
    v.must(1, "protocol", x.protocol);
    v.must(2, "certificate", octets(x.certificate, limits::certificate_bytes, 1));
    v.must(3, "session", x.session);
    v.must(4, "now", x.now);
    v.may(5, "features", x.features);
    v.must(6, "window", x.window);
    v.must(7, "beat_s", x.beat_s);
    v.may(8, "herd_ms", x.herd_ms);
    v.may(9, "roster_version", x.roster_version);
    v.may(10, "peers", text_list(x.peers, limits::alternatives, limits::endpoint_bytes));
  }
};
template <>
struct Shape<Bye> {
  static constexpr std::string_view name = "BYE";
  static constexpr unsigned number = 3;
  static void fields(auto& v, auto& x) {
    v.must(1, "code", x.code);
    v.may(2, "retry_ms", x.retry_ms);
    v.may(3, "min_seq", x.min_seq);
    v.may(4, "alternatives", text_list(x.alternatives, limits::alternatives, limits::endpoint_bytes));
    v.may(5, "text", text(x.text, limits::text_bytes));
  }
};
template <>
struct Shape<Beat> {
  static constexpr std::string_view name = "BEAT";
  static constexpr unsigned number = 4;
  static void fields(auto& v, auto& x) {
    v.must(1, "n", x.n);
    v.must(2, "now", x.now);
    v.must(3, "consumed", x.consumed);
    v.may(4, "root", x.root);
  }
};
template <>
struct Shape<Put> {
  static constexpr std::string_view name = "PUT";
  static constexpr unsigned number = 5;
  static void fields(auto& v, auto& x) { v.must(1, "objects", list(x.objects, limits::put_objects)); }
  static void tidy(Put& x) {
    std::erase_if(x.objects, [](const Object& object) { return !is_known_kind(object.kind); });
  }
};
template <>
struct Shape<Sync> {
  static constexpr std::string_view name = "SYNC";
  static constexpr unsigned number = 6;
  static void fields(auto& v, auto& x) {
    v.must(1, "kinds", x.kinds);
    v.must(2, "digests", list(x.digests, limits::digests));
    v.must(3, "last", x.last);
  }
  static void tidy(Sync& x) {
    std::erase_if(x.digests, [](const Digest& digest) { return !is_known_key(digest.key); });
  }
};
template <>
struct Shape<Want> {
  static constexpr std::string_view name = "WANT";
  static constexpr unsigned number = 7;
  static void fields(auto& v, auto& x) { v.must(1, "keys", octets_list(x.keys, limits::digests, 17)); }
  static void tidy(Want& x) {
    std::erase_if(x.keys, [](const BoardKey& key) { return key.empty() || !is_known_key(key); });
  }
};
template <>
struct Shape<Verdict> {
  static constexpr std::string_view name = "VERDICT";
  static constexpr unsigned number = 8;
  static void fields(auto& v, auto& x) {
    v.must(1, "key", octets(x.key, 17, 1));
    v.must(2, "code", x.code);
    v.may(3, "text", text(x.text, limits::text_bytes));
  }
};
template <>
struct Shape<Route> {
  static constexpr std::string_view name = "ROUTE";
  static constexpr unsigned number = 9;
  static void fields(auto& v, auto& x) {
    v.must(1, "to", x.to);
    v.may(2, "sub", x.sub);
    v.must(3, "ttl", x.ttl);
    v.must(4, "payload", octets(x.payload, limits::frame_bytes, 1));
    v.may(5, "signature", octets(x.signature, signature_octets));
  }
  static const char* valid(const Route& x) { return x.ttl > limits::hops ? "ttl is above 16" : nullptr; }
};
template <>
struct Shape<ResultFrame> {
  static constexpr std::string_view name = "RESULT";
  static constexpr unsigned number = 10;
  static void fields(auto& v, auto& x) {
    v.may(1, "header", octets(x.reply.header, limits::reply_header_bytes));
    v.may(2, "signature", octets(x.reply.signature, signature_octets));
    v.may(3, "body", octets(x.reply.body, limits::reply_part_bytes));
    v.may(4, "running", x.running);
    v.may(5, "action", x.action);
  }
  static const char* valid(const ResultFrame& x) {
    if (x.running)
      return x.action.empty() || !x.reply.header.empty() ? "a progress note holds an action and no reply" : nullptr;
    return x.reply.header.empty() || x.reply.signature.size() != signature_octets
               ? "a reply holds a header and a signature of 64 octets"
               : nullptr;
  }
};
template <>
struct Shape<Acks> {
  static constexpr std::string_view name = "ACKS";
  static constexpr unsigned number = 11;
  static void fields(auto& v, auto& x) {
    v.may(1, "stored", list(x.stored, limits::acks));
    v.may(2, "done", list(x.done, limits::acks));
    v.may(3, "refused", list(x.refused, limits::acks));
  }
};
template <>
struct Shape<Enrol> {
  static constexpr std::string_view name = "ENROL";
  static constexpr unsigned number = 12;
  static void fields(auto& v, auto& x) {
    v.must(1, "to", x.to);
    v.must(2, "sealed", octets(x.sealed, limits::enrol_bytes, 1));
    v.must(3, "answer_to", x.answer_to);
  }
};
template <>
struct Shape<Enrolled> {
  static constexpr std::string_view name = "ENROLLED";
  static constexpr unsigned number = 13;
  static void fields(auto& v, auto& x) {
    v.must(1, "sealed", octets(x.sealed, limits::enrol_answer_bytes + limits::seal_bytes, 1));
  }
};

// ---- routed ----

template <>
struct Shape<Tally> {
  static constexpr std::string_view name = "TALLY";
  static constexpr unsigned number = 1;
  static void fields(auto& v, auto& x) { v.must(1, "rows", list(x.rows, limits::tally_rows)); }
};
template <>
struct Shape<SignedPull> {
  static constexpr std::string_view name = "PULL";
  static constexpr unsigned number = 2;
  static void fields(auto& v, auto& x) {
    v.must(1, "pull", octets(x.pull, limits::pull_bytes, 1));
    v.must(2, "signature", octets(x.signature, signature_octets, signature_octets));
  }
};
template <>
struct Shape<Replies> {
  static constexpr std::string_view name = "REPLIES";
  static constexpr unsigned number = 3;
  static void fields(auto& v, auto& x) {
    v.must(1, "action", x.action);
    v.must(2, "relay", x.relay);
    v.must(3, "from", x.from);
    v.must(4, "entries", list(x.entries, limits::reply_entries));
  }
};
template <>
struct Shape<Handover> {
  static constexpr std::string_view name = "HANDOVER";
  static constexpr unsigned number = 4;
  static void fields(auto& v, auto& x) {
    v.must(1, "agent", x.agent);
    v.must(2, "ticket", octets(x.ticket, limits::ticket_bytes, 1));
    v.must(3, "certificate", octets(x.certificate, limits::certificate_bytes, 1));
  }
};
template <>
struct Shape<Closed> {
  static constexpr std::string_view name = "closed";
  static constexpr bool tuple = true;
  static void fields(auto& v, auto& x) {
    v.must(0, "action", x.action);
    v.must(1, "state", x.state);
  }
};
template <>
struct Shape<Handed> {
  static constexpr std::string_view name = "HANDED";
  static constexpr unsigned number = 5;
  static void fields(auto& v, auto& x) {
    v.must(1, "agent", x.agent);
    v.must(2, "attach_seq", x.attach_seq);
    v.must(3, "instance", x.instance);
    v.may(4, "closed", list(x.closed, limits::closed));
  }
};
template <>
struct Shape<SignedAsk> {
  static constexpr std::string_view name = "ASK";
  static constexpr unsigned number = 6;
  static void fields(auto& v, auto& x) {
    v.must(1, "ask", octets(x.ask, limits::ask_bytes, 1));
    v.must(2, "signature", octets(x.signature, signature_octets, signature_octets));
  }
};
template <>
struct Shape<Told> {
  static constexpr std::string_view name = "TOLD";
  static constexpr unsigned number = 7;
  static void fields(auto& v, auto& x) {
    v.must(1, "relay", x.relay);
    v.must(2, "n", x.n);
    v.must(3, "last", x.last);
    v.must(4, "agents", list(x.agents, limits::agent_lines));
  }
};
template <>
struct Shape<EnrolRouted> {
  static constexpr std::string_view name = "ENROL (routed)";
  static constexpr unsigned number = 8;
  static void fields(auto& v, auto& x) {
    v.must(1, "origin", x.origin);
    v.must(2, "link", x.link);
    v.must(3, "enrol", x.enrol);
  }
};
template <>
struct Shape<EnrolledRouted> {
  static constexpr std::string_view name = "ENROLLED (routed)";
  static constexpr unsigned number = 9;
  static void fields(auto& v, auto& x) {
    v.must(1, "link", x.link);
    v.must(2, "enrolled", x.enrolled);
  }
};
template <>
struct Shape<Gone> {
  static constexpr std::string_view name = "GONE";
  static constexpr unsigned number = 10;
  static void fields(auto& v, auto& x) {
    v.must(1, "sink", x.sink);
    v.must(2, "epoch", x.epoch);
  }
};

}  // namespace mig::core::codec
