// The specification of Store: what every back end does.
#include "tests/store/disks.h"

#include "node/core/random.h"

using namespace mig;
using namespace mig::store;
using namespace mig::store::testing;
using core::Bytes;
using core::BytesView;

namespace {

using Content = std::map<Bytes, Bytes>;

Content content(const Store& store, BytesView prefix = {}) {
  Content out;
  Bytes last;
  store.scan(prefix, [&](BytesView key, BytesView value) {
    CHECK((out.empty() || last < key));
    last = Bytes(key);
    out[last] = Bytes(value);
    return true;
  });
  return out;
}

bool readable(const Store& store) {
  pollfd ready{store.fd(), POLLIN, 0};
  return ::poll(&ready, 1, 0) == 1;
}

}  // namespace

TEMPLATE_TEST_CASE("what is written is read at once, committed or not", "[store]", MemoryDisk, LmdbDisk) {
  TestType disk;
  Store& store = disk.store();
  CHECK_FALSE(store.get("a"));
  store.put("a", "1");
  CHECK(store.get("a") == "1");
  store.put("a", "2");
  CHECK(store.get("a") == "2");
  store.commit();
  CHECK(store.get("a") == "2");
  store.put("a", "3");
  CHECK(store.get("a") == "3");
  REQUIRE(committed(store));
  CHECK(store.get("a") == "3");
}

TEMPLATE_TEST_CASE("what is erased is gone at once, wherever it stood", "[store]", MemoryDisk, LmdbDisk) {
  TestType disk;
  Store& store = disk.store();
  store.put("open", "x");
  store.erase("open");
  CHECK_FALSE(store.get("open"));
  store.put("durable", "x");
  REQUIRE(committed(store));
  store.erase("durable");
  store.erase("never there");
  CHECK_FALSE(store.get("durable"));
  CHECK(content(store).empty());
  REQUIRE(committed(store));
  CHECK_FALSE(store.get("durable"));
  disk.crash();
  CHECK(content(disk.store()).empty());
}

TEMPLATE_TEST_CASE("a scan gives every key of a prefix once, in order, newest value", "[store]", MemoryDisk,
                   LmdbDisk) {
  TestType disk;
  Store& store = disk.store();
  for (const char* key : {"a", "b1", "b2", "b3", "b4", "c"}) store.put(key, "old");
  REQUIRE(committed(store));
  store.put("b2", "new");
  store.erase("b3");
  store.put("b0", "new");
  store.commit();
  store.put("b4", "newest");
  store.put("b5", "newest");
  store.erase("b0");
  const Content expected{{"b1", "old"}, {"b2", "new"}, {"b4", "newest"}, {"b5", "newest"}};
  CHECK(content(store, "b") == expected);
  CHECK(content(store, "d").empty());
  CHECK(content(store).size() == 6);
  REQUIRE(committed(store));
  CHECK(content(store, "b") == expected);
}

TEMPLATE_TEST_CASE("a scan orders keys as unsigned octets, zero and 255 included", "[store]", MemoryDisk,
                   LmdbDisk) {
  TestType disk;
  Store& store = disk.store();
  const std::vector<Bytes> keys{Bytes("\0", 1), Bytes("\0\0", 2), Bytes("\0\xff", 2), "a",           "\x7f",
                                "\x80",         "\xff",           "\xff\xff",         "\xff\xff\xff"};
  for (const Bytes& key : keys) store.put(key, Bytes("\0v", 2));
  auto names = [&](BytesView prefix) {
    std::vector<Bytes> out;
    store.scan(prefix, [&](BytesView key, BytesView value) {
      CHECK(value == BytesView("\0v", 2));
      out.emplace_back(key);
      return true;
    });
    return out;
  };
  CHECK(names({}) == keys);
  REQUIRE(committed(store));
  CHECK(names({}) == keys);
  CHECK(names(BytesView("\0", 1)) == std::vector<Bytes>(keys.begin(), keys.begin() + 3));
  CHECK(names("\xff") == std::vector<Bytes>(keys.begin() + 6, keys.end()));
}

