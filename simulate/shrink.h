// A seed that breaks a promise is made small: fewer kinds of fault, fewer agents, fewer relays, less time.
#pragma once

#include <functional>
#include <string>

#include "simulate/campaign.h"

namespace mig::simulate {

/// What broke, in a word that is the same in a smaller run: "invariant 17", or what stands before the first colon.
std::string kind_of_violation(const std::string& violation);

using Breaks = std::function<std::string(const CampaignPlan& plan)>;  ///< the first violation of that run, or empty

/// Takes away as much as it can while a promise of the same kind still breaks, each try a run; at most `tries` runs.
/// Another plan draws other dice, so a smaller one may break by other means.
CampaignPlan shrink(CampaignPlan plan, const Breaks& breaks, std::size_t tries = 60);

/// The arguments of mig-simulate that run it.
std::string command_of(const CampaignPlan& plan);

}  // namespace mig::simulate
