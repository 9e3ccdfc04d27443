// mig-simulate: one mesh a seed, one investigation each, every promise checked; a failing seed is printed to be replayed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "simulate/campaign.h"
#include "simulate/remember.h"
#include "simulate/scenario.h"
#include "simulate/shrink.h"

namespace {

using namespace mig;
using namespace mig::core;

struct Options {
  std::uint64_t seed = 1, seeds = 1;
  simulate::CampaignPlan plan;
  std::string faults = "all", scenario;
  bool stop = false, shrink = false;
};

core::Result<std::set<std::string>> faults_of(const std::string& text) {
  const auto& names = simulate::fault_names();
  if (text == "all") return std::set<std::string>(names.begin(), names.end());
  std::set<std::string> out;
  std::stringstream in(text);
  for (std::string name; std::getline(in, name, ',');) {
    if (name == "none") continue;
    if (std::find(names.begin(), names.end(), name) == names.end()) return invalid(fmt::format("--faults: '{}' is no kind of fault; there are all, none, {}", name, fmt::join(names, ", ")));
    out.insert(name);
  }
  return out;
}

/// The first of a campaign is run twice: the same seed must give the same trace.
simulate::CampaignResult run_seed(simulate::CampaignPlan plan, std::uint64_t seed, bool twice) {
  plan.seed = seed;
  auto result = simulate::run_campaign(plan);
  if (!twice) return result;
  ++result.made[27];
  if (simulate::run_campaign(plan).hash != result.hash) result.violations.push_back("invariant 27: two runs of one seed give two traces");
  return result;
}

/// One text, once for each seed: what is drawn is delays alone.
int run_scenario(const Options& options) {
  std::ifstream in(options.scenario);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return fmt::print(stderr, "mig-simulate: --scenario: {} cannot be read\n", options.scenario), 2;
  auto scenario = simulate::read_scenario(text.str());
  if (!scenario) return fmt::print(stderr, "mig-simulate: {}: {}\n", options.scenario, scenario.error().text), 2;
  if (options.plan.trace) fmt::print("{}", scenario->head);
  std::uint64_t violations = 0;
  Bytes all;
  for (std::uint64_t seed = options.seed; seed < options.seed + options.seeds; ++seed) {
    const auto played = simulate::play(*scenario, seed, options.plan.trace);
    all += played.hash;
    if (played.wrong.empty()) continue;
    ++violations;
    for (const auto& wrong : played.wrong) fmt::print("seed {}: {}\n", seed, wrong);
    fmt::print("replay: mig-simulate --scenario {} --seed {} --trace\n", options.scenario, seed);
  }
  fmt::print("seeds={} violations={} hash={}\n", options.seeds, violations, to_hex(blake2b(all, 8)));
  return violations == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  bool show = false, costs = false;
  CLI::App app{"Runs the shipped relays, agents and investigator in a deterministic world.\n"
               "  mig-simulate --seeds 100 --agents 50 --relays 6\n"
               "  mig-simulate --seed 7        (the same run again: the same hash)"};
  app.add_option("--seed", options.seed, "first seed");
  app.add_option("--seeds", options.seeds, "how many, one after the other")->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000}));
  app.add_option("--agents", options.plan.agents, "agents in the mesh")->check(CLI::Range(std::size_t{1}, std::size_t{100'000}));
  app.add_option("--relays", options.plan.relays, "relays in the mesh")->check(CLI::Range(std::size_t{1}, std::size_t{1000}));
  app.add_option("--answers", options.plan.answer_kb, "KiB of noise in every answer, so that windows fill")->check(CLI::Range(std::size_t{0}, std::size_t{4000}));
  app.add_option("--minutes", options.plan.minutes, "simulated minutes of harm")->check(CLI::Range(0.01, 10'000.0));
  app.add_option("--topology", options.plan.topology, "random tree or two hubs")->check(CLI::IsMember({"random", "hubs"}));
  app.add_option("--faults", options.faults, "all, none, or kinds joined by commas (a wrong one lists them)");
  app.add_option("--scenario", options.scenario, "play this text (tests/scenarios) instead of drawing what happens");
  app.add_flag("--trace", options.plan.trace, "tell the story of every node");
  app.add_flag("--stop", options.stop, "end at the first seed that breaks a promise");
  app.add_flag("--shrink", options.shrink, "make each seed that breaks a promise small: up to 60 runs with less of everything");
  app.add_flag("--checks", [&show](auto) { show = true; }, "say how often each invariant was checked");
  app.add_flag("--costs", costs, "say what the first question of each seed cost: frames and octets by kind, simulated time");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!options.scenario.empty()) return run_scenario(options);
  auto faults = faults_of(options.faults);
  if (!faults) return fmt::print(stderr, "mig-simulate: {}\n", faults.error().text), 2;
  options.plan.faults = *faults;
  std::uint64_t violations = 0, steps = 0, frames = 0;
  std::array<std::uint64_t, simulate::invariants + 1> made{};
  Bytes all;
  for (std::uint64_t seed = options.seed; seed < options.seed + options.seeds; ++seed) {
    const auto result = run_seed(options.plan, seed, options.seeds > 1 && seed == options.seed);
    all += result.hash;
    steps += result.steps;
    frames += result.frames;
    if (costs) fmt::print("{}", result.costs);
    for (std::size_t i = 0; i < made.size(); ++i) made[i] += result.made[i];
    if (result.violations.empty()) continue;
    ++violations;
    for (const auto& wrong : result.violations) fmt::print("seed {}: {}\n", seed, wrong);
    simulate::CampaignPlan failing = options.plan;
    failing.seed = seed;
    fmt::print("replay: {}\n", simulate::command_of(failing));
    std::fflush(stdout);
    if (options.shrink) {
      const auto small = simulate::shrink(failing, [](const simulate::CampaignPlan& plan) {
        const auto again = simulate::run_campaign(plan);
        return again.violations.empty() ? std::string() : again.violations[0];
      });
      fmt::print("smallest: {}\n", simulate::command_of(small));
      std::fflush(stdout);
    }
    if (options.stop) break;
  }
  if (show || options.seeds > 1) {
    fmt::print("steps {}, frames {}; checks made:", steps, frames);
    for (std::size_t i = 1; i < made.size(); ++i) fmt::print(" {}:{}", i, made[i]);
    fmt::print("\nverdicts on signatures over identical octets said again from memory: {}\n", simulate::verdicts_remembered());
  }
  fmt::print("seeds={} violations={} hash={}\n", options.seeds, violations, to_hex(blake2b(all, 8)));
  return violations == 0 ? 0 : 1;
}
