// Every frame on the wire: what it holds. MESSAGES.md beside this file is its grammar for other implementations.
//
// A frame is one msgpack array [type, map]; map keys are small integers; unknown keys are ignored, an unknown type
// is reported as Unknown and changes nothing. Whatever is signed travels as the exact bytes that were signed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "node/core/identity.h"
#include "node/core/ids.h"
#include "node/core/record.h"
#include "node/core/seal.h"

namespace mig::core {

constexpr std::uint8_t protocol_version = 1;

// ---- objects of the board ----

enum class ObjectKind : std::uint8_t { action = 1, cancel = 2, relay = 3, sink = 4, roster = 5, stop = 6, draft = 7, chunk = 8 };

/// Versions of one board key, compared as a pair: (instance, n) of a relay, (epoch, n) of a sink,
/// (0, number of signatures) of an action or a draft, (document version, first 8 octets of its hash) of the roster, so that two of
/// one version are seen to differ, (issued, 0) of a stop.
struct Version {
  std::uint64_t major = 0, minor = 0;
  auto operator<=>(const Version&) const = default;
};

/// A signed notice. `text` is the exact signed bytes: canonical JSON (action, cancel, roster, stop, draft) or packed record (relay, sink).
/// These: OpenPGP signatures. A chunk of an attachment has none: a live action names its hash. relay, sink: one Ed25519 signature (domain::object) by the key that `author`
/// (certificate, packed session) names.
struct Object {
  ObjectKind kind = ObjectKind::action;
  Bytes text;
  std::vector<Bytes> signatures;
  Bytes author;
};
Bytes pack_object(const Object& object);             ///< for stores
Result<Object> unpack_object(BytesView bytes);

using BoardKey = Bytes;                              ///< kind octet + 16 octets (roster: kind octet alone)
BoardKey board_key(ObjectKind kind, BytesView id);   ///< cuts `id` to 16 octets
Version version_of_roster(std::uint64_t version, BytesView text);
struct Digest {
  BoardKey key;
  Version version;
};

/// Text of a RELAY object: who is linked with whom. No addresses: the map shows structure, not where to attack.
struct RelayRecord {
  NodeId relay;
  std::uint64_t instance = 0, n = 0;
  WallMs issued = 0, expires = 0;
  std::string name, segment;
  std::vector<std::pair<NodeId, std::uint32_t>> neighbours;  ///< relay, cost
  std::uint32_t known = 0, online = 0;               ///< agents in the register, agents attached
  std::uint64_t boot_nonce = 0;
  bool enroller = false;
  std::string software;                              ///< version of the program
  std::vector<std::string> endpoints;                ///< where it listens, tcp://HOST:PORT#KEY; empty: it only dials
};
Bytes pack(const RelayRecord& record);
Result<RelayRecord> unpack_relay_record(BytesView text);

/// Text of a SINK object: at which relay replies for this sink are wanted.
struct SinkRecord {
  SinkId sink;
  std::uint64_t epoch = 0, n = 0;
  NodeId relay;
  WallMs issued = 0, expires = 0;
};
Bytes pack(const SinkRecord& record);
Result<SinkRecord> unpack_sink_record(BytesView text);

// ---- link control (class 0) ----

/// What an agent still knows of an action, so that relays need not remember deliveries.
enum class Journal : std::uint8_t { started = 1, done = 2, stored = 3, confirmed = 4 };
struct Held {
  ActionKey action;
  Journal state = Journal::started;
};
struct Hello {
  std::uint8_t protocol_low = protocol_version, protocol_high = protocol_version;
  Role role = Role::agent;
  Bytes proof;                                       ///< certificate, or packed session of an investigator
  std::uint64_t boot_nonce = 0;
  WallMs now = 0;
  std::uint64_t features = 0;
  std::uint32_t window = 0;                          ///< bytes the peer may have in flight to us
  std::uint64_t roster_version = 0;
  std::uint64_t roster_mark = 0;                     ///< minor of version_of_roster(): another roster of the same version is a fork
  // agents:
  Bytes ticket;
  Bytes attributes;                                  ///< JSON of AgentFacts, at most limits::attributes_bytes
  std::vector<NodeId> maybe_at;                      ///< link names of relays it may still be registered at
  std::vector<Held> held;
  // relays:
  std::vector<std::string> peers;                    ///< where the sender and others of its segment can be reached
};
struct Welcome {
  std::uint8_t protocol = protocol_version;
  Bytes certificate;
  std::uint64_t session = 0;
  WallMs now = 0;
  std::uint64_t features = 0;
  std::uint32_t window = 0, beat_s = 0, herd_ms = 0;
  std::uint64_t roster_version = 0;
  std::vector<std::string> peers;                    ///< endpoints (text form) of relays to fall back to
};
enum class ByeCode : std::uint8_t {
  shutdown = 1, busy, reset, superseded, stale_seq, dup_link, dup_id, self, bad_cert, bad_proto, bad_object,
  timeout, quota, rebalance,
};
std::string_view to_text(ByeCode code);
struct Bye {
  ByeCode code = ByeCode::shutdown;
  std::uint32_t retry_ms = 0;
  std::uint64_t min_seq = 0;                         ///< with stale_seq: the least attach_seq that will do
  std::vector<std::string> alternatives;             ///< endpoints
  std::string text;
};
struct Beat {
  std::uint64_t n = 0;
  WallMs now = 0;
  std::uint64_t consumed = 0;                        ///< bytes of frames taken so far in this session
  Hash root;                                         ///< relays: digest of the whole board
};
/// A joining node without a certificate: its request, sealed to the enroller `to`.
struct Enrol {
  SignPublic to;
  Bytes sealed;                                      ///< an EnrolRequest
  LinkPublic answer_to;                              ///< the answer is sealed to this key
};
struct Enrolled {
  Bytes sealed;                                      ///< an EnrolAnswer
};

// ---- board (class 1) ----

struct Put {
  std::vector<Object> objects;
};
/// Rosters, then stops, then cancels, then the rest, each in the sender's order: what decides over an action comes before it.
std::vector<const Object*> in_order_of_effect(const Put& put);
/// The sender's whole board as digests; the receiver PUTs what the sender lacks and WANTs what it lacks itself.
/// `kinds` bit k asks for objects of ObjectKind k only (an investigator asks for relays and roster).
struct Sync {
  std::uint32_t kinds = 0xffffffff;
  std::vector<Digest> digests;
  bool last = true;                                  ///< no further Sync frame of this digest follows
};
struct Want {
  std::vector<BoardKey> keys;
};
enum class VerdictCode : std::uint8_t { stored = 1, refused, quota, late, bad };
struct Verdict {
  BoardKey key;
  VerdictCode code = VerdictCode::stored;
  std::string text;
};

// ---- routed (class 2, replies 3) ----

/// One home relay's numbers for one action; a pure function of its register. Signed (domain::row).
struct Row {
  ActionKey action;
  NodeId relay;
  Version version;                                   ///< (instance, n)
  std::vector<LogPosition> log;                      ///< per instance: next index to be written
  std::uint32_t queued = 0, delivered = 0, running = 0, offline = 0;                    // open
  std::uint32_t answered = 0, found = 0, refused = 0, not_targeted = 0, cancelled = 0, expired = 0;  // closed
  WallMs reset_at = 0;                               ///< when this relay found that its store had been lost; 0: never
  WallMs at = 0;
  bool operator==(const Row&) const = default;
};
Bytes pack(const Row& row);
Result<Row> unpack_row(BytesView text);
struct SignedRow {
  Bytes row, signature;
};
struct Tally {
  std::vector<SignedRow> rows;
};

/// "I hold durably everything before `from`; I have row `row_version`; send up to `window` bytes from there on."
/// Replaces what this sink said before. Signed (domain::pull) with the session's key.
struct PullItem {
  ActionKey action;
  std::vector<LogPosition> from;                     ///< per instance; instances not named start at 0
  std::uint32_t window = 0;
  Version row_version;
};
struct Pull {
  SinkId sink;
  std::uint64_t epoch = 0, n = 0;
  std::vector<PullItem> items;
};
Bytes pack(const Pull& pull);
Result<Pull> unpack_pull(BytesView text);
struct SignedPull {
  Bytes pull, signature;
};

struct LogEntry {
  Reply reply;
  Bytes certificate;                                 ///< of the agent
};
Bytes pack(const LogEntry& entry);
Result<LogEntry> unpack_log_entry(BytesView bytes);
struct Replies {
  ActionKey action;
  NodeId relay;
  LogPosition from;                                  ///< position of the first entry; the rest follow densely
  std::vector<LogEntry> entries;
};

struct Handover {
  NodeId agent;
  Bytes ticket;
  Bytes certificate;                                 ///< of the agent: proves the ticket
};
/// How an agent is closed in an action, as the relay says that has its answer.
struct Closed {
  ActionKey action;
  State state = State::answered;
};
struct Handed {
  NodeId agent;
  std::uint64_t attach_seq = 0, instance = 0;        ///< of the old home, which no longer has the agent
  std::vector<Closed> closed;                        ///< what it keeps of it: the new home need not miss it
};

/// An investigator asks a relay for its register; signed like a PULL.
struct Ask {
  SinkId sink;
  std::uint64_t n = 0;
  std::optional<ActionKey> action;                   ///< also say each agent's state in it
};
Bytes pack(const Ask& ask);
Result<Ask> unpack_ask(BytesView text);
struct SignedAsk {
  Bytes ask, signature;
};
struct AgentLine {
  NodeId agent;
  std::string name;
  bool online = false;
  WallMs seen = 0;
  Bytes attributes;
  State state = State::unknown;                      ///< in the action asked about
};
struct Told {
  NodeId relay;
  std::uint64_t n = 0;                               ///< of the Ask
  bool last = true;
  std::vector<AgentLine> agents;
};

/// An enrolment on its way to a relay with the enroller's key, and back.
struct EnrolRouted {
  NodeId origin;                                     ///< relay the joining node is linked to
  std::uint64_t link = 0;                            ///< its link there
  Enrol enrol;
};
struct EnrolledRouted {
  std::uint64_t link = 0;
  Enrolled enrolled;
};

/// Answers a row: the reader it is for has ended her session here. Nobody waits for her until she announces her next epoch.
struct Gone {
  SinkId sink;
  std::uint64_t epoch = 0;
};

using Routed = std::variant<Tally, SignedPull, Replies, Handover, Handed, SignedAsk, Told, EnrolRouted, EnrolledRouted, Gone>;
/// Carried hop by hop by the map; a lost one is sent again by its owner. The middle never opens `payload`.
/// What a relay states (REPLIES, HANDED, TOLD, GONE) it signs, so that no relay on the way can say it in its name.
struct Route {
  NodeId to;
  SinkId sub;                                        ///< the sink at `to`; empty: the relay itself
  std::uint8_t ttl = 16;
  Bytes payload;                                     ///< encode_routed()
  Bytes signature;                                   ///< over route_signing_text(), domain::route; empty: the payload proves itself
};
Bytes route_signing_text(const Route& route);
Bytes encode_routed(const Routed& routed);
Result<Routed> decode_routed(BytesView payload);

// ---- agent and home relay ----

struct ResultFrame {
  Reply reply;
  bool running = false;                              ///< a progress note: `reply` is empty, `action` is running
  ActionKey action;
};
enum class AckCode : std::uint8_t { full = 1, unasked, bad };
struct RefusedAck {
  ActionKey action;
  AckCode code = AckCode::bad;
  std::uint32_t retry_ms = 0;
};
struct Acks {
  std::vector<ActionKey> stored;                     ///< all parts are on the relay's disk
  std::vector<ActionKey> done;                       ///< confirmed end to end
  std::vector<RefusedAck> refused;
};

struct Unknown {
  std::uint32_t type = 0;
};

using Message = std::variant<Hello, Welcome, Bye, Beat, Enrol, Enrolled, Put, Sync, Want, Verdict, Route, ResultFrame,
                             Acks, Unknown>;

Bytes encode(const Message& message);
/// Any bytes, bounded work. Errors say what is wrong; the caller counts, drops and tells.
Result<Message> decode(BytesView frame);
std::string_view name_of(const Message& message);

}  // namespace mig::core
