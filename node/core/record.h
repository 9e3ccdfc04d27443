// What the investigator's machine orders kept in the ledger. All records of one step share one transaction.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "node/core/action.h"
#include "node/core/seal.h"

namespace mig::core {

/// A place in a home relay's reply log: dense within one instance (boot) of that relay.
struct LogPosition {
  std::uint64_t instance = 0, index = 0;
  auto operator<=>(const LogPosition&) const = default;
};

struct KeepAction {
  ActionId id;
  SignedText signed_action;
  WallMs asked = 0;
};
/// A verified reply part; the first one for (action, agent, part) wins, later ones change nothing.
struct KeepReceipt {
  ActionKey action;
  NodeId agent, relay;
  std::string agent_name;
  Bytes agent_certificate;
  std::uint16_t part = 0, parts = 1;
  State state = State::answered;   ///< found/clean/failed when opened, else as the header says
  std::string reason, trouble;
  std::string results;             ///< JSON array, opened; empty if there is no body or no key to open it with
  WallMs started = 0, finished = 0;
  Reply reply;                     ///< the evidence, exact bytes
};
/// Everything before `next` in this segment of that relay's log is in the ledger.
struct KeepCursor {
  ActionKey action;
  NodeId relay;
  LogPosition next;
};
struct KeepRow {
  ActionKey action;
  NodeId relay;
  Bytes row, signature;
};
struct KeepRelay {
  NodeId relay;
  std::string name, segment;
  WallMs seen = 0;
  Bytes record;                    ///< newest RELAY object, packed; may be empty
};
struct KeepAgent {
  NodeId agent;
  std::string name;
  NodeId home;
  bool online = false;
  WallMs seen = 0;
  std::string attributes;          ///< JSON
};
struct KeepEpoch {
  SinkId sink;
  std::uint64_t epoch = 0;
};
struct KeepRoster {
  SignedText roster;
};
struct KeepForgotten {
  NodeId relay;                    ///< no longer required for completeness, by order
};

using Record = std::variant<KeepAction, KeepReceipt, KeepCursor, KeepRow, KeepRelay, KeepAgent, KeepEpoch, KeepRoster,
                            KeepForgotten>;

}  // namespace mig::core
