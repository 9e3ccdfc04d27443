// The port as strangers see it: nothing they send may stop the driver or disturb a good peer.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <zmq.hpp>

#include "node/wire/context.h"
#include "tests/wire/toy.h"

using namespace mig::wire::test;
using mig::wire::clock_now;

namespace {

int port_of(const std::string& address) { return std::stoi(address.substr(address.rfind(':') + 1)); }

/// A plain TCP connection that has said `words`. -1 if none could be made.
int connect_and_say(const std::string& address, const Bytes& words) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port_of(address)));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    ::close(fd);
    return -1;
  }
  (void)!::send(fd, words.data(), words.size(), MSG_NOSIGNAL);
  return fd;
}

Bytes greeting(const char* mechanism) {
  Bytes out(64, '\0');
  out[0] = static_cast<char>(0xff);
  out[9] = 0x7f;
  out[10] = 3;
  std::copy(mechanism, mechanism + std::strlen(mechanism), out.begin() + 12);
  return out;
}

std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  std::size_t value = 0;
  while (status >> word)
    if (word == "VmRSS:") status >> value;
  return value;
}

/// A bare CURVE client without the driver's manners.
zmq::socket_t rude_client(const Station& server, int receive_mark = 0) {
  const Keys keys = fresh_keys();
  zmq::socket_t socket(mig::wire::context(), zmq::socket_type::dealer);
  socket.set(zmq::sockopt::curve_serverkey, server.keys.link_public().view());
  socket.set(zmq::sockopt::curve_publickey, keys.link_public().view());
  socket.set(zmq::sockopt::curve_secretkey, keys.link_secret().view());
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::rcvhwm, receive_mark);
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.connect(server.address);
  return socket;
}

/// The good peer asks and is answered, `times` over.
void still_works(Station& client, int times = 5) {
  for (int i = 0; i < times; ++i) {
    const auto before = client.toy.heard.size();
    client.post([](Effects& out) { out.push_back({Send{1, "are you there"}}); });
    REQUIRE(client.until([&] { return client.toy.heard.size() == before + 1; }));
  }
  CHECK(client.toy.linked.size() == 1);  // and was never cut off
}

struct Scene {
  Station server{true}, client{false};
  Scene() { server.toy.on = echo; }
  void meet() {
    dial(client, server.endpoint(), 1, "hello");
    REQUIRE(client.until([&] { return !client.toy.heard.empty(); }));
  }
};

}  // namespace

