// The endpoint's own account of what was asked of it: every action received, who signed it, what was run, what was answered.
//
// Entries are lines of JSON, each with the hash of the one before ("prev"), so that nothing can be changed or taken out
// without breaking the chain; the newest hash goes into the program's log with every entry, so that the whole log cannot
// be written anew unnoticed. A record stands in the same batch of the store as the journal's: what is not on record does not run.
//
// Texts whose signatures do not hold are only counted, once a minute: anybody can make those. Oldest entries go when the log
// is full; the chain then begins with the hash that the first kept entry names.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "node/core/action.h"
#include "node/core/message.h"
#include "node/core/roster.h"
#include "node/core/seal.h"
#include "store/store.h"

namespace mig::node {

class Audit {
 public:
  explicit Audit(store::Store& store);

  /// An answer that is a header only: not targeted, refused and why, cancelled. `action` is null where signatures or document
  /// do not hold. The same answer to the same action is noted once a run of this process, since relays ask again.
  void judged(core::WallMs now, const core::ActionId& id, const core::Action* action, const std::vector<core::Fingerprint>& signers,
              const core::Roster& roster, core::State state, const std::string& why);
  void started(core::WallMs now, const core::Action& action, const std::vector<core::Fingerprint>& signers, const core::Roster& roster);
  void answered(core::WallMs now, const core::ActionId& id, core::State outcome, const std::string& trouble, std::size_t result_bytes,
                std::size_t parts);
  /// What was only counted becomes an entry. Call now and then.
  void flush(core::WallMs now);
  /// In hex; of the empty log: 64 zeros.
  const std::string& head() const { return head_; }

 private:
  void add(core::WallMs now, const char* event, const std::string& action, core::Json fields);
  void drop_oldest();
  void write_head();

  store::Store& store_;
  std::uint64_t first_ = 1, last_ = 0;  // numbers of the entries held
  std::size_t bytes_ = 0;
  std::string head_;
  std::set<std::pair<core::ActionId, core::State>> told_;
  std::uint64_t unproven_ = 0;
  std::string unproven_why_, unproven_first_;
};

/// Gives rows of a store in the order of their keys: what Store::scan does, or a look into another process's store.
using Scan = std::function<void(core::BytesView prefix, const std::function<bool(core::BytesView key, core::BytesView value)>& visit)>;

struct AuditReport {
  std::vector<std::string> lines;  ///< the entries as they stand there, oldest first
  std::string trouble;             ///< empty: the chain holds; else the first place where it does not
  std::string head;
};
AuditReport read_audit(const Scan& scan);
/// One line for people: "2026-11-24T07:00:00Z started 91f32c11 'implant search' signed by Ada: file, netstat; for all".
std::string audit_line_for_people(const std::string& line);

}  // namespace mig::node
