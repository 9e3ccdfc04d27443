// Who is linked with whom, as the relays themselves say, and the way from one to another.
//
// An edge counts only if both ends list it in live records: a lying relay can only lie about itself. Ties between
// equal ways are broken by a hash of destination and neighbour, so that all traffic to one place forms a tree.
#pragma once

#include <map>
#include <optional>

#include "node/core/message.h"

namespace mig::core {

class Map {
 public:
  /// Takes a record that is newer than the held one.
  void put(const RelayRecord& record);
  void erase(const NodeId& relay);
  void expire(WallMs now);
  const std::map<NodeId, RelayRecord>& records() const { return records_; }
  /// The neighbour of `from` that is next on a shortest way to `to`.
  std::optional<NodeId> next_hop(const NodeId& from, const NodeId& to) const;
  bool reachable(const NodeId& from, const NodeId& to) const;

 private:
  struct Way {
    std::uint64_t cost = 0;
    NodeId next;
  };
  const std::map<NodeId, Way>& ways(const NodeId& from) const;
  std::map<NodeId, RelayRecord> records_;
  mutable std::map<NodeId, std::map<NodeId, Way>> ways_;  ///< computed when asked, dropped when the map changes
};

}  // namespace mig::core
