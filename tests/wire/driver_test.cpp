#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "node/wire/handshake_memory.h"
#include "store/lmdb.h"
#include "store/memory.h"
#include "tests/wire/toy.h"

using namespace mig::wire::test;
using namespace mig;
using mig::wire::clock_now;

TEST_CASE("two machines meet: each learns the other's key, up comes before the first frame", "[driver]") {
  Station server(true), client(false);
  server.toy.on = echo;
  {
    Background running(server);
    dial(client, server.endpoint(), 1, "hello");
    REQUIRE(client.until([&] { return !client.toy.heard.empty(); }));
  }
  REQUIRE(client.toy.linked.size() == 1);
  CHECK(client.toy.linked[0].link == 1);
  CHECK(client.toy.linked[0].direction == Direction::out);
  CHECK(client.toy.linked[0].peer == server.keys.link_public());
  CHECK(client.toy.heard[0].from == 1);
  CHECK(client.toy.heard[0].frame == "hello");
  REQUIRE_FALSE(server.toy.linked.empty());
  CHECK(server.toy.linked[0].link >= first_inbound_link);
  CHECK(server.toy.linked[0].direction == Direction::in);
  CHECK(server.toy.linked[0].peer == client.keys.link_public());
  CHECK(server.toy.linked[0].address == "127.0.0.1");
  CHECK(server.toy.linked[0].up);
  CHECK(server.toy.heard[0].from == server.toy.linked[0].link);
}

TEST_CASE("handshakes take their buffers from plain memory", "[driver]") {
  const std::size_t before = wire::plain_handshake_memory();
  Station server(true), client(false);
  server.toy.on = echo;
  Background running(server);
  dial(client, server.endpoint(), 1, "hello");
  REQUIRE(client.until([&] { return !client.toy.heard.empty(); }));
  CHECK(wire::plain_handshake_memory() > before);
}

