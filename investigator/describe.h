// An action in words, for the person who is about to sign or has to judge it.
#pragma once

#include <string>
#include <vector>

#include "node/core/roster.h"

namespace mig::investigator {

/// How far the signatures of an action reach for one of its modules.
struct ModuleWeight {
  std::string module;
  std::uint32_t reached = 0, needed = 0;  ///< needed 0: the roster allows it to nobody
};
std::vector<ModuleWeight> weights(const core::Action& action, const std::vector<core::Fingerprint>& signers,
                                  const core::Roster& roster);

/// Name, target, window, readers, and for every operation what it asks and what its answer reveals. Many lines.
std::string describe(const core::Action& action, const core::Roster& roster);
/// "file: weight 1 of 2", a line a module.
std::string describe(const std::vector<ModuleWeight>& weights);

/// One signature of an action as the roster sees it.
struct SignatureView {
  core::Fingerprint key;              ///< that made it, as it claims; empty when it cannot be read
  core::Fingerprint person;           ///< empty: not in the roster
  std::string name;
  std::string trouble;                ///< empty: valid
};
std::vector<SignatureView> look_at_signatures(const core::SignedText& action, const core::Roster& roster,
                                              core::WallMs now);

}  // namespace mig::investigator
