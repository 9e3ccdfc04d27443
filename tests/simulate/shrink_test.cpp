// A failing seed is made small without another promise taking the place of the one that broke.
#include "simulate/shrink.h"

#include <catch2/catch.hpp>

using namespace mig::simulate;

TEST_CASE("what is not needed for a promise to break is taken away, and nothing else") {
  const CampaignPlan plan{.seed = 7, .agents = 100, .relays = 12, .minutes = 3, .trace = true, .faults = {fault_names().begin(), fault_names().end()}};
  std::size_t runs = 0;
  auto breaks = [&](const CampaignPlan& tried) -> std::string {
    ++runs;
    if (!tried.faults.contains("clone")) return "invariant 17 at 3.000 s: another promise";
    if (!tried.faults.contains("pause") || tried.agents < 10 || tried.relays < 4 || tried.minutes < 1) return {};
    return "invariant 16 at 12.000 s: an agent is missed";
  };
  const CampaignPlan small = shrink(plan, breaks);
  CHECK(command_of(small) == "mig-simulate --seed 7 --agents 12 --relays 6 --minutes 1.5 --topology random --faults clone,pause");
  CHECK_FALSE(small.trace);
  CHECK(runs <= 61);
  CHECK(shrink(plan, breaks, 0).agents == 100);
}

TEST_CASE("a violation is known again by its number, or by what stands before its figures") {
  CHECK(kind_of_violation("invariant 3 at 1.5 s: older") == "invariant 3");
  CHECK(kind_of_violation("invariant 27: two traces") == "invariant 27");
  CHECK(kind_of_violation("after 15 calm minutes: agent-3 is not attached") == "after 15 calm minutes");
}
