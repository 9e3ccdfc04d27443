// A relay that lies: what its machine says is twisted on the way out, and signed with its own key, as an intruder could.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "simulate/fleet.h"

namespace mig::simulate {

class Liar {
 public:
  /// What a relay can lie about, by the word a scenario uses.
  static const std::vector<std::string>& lies();
  Liar(Fleet& fleet, NodeIndex self, std::string lie) : fleet_(fleet), self_(self), keys_(fleet.keys_of(self)), lie_(std::move(lie)) {}
  void twist(const core::Input& input, core::Effects& effects);
  const std::string& lie() const { return lie_; }
  NodeIndex self() const { return self_; }
  /// Tells `from` that `agent`, whose home it is, attached at the thief, with a ticket that the thief has written.
  static std::optional<core::Bytes> forged_handover(Fleet& fleet, NodeIndex thief, NodeIndex agent, NodeIndex from);

 private:
  bool twist(core::Message& message);
  bool twist(core::Put& put);
  bool twist(core::Route& route);
  std::optional<core::Route> invented(const core::Route& route);
  bool dropped(core::LinkId to, const core::Message& message) const;
  std::optional<core::Bytes> added(core::LinkId to, const core::Message& message, const core::Bytes& frame);
  std::optional<core::Bytes> stolen(NodeIndex from);
  void acknowledge(const core::Input& input, core::Effects& effects);

  Fleet& fleet_;
  NodeIndex self_;
  core::Keys keys_;
  std::string lie_;
  std::deque<core::Bytes> said_;               ///< for replays
  std::size_t turns_ = 0;
};

}  // namespace mig::simulate
