// Hand-overs that are still to be told: agents that came to us and may still stand in another relay's register.
//
// An item is kept after the old home confirmed it, and told again when that home shows a new instance: it may have
// come back from an old copy of its store. It goes when the agent leaves us.
#pragma once

#include <map>
#include <vector>

#include "node/core/links.h"
#include "store/store.h"

namespace mig::relay {

struct HandoverItem {
  core::NodeId old_home;                     ///< by link name, see core::link_name_of
  core::NodeId agent;
  std::uint64_t confirmed_instance = 0;      ///< of the old home
  core::Instant next_try;
  core::Duration wait = core::Duration::seconds(1);
};

class Outbox {
 public:
  explicit Outbox(store::Store& store);
  /// Written at once, told only after release(): an old home may forget the agent only when we cannot any more.
  void add(const core::NodeId& old_home, const core::NodeId& agent);
  void release(const core::NodeId& agent, core::Instant now);
  void confirmed(const core::NodeId& old_home, const core::NodeId& agent, std::uint64_t instance);
  void drop(const core::NodeId& agent);
  std::vector<HandoverItem*> due(core::Instant now);
  /// A way has opened or an old home has begun a new life: what waits is tried now.
  void hurry(core::Instant now);
  void tried(HandoverItem& item, core::Instant now);
  core::Instant wake() const;

 private:
  store::Store& store_;
  std::map<std::pair<core::NodeId, core::NodeId>, HandoverItem> items_;
};

}  // namespace mig::relay
