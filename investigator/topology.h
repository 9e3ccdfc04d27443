// The relays of a mesh as lines, as a tree and as a graph. Pure, but for the one function that reads a station.
#pragma once

#include <string>
#include <vector>

#include "investigator/station.h"

namespace mig::investigator {

struct RelayLine {
  std::string name, id, endpoint, segment;
  std::string state;                    ///< attached, reachable, unreachable, forgotten, never heard
  std::uint32_t agents = 0, online = 0;
  core::WallMs seen = 0;
  struct Link {
    std::string id, name;
    bool both = false;                  ///< both ends say so; else it carries nothing
  };
  std::vector<Link> links;
};

/// Relays of the map, of the ledger, and those MIG_HOME may dial; by name.
std::vector<RelayLine> relay_lines(Station& station);

/// A tree from the attached relay along links of both ends, each relay once; links beside it are named, and relays that
/// no link leads to follow at the end.
std::string tree_of(const std::vector<RelayLine>& relays, core::WallMs now);

/// For `dot -Tsvg`. Links that only one end lists are dashed.
std::string dot_of(const std::vector<RelayLine>& relays);

}  // namespace mig::investigator
