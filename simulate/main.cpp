// mig-simulate: one mesh a seed, one investigation each, every promise checked; a failing seed is printed to be replayed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "simulate/fleet.h"

namespace {

using namespace mig;
using namespace mig::core;

struct Options {
  std::uint64_t seed = 1, seeds = 1;
  std::size_t agents = 100, relays = 12;
  double minutes = 10;
  std::string topology = "random", faults = "none";
};

std::function<std::size_t(std::size_t)> parents(const Options& options, std::uint64_t seed) {
  if (options.topology == "hubs") return [](std::size_t i) { return i < 2 ? 0 : i % 2; };  // two hubs, all others below them
  return [seed](std::size_t i) {
    // A tree drawn from the seed whose first three relays are a line, so that it is at least three deep.
    if (i < 3) return i - 1;
    Random dice(*Seed::from(blake2b(fmt::format("topology {} {}", seed, i), Seed::size)));
    return static_cast<std::size_t>(dice.below(i));
  };
}

/// What is wrong with this seed; empty: nothing.
std::string violation(const Options& options, std::uint64_t seed, std::string& hash) {
  simulate::FleetPlan plan;
  plan.seed = seed;
  plan.relays = options.relays;
  plan.agents = options.agents;
  plan.parent_of = parents(options, seed);
  simulate::Fleet fleet(plan);
  const Duration limit = Duration::millis(static_cast<std::int64_t>(options.minutes * 60'000));
  if (!fleet.settle(limit)) return "not all agents attached and all relays reachable in time";
  const ActionId id = fleet.ask(fleet.question());
  const bool complete = fleet.run_until_complete(id, limit);
  hash = fleet.world().trace_hash();
  std::size_t doubles = 0;
  const auto receipts = fleet.receipts(id, &doubles);
  const auto statement = fleet.statement(id);
  if (!complete) return fmt::format("not complete: {} of {} answered, {} of {} relays", statement.answered(), statement.targeted(), statement.relays_reporting, statement.relays);
  if (doubles > 0) return fmt::format("{} results twice", doubles);
  if (receipts.size() != options.agents || statement.answered() != options.agents) return fmt::format("{} receipts of {} agents", receipts.size(), options.agents);
  if (fleet.world().starts().size() != options.agents) return fmt::format("{} starts at {} agents", fleet.world().starts().size(), options.agents);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Runs the shipped relays, agents and investigator in a deterministic world.\n"
               "  mig-simulate --seeds 100 --agents 50 --relays 6\n"
               "  mig-simulate --seed 7        (the same run again: the same hash)"};
  app.add_option("--seed", options.seed, "first seed");
  app.add_option("--seeds", options.seeds, "how many, one after the other")->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000}));
  app.add_option("--agents", options.agents, "agents in the mesh")->check(CLI::Range(std::size_t{1}, std::size_t{100'000}));
  app.add_option("--relays", options.relays, "relays in the mesh")->check(CLI::Range(std::size_t{1}, std::size_t{1000}));
  app.add_option("--minutes", options.minutes, "simulated time an investigation may take")->check(CLI::Range(0.01, 10'000.0));
  app.add_option("--topology", options.topology, "random tree or two hubs")->check(CLI::IsMember({"random", "hubs"}));
  app.add_option("--faults", options.faults, "none; faults are injected by the tests only so far")->check(CLI::IsMember({"none"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::uint64_t violations = 0;
  Bytes all;
  for (std::uint64_t seed = options.seed; seed < options.seed + options.seeds; ++seed) {
    std::string hash;
    const std::string wrong = violation(options, seed, hash);
    all += hash;
    if (wrong.empty()) continue;
    ++violations;
    fmt::print("seed {}: {}\nreplay: mig-simulate --seed {} --agents {} --relays {} --minutes {} --topology {} --faults {}\n", seed, wrong, seed, options.agents,
               options.relays, options.minutes, options.topology, options.faults);
  }
  fmt::print("seeds={} violations={} hash={}\n", options.seeds, violations, to_hex(blake2b(all, 8)));
  return violations == 0 ? 0 : 1;
}
