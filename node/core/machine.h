// The contract of everything that lives in the mesh: facts in, orders out.
//
// A machine touches no socket, clock, thread, file or random device; it cannot find out whether it is simulated.
// Two drivers run any machine: node/wire over ZeroMQ, simulate/world over an event heap.
//
// 1. Inputs are facts in the past tense, effects are orders in the imperative.
// 2. Promise after commit: an effect with `after_commit` is carried out only when everything this step wrote to the
//    store is on disk. Should the disk refuse, it is dropped and the machine hears Committed{batch, false}.
// 3. Whatever may be late is an effect; what answers at once is the store, the one port.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "node/core/attachment.h"
#include "node/core/event.h"
#include "node/core/identity.h"
#include "node/core/ids.h"
#include "node/core/message.h"
#include "node/core/record.h"
#include "node/core/time.h"

namespace mig::core {

/// Outbound links are numbered by the machine that dials (1, 2, ...), inbound ones by the driver (from 1 << 63).
using LinkId = std::uint64_t;
using JobId = std::uint64_t;
constexpr LinkId first_inbound_link = LinkId{1} << 63;
enum class Direction { in, out };

// ---- inputs: facts, in the past tense ----

struct Woke {};                                ///< the instant asked for by wake() has come
/// A link came up (after CURVE: `peer` is the key the other end proved) or went down. An inbound link is reported
/// right before its first frame. `address` is for logs only.
struct Linked {
  LinkId link = 0;
  Direction direction = Direction::in;
  LinkPublic peer;
  bool up = false;
  std::string address;
};
struct Heard {
  LinkId from = 0;
  Bytes frame;
};
/// What the steps of this batch wrote is on disk, or the disk refused (it stays readable and is tried again).
struct Committed {
  std::uint64_t batch = 0;
  bool ok = true;
};
/// A running job gave something.
struct Yielded {
  JobId job = 0;
  std::vector<std::pair<std::size_t, std::string>> results;  ///< operation index, MIG Result as JSON
  bool last = false;
  std::string trouble;                         ///< on last: "", or "timeout", "limit", "error" with words
};

/// What a person or script wants of the investigator's machine; already signed where it must be.
struct Launch {
  SignedText signed_action;
  LinkSecret reply_secret;                     ///< opens the replies
  std::vector<Enclosed> enclosed;              ///< its attachments, for relays that ask for them
};
/// One reply part the ledger already holds.
struct Received {
  NodeId agent;
  std::uint16_t part = 0, parts = 1;
  State state = State::answered;
  NodeId relay;                                ///< in whose log it lay
};
struct Follow {                                ///< an action of the ledger: go on collecting
  ActionId action;
  SignedText signed_action;
  std::optional<LinkSecret> reply_secret;      ///< none: receipts only
  std::vector<Received> receipts;              ///< as the ledger has them, like all that follows
  std::vector<KeepCursor> cursors;
  std::vector<std::pair<NodeId, Version>> rows;  ///< the newest of each relay: an older one may still be under way
  std::vector<Enclosed> enclosed;
};
struct Publish {                               ///< a roster or stop document
  Object object;
};
struct AskRegister {                           ///< ask every reachable relay who its agents are
  std::optional<ActionKey> action;             ///< and how far each is with this one
};
struct Asked {
  std::variant<Launch, Follow, Publish, AskRegister> request;
};

using Input = std::variant<Woke, Linked, Heard, Committed, Yielded, Asked>;

// ---- effects: orders, in the imperative ----

struct Dial {
  LinkId link = 0;
  Endpoint to;
};
struct Close {
  LinkId link = 0;
};
struct Send {
  LinkId to = 0;
  Bytes frame;
};
struct Budget {
  double seconds = 300;
  std::uint64_t bytes = 8 << 20;
};
struct Start {
  JobId job = 0;
  ActionId action;
  std::vector<Operation> operations;
  Budget budget;
  std::vector<Enclosed> enclosed;              ///< what parameters name: unpacked and put in their place by the job
};
struct Stop {
  JobId job = 0;
};
struct Keep {
  Record record;
};
struct Tell {
  Event event;
};
struct Effect {
  std::variant<Dial, Close, Send, Start, Stop, Keep, Tell> what;
  bool after_commit = false;
};
using Effects = std::vector<Effect>;

class Machine {
 public:
  virtual ~Machine() = default;
  /// Takes one fact at `now` and appends what must be done to `out`, in order.
  /// REQUIRES: now.at never goes back. Never blocks, never throws.
  virtual void step(const Now& now, const Input& input, Effects& out) = 0;
  /// When to call step(Woke) next; Instant::never() if there is nothing to wait for.
  virtual Instant wake() const = 0;
};

}  // namespace mig::core
