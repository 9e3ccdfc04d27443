#include "node/core/map.h"

#include <catch2/catch.hpp>
#include <algorithm>
#include <map>
#include <set>

#include "node/core/random.h"

using namespace mig::core;

namespace {

NodeId node(int n) {
  NodeId id;
  id.octets[0] = static_cast<unsigned char>(n >> 8), id.octets[1] = static_cast<unsigned char>(n);
  return id;
}
RelayRecord record(int relay, std::vector<std::pair<int, std::uint32_t>> neighbours, std::uint64_t n = 1, WallMs expires = 1000) {
  RelayRecord r;
  r.relay = node(relay), r.instance = 1, r.n = n, r.expires = expires;
  for (const auto& edge : neighbours) r.neighbours.push_back({node(edge.first), edge.second});
  return r;
}
/// 1 - 2 - 3 - 4, and 9 alone.
Map chain() {
  Map map;
  map.put(record(1, {{2, 1}}));
  map.put(record(2, {{1, 1}, {3, 1}}));
  map.put(record(3, {{2, 1}, {4, 1}}));
  map.put(record(4, {{3, 1}}));
  map.put(record(9, {}));
  return map;
}

}  // namespace

TEST_CASE("a frame goes one hop nearer to its relay") {
  Map map = chain();
  CHECK(map.next_hop(node(1), node(4)) == node(2));
  CHECK(map.next_hop(node(2), node(4)) == node(3));
  CHECK(map.next_hop(node(3), node(4)) == node(4));
  CHECK(map.next_hop(node(4), node(1)) == node(3));
  CHECK(!map.next_hop(node(1), node(1)));
  CHECK(!map.next_hop(node(1), node(9)));
  CHECK(!map.next_hop(node(1), node(77)));
  CHECK(!map.next_hop(node(77), node(1)));
  CHECK(map.reachable(node(1), node(4)));
  CHECK(map.reachable(node(1), node(1)));
  CHECK(!map.reachable(node(1), node(9)));
  CHECK(map.records().size() == 5);
}

TEST_CASE("an edge that only one end claims does not exist") {
  Map map;
  map.put(record(1, {{2, 1}, {3, 1}}));
  map.put(record(2, {}));
  CHECK(!map.reachable(node(1), node(2)));
  CHECK(!map.reachable(node(2), node(1)));
  CHECK(!map.reachable(node(1), node(3)));  // of 3 nothing is held
  map.put(record(2, {{1, 1}}, 2));
  CHECK(map.reachable(node(1), node(2)));
}

TEST_CASE("an edge costs what its dearer end says") {
  Map map;  // 1 - 2 - 4 costs 2 as 1 and 2 see it, but 4 says 5; 1 - 3 - 4 costs 4
  map.put(record(1, {{2, 1}, {3, 2}}));
  map.put(record(2, {{1, 1}, {4, 1}}));
  map.put(record(3, {{1, 2}, {4, 2}}));
  map.put(record(4, {{2, 5}, {3, 2}}));
  CHECK(map.next_hop(node(1), node(4)) == node(3));
  CHECK(map.next_hop(node(4), node(1)) == node(3));
}

TEST_CASE("records are replaced by newer ones only") {
  Map map = chain();
  map.put(record(2, {{1, 1}}, 1));  // the same version again, saying something else
  CHECK(map.reachable(node(1), node(4)));
  map.put(record(2, {{1, 1}}, 2));
  CHECK(!map.reachable(node(1), node(4)));
  map.put(record(2, {{1, 1}, {3, 1}}, 1));
  CHECK(!map.reachable(node(1), node(4)));
  RelayRecord reborn = record(2, {{1, 1}, {3, 1}}, 1);
  reborn.instance = 2;  // a new boot counts from the beginning
  map.put(reborn);
  CHECK(map.reachable(node(1), node(4)));
}