TEST_CASE("frames arrive whole and in order, whatever their size", "[driver]") {
  Station server(true), client(false);
  server.toy.on = echo;
  Background running(server);
  constexpr int count = 3000;
  auto frame = [](int i) { return std::to_string(i) + Bytes(i % 100 == 0 ? 100'000 : i % 97, static_cast<char>(i)); };
  int sent = 0;
  // Never more than 50 under way: credit, as the machines keep it.
  auto feed = [&](Effects& out) {
    while (sent < count && sent < static_cast<int>(client.toy.heard.size()) + 50) out.push_back({Send{1, frame(sent++)}});
  };
  client.toy.on = [&](const Input& input, Effects& out) {
    if (std::holds_alternative<Heard>(input) || std::holds_alternative<Linked>(input)) feed(out);
  };
  client.post([&](Effects& out) { out.push_back({Dial{1, server.endpoint()}}); });
  REQUIRE(client.until([&] { return client.toy.heard.size() == count; }));
  for (int i = 0; i < count; ++i) REQUIRE(client.toy.heard[static_cast<std::size_t>(i)].frame == frame(i));
}

TEST_CASE("a promise waits for the disk, nothing else does", "[driver]") {
  store::MemoryStore store;
  store.slow(true);
  Station server(true, &store), client(false);
  server.toy.on = [&](const Input& input, Effects& out) {
    auto* heard = std::get_if<Heard>(&input);
    if (!heard) return;
    if (heard->frame == "keep this") {
      store.put("key", "value");
      out.push_back({Send{heard->from, "stored"}, true});
    }
    if (heard->frame == "disk, work") store.finish();
    out.push_back({Send{heard->from, "echo " + heard->frame}});
  };
  Background running(server);
  auto heard = [&](std::size_t i) { return client.toy.heard.at(i).frame; };
  auto say = [&](const Bytes& frame) {
    client.post([frame](Effects& out) { out.push_back({Send{1, frame}}); });
  };
  dial(client, server.endpoint(), 1, "keep this");
  REQUIRE(client.until([&] { return client.toy.heard.size() == 1; }));
  CHECK(heard(0) == "echo keep this");
  for (int i = 0; i < 20; ++i) {  // time enough for a promise that does not wait
    say("more");
    REQUIRE(client.until([&] { return client.toy.heard.size() == static_cast<std::size_t>(i) + 2; }));
    CHECK(heard(static_cast<std::size_t>(i) + 1) == "echo more");
  }
  say("disk, work");
  REQUIRE(client.until([&] { return client.toy.heard.size() == 23; }));
  const std::set<Bytes> last{heard(21), heard(22)}, wanted{"echo disk, work", "stored"};
  CHECK(last == wanted);
  running.end();
  REQUIRE(server.toy.committed.size() == 1);
  CHECK(server.toy.committed[0].ok);
}

TEST_CASE("a promise is dropped when the disk refuses, and the machine hears of it", "[driver]") {
  store::MemoryStore store;
  store.full(true);
  Station server(true, &store), client(false);
  server.toy.on = [&](const Input& input, Effects& out) {
    if (auto* heard = std::get_if<Heard>(&input)) {
      store.put("key", heard->frame);
      out.push_back({Send{heard->from, "stored"}, true});
    }
    if (auto* committed = std::get_if<Committed>(&input)) {
      out.push_back({Send{first_inbound_link, committed->ok ? "now it is" : "disk full"}});
      store.full(false);
    }
  };
  Background running(server);
  dial(client, server.endpoint(), 1, "keep this");
  REQUIRE(client.until([&] { return client.toy.heard.size() == 2; }));
  CHECK(client.toy.heard[0].frame == "disk full");
  CHECK(client.toy.heard[1].frame == "now it is");  // tried again by itself; the broken promise stays broken
  running.end();
  CHECK(store.after_crash().get("key") == "keep this");
}

TEST_CASE("promises of a machine with a database go out when it is on disk", "[driver]") {
  char name[] = "/tmp/mig-wire-XXXXXX";
  REQUIRE(::mkdtemp(name) != nullptr);
  {
    auto store = store::open_lmdb(name, 16 << 20);
    REQUIRE(store);
    Station server(true, store->get()), client(false);
    server.toy.on = [&](const Input& input, Effects& out) {
      auto* heard = std::get_if<Heard>(&input);
      if (!heard) return;
      if (heard->frame == "write") (*store)->put("key", "value");
      out.push_back({Send{heard->from, "promised"}, true});
    };
    Background running(server);
    dial(client, server.endpoint(), 1, "write");
    REQUIRE(client.until([&] { return client.toy.heard.size() == 1; }));
    client.post([](Effects& out) { out.push_back({Send{1, "nothing to write"}}); });
    REQUIRE(client.until([&] { return client.toy.heard.size() == 2; }));
  }
  std::filesystem::remove_all(name);
}

TEST_CASE("a dialler hears at once that the other end has gone", "[driver]") {
  auto server = std::make_unique<Station>(true);
  server->toy.on = echo;
  auto running = std::make_unique<Background>(*server);
  Station client(false);
  dial(client, server->endpoint(), 1, "hello");
  REQUIRE(client.until([&] { return !client.toy.heard.empty(); }));
  running.reset();
  server.reset();
  CHECK(client.until([&] { return client.toy.down(); }));
  CHECK(client.toy.linked.size() == 2);
}

// Not a test: what the next one starts as a process and kills.
TEST_CASE("a peer that is killed", "[.peer]") {
  auto to = endpoint_from_text(std::getenv("MIG_TEST_DIAL"));
  REQUIRE(to);
  Station peer(false);
  dial(peer, *to, 1, "I am here");
  peer.driver->run({}, in_seconds(60));
}

TEST_CASE("a listener hears at once that a peer was killed, after what it said last", "[driver]") {
  Station server(true);
  ::setenv("MIG_TEST_DIAL", to_text(server.endpoint()).c_str(), 1);
  char program[] = "/proc/self/exe", tag[] = "[.peer]";
  char* arguments[] = {program, tag, nullptr};
  pid_t pid = 0;
  REQUIRE(::posix_spawn(&pid, program, nullptr, nullptr, arguments, environ) == 0);
  const bool came = server.until([&] { return server.toy.heard.size() == 1; });
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  REQUIRE(came);
  REQUIRE(server.until([&] { return server.toy.down(); }));
  CHECK(server.toy.linked.size() == 2);
  CHECK(server.toy.linked[0].link == server.toy.linked[1].link);
}

TEST_CASE("many peers come and go; every one is told up once and down once", "[driver]") {
  Station server(true);
  constexpr std::size_t count = 60;
  {
    std::vector<std::unique_ptr<Station>> peers;
    for (std::size_t i = 0; i < count; ++i) {
      peers.push_back(std::make_unique<Station>(false));
      dial(*peers.back(), server.endpoint(), 1, "hello");
      // Every third one goes before the next comes, so that descriptor numbers are used again.
      REQUIRE(peers.back()->until([&] { return peers.back()->toy.up(); }));
      REQUIRE(server.until([&] { return server.toy.heard.size() == i + 1; }));
      if (i % 3 == 0) peers.back().reset();
    }
  }
  std::map<LinkId, int> ups, downs;
  REQUIRE(server.until([&] { return server.toy.linked.size() == 2 * count; }));
  for (const Linked& linked : server.toy.linked) ++(linked.up ? ups : downs)[linked.link];
  CHECK(ups.size() == count);
  CHECK(downs == ups);
}

TEST_CASE("a dial to nobody, to a wrong key, and to nonsense ends in a link that is down", "[driver]") {
  Station server(true), client(false);
  Background running(server);
  Endpoint to = server.endpoint();
  SECTION("nobody listens") { to.address = "tcp://127.0.0.1:1"; }
  SECTION("a name that does not exist") { to.address = "tcp://does-not-exist.invalid:7447"; }
  SECTION("not an address") { to.address = "carrier pigeon"; }
  SECTION("another key than the one expected") { to.key = fresh_keys().link_public(); }
  dial(client, to, 7, "hello");
  REQUIRE(client.until([&] { return !client.toy.linked.empty(); }));
  CHECK(client.toy.linked[0].link == 7);
  CHECK_FALSE(client.toy.linked[0].up);
  running.end();
  CHECK(server.toy.linked.empty());
  CHECK(server.toy.heard.empty());
}

TEST_CASE("a closed inbound link is silent for good; the same peer comes back as a new one", "[driver]") {
  Station server(true), client(false);
  server.toy.on = [&](const Input& input, Effects& out) {
    auto* heard = std::get_if<Heard>(&input);
    if (!heard) return;
    out.push_back({Send{heard->from, heard->frame == "goodbye" ? "bye" : "welcome"}});
    if (heard->frame == "goodbye") out.push_back({Close{heard->from}});
  };
  Background running(server);
  dial(client, server.endpoint(), 1, "goodbye");
  REQUIRE(client.until([&] { return client.toy.heard.size() == 1; }));
  CHECK(client.toy.heard[0].frame == "bye");
  client.post([&](Effects& out) {
    for (int i = 0; i < 10; ++i) out.push_back({Send{1, "still here"}});
    out.push_back({Close{1}});
  });
  dial(client, server.endpoint(), 2, "back again");
  REQUIRE(client.until([&] { return client.toy.heard.size() == 2; }));
  CHECK(client.toy.heard[1].from == 2);
  running.end();
  REQUIRE(server.toy.linked.size() == 2);
  CHECK(server.toy.linked[0].link != server.toy.linked[1].link);
  CHECK(server.toy.heard.size() == 2);
}

TEST_CASE("a goodbye goes out although the link is closed right after it", "[driver]") {
  Station server(true), client(false);
  client.toy.on = [](const Input& input, Effects& out) {
    if (auto* linked = std::get_if<Linked>(&input); linked && linked->up) {
      out.push_back({Send{1, "bye"}});
      out.push_back({Close{1}});
    }
  };
  client.post([&](Effects& out) { out.push_back({Dial{1, server.endpoint()}}); });
  {
    Background running(client);
    REQUIRE(server.until([&] { return server.toy.down(); }));
  }
  REQUIRE(server.toy.heard.size() == 1);
  CHECK(server.toy.heard[0].frame == "bye");
  CHECK(client.toy.linked.size() == 1);  // what the machine closed is not reported to it
}

TEST_CASE("records of one step are kept together and before its frames", "[driver]") {
  Station server(true);
  Background running(server);
  Toy toy;
  const Keys keys = fresh_keys();
  std::vector<std::string> order;
  wire::Doors doors;
  doors.keep = [&](const std::vector<Record>& records) { order.push_back("keep " + std::to_string(records.size())); };
  doors.tell = [&](const Event& event) { order.push_back(event.name); };
  wire::Driver driver(toy, nullptr, {keys.link_public(), keys.link_secret(), {}, ""}, doors);
  toy.on = [&](const Input& input, Effects& out) {
    if (!std::holds_alternative<Asked>(input)) return;
    out.push_back({Tell{{Level::info, "told", {}}}});
    out.push_back({Keep{KeepEpoch{}}, true});  // no store: nothing to wait for
    out.push_back({Keep{KeepForgotten{}}});
  };
  driver.post(Asked{AskRegister{}});
  driver.post(Asked{AskRegister{}});
  REQUIRE(driver.run([&] { return order.size() == 4; }, in_seconds(20)));
  CHECK(order == std::vector<std::string>{"keep 2", "told", "keep 2", "told"});
}

TEST_CASE("a driver wakes its machine when it asked for it, and its doors too", "[driver]") {
  Station station(false);
  station.toy.wake_at = clock_now().at + Duration::millis(20);
  station.toy.on = [&](const Input& input, Effects&) {
    if (std::holds_alternative<Woke>(input)) station.toy.wake_at = Instant::never();
  };
  REQUIRE(station.until([&] { return station.toy.woken == 1; }));

  const Keys keys = fresh_keys();
  Instant door_at = clock_now().at + Duration::millis(20);
  wire::Doors doors;
  doors.wake = [&] { return door_at; };
  doors.woke = [&] { door_at = Instant::never(); };
  wire::Driver driver(station.toy, nullptr, {keys.link_public(), keys.link_secret(), {}, ""}, doors);
  CHECK(driver.run([&] { return door_at == Instant::never(); }, in_seconds(20)));
}

TEST_CASE("an idle driver sleeps, with links up and even if its machine asks for the past", "[driver]") {
  Station server(true), client(false);
  server.toy.on = echo;
  Background running(server);
  dial(client, server.endpoint(), 1, "hello");
  REQUIRE(client.until([&] { return !client.toy.heard.empty(); }));
  int rounds = 0;
  auto count = [&] { return ++rounds, false; };
  client.driver->run(count, clock_now().at + Duration::millis(300));
  CHECK(rounds <= 10);
  client.toy.wake_at = Instant{1};
  rounds = 0;
  client.driver->run(count, clock_now().at + Duration::millis(100));
  CHECK(rounds <= 210);
}

TEST_CASE("descriptors are watched on the driver's thread until told otherwise", "[driver]") {
  Station station(false);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  int calls = 0;
  station.driver->watch(ends[0], [&] {
    char byte = 0;
    REQUIRE(::read(ends[0], &byte, 1) == 1);
    if (++calls == 2) station.driver->unwatch(ends[0]);
  });
  REQUIRE(::write(ends[1], "abc", 3) == 3);
  REQUIRE(station.until([&] { return calls == 2; }));
  station.driver->run({}, clock_now().at + Duration::millis(20));
  CHECK(calls == 2);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("facts and the end may come from other threads", "[driver]") {
  Station station(false);
  int asked = 0;
  station.toy.on = [&](const Input& input, Effects&) { asked += std::holds_alternative<Asked>(input); };
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) station.driver->post(Asked{AskRegister{}});
  });
  CHECK(station.until([&] { return asked == 100; }));
  other.join();
  std::thread ender([&] { station.driver->stop(); });
  CHECK_FALSE(station.driver->run());
  ender.join();
}

TEST_CASE("an address that cannot be bound is refused in words", "[driver]") {
  Station server(true);
  Toy toy;
  const Keys keys = fresh_keys();
  auto trouble = [&](const std::string& address) {
    wire::Driver driver(toy, nullptr, {keys.link_public(), keys.link_secret(), {address}, ""}, {});
    auto bound = driver.listen();
    return bound ? std::string() : bound.error().text;
  };
  CHECK_THAT(trouble(server.address), Catch::Contains(server.address) && Catch::Contains("another program"));
  CHECK_THAT(trouble("tcp://192.0.2.1:7447"), Catch::Contains("no such address"));
  CHECK_THAT(trouble("nonsense"), Catch::Contains("tcp://0.0.0.0:7447"));
  CHECK(trouble("tcp://[::1]:*").empty());
}
