// Earlier actions as the mesh sees them now: for commands that ask how things stand and do not wait for stragglers.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "investigator/station.h"
#include "node/core/action.h"

namespace mig::investigator {

/// An action of this ledger.
struct Earlier {
  core::Action action;
  store::LedgerAction kept;
};
/// By id or unique prefix. Errors begin with `command` and the word that was given.
core::Result<Earlier> earlier(const store::Ledger& ledger, const std::string& word, std::string_view command);

/// "open for 4m", "collecting for 55m", "closed".
std::string stage(const core::Action& action, core::WallMs now);

/// What a machine must know of an action that this ledger holds, but for the key of its answers.
core::Follow order_from(const store::Ledger& ledger, const core::Action& action, const core::SignedText& signed_action, std::vector<core::Received> receipts);
/// To go on with an action where the ledger stands. Its answers are opened through gpg; error: we are a reader, but
/// gpg does not open them (then nothing must be collected: the first receipt stands for ever).
core::Result<core::Follow> order_to_follow(const store::Ledger& ledger, const Earlier& action, const Home& home);

/// Every relay within reach has reported on `action`, and all that the reports count has been read.
bool caught_up(const Station& station, const core::ActionId& action);

/// Asks every relay within reach for its register, and how far each agent is with `action`; gives the relays that told.
/// Without a relay within reach: says so on stderr, and nobody told.
core::Result<std::set<core::NodeId>> ask_registers(Station& station, const std::optional<core::ActionKey>& action);

/// How `action` stands, from the mesh if a relay is reached, else from the ledger.
struct Standing {
  Statement statement;
  bool from_mesh = false;
};

/// How all of `actions` stand. Attaches if one of them is still alive; what then keeps them from being looked at in the
/// mesh is said on stderr. Error: the ledger cannot keep, or Ctrl-C.
core::Result<std::vector<Standing>> look_at(Station& station, const std::vector<Earlier>& actions);

}  // namespace mig::investigator
