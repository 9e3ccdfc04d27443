// What two ends of a connection owe each other, judged from outside: floods, sessions, and who is called dead.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>

#include "simulate/fleet.h"

namespace mig::simulate {

class LinkChecks {
 public:
  using Check = std::function<void(int number, bool holds, const std::string& what)>;
  LinkChecks(Fleet& fleet, Check check) : fleet_(fleet), check_(std::move(check)) {}

  void sent(NodeIndex from, NodeIndex to, core::LinkId link, const core::Message& message, bool honest = true);
  void stepped(NodeIndex node, const core::Input& input, const core::Message* heard, const core::Effects& effects);
  void done(NodeIndex node);
  void ended(NodeIndex node);
  /// A frame between these two was swallowed by a cut cable.
  void swallowed(NodeIndex from, NodeIndex to) { cut_at_[std::minmax(from, to)] = fleet_.world().now().at; }
  void paused(NodeIndex node, core::Instant until) { paused_until_[node] = std::max(paused_until_[node], until); }
  /// Frames take their time up and down the line of this node until then.
  void slow(NodeIndex node, core::Instant until) { slow_until_[node] = until; }

 private:
  using End = std::pair<NodeIndex, core::LinkId>;
  struct Spoken {
    bool open = false;                         ///< WELCOME was said or heard, and no goodbye since
    std::size_t asked = 0;                     ///< SYNC and WANT heard
    std::map<std::pair<core::BoardKey, core::Version>, std::size_t> shown;
  };
  void given_up(NodeIndex from, NodeIndex to, core::LinkId link);

  Fleet& fleet_;
  Check check_;
  std::unordered_map<NodeIndex, std::map<core::LinkId, Spoken>> ends_;
  std::vector<End> closing_;                   ///< of the step in progress
  std::map<std::pair<NodeIndex, NodeIndex>, core::Instant> cut_at_;
  std::map<NodeIndex, core::Instant> slow_until_;
  std::map<NodeIndex, core::Instant> paused_until_;
};

}  // namespace mig::simulate
