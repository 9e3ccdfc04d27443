// One seed: a mesh, a workload and what may go wrong are drawn; harm, then calm; every promise is checked.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "simulate/checks.h"

namespace mig::simulate {

/// Kinds of harm, by the names `--faults` takes.
const std::vector<std::string>& fault_names();

struct CampaignPlan {
  std::uint64_t seed = 1;
  std::size_t agents = 100, relays = 12;
  std::size_t answer_kb = 0;                   ///< of noise in every answer; 0: a sentence
  double minutes = 10;                         ///< of harm, and again at most of calm
  std::string topology = "random";             ///< or "hubs"
  bool trace = false;                          ///< tell the story as it goes
  std::set<std::string> faults;                ///< that may be drawn; empty: none
};

struct CampaignResult {
  std::vector<std::string> violations;
  std::array<std::uint64_t, invariants + 1> made{};
  std::uint64_t steps = 0, frames = 0;
  std::string hash;
  std::string costs;                           ///< of the first question: Costs::table
};

CampaignResult run_campaign(const CampaignPlan& plan);

}  // namespace mig::simulate
