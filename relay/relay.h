// The relay: holds the board, knows the map, keeps the register and the reply log of the agents at home here.
//
// It is trusted with nothing but delivery: it verifies what it passes on, runs nothing, and reads no answer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/core/limits.h"
#include "node/core/machine.h"
#include "node/core/membership.h"
#include "node/core/random.h"
#include "store/store.h"

namespace mig::relay {

struct RelaySetting {
  core::Trust trust;
  core::Seed seed;                              ///< of the node's keys
  std::vector<core::Endpoint> dial;             ///< relay links that are kept up
  std::string name, segment;
  std::optional<core::Joining> joining;
  // The first relay: it is the enroller and brings the roster.
  std::optional<core::Seed> enroller_seed;
  std::optional<core::SignedText> roster;
  std::uint32_t agents_max = 200;
  core::WallMs retention_ms = core::limits::log_retention_ms;  ///< a reply log outlives its action by this
  bool clock_is_right = false;                  ///< whatever it said before
  core::WallMs certificate_life_ms = 30LL * 24 * 3600 * 1000;  ///< of what it issues, if it is the enroller
  std::string software;
};

class Relay : public core::Machine {
 public:
  Relay(RelaySetting setting, store::Store& store, const core::Seed& random_seed);
  ~Relay() override;
  /// Where others may reach it: goes into its record, and from there to the agents of its segment. Before the first step.
  void reachable_at(const std::vector<core::Endpoint>& endpoints);
  void step(const core::Now& now, const core::Input& input, core::Effects& out) override;
  core::Instant wake() const override;

 private:
  class Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace mig::relay
