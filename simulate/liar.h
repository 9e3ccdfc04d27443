// A relay that lies: what its machine says is twisted on the way out, and signed with its own key, as an intruder could.
#pragma once

#include <set>
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

 private:
  bool twist(core::Message& message);
  bool twist(core::Put& put);
  bool twist(core::Route& route);
  std::optional<core::Route> invented(const core::Route& route);
  void acknowledge(const core::Input& input, core::Effects& effects);

  Fleet& fleet_;
  NodeIndex self_;
  core::Keys keys_;
  std::string lie_;
};

}  // namespace mig::simulate