TEMPLATE_TEST_CASE("a scan ends when its visitor has enough, and the visitor may read", "[store]", MemoryDisk,
                   LmdbDisk) {
  TestType disk;
  Store& store = disk.store();
  for (char c = 'a'; c <= 'f'; ++c) store.put(Bytes(1, c), Bytes(3, c));
  REQUIRE(committed(store));
  store.put("g", "ggg");
  int visits = 0;
  store.scan("", [&](BytesView key, BytesView value) {
    CHECK(store.get(key) == value);
    std::size_t inner = 0;
    store.scan(key, [&](BytesView, BytesView) { return ++inner, true; });
    CHECK(inner == 1);
    return ++visits < 3;
  });
  CHECK(visits == 3);
}

TEMPLATE_TEST_CASE("keys of 511 octets and values of 0 to 1 MiB are kept", "[store]", MemoryDisk, LmdbDisk) {
  TestType disk;
  const Bytes longest(key_bytes_max, 'k'), largest(value_bytes_max, 'v');
  disk.store().put(longest, largest);
  disk.store().put("empty", "");
  REQUIRE(committed(disk.store()));
  disk.crash();
  CHECK(disk.store().get(longest) == largest);
  CHECK(disk.store().get("empty") == "");
  CHECK_FALSE(disk.store().get(""));
  CHECK_FALSE(disk.store().get(longest + "k"));
}

TEMPLATE_TEST_CASE("batches are numbered one after the other; an empty one stays open and has no outcome",
                   "[store]", MemoryDisk, LmdbDisk) {
  TestType disk;
  Store& store = disk.store();
  const std::uint64_t first = store.batch();
  CHECK(store.commit() == first);
  CHECK(store.batch() == first);
  store.put("a", "1");
  CHECK(store.batch() == first);
  CHECK(store.commit() == first);
  CHECK(store.batch() == first + 1);
  store.put("a", "2");
  CHECK(store.commit() == first + 1);
  const auto outcomes = outcomes_until(store, first + 1);
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].batch == first);
  CHECK(outcomes[1].batch == first + 1);
  CHECK((outcomes[0].ok && outcomes[1].ok));
  CHECK(store.commit() == first + 2);
  CHECK(store.outcomes().empty());
}

