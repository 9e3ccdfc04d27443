// Follows one action on a station until enough is known, printing every answer exactly once.
#pragma once

#include "investigator/answers.h"
#include "investigator/inquiry.h"
#include "investigator/report.h"
#include "investigator/station.h"

namespace mig::investigator {

class Collection {
 public:
  Collection(Station& station, core::Action action, Report& report, Patience patience);
  ~Collection() { station_.on_receipt({}); }
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;

  /// Prints what the ledger has, and gives it as the machine wants to know it.
  std::vector<core::Received> recall();
  /// Until complete, patience is over, the action expires, or Ctrl-C. `fresh`: a refusal of the relay is an error, and
  /// expiry ends it; an old action is waited for until its results stop counting. Exit code.
  int run(bool fresh);
  /// The last word on an action whose results no longer count, from the ledger alone. Exit code.
  int close();

 private:
  void take(const core::KeepReceipt& receipt);
  bool is_over(bool fresh);
  bool all_reachable_report(const Statement& statement) const;
  Statement statement() const { return station_.machine().statement(action_.id, station_.now()); }

  Station& station_;
  core::Action action_;
  Report& report_;
  Patience patience_;
  Answers answers_;
  core::Instant last_news_;
};

/// What the ledger alone can say: who answered, and of everyone else what the last rows said; `closed`: they are expired.
/// Relays that were forgotten, and their agents, are not counted.
Statement ledger_statement(const core::ActionKey& action, const store::Ledger& ledger, bool closed);

}  // namespace mig::investigator
