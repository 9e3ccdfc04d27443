// What is in force on this machine, in words: whom it trusts, who may ask what, what its owner took away, what the wall does.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "node/core/baked.h"
#include "node/restrict.h"

namespace mig::node {

struct TrustView {
  core::Trust trust;
  core::Seed seed;                                 ///< for the agent's own id; never shown
  std::map<core::Bytes, core::Bytes> kept;         ///< rows "m/.." and "s/..": roster, certificate and stops as the agent holds them
  Restrictions restrictions;
  std::vector<std::string> restriction_files;      ///< where they are looked for
  core::WallMs now = 0;
};

/// What was compiled in or stamped; one line when there is nothing.
std::vector<std::string> stamp_in_words(const std::optional<core::Baked>& baked);
/// Lines for a terminal. What does not verify is said to be so, and not shown.
std::vector<std::string> trust_in_words(const TrustView& view);

}  // namespace mig::node
