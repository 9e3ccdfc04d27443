// What one question costs the mesh: frames and octets by kind, and when what was reached.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "node/core/message.h"
#include "simulate/fleet.h"

namespace mig::simulate {

/// Counts from the first question that is asked until its answer is complete. Each hop of a frame counts.
class Costs {
 public:
  explicit Costs(Fleet& fleet) : fleet_(fleet) {}

  void asked() { if (asked_ == core::Instant::never()) asked_ = now(); }
  void sent(NodeIndex from, NodeIndex to, const core::Message& message, std::size_t octets);
  void started() { if (counts()) last_started_ = now(); }   ///< an agent has it, and it is in its journal
  void row() { if (counts() && first_row_ == core::Instant::never()) first_row_ = now(); }
  void complete() { if (counts()) complete_ = now(); }
  /// Lines of a table: kind, way, frames, octets; then simulated milliseconds since the question.
  std::string table() const;

 private:
  bool counts() const { return asked_ != core::Instant::never() && complete_ == core::Instant::never(); }
  core::Instant now() const { return fleet_.world().now().at; }
  struct Sum {
    std::uint64_t frames = 0, octets = 0;
  };

  Fleet& fleet_;
  std::map<std::tuple<std::string_view, const char*>, Sum> sums_;  ///< by message, and by who says it to whom
  core::Instant asked_ = core::Instant::never(), last_started_{}, first_row_ = core::Instant::never(), complete_ = core::Instant::never();
};

}  // namespace mig::simulate
