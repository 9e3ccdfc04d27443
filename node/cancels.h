// The cancels an agent holds, on disk too: one may come before its action, and the agent may restart in between.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/core/roster.h"
#include "store/store.h"

namespace mig::node {

class Cancels {
 public:
  explicit Cancels(store::Store& store) : store_(store) {}
  void load();
  /// False: too many are held.
  bool add(const core::ActionKey& action, const core::Fingerprint& by, core::WallMs expires, const std::string& reason);
  /// The reason, if somebody cancelled it who may.
  std::optional<std::string> reason(const core::ActionKey& action, const std::vector<core::Fingerprint>& signers, const core::Roster& roster) const;
  void purge(core::WallMs now);

 private:
  struct Order {
    core::WallMs expires = 0;
    std::string reason;
  };
  store::Store& store_;
  std::map<core::ActionKey, std::map<core::Fingerprint, Order>> held_;  ///< by action, by who signed
};

}  // namespace mig::node
