// The chunks a relay keeps, and the way of an attachment through a mesh.
#include "relay/chunks.h"

#include <catch2/catch.hpp>

#include "node/core/limits.h"
#include "simulate/fleet.h"
#include "store/memory.h"

using namespace mig;
using namespace mig::core;
using relay::Chunks;
using simulate::Fleet;

namespace {

const Instant start = Instant{} + Duration::seconds(1);

Action action_with(std::string_view name, std::vector<Hash> chunks) {
  Action action;
  action.id = action_id_of(name);
  action.attachments.push_back({"list", 1, std::move(chunks)});
  return action;
}

std::size_t rows(const store::Store& store) {
  std::size_t count = 0;
  store.scan("h/", [&](BytesView, BytesView) { return ++count, true; });
  return count;
}

}  // namespace

TEST_CASE("a relay keeps a chunk while an action names it, and no other bytes") {
  store::MemoryStore store;
  Chunks chunks(store);
  const Action one = action_with("one", {hash_of("a"), hash_of("b")}), two = action_with("two", {hash_of("b")});
  CHECK_FALSE(chunks.take("a", 1, start));  // nobody named it yet
  CHECK(rows(store) == 0);
  chunks.open(one);
  chunks.open(two);
  CHECK_FALSE(chunks.take("a forged one", 1, start));
  CHECK(rows(store) == 0);
  CHECK(chunks.take("a", 1, start));
  CHECK_FALSE(chunks.take("a", 1, start));  // once is enough
  CHECK(chunks.take("b", 1, start));
  CHECK(chunks.complete(key_of(one.id)));
  CHECK(chunks.find(chunk_key(hash_of("b"))) == Bytes("b"));
  chunks.forget(key_of(one.id));
  CHECK_FALSE(chunks.find(chunk_key(hash_of("a"))));
  CHECK(chunks.find(chunk_key(hash_of("b"))) == Bytes("b"));
  chunks.forget(key_of(two.id));
  CHECK(rows(store) == 0);
}

TEST_CASE("after a start a relay asks only for what its store lacks, and drops what no action names any more") {
  store::MemoryStore store;
  {
    Chunks before(store);
    before.open(action_with("over", {hash_of("old")}));
    before.open(action_with("one", {hash_of("a"), hash_of("b")}));
    CHECK(before.take("old", 1, start));
    CHECK(before.take("a", 1, start));
  }
  Chunks chunks(store);
  chunks.open(action_with("one", {hash_of("a"), hash_of("b")}));
  chunks.tidy();
  CHECK(rows(store) == 1);
  auto asked = chunks.ask(start, {7});
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].first == 7);
  CHECK(asked[0].second.keys == std::vector<BoardKey>{chunk_key(hash_of("b"))});
}

TEST_CASE("a relay asks who brought the action, then the others in turn, and gives a chunk to who waited for it") {
  store::MemoryStore store;
  Chunks chunks(store);
  const Action action = action_with("one", {hash_of("a")});
  chunks.open(action);
  chunks.prefer(key_of(action.id), 2);
  std::vector<LinkId> order;
  for (int round = 0; round < 4; ++round)
    for (const auto& [link, want] : chunks.ask(std::max(start, chunks.wake()), {1, 2, 3})) order.push_back(link);
  CHECK(order == std::vector<LinkId>{2, 3, 1, 2});
  chunks.awaited(chunk_key(hash_of("a")), 3);
  chunks.awaited(chunk_key(hash_of("nobody's")), 1);
  auto waiting = chunks.take("a", 1, start);
  REQUIRE(waiting);
  CHECK(*waiting == std::vector<LinkId>{3});
  CHECK(chunks.wake() == Instant::never());
}

TEST_CASE("a relay has room for 256 MiB of chunks; those it holds already cost nothing") {
  store::MemoryStore store;
  Chunks chunks(store);
  std::vector<Hash> many;
  for (std::size_t i = 0; i < limits::relay_chunks; ++i) many.push_back(hash_of(std::to_string(i)));
  const Action full = action_with("full", many);
  CHECK(chunks.room(full));
  chunks.open(full);
  CHECK(chunks.room(action_with("same", {many[0]})));
  CHECK_FALSE(chunks.room(action_with("more", {hash_of("one more")})));
  chunks.forget(key_of(full.id));
  CHECK(chunks.room(action_with("more", {hash_of("one more")})));
}

TEST_CASE("an attachment is gone from every relay when its action is over, and what nobody named was never kept") {
  Fleet fleet({.relays = 3, .agents = 3});
  REQUIRE(fleet.settle());
  const auto question = fleet.question("all", 300'000, 200'000);
  const ActionId id = fleet.ask(question);
  REQUIRE(fleet.run_until_complete(id));
  const std::size_t chunks = question.enclosed[0].attachment.chunks.size();
  REQUIRE(chunks > 1);
  for (std::size_t i = 0; i < 3; ++i) {
    fleet.world().strange_frame(fleet.relay(i), encode(Put{{{ObjectKind::chunk, "nobody asked for this", {}, {}}}}));
    CHECK(rows(fleet.world().disk(fleet.relay(i))) == chunks);
  }
  fleet.world().run([] { return false; }, Duration::seconds(1));
  for (std::size_t i = 0; i < 3; ++i) CHECK(rows(fleet.world().disk(fleet.relay(i))) == chunks);
  fleet.world().run([] { return false; }, Duration::seconds(2 * 3600));
  for (std::size_t i = 0; i < 3; ++i) CHECK(rows(fleet.world().disk(fleet.relay(i))) == 0);
}
