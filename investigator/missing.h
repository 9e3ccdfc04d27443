// Who gave no answer to an action, and why, as far as ledger and registers can say. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "node/core/action.h"
#include "store/ledger.h"

namespace mig::investigator {

struct Missing {
  core::NodeId agent;
  std::string name;
  core::State state = core::State::unknown;
  std::string relay;              ///< name of the one it was last known at; empty: none
  std::string why;                ///< a sentence for people, may hold foreign text
  core::WallMs seen = 0;          ///< when a relay last had it online
};

/// What registers said just now.
struct Registers {
  std::set<core::NodeId> told;                   ///< relays that told theirs
  std::map<core::NodeId, core::State> states;    ///< of each agent in the action, by its relay
};

/// Everyone the ledger knows without an answer: at work, offline, refused, cancelled, expired, unknown. Those whom the
/// question did not concern are not missing, nor are the agents of a forgotten relay. By state, then by name.
std::vector<Missing> missing(const core::Action& action, const store::Ledger& ledger, const Registers& registers, core::WallMs now);

/// The condition that means exactly these agents. Error: it would be longer than a target may be, with how many fit.
core::Result<std::string> target_on(const std::vector<Missing>& agents);

}  // namespace mig::investigator
