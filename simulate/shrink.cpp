#include "simulate/shrink.h"

#include <fmt/format.h>

#include <algorithm>

namespace mig::simulate {

std::string kind_of_violation(const std::string& violation) {
  if (violation.starts_with("invariant ")) return violation.substr(0, violation.find_first_of(" :", 10));
  return violation.substr(0, violation.find(':'));
}

CampaignPlan shrink(CampaignPlan plan, const Breaks& breaks, std::size_t tries) {
  plan.trace = false;
  const std::string kind = kind_of_violation(breaks(plan));
  auto smaller = [&](const CampaignPlan& tried) {
    if (tries == 0) return false;
    --tries;
    const std::string violation = breaks(tried);
    if (violation.empty() || kind_of_violation(violation) != kind) return false;
    plan = tried;
    return true;
  };
  auto halve = [&](auto member, auto least) {
    for (bool going = true; going && plan.*member > least;) {
      CampaignPlan tried = plan;
      tried.*member = std::max(least, static_cast<decltype(least)>(plan.*member / 2));
      going = smaller(tried);
    }
  };
  const auto kinds = plan.faults;
  for (const auto& name : kinds) {
    CampaignPlan tried = plan;
    tried.faults.erase(name);
    smaller(tried);
  }
  halve(&CampaignPlan::agents, std::size_t{1});
  halve(&CampaignPlan::relays, std::size_t{3});
  halve(&CampaignPlan::minutes, 0.25);
  return plan;
}

std::string command_of(const CampaignPlan& plan) {
  const bool all = plan.faults.size() == fault_names().size();
  return fmt::format("mig-simulate --seed {} --agents {} --relays {} --minutes {} --topology {} --faults {}{}", plan.seed, plan.agents, plan.relays, plan.minutes, plan.topology,
                     all ? "all" : plan.faults.empty() ? "none" : fmt::format("{}", fmt::join(plan.faults, ",")), plan.answer_kb ? fmt::format(" --answers {}", plan.answer_kb) : "");
}

}  // namespace mig::simulate
