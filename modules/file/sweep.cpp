#include "modules/file/sweep.h"

#include <re2/re2.h>

#include <algorithm>

namespace mig::modules::file {
namespace {

/// One automaton for all contents of all searches; the same expression is looked for once.
void make_finder(Plan& plan) {
  std::map<std::string, unsigned> numbers;
  std::vector<scan::Finder::Regex> expressions;
  for (Search& search : plan.searches)
    for (std::uint32_t index : search.contents) {
      Check& check = search.checks[index];
      if (search.options.macroal) continue;
      auto [at, fresh] = numbers.emplace(check.regex->pattern(), static_cast<unsigned>(expressions.size()));
      if (fresh) expressions.push_back(check.regex);
      check.finder = static_cast<int>(at->second);
    }
  plan.finder = std::make_unique<scan::Finder>(std::move(expressions));
  for (Search& search : plan.searches) {
    for (std::uint32_t index : search.contents) {
      Check& check = search.checks[index];
      if (check.finder >= 0 && !plan.finder->covers(static_cast<std::size_t>(check.finder)))
        check.finder = -1;
      if (check.finder >= 0)
        search.wanted.push_back(static_cast<unsigned>(check.finder));
      else
        search.slow_contents = true;
    }
  }
}

/// The strictest that anyone asks for holds for the one walk.
scan::Pace pace_of(const Plan& plan) {
  scan::Pace pace{.threads = plan.threads};
  auto least = [](double& at, double other) {
    if (other > 0 && (at == 0 || other < at)) at = other;
  };
  for (const Search& search : plan.searches) {
    least(pace.cpu_percent, search.options.cpu);
    least(pace.bytes_per_second, search.options.readrate * 1e6);
  }
  return pace;
}

}  // namespace

Sweep sweep(Plan& plan, const Host& host, Budget& budget) {
  const auto mounts = scan::Mounts::of_this_process();
  const Scope scope(plan.searches, host, mounts);
  scan::Workers workers(pace_of(plan), budget);
  std::vector<std::unique_ptr<Judge>> judges(workers.threads());
  std::vector<scan::Visitor*> visitors(workers.threads());
  // Made by a worker, so that compiling many expressions is as modest as the rest.
  std::unique_ptr<scan::Walk> walk;
  workers.add(0, [&](std::size_t) {
    make_finder(plan);
    for (std::size_t i = 0; i < judges.size(); ++i) {
      judges[i] = std::make_unique<Judge>(plan, scope, workers, i, budget);
      visitors[i] = judges[i].get();
    }
    walk = std::make_unique<scan::Walk>(workers, mounts, visitors);
    for (auto root = scope.roots().rbegin(); root != scope.roots().rend(); ++root)
      workers.add(0, [&, directory = *root](std::size_t worker) mutable {
        if (judges[worker]->root(directory)) walk->add_root(worker, std::move(directory));
      });
  });
  workers.run();
  Sweep out;
  out.tallies.resize(plan.operations);
  for (auto& judge : judges)
    if (judge)
      for (std::size_t i = 0; i < plan.operations; ++i) out.tallies[i].add(std::move(judge->tallies[i]));
  for (Tally& tally : out.tallies) std::sort(tally.errors.begin(), tally.errors.end());
  return out;
}

}  // namespace mig::modules::file
