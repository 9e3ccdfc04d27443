// Counts what was thrown away and says so now and then: a stranger must not be able to fill our log.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "node/core/event.h"
#include "node/core/time.h"

namespace mig::wire {

class Drops {
 public:
  static constexpr core::Duration gap = core::Duration::seconds(10);

  void count(const std::string& why, std::uint64_t times = 1) { tallies_[why].total += times; }
  /// What may be said now: per reason at once the first time, then every `gap` if there is more.
  std::vector<core::Event> due(core::Instant now) {
    std::vector<core::Event> out;
    for (auto& [why, tally] : tallies_) {
      if (tally.total == tally.told || now < tally.next) continue;
      tally.told = tally.total;
      tally.next = now + gap;
      out.push_back({core::Level::warning, "dropped", {{"why", why}, {"count", std::to_string(tally.total)}}});
    }
    return out;
  }

 private:
  struct Tally {
    std::uint64_t total = 0, told = 0;
    core::Instant next;
  };
  std::map<std::string, Tally> tallies_;
};

}  // namespace mig::wire
