#include <catch2/catch.hpp>

#include "node/wire/promises.h"
#include "store/memory.h"

using namespace mig;
using namespace mig::core;

namespace {
Effect promise(LinkId to) { return {Close{to}, true}; }
std::vector<LinkId> links(const Effects& effects) {
  std::vector<LinkId> out;
  for (const Effect& effect : effects) out.push_back(std::get<Close>(effect.what).link);
  return out;
}
using List = std::vector<LinkId>;
}  // namespace

TEST_CASE("promises of a step that wrote nothing need not wait", "[promises]") {
  store::MemoryStore store;
  store.slow(true);
  wire::Promises promises(&store);
  promises.hold(promise(1));
  CHECK(links(promises.commit(Instant{0})) == List{1});
}

TEST_CASE("a promise without writes still waits for the batch before it", "[promises]") {
  store::MemoryStore store;
  store.slow(true);
  wire::Promises promises(&store);
  store.put("a", "1");
  promises.hold(promise(1));
  CHECK(promises.commit(Instant{0}).empty());
  promises.hold(promise(2));  // rests on "a" too
  CHECK(promises.commit(Instant{0}).empty());
  store.finish();
  auto settled = promises.settled(Instant{0});
  REQUIRE(settled.size() == 1);
  CHECK(settled[0].outcome.ok);
  CHECK(links(settled[0].promises) == List{1});
  CHECK(links(promises.commit(Instant{0})) == List{2});
}

TEST_CASE("while one batch is on its way the next one collects", "[promises]") {
  store::MemoryStore store;
  store.slow(true);
  wire::Promises promises(&store);
  for (LinkId i = 1; i <= 5; ++i) {
    store.put(std::to_string(i), "x");
    promises.hold(promise(i));
    CHECK(promises.commit(Instant{0}).empty());
  }
  store.finish();
  CHECK(links(promises.settled(Instant{0}).at(0).promises) == List{1});
  CHECK(promises.commit(Instant{0}).empty());
  store.finish();
  CHECK(links(promises.settled(Instant{0}).at(0).promises) == List{2, 3, 4, 5});
}

TEST_CASE("a refused batch drops its promises and is tried again after a moment", "[promises]") {
  store::MemoryStore store;
  store.full(true);
  wire::Promises promises(&store);
  store.put("a", "1");
  promises.hold(promise(1));
  CHECK(promises.commit(Instant{0}).empty());
  auto settled = promises.settled(Instant{0});
  REQUIRE(settled.size() == 1);
  CHECK_FALSE(settled[0].outcome.ok);
  CHECK(settled[0].promises.empty());
  store.full(false);
  promises.hold(promise(2));
  CHECK(promises.commit(Instant{1}).empty());
  CHECK(promises.settled(Instant{1}).empty());  // not yet
  CHECK(promises.wake() > Instant{1});
  CHECK(promises.commit(promises.wake()).empty());
  settled = promises.settled(Instant{2'000'000});
  REQUIRE(settled.size() == 1);
  CHECK(settled[0].outcome.ok);
  CHECK(links(settled[0].promises) == List{2});
  CHECK(store.after_crash().get("a") == "1");
}

TEST_CASE("without a store nothing waits", "[promises]") {
  wire::Promises promises(nullptr);
  promises.hold(promise(1));
  CHECK(links(promises.commit(Instant{0})) == List{1});
  CHECK(promises.settled(Instant{0}).empty());
  CHECK(promises.wake() == Instant::never());
}
