// Drawn harm and then calm: no promise may break. `mig-simulate` runs the same for as many seeds as one likes.
#include "simulate/campaign.h"

#include <catch2/catch.hpp>

using namespace mig::simulate;

TEST_CASE("whatever is drawn of all faults, every promise holds, and a calm mesh ends complete") {
  const std::set<std::string> faults(fault_names().begin(), fault_names().end());
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto result = run_campaign({.seed = seed, .agents = 20, .relays = 6, .minutes = 3, .faults = faults});
    INFO("seed " << seed << " of 20 agents, 6 relays, 3 minutes");
    for (const auto& violation : result.violations) UNSCOPED_INFO(violation);
    CHECK(result.violations.empty());
  }
}

TEST_CASE("a cancel holds whatever else goes wrong") {
  for (const std::string other : {"relay-crash", "relay-lost", "relay-restored", "agent-crash", "pause", "clock", "full-disk", "investigator-move"})
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      const auto result = run_campaign({.seed = seed, .agents = 20, .relays = 6, .minutes = 3, .faults = {"cancel", "drop", other}});
      INFO("seed " << seed << " with cancel, drop and " << other);
      for (const auto& violation : result.violations) UNSCOPED_INFO(violation);
      CHECK(result.violations.empty());
    }
}

TEST_CASE("a seed of a campaign is the same run again") {
  const CampaignPlan plan{.seed = 3, .agents = 8, .relays = 4, .minutes = 1, .faults = {"drop", "agent-crash", "investigator-move"}};
  CHECK(run_campaign(plan).hash == run_campaign(plan).hash);
}
