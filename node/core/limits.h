// Every bound, with its reason. Nothing grows without end; what is over a bound is refused in words.
#pragma once

#include <cstddef>
#include <cstdint>

#include "node/core/time.h"

namespace mig::core::limits {

// --- documents people write ---
constexpr std::size_t action_bytes = 64 * 1024;      ///< a signed action; larger content travels as attachments
constexpr std::size_t action_file_bytes = 4 * action_bytes;  ///< the same as people keep it: indented, with signatures ...
constexpr std::size_t attached_file_bytes = 24 * 1024 * 1024;  ///< ... and with its attachments, as base64
constexpr std::size_t attachments = 16;              ///< of one action
constexpr std::size_t attachment_bytes = 16 * 1024 * 1024;   ///< of one action's attachments together, unpacked
constexpr std::size_t chunk_bytes = 48 * 1024;       ///< of an attachment, compressed: a few fit every window beside all else
constexpr std::size_t relay_chunks = 256 * 1024 * 1024 / chunk_bytes;  ///< that one relay keeps, for all live actions
constexpr std::size_t chunks_asked = 8;              ///< of one action at a time: 384 KiB, within an agent's window
constexpr std::size_t action_name_bytes = 2048;      ///< as MIG's column
constexpr std::size_t readers = 64;                  ///< of one action's answers
constexpr std::size_t cancel_bytes = 4 * 1024;        ///< fixed fields and a sentence
constexpr std::size_t stops = 4000;                  ///< held at a time, of all subjects and signers
constexpr WallMs stop_life_ms = 10LL * 366 * 24 * 3600 * 1000;  ///< rosters without what it stopped come sooner
constexpr std::size_t roster_bytes = 192 * 1024;     ///< fits one frame with its signatures
constexpr std::size_t json_depth = 32;               ///< no document of ours nests deeper than 9
constexpr std::size_t target_bytes = 8 * 1024;       ///< MIG's column held 2,048; long id lists need more
constexpr std::size_t target_depth = 64;             ///< parentheses and NOTs: bounds the evaluator's stack
constexpr std::size_t target_patterns = 32;          ///< LIKE and ~ in one target: each may hold 256 KiB while matching
constexpr std::size_t pattern_memory = 256 * 1024;
constexpr std::size_t signatures = 8;                ///< on one action
constexpr std::size_t signature_bytes = 1024;        ///< RSA-4096 needs about 570
constexpr std::size_t operations = 64;               ///< in one action

// --- frames ---
constexpr std::size_t frame_bytes = 256 * 1024;      ///< blocks a 10 Mbit/s link for 0.2 s
constexpr std::size_t zmq_message_bytes = 512 * 1024;///< MAXMSGSIZE: a frame and its encryption, with room
constexpr std::size_t reply_part_bytes = 192 * 1024; ///< a sealed body; fits a frame with header and certificate
constexpr std::size_t reply_parts = 64;
constexpr std::size_t attributes_bytes = 2 * 1024;   ///< what an agent tells its home relay about itself
constexpr std::size_t name_bytes = 64;               ///< labels of relays, agents, segments, tags
constexpr std::size_t frame_depth = 12;              ///< our deepest frame nests 5; room for later fields
constexpr std::size_t frame_values = 32 * 1024;      ///< msgpack values in one frame: 1 MiB of memory while it is read
constexpr std::size_t tags = 32, tag_bytes = 256;    ///< on a certificate; the longest value of one
constexpr std::size_t endpoints = 4;                 ///< of one relay, in its record
constexpr std::size_t backups = 32;                  ///< relays an agent has learnt of and keeps
constexpr std::size_t endpoint_bytes = 384;          ///< tcp://, a DNS name of 253, a port, #, 64 digits
constexpr std::size_t alternatives = 8;              ///< endpoints in WELCOME and BYE
constexpr std::size_t text_bytes = 512;              ///< a sentence to a person: reason of a refusal
constexpr std::size_t certificate_bytes = 16 * 1024; ///< a certificate full of tags takes 11 KiB; a session less
constexpr std::size_t ticket_bytes = 256;            ///< takes about 150
constexpr std::size_t enrol_bytes = 32 * 1024;       ///< an invite and a request, each full of tags
constexpr std::size_t enrol_answer_bytes = 224 * 1024;  ///< a roster with its signatures, and a certificate
constexpr std::size_t put_objects = 512;             ///< small notices bundled; their bytes are bounded by the frame
constexpr std::size_t digests = 4096;                ///< keys in one SYNC or WANT: 160 KB
constexpr std::size_t tally_rows = 512;
constexpr std::size_t row_bytes = 8 * 1024;          ///< log_segments take 5 KiB
constexpr std::size_t log_segments = 256;            ///< boots of a relay during one action that wrote to its log
constexpr std::size_t pull_items = 1024;             ///< actions pulled from one relay at a time: all of one investigator
constexpr std::size_t pull_bytes = 192 * 1024;
constexpr std::size_t ask_bytes = 256;
constexpr std::size_t reply_entries = 1024;          ///< in one REPLIES; header-only replies take about 300 octets
constexpr std::size_t reply_header_bytes = 1024;     ///< fixed fields take 200, the reason text_bytes
constexpr std::size_t reply_plain_bytes = 1024 * 1024;  ///< one part when opened: what 192 KiB may unpack to
constexpr std::size_t trouble_bytes = 4096;          ///< why a job failed, in words
constexpr std::size_t invite_uses = 100'000;         ///< machines that may join with one invite
constexpr WallMs session_life_ms = 12LL * 3600 * 1000;  ///< so that a hardware token is touched once a day
constexpr std::size_t session_bytes = 1024;          ///< its text takes about 300
constexpr std::size_t join_bytes = 512 * 1024;       ///< a join string; the first relay's carries a roster
constexpr std::size_t seal_bytes = 48;               ///< what sealing adds: a public key and a tag
constexpr std::size_t agent_lines = 1024;            ///< in one TOLD; the rest follows in further ones
constexpr std::size_t held = 8192;                   ///< journalled actions an agent names in HELLO: 160 KB
constexpr std::size_t closed = 8192;                 ///< actions a HANDED names: 190 KB
constexpr std::size_t acks = 2048;                   ///< actions in each list of one ACKS
constexpr std::size_t neighbour_cost = 1'000'000;    ///< sums of hops stay far from overflow

// --- windows (bytes a sender may have in flight) ---
constexpr std::uint32_t relay_window = 1024 * 1024;
constexpr std::uint32_t investigator_window = 4 * 1024 * 1024;
constexpr std::uint32_t agent_window = 512 * 1024;

// --- links ---
constexpr Duration handshake = Duration::seconds(10);
constexpr Duration beat_relay = Duration::seconds(5), dead_relay = Duration::seconds(15);
constexpr Duration beat_leaf = Duration::seconds(30), dead_leaf = Duration::seconds(75);
constexpr Duration stall = Duration::seconds(2);     ///< a gap in our own stepping that pauses every deadline
constexpr Duration redial_min = Duration::millis(500), redial_max = Duration::seconds(60);
constexpr std::size_t links_unproven = 256;          ///< links that have not finished their HELLO
constexpr std::uint32_t agents_per_relay = 1000;
constexpr std::uint32_t herd_ms_per_agent = 4;       ///< a CURVE connect costs each side about 2 ms of CPU

// --- board, map, routing ---
constexpr std::size_t board_objects = 10'000;
constexpr std::size_t board_bytes = 64 * 1024 * 1024;
constexpr std::size_t actions_per_investigator = 1000;
constexpr std::uint32_t inject_burst = 20, inject_per_minute = 10;
constexpr Duration put_again = Duration::seconds(60 / inject_per_minute);  ///< an investigator, after a verdict "over the quota"
constexpr Duration relay_record_life = Duration::seconds(60 * 60), relay_record_renew = Duration::seconds(15 * 60);
constexpr Duration sink_life = Duration::seconds(5 * 60), sink_renew = Duration::seconds(90);
constexpr Duration neighbour_after = Duration::seconds(1);   ///< a link counts as an edge once it has held this long
constexpr Duration publish_gap = Duration::seconds(1);
constexpr Duration sync_gap = Duration::seconds(30);
constexpr Duration chunk_patience = Duration::seconds(10), chunk_patience_max = Duration::seconds(60);  ///< without a chunk, before they are asked for again
constexpr unsigned chunk_rounds = 5;                 ///< an agent asks in vain, 190 s, before it says that an attachment is missing
constexpr int hops = 16;
constexpr std::size_t neighbours = 512;

// --- actions in time ---
constexpr WallMs clock_skew_ms = 10 * 60 * 1000;
constexpr WallMs action_life_ms = 31LL * 24 * 3600 * 1000;   ///< validity at most; the roster may lower it
constexpr WallMs reply_grace_ms = 3600 * 1000;               ///< result_by = expireafter + this, by default
constexpr WallMs log_retention_ms = 24LL * 3600 * 1000;      ///< a reply log outlives result_by by this
constexpr std::size_t running_per_agent = 4;
constexpr std::size_t maybe_at = 32;                         ///< relays an agent remembers having said HELLO to

// --- rows and replies ---
constexpr Duration row_first = Duration::millis(200), row_gap = Duration::seconds(1);
constexpr Duration row_repeat_min = Duration::seconds(2), row_repeat_max = Duration::seconds(60);
constexpr std::size_t flush_bytes = 32 * 1024;
constexpr Duration flush_after = Duration::millis(5);
constexpr std::size_t pull_window = 64 * 1024;               ///< bytes a home relay may send per action before the next PULL
constexpr Duration pull_gap = Duration::millis(100);
constexpr Duration repull_min = Duration::seconds(5), repull_max = Duration::seconds(60);

// --- jobs ---
constexpr std::uint32_t job_seconds = 300;                   ///< MIG's moduletimeout
constexpr std::size_t job_output_bytes = 8 * 1024 * 1024;
constexpr std::size_t job_memory_bytes = 512 * 1024 * 1024;  ///< data of one job's process; compiled rules take tens of MB
constexpr double job_cpu_share = 2;                          ///< processor seconds of a job, for each of its wall clock

}  // namespace mig::core::limits
