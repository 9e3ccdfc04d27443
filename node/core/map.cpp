#include "node/core/map.h"

#include <set>

namespace mig::core {
namespace {

Bytes tie(const NodeId& to, const NodeId& neighbour) { return blake2b(to.bytes() + neighbour.bytes(), 8); }

std::optional<std::uint32_t> listed(const RelayRecord& record, const NodeId& neighbour) {
  for (const auto& [id, cost] : record.neighbours)
    if (id == neighbour) return cost;
  return {};
}

}  // namespace

void Map::put(const RelayRecord& record) {
  auto it = records_.find(record.relay);
  if (it != records_.end() && std::pair(record.instance, record.n) <= std::pair(it->second.instance, it->second.n)) return;
  const bool same_edges = it != records_.end() && it->second.neighbours == record.neighbours;
  records_[record.relay] = record;
  if (!same_edges) ways_.clear();
}

void Map::erase(const NodeId& relay) {
  if (records_.erase(relay) > 0) ways_.clear();
}

void Map::expire(WallMs now) {
  if (std::erase_if(records_, [&](const auto& entry) { return entry.second.expires <= now; }) > 0) ways_.clear();
}

/// Dijkstra from `from`. Cost: a few hundred relays in well under a millisecond; kept until the map changes.
const std::map<NodeId, Map::Way>& Map::ways(const NodeId& from) const {
  if (auto it = ways_.find(from); it != ways_.end()) return it->second;
  std::map<NodeId, Way> best;
  std::set<std::pair<std::uint64_t, NodeId>> open{{0, from}};
  best[from] = {0, from};
  while (!open.empty()) {
    auto [cost, here] = *open.begin();
    open.erase(open.begin());
    auto record = records_.find(here);
    if (record == records_.end()) continue;
    for (const auto& [there, own_cost] : record->second.neighbours) {
      auto other = records_.find(there);
      auto their_cost = other == records_.end() ? std::nullopt : listed(other->second, here);
      if (!their_cost) continue;
      const std::uint64_t total = cost + std::max(own_cost, *their_cost);
      const NodeId next = here == from ? there : best[here].next;
      auto held = best.find(there);
      if (held != best.end() && (held->second.cost < total || (held->second.cost == total && tie(there, held->second.next) <= tie(there, next)))) continue;
      if (held != best.end()) open.erase({held->second.cost, there});
      best[there] = {total, next};
      open.insert({total, there});
    }
  }
  return ways_[from] = std::move(best);
}

std::optional<NodeId> Map::next_hop(const NodeId& from, const NodeId& to) const {
  const auto& from_here = ways(from);
  auto it = from_here.find(to);
  if (it == from_here.end() || from == to) return {};
  return it->second.next;
}

bool Map::reachable(const NodeId& from, const NodeId& to) const { return from == to || ways(from).contains(to); }

}  // namespace mig::core
