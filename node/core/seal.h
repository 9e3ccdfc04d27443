// Replies that only readers can open, and that say by whom and to which question.
//
// Body: compressed (zstd), padded to a size class so that its length does not tell who found something, sealed to
// the action's reply key. Ids are repeated inside the seal, so a body cannot be passed off as another agent's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/core/identity.h"
#include "node/core/random.h"

namespace mig::core {

/// Anonymous box: ephemeral X25519 key from `random` | nonce by hash | XSalsa20-Poly1305. Cost: 75 us a KB.
Bytes seal(BytesView plain, const LinkPublic& to, Random& random);
Result<Bytes> open(BytesView sealed, const LinkPublic& key, const LinkSecret& secret);

struct ReplyKeys {
  LinkPublic key;
  LinkSecret secret;
};
ReplyKeys make_reply_keys(Random& random);
/// The key an Ed25519 public key seals to (enrol requests).
Result<LinkPublic> link_public_of(const SignPublic& key);
LinkSecret link_secret_of_seed(const Seed& enroller_seed);

/// The only list of states of an agent in an action. Relays see `answered` for found, clean and failed unless the
/// action discloses more.
enum class State : std::uint8_t {
  queued = 1, delivered, running, offline,          // open
  answered, found, clean, failed,                   // answered
  refused, not_targeted, cancelled, expired,        // closed otherwise
  unknown,                                          // at the investigator only
};
std::string_view to_text(State state);
bool is_open(State state);

/// Signed in the clear by the agent.
struct ReplyHeader {
  ActionId action;
  NodeId agent;
  std::uint16_t part = 0, parts = 1;
  State state = State::answered;   ///< answered, refused, not_targeted or cancelled (found .. failed if disclosed)
  std::string reason;              ///< for refused: one sentence in clear
  WallMs started = 0, finished = 0;
  Hash body;                       ///< of the sealed body; of "" if there is none
  std::uint32_t body_bytes = 0;
};

/// What is inside the seal.
struct ReplyBody {
  ActionId action;
  NodeId agent;
  State state = State::clean;      ///< found, clean or failed; cancelled: what there was until then
  std::string trouble;             ///< for failed: error, timeout, limit, interrupted, with words
  std::string results;             ///< JSON array of MIG Results, one an operation by index
};

/// As it travels and is kept: exact bytes.
struct Reply {
  Bytes header, signature, body;
  bool operator==(const Reply&) const = default;
};

Reply make_reply(const ReplyHeader& header, const std::optional<ReplyBody>& body, const LinkPublic& reply_key,
                 const Keys& agent, Random& random);
/// The same for results of any size: their text is cut into one slice a part (each under limits::reply_part_bytes
/// once sealed), each part is a reply of its own; a reader joins the slices in order. Sets header.part and parts.
/// Results that need more than limits::reply_parts parts must be cut down by the caller before.
std::vector<Reply> make_replies(ReplyHeader header, const std::optional<ReplyBody>& body, const LinkPublic& reply_key,
                                const Keys& agent, Random& random);
/// Verifies signature, body hash and that the header's agent is the one of `agent_key`. Cost: 62 us.
Result<ReplyHeader> verify_reply(const Reply& reply, const SignPublic& agent_key);
/// Reads the header without any check (relay, after it verified once; display).
Result<ReplyHeader> read_reply_header(BytesView header);
/// Opens the body of a verified reply and checks the ids inside.
Result<ReplyBody> open_reply(const Reply& reply, const ReplyHeader& header, const LinkPublic& key,
                             const LinkSecret& secret);

}  // namespace mig::core
