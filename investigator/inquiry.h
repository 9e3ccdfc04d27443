// One action from its launch to the last word: what `mig MODULE`, `mig run` and `mig results` share.
#pragma once

#include <string>

#include "investigator/commands/command.h"
#include "investigator/investigator.h"
#include "node/core/action.h"

namespace mig::investigator {

/// When to stop waiting, as a pure rule; times in seconds.
struct Patience {
  double wait_s = 10;              ///< after the last online agent answered
  static constexpr double unheard_s = 20;  ///< more, while relays within reach have not reported or we are detached

  struct Seen {
    bool attached = false;
    bool all_reachable_report = false;
    double quiet_s = 0;            ///< since the last answer, or since an agent was last seen at work
  };
  bool is_over(const Statement& statement, const Seen& seen) const;
};

/// The condition behind -t, -target-found and -target-notfound, macros resolved. Errors: it does not parse; no such
/// earlier action in the ledger.
core::Result<std::string> target_text(const Home& home, const Globals& globals);

/// Completes, signs and asks what stands in `file`, and prints what comes; a document that is signed well enough goes
/// out as it is. With -s it is printed instead. Exit code.
int launch(core::ActionFile file, Globals& globals);

/// Prints what the ledger has of an action and goes on collecting. Exit code.
int follow(const std::string& id, Globals& globals);

/// Runs the operations in this process, as -t local. Exit code: 0 found, 1 nothing found, 2 a module failed.
int run_here(core::Action action, std::vector<core::Enclosed> enclosed, const Globals& globals);

/// Why a relay did not take an action: "relay: refused: weight 1 of 2 for file".
core::Error not_taken(const core::Verdict& verdict);

}  // namespace mig::investigator
