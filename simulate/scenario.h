// Scenarios: what happens to a mesh and what is then to be seen, in a text one can read aloud. README.md lists the words.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "node/core/result.h"
#include "simulate/stage.h"

namespace mig::simulate {

/// One statement. `act` gives "" or what is wrong.
struct Line {
  std::size_t number = 0;
  std::string text;
  std::function<std::string(Stage&)> act;
};

struct Scenario {
  std::string head;                              ///< the comment at its top: what it shows
  FleetPlan plan;
  core::Duration job{0};                         ///< how long a job takes; 0: 5 to 200 ms
  std::vector<Line> lines;
};

/// Errors name the line and what may stand there.
core::Result<Scenario> read_scenario(const std::string& text);

struct Played {
  std::vector<std::string> wrong;                ///< the statement that failed, and every promise that broke
  std::array<std::uint64_t, invariants + 1> made{};
  std::uint64_t steps = 0, frames = 0;
  std::string hash;
};
Played play(const Scenario& scenario, std::uint64_t seed, bool trace);

}  // namespace mig::simulate