TEST_CASE("300 strangers with all kinds of noise do not disturb a good peer", "[strangers]") {
  Scene scene;
  Background running(scene.server);
  scene.meet();
  const std::size_t before = resident_kib();
  const Bytes noise[] = {
      "GET / HTTP/1.1\r\nHost: relay\r\n\r\n",
      Bytes(3000, '\x16'),
      "",                                                                  // connected and silent
      greeting("NULL"),
      greeting("CURVE"),                                                   // and then silent
      greeting("CURVE") + Bytes("\x04\xc8\x05HELLO", 8) + Bytes(194, 'x'),  // a HELLO nobody can have made
      greeting("CURVE") + Bytes("\x06\x40\x00\x00\x00\x00\x00\x00\x00", 9), // a command of 2^62 octets
      Bytes("\x01\x00", 2),                                                // ZMTP 1.0
      Bytes(1, '\xff'),
      greeting("PLAIN"),
  };
  std::vector<int> strangers;
  for (int i = 0; i < 300; ++i) strangers.push_back(connect_and_say(scene.server.address, noise[i % 10]));
  still_works(scene.client, 50);
  for (int fd : strangers) {
    REQUIRE(fd >= 0);
    ::close(fd);
  }
  still_works(scene.client);
  CHECK(resident_kib() < before + 40'000);
  running.end();
  CHECK(scene.server.toy.linked.size() == 1);  // none of them reached the machine
  CHECK(scene.server.told_of("dropped handshake"));
}

TEST_CASE("a connection that never finishes its handshake is closed by the listener", "[strangers]") {
  Scene scene;
  Background running(scene.server);
  const int fd = connect_and_say(scene.server.address, greeting("CURVE"));
  timeval limit{20, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  char buffer[4096];
  ssize_t got = 0;
  while ((got = ::recv(fd, buffer, sizeof buffer, 0)) > 0) {
  }
  CHECK((got == 0 || errno == ECONNRESET));
  ::close(fd);
}

TEST_CASE("a listener that never answers is a link that is down", "[strangers]") {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0);
  REQUIRE(::listen(fd, 5) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  Station client(false);
  dial(client, {"tcp://127.0.0.1:" + std::to_string(ntohs(at.sin_port)), client.keys.link_public()}, 1, "hello");
  CHECK(client.until([&] { return client.toy.down(); }));
  ::close(fd);
}

TEST_CASE("messages of several parts, of none, and too large ones are dropped and told", "[strangers]") {
  Scene scene;
  auto rude = rude_client(scene.server);
  auto say = [&](std::vector<Bytes> parts) {
    for (std::size_t i = 0; i < parts.size(); ++i)
      rude.send(zmq::buffer(parts[i]), i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  };
  say({"two", "parts"});
  say({""});
  say({"", ""});
  say({"one", "", "three"});
  say({"good"});
  REQUIRE(scene.server.until([&] { return scene.server.toy.heard.size() == 1; }));
  CHECK(scene.server.toy.heard[0].frame == "good");
  CHECK(scene.server.told_of("dropped parts"));
  CHECK(scene.server.told_of("dropped empty"));
  say({Bytes(600 * 1024, 'x')});
  REQUIRE(scene.server.until([&] { return scene.server.toy.down(); }));
  CHECK(scene.server.toy.heard.size() == 1);
  Background running(scene.server);
  scene.meet();
  still_works(scene.client);
}

TEST_CASE("a peer that sends without end is cut off and memory stays bounded", "[strangers]") {
  Scene scene;
  scene.server.toy.on = [](const Input& input, Effects& out) {
    // A machine that is slower than its peers.
    const Instant until = clock_now().at + Duration::millis(1);
    while (clock_now().at < until) {
    }
    echo(input, out);
  };
  const std::size_t before = resident_kib();
  auto rude = std::make_unique<zmq::socket_t>(rude_client(scene.server));
  std::atomic<bool> enough{false};
  std::thread flood([&] {
    const Bytes frame(64'000, 'x');
    rude->set(zmq::sockopt::sndhwm, 100);
    while (!enough) rude->send(zmq::buffer(frame), zmq::send_flags::dontwait);
  });
  const bool cut = scene.server.until([&] { return scene.server.toy.down(); });
  CHECK(scene.server.told_of("link_cut sends more than its credit"));
  {
    Background running(scene.server);  // the flood goes on
    scene.meet();
    still_works(scene.client);
  }
  enough = true;
  flood.join();
  REQUIRE(cut);
  CHECK(resident_kib() < before + 200'000);
  CHECK(scene.server.toy.linked.size() == 3);  // rude up, rude down, good up: the cut one never comes back as another
}

TEST_CASE("a peer that does not read is cut off", "[strangers]") {
  Scene scene;
  scene.server.toy.on = [](const Input& input, Effects& out) {
    if (auto* heard = std::get_if<Heard>(&input))
      for (int i = 0; i < 3000; ++i) out.push_back({Send{heard->from, Bytes(20'000, 'x')}});
  };
  auto rude = rude_client(scene.server, 1);
  rude.send(zmq::str_buffer("give me everything"));
  REQUIRE(scene.server.until([&] { return scene.server.toy.down(); }));
  CHECK(scene.server.told_of("link_cut does not take what is sent to it"));
  scene.server.toy.on = echo;
  Background running(scene.server);
  scene.meet();
  still_works(scene.client);
}

TEST_CASE("more new keys than the door lets in at once are turned away, known ones are not", "[strangers]") {
  Scene scene;
  {
    Background running(scene.server);
    scene.meet();
    // The bucket is emptied for real: every one of these is a whole handshake.
    std::vector<zmq::socket_t> crowd;
    for (int i = 0; i < 600; ++i) {
      crowd.push_back(rude_client(scene.server));
      crowd.back().send(zmq::str_buffer("me too"));
    }
    still_works(scene.client, 20);
    dial(scene.client, scene.server.endpoint(), 2, "again");
    REQUIRE(scene.client.until([&] { return scene.client.toy.heard.back().from == 2; }));
  }
  CHECK(scene.server.told_of("dropped handshake"));
}