TEMPLATE_TEST_CASE("the descriptor is readable exactly while there are outcomes", "[store]", MemoryDisk,
                   LmdbDisk) {
  TestType disk;
  Store& store = disk.store();
  if (store.fd() < 0) return;  // outcomes come at once
  CHECK_FALSE(readable(store));
  store.put("a", "1");
  CHECK_FALSE(readable(store));
  const std::uint64_t closed = store.commit();
  pollfd ready{store.fd(), POLLIN, 0};
  REQUIRE(::poll(&ready, 1, 60'000) == 1);
  CHECK(readable(store));
  CHECK(store.outcomes().back().batch == closed);
  CHECK_FALSE(readable(store));
}

TEMPLATE_TEST_CASE("what was reported durable survives a crash, what was not closed does not", "[store]",
                   MemoryDisk, LmdbDisk) {
  TestType disk;
  disk.store().put("a", "1");
  disk.store().put("b", "1");
  REQUIRE(committed(disk.store()));
  disk.store().put("a", "2");
  disk.store().erase("b");
  disk.crash();
  CHECK(content(disk.store()) == Content{{"a", "1"}, {"b", "1"}});
  disk.store().put("c", "1");
  REQUIRE(committed(disk.store()));
  disk.crash();
  CHECK(content(disk.store()) == Content{{"a", "1"}, {"b", "1"}, {"c", "1"}});
}

TEMPLATE_TEST_CASE("an orderly end keeps everything, the open batch too", "[store]", MemoryDisk, LmdbDisk) {
  TestType disk;
  Content all;
  for (int i = 0; i < 200; ++i) {
    const Bytes key = "key " + std::to_string(i);
    disk.store().put(key, all[key] = Bytes(i * 7, 'x'));
    if (i % 3 == 0) disk.store().commit();
  }
  disk.restart();
  CHECK(content(disk.store()) == all);
}

TEMPLATE_TEST_CASE("a refused batch stays readable and is tried again with the open one", "[store]",
                   MemoryDisk, LmdbDisk) {
  TestType disk;
  Store& store = disk.store();
  for (const char* key : {"kept", "erased", "replaced"}) store.put(key, "old");
  REQUIRE(committed(store));
  disk.refuse();
  store.put("new", "refused");
  store.put("replaced", "refused");
  store.erase("erased");
  CHECK_FALSE(committed(store));
  const Content seen{{"kept", "old"}, {"new", "refused"}, {"replaced", "refused"}};
  CHECK(content(store) == seen);
  CHECK(store.get("new") == "refused");
  CHECK_FALSE(store.get("erased"));

  SECTION("again and again") {
    CHECK_FALSE(committed(store));
    CHECK(content(store) == seen);
    disk.accept();
    CHECK(committed(store));
    disk.crash();
    CHECK(content(disk.store()) == seen);
  }
  SECTION("what is written meanwhile stands over it") {
    store.put("replaced", "newer");
    store.erase("new");
    store.put("erased", "again");
    const Content newer{{"erased", "again"}, {"kept", "old"}, {"replaced", "newer"}};
    CHECK(content(store) == newer);
    disk.accept();
    CHECK(committed(store));
    CHECK(content(store) == newer);
    disk.crash();
    CHECK(content(disk.store()) == newer);
  }
  SECTION("a crash before that leaves what was durable") {
    disk.crash();
    CHECK(content(disk.store()) == Content{{"erased", "old"}, {"kept", "old"}, {"replaced", "old"}});
  }
}

TEMPLATE_TEST_CASE("what is refused is readable before its outcome is taken", "[store]", MemoryDisk,
                   LmdbDisk) {
  TestType disk;
  Store& store = disk.store();
  disk.refuse();
  store.put("a", "1");
  store.commit();
  if (store.fd() >= 0) {
    pollfd ready{store.fd(), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 60'000) == 1);
  }
  CHECK(store.get("a") == "1");
  CHECK(content(store) == Content{{"a", "1"}});
  store.put("a", "2");
  const std::uint64_t second =
      store.commit();  // takes the refused one in: nothing is on disk without what was before it
  disk.accept();
  const auto outcomes = outcomes_until(store, second);
  CHECK_FALSE(outcomes.front().ok);
  CHECK(content(store) == Content{{"a", "2"}});
  disk.restart();
  CHECK(content(disk.store()) == Content{{"a", "2"}});
}

TEMPLATE_TEST_CASE("the newest of several refused batches is what is tried again", "[store]", MemoryDisk,
                   LmdbDisk) {
  TestType disk;
  Store& store = disk.store();
  disk.refuse();
  std::uint64_t last = 0;
  for (const char* value : {"1", "2", "3"}) {
    store.put("a", value);
    store.put(Bytes("only ") + value, value);
    last = store.commit();
  }
  for (const Outcome& outcome : outcomes_until(store, last)) CHECK_FALSE(outcome.ok);
  disk.accept();
  REQUIRE(committed(store));
  disk.crash();
  CHECK(content(disk.store()) == Content{{"a", "3"}, {"only 1", "1"}, {"only 2", "2"}, {"only 3", "3"}});
}

TEMPLATE_TEST_CASE("the backlog counts octets that are not on disk", "[store]", MemoryDisk, LmdbDisk) {
  TestType disk;
  Store& store = disk.store();
  CHECK(store.backlog() == 0);
  store.put("key", Bytes(100, 'x'));
  CHECK(store.backlog() == 103);
  store.put("key", Bytes(10, 'x'));
  CHECK(store.backlog() == 13);
  store.erase("key");
  CHECK(store.backlog() == 3);
  store.put("other", "12345");
  CHECK(store.backlog() == 13);
  REQUIRE(committed(store));
  CHECK(store.backlog() == 0);
  disk.refuse();
  store.put("key", Bytes(100, 'x'));
  CHECK_FALSE(committed(store));
  CHECK(store.backlog() == 103);
  disk.accept();
  REQUIRE(committed(store));
  CHECK(store.backlog() == 0);
}

namespace {

/// Two maps instead of a store: what is seen, and what would be found after a crash.
struct Model {
  using Writes = std::map<Bytes, std::optional<Bytes>>;
  Content seen, durable;
  Writes open;
  std::map<std::uint64_t, Writes> going;

  void write(const Bytes& key, std::optional<Bytes> value) {
    if (value)
      seen[key] = *value;
    else
      seen.erase(key);
    open[key] = std::move(value);
  }
  void hear(const std::vector<Outcome>& outcomes) {
    for (const Outcome& outcome : outcomes) {
      Writes writes = std::move(going.at(outcome.batch));
      going.erase(outcome.batch);
      if (!outcome.ok) {  // later batches of the same list come later and must win over it
        writes.merge(refused);
        refused = std::move(writes);
        continue;
      }
      // A batch closed after a refusal carried the refused writes along.
      for (auto& [key, value] : refused) apply(key, value);
      refused.clear();
      for (auto& [key, value] : writes) apply(key, value);
    }
  }
  void apply(const Bytes& key, const std::optional<Bytes>& value) {
    if (value)
      durable[key] = *value;
    else
      durable.erase(key);
  }
  Writes refused;
};

}  // namespace

TEMPLATE_TEST_CASE("a store behaves as a map does, whatever is done in whatever order", "[store][random]",
                   MemoryDisk, LmdbDisk) {
  const std::uint64_t seed = GENERATE(1, 2, 3, 4);
  CAPTURE(seed);
  core::Seed key_of_random{};
  key_of_random.octets[0] = static_cast<unsigned char>(seed);
  core::Random random(key_of_random);
  TestType disk;
  Model model;
  auto any_key = [&] {
    return Bytes(1 + random.below(3), static_cast<char>('a' + random.below(4))) +
           std::to_string(random.below(12));
  };
  auto hear_all = [&] {
    if (!model.going.empty()) model.hear(outcomes_until(disk.store(), model.going.rbegin()->first));
  };
  int refusals = 0;
  for (int i = 0; i < 3000; ++i) {
    Store& store = disk.store();
    const auto what = random.below(1000);
    if (what < 400) {
      const Bytes key = any_key();
      Bytes value = random.bytes(random.below(8) == 0 ? random.below(9000) : random.below(40));
      store.put(key, value);
      model.write(key, std::move(value));
    } else if (what < 550) {
      const Bytes key = any_key();
      store.erase(key);
      model.write(key, std::nullopt);
    } else if (what < 800) {
      const Bytes key = any_key();
      auto it = model.seen.find(key);
      REQUIRE(store.get(key) == (it == model.seen.end() ? std::nullopt : std::optional(it->second)));
    } else if (what < 850) {
      const Bytes prefix = random.below(4) == 0 ? Bytes() : any_key().substr(0, 1 + random.below(2));
      Content expected;
      for (const auto& [key, value] : model.seen)
        if (key.starts_with(prefix)) expected[key] = value;
      REQUIRE(content(store, prefix) == expected);
    } else if (what < 950) {
      const std::uint64_t open = store.batch(), closed = store.commit();
      REQUIRE(closed == open);
      if (store.batch() != open) model.going[closed] = std::exchange(model.open, {});
    } else if (what < 990) {
      model.hear(store.outcomes());
    } else if (what < 996 && refusals < 2) {
      ++refusals;
      disk.refuse();
      hear_all();
    } else if (what < 998) {
      disk.accept();
      hear_all();
      disk.restart();
      for (auto& [key, value] : model.refused) model.apply(key, value);
      model.durable = model.seen;
      model.open.clear(), model.refused.clear();
      REQUIRE(content(disk.store()) == model.durable);
    } else {
      hear_all();
      disk.crash();
      model.seen = model.durable;
      model.open.clear(), model.refused.clear();
      REQUIRE(content(disk.store()) == model.durable);
    }
  }
}