TEST_CASE("relays that are erased or whose records are over carry nothing") {
  Map map = chain();
  CHECK(map.reachable(node(1), node(4)));
  map.erase(node(3));
  CHECK(!map.reachable(node(1), node(4)));
  map = chain();
  map.put(record(3, {{2, 1}, {4, 1}}, 2, 500));
  map.expire(499);
  CHECK(map.reachable(node(1), node(4)));
  map.expire(500);
  CHECK(!map.reachable(node(1), node(4)));
  CHECK(map.reachable(node(1), node(2)));
  CHECK(map.records().size() == 4);
  map.expire(1000);
  CHECK(map.records().empty());
}

TEST_CASE("a relay that lists itself or one neighbour twice does no harm") {
  Map map;
  map.put(record(1, {{1, 1}, {2, 3}, {2, 3}}));
  map.put(record(2, {{2, 1}, {1, 3}, {1, 3}}));
  CHECK(map.next_hop(node(1), node(2)) == node(2));
  CHECK(!map.next_hop(node(1), node(1)));
}

TEST_CASE("equally short ways to different places are shared out among neighbours") {
  Map map;  // 1 reaches 200 leaves through any of 8 hubs
  std::vector<std::pair<int, std::uint32_t>> hubs, leaves;
  for (int hub = 10; hub < 18; ++hub) hubs.push_back({hub, 1});
  for (int leaf = 100; leaf < 300; ++leaf) leaves.push_back({leaf, 1});
  leaves.push_back({1, 1});
  map.put(record(1, hubs));
  for (int hub = 10; hub < 18; ++hub) map.put(record(hub, leaves));
  for (int leaf = 100; leaf < 300; ++leaf) map.put(record(leaf, hubs));
  std::map<NodeId, int> used;
  for (int leaf = 100; leaf < 300; ++leaf) ++used[*map.next_hop(node(1), node(leaf))];
  CHECK(used.size() == 8);
  for (const auto& hub : used) CHECK(hub.second < 60);
}

TEST_CASE("in random meshes every hop comes nearer on a shortest way, in whatever order records came") {
  Seed seed;
  for (unsigned char round = 1; round <= 20; ++round) {
    seed.octets.fill(round);
    Random random(seed);
    const int relays = 12;
    const std::uint64_t far = 1'000'000;
    std::vector<std::vector<std::uint64_t>> cost(relays, std::vector<std::uint64_t>(relays, far));
    std::vector<RelayRecord> records;
    for (int i = 0; i < relays; ++i) records.push_back(record(i + 1, {}));
    for (int i = 0; i < relays; ++i) {
      cost[i][i] = 0;
      for (int j = 0; j < i; ++j) {
        if (random.below(4) != 0) continue;
        std::uint32_t one = 1 + random.below(4), other = 1 + random.below(4);
        records[i].neighbours.push_back({node(j + 1), one});
        if (random.below(8) == 0) continue;  // a claim the other end does not share
        records[j].neighbours.push_back({node(i + 1), other});
        cost[i][j] = cost[j][i] = std::max(one, other);
      }
    }
    auto edge = cost;
    for (int k = 0; k < relays; ++k)  // Floyd and Warshall, as an oracle
      for (int i = 0; i < relays; ++i)
        for (int j = 0; j < relays; ++j) cost[i][j] = std::min(cost[i][j], cost[i][k] + cost[k][j]);
    Map map, backwards;
    for (const RelayRecord& r : records) map.put(r);
    for (auto r = records.rbegin(); r != records.rend(); ++r) backwards.put(*r);
    for (int i = 0; i < relays; ++i)
      for (int j = 0; j < relays; ++j) {
        auto next = map.next_hop(node(i + 1), node(j + 1));
        CHECK(next == backwards.next_hop(node(i + 1), node(j + 1)));
        CHECK(map.reachable(node(i + 1), node(j + 1)) == (cost[i][j] < far));
        CHECK(next.has_value() == (i != j && cost[i][j] < far));
        if (!next) continue;
        int k = next->octets[1] - 1;
        CHECK(edge[i][k] + cost[k][j] == cost[i][j]);
      }
  }
}
