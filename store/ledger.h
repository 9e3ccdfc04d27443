// The investigator's account: every action, every agent, every receipt, and how far each relay's log was
// read.
//
// Nothing in it is ever overwritten by something weaker: the first receipt of (action, agent, part) stays,
// cursors only advance, versions of rows and roster and epochs only grow, agents and relays are as they were
// seen last (what is left empty then stays). Several processes of one person may share it, and several
// threads of one process.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/core/record.h"

namespace mig::store {

struct LedgerAction {
  core::ActionId id;
  core::SignedText signed_action;
  core::WallMs asked = 0;
};
struct LedgerReceipt {
  core::ActionKey action;
  core::NodeId agent, relay;
  std::string agent_name;
  std::uint16_t part = 0, parts = 1;
  core::State state = core::State::answered;
  std::string reason, trouble, results;
  core::WallMs started = 0, finished = 0;
  std::int64_t sequence = 0;  ///< order of arrival in this ledger
};
struct LedgerAgent {
  core::NodeId agent;
  std::string name;
  core::NodeId home;  ///< relay it was last known at
  bool online = false;
  core::WallMs seen = 0;
  std::string attributes;
};
struct LedgerRelay {
  core::NodeId relay;
  std::string name, segment;
  core::WallMs seen = 0;
  bool forgotten = false;
  core::Bytes record;
};
struct LedgerCursor {
  core::ActionKey action;
  core::NodeId relay;
  core::LogPosition next;
};
struct LedgerRow {
  core::ActionKey action;
  core::NodeId relay;
  core::Bytes row, signature;
};

class Ledger {
 public:
  virtual ~Ledger() = default;
  /// All of it or nothing, durable when it returns. Errors: disk full, locked too long (Code::later).
  /// Rows and rosters that cannot be read are left out.
  virtual core::Status keep(const std::vector<core::Record>& records) = 0;

  /// Forgets an action: document (with the wrapped key of its answers), signatures, receipts, cursors, rows. What was there is overwritten.
  virtual core::Status close(const core::ActionId& action) = 0;

  virtual std::vector<LedgerAction> actions(std::size_t most) const = 0;  ///< newest first
  /// By full hex id or a unique prefix of 8 or more digits; the error lists what matches.
  virtual core::Result<LedgerAction> action(const std::string& hex_prefix) const = 0;
  /// Receipts of an action in order of arrival, those with sequence > `after` only.
  virtual std::vector<LedgerReceipt> receipts(const core::ActionKey& action, std::int64_t after) const = 0;
  /// The evidence of one receipt part.
  virtual std::optional<core::Reply> evidence(const core::ActionKey& action, const core::NodeId& agent,
                                              std::uint16_t part) const = 0;
  virtual std::vector<LedgerAgent> agents() const = 0;  ///< by name
  virtual std::vector<LedgerRelay> relays() const = 0;  ///< by name
  virtual std::vector<LedgerCursor> cursors(const core::ActionKey& action) const = 0;
  virtual std::vector<LedgerRow> rows(const core::ActionKey& action) const = 0;
  virtual std::uint64_t epoch(const core::SinkId& sink) const = 0;
  virtual std::optional<core::SignedText> roster() const = 0;
};

/// SQLite in one file (mode 0600, WAL, full synchronisation); made if missing, its directory (0700) too.
/// Waits `patience_ms` for another process that writes. Errors name file, trouble and what helps. Should the
/// file become unreadable later, the process ends with status 2, in words: what is there must never be taken
/// for missing.
core::Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::string& path, int patience_ms = 10'000);

}  // namespace mig::store
