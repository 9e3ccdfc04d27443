// Module ping against sockets of our own on loopback and in networks made for the test.
#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "modules/module.h"
#include "tests/modules/child.h"

using namespace mig;
using core::Json;

namespace {

/// A socket on 127.0.0.1. A stream socket listens, with room for `backlog` waiting connections more than one.
class Port {
 public:
  explicit Port(int type, int backlog = 8) : fd_(socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd_, reinterpret_cast<sockaddr*>(&address_), sizeof address_);
    socklen_t size = sizeof address_;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address_), &size);
    if (type == SOCK_STREAM) listen(fd_, backlog);
  }
  ~Port() { close_now(); }
  void close_now() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  int fd() const { return fd_; }
  int number() const { return ntohs(address_.sin_port); }
  const sockaddr_in& address() const { return address_; }

 private:
  int fd_;
  sockaddr_in address_{};
};

/// Sends every packet back.
class UdpEcho {
 public:
  UdpEcho() : end_(eventfd(0, EFD_CLOEXEC)), thread_([this] { serve(); }) {}
  ~UdpEcho() {
    const std::uint64_t one = 1;
    (void)!write(end_, &one, sizeof one);
    thread_.join();
    close(end_);
  }
  int number() const { return port_.number(); }

 private:
  void serve() {
    for (;;) {
      pollfd both[] = {{port_.fd(), POLLIN, 0}, {end_, POLLIN, 0}};
      poll(both, 2, -1);
      if (both[1].revents != 0) return;
      char block[512];
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const ssize_t got = recvfrom(port_.fd(), block, sizeof block, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got >= 0) sendto(port_.fd(), block, static_cast<std::size_t>(got), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
  Port port_{SOCK_DGRAM};
  int end_;
  std::thread thread_;
};

modules::Answer answer_of(const Json& parameters) {
  modules::Budget budget(30, 0);
  return modules::run("ping", parameters, {}, budget);
}

/// Real latencies become "ms" once they have been seen to be more than 0 and less than half a minute.
Json smooth(const std::string& text) {
  Json out = *core::parse_json(text, 1 << 20);
  if (out["elements"].is_object())
    for (Json& latency : out["elements"]["latencies"])
      if (const double ms = latency.get<double>(); ms > 0 && ms < 30'000) latency = "ms";
  return out;
}
Json document(const Json& parameters) { return smooth(answer_of(parameters).to_json()); }

Json wanted(bool found, const char* protocol, const std::string& host, Json latencies, Json failures = nullptr) {
  return {{"foundanything", found}, {"success", true}, {"statistics", nullptr}, {"errors", nullptr},
          {"elements", {{"latencies", std::move(latencies)}, {"protocol", protocol}, {"resolvedhost", host}, {"failures", std::move(failures)}}}};
}
Json failed(const std::string& error) {
  return {{"foundanything", false}, {"success", false}, {"elements", nullptr}, {"statistics", nullptr}, {"errors", {error}}};
}

Json asked(const char* protocol, int port, int count = 2, double timeout = 5) {
  Json out{{"destination", "127.0.0.1"}, {"protocol", protocol}, {"count", count}, {"timeout", timeout}};
  if (port >= 0) out["destinationport"] = port;
  return out;
}
std::string host(int port) { return fmt::format("127.0.0.1:{} (127.0.0.1)", port); }

bool may_echo() {
  for (int type : {SOCK_DGRAM, SOCK_RAW}) {
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, IPPROTO_ICMP);
    if (fd >= 0) return close(fd), true;
  }
  return false;
}

}  // namespace

TEST_CASE("ping tcp: a listening port is reached, with a latency a try") {
  Port port(SOCK_STREAM);
  CHECK(document(asked("tcp", port.number())) == wanted(true, "tcp", host(port.number()), {"ms", "ms"}));
}

TEST_CASE("ping tcp: a refused connection is a latency of -1 and no failure of the module") {
  Port port(SOCK_STREAM);
  port.close_now();
  CHECK(document(asked("tcp", port.number())) == wanted(false, "tcp", host(port.number()), {-1, -1}));
}

TEST_CASE("ping tcp: a host that does not answer is a latency of 9999999") {
  Port port(SOCK_STREAM, 0);  // its one place is taken, so the kernel drops further attempts
  const int first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(connect(first, reinterpret_cast<const sockaddr*>(&port.address()), sizeof port.address()) == 0);
  CHECK(document(asked("tcp", port.number(), 2, 0.2)) == wanted(false, "tcp", host(port.number()), {9999999, 9999999}));
  close(first);
}

TEST_CASE("ping udp: answered, refused, and silent, which may be open") {
  UdpEcho echo;
  CHECK(document(asked("udp", echo.number())) == wanted(true, "udp", host(echo.number()), {"ms", "ms"}));
  Port silent(SOCK_DGRAM);
  CHECK(document(asked("udp", silent.number(), 2, 0.2)) == wanted(true, "udp", host(silent.number()), {9999999, 9999999}));
  silent.close_now();
  CHECK(document(asked("udp", silent.number())) == wanted(false, "udp", host(silent.number()), {-1, -1}));
}

TEST_CASE("ping icmp: loopback answers, over IPv4 and IPv6, by name too") {
  if (!may_echo()) {
    WARN("this machine allows no echo socket");
    return;
  }
  CHECK(document(asked("icmp", -1)) == wanted(true, "icmp", "127.0.0.1 (127.0.0.1)", {"ms", "ms"}));
  Json by_name = asked("icmp", -1, 1);
  by_name["destination"] = "localhost";
  const Json seen = document(by_name);
  CHECK((seen == wanted(true, "icmp", "localhost (127.0.0.1)", {"ms"}) || seen == wanted(true, "icmp", "localhost (::1)", {"ms"})));
  if (access("/proc/sys/net/ipv6/conf/lo/disable_ipv6", F_OK) != 0) {
    WARN("this machine has no IPv6");
    return;
  }
  int off = 0;
  std::ifstream("/proc/sys/net/ipv6/conf/lo/disable_ipv6") >> off;
  if (off == 1) {
    WARN("this machine has no IPv6 on loopback");
    return;
  }
  Json six = asked("icmp", -1, 2);
  six["destination"] = "::1";
  CHECK(document(six) == wanted(true, "icmp", "::1 (::1)", {"ms", "ms"}));
}

TEST_CASE("ping icmp: silence is a timeout, and other packets are no answer") {
  const std::string said = test::in_child([]() -> std::string {
    if (!test::own_network(true)) return "";
    std::ofstream("/proc/sys/net/ipv4/icmp_echo_ignore_all") << 1;
    return answer_of(asked("icmp", -1, 2, 0.2)).to_json();
  });
  if (said.empty()) {
    WARN("this machine allows no network of our own");
    return;
  }
  // A raw socket on loopback sees its own question come by: it is not taken for an answer.
  CHECK(smooth(said) == wanted(false, "icmp", "127.0.0.1 (127.0.0.1)", {9999999, 9999999}));
}

TEST_CASE("ping: no way there is a latency of -1 for every protocol") {
  for (const char* protocol : {"icmp", "tcp", "udp"}) {
    const std::string said = test::in_child([&]() -> std::string {
      if (!test::own_network(false)) return "";
      Json parameters = asked(protocol, std::string_view(protocol) == "icmp" ? -1 : 9, 2, 1);
      parameters["destination"] = "192.0.2.1";
      return answer_of(parameters).to_json();
    });
    if (said.empty()) {
      WARN("this machine allows no network of our own");
      return;
    }
    const std::string where = std::string_view(protocol) == "icmp" ? "192.0.2.1 (192.0.2.1)" : "192.0.2.1:9 (192.0.2.1)";
    CHECK(smooth(said) == wanted(false, protocol, where, {-1, -1}));
  }
}

TEST_CASE("ping icmp: without the right to echo it is unsupported, and says what would have to be allowed") {
  const std::string said = test::in_child([]() -> std::string {
    if (!test::own_network(true)) return "";  // whose range of groups is empty
    if (setgroups(0, nullptr) != 0 || setgid(65534) != 0 || setuid(65534) != 0) return "";
    return answer_of(asked("icmp", -1)).to_json();
  });
  if (said.empty()) {
    WARN("this machine allows no network of our own");
    return;
  }
  CHECK(smooth(said) == failed("unsupported: icmp needs a group of net.ipv4.ping_group_range or CAP_NET_RAW, and the agent has neither "
                               "(Operation not permitted); tcp and udp need no privilege"));
}

TEST_CASE("ping icmp: an unprivileged ping socket is used where a group may") {
  const std::string said = test::in_child([]() -> std::string {
    if (!test::own_network(true)) return "";
    std::ofstream("/proc/sys/net/ipv4/ping_group_range") << "65534 65534";
    if (setgroups(0, nullptr) != 0 || setgid(65534) != 0 || setuid(65534) != 0) return "";
    return answer_of(asked("icmp", -1)).to_json();
  });
  if (said.empty()) {
    WARN("this machine allows no network of our own");
    return;
  }
  CHECK(smooth(said) == wanted(true, "icmp", "127.0.0.1 (127.0.0.1)", {"ms", "ms"}));
}

TEST_CASE("ping: what cannot even be tried is told in failures, with a latency of 0") {
  const std::string said = test::in_child([]() -> std::string {
    if (!test::own_network(true)) return "";
    Json parameters = asked("udp", 9, 2, 1);
    parameters["destination"] = "255.255.255.255";  // nobody allowed this socket to shout at everybody
    return answer_of(parameters).to_json();
  });
  if (said.empty()) {
    WARN("this machine allows no network of our own");
    return;
  }
  Json seen = smooth(said);
  if (seen["elements"]["latencies"] == Json{-1, -1}) return;  // kernels that look for a way first
  CHECK(seen == wanted(false, "udp", "255.255.255.255:9 (255.255.255.255)", {0, 0},
                       {"ping #1 failed with error: Permission denied", "ping #2 failed with error: Permission denied"}));
}

TEST_CASE("ping: 0 and absent mean three tries, icmp and five seconds") {
  Port port(SOCK_STREAM);
  Json parameters = asked("tcp", port.number(), 0, 0);
  CHECK(document(parameters) == wanted(true, "tcp", host(port.number()), {"ms", "ms", "ms"}));
  parameters.erase("count");
  parameters.erase("timeout");
  CHECK(document(parameters) == wanted(true, "tcp", host(port.number()), {"ms", "ms", "ms"}));
  const auto flags = core::from_flags(modules::find("ping")->parameters(), {"-d", "192.0.2.1"});
  REQUIRE(flags);
  CHECK(*flags == Json{{"destination", "192.0.2.1"}, {"protocol", "icmp"}, {"count", 3}, {"timeout", 5}});
  const auto all = core::from_flags(modules::find("ping")->parameters(), {"-p", "tcp", "-dp", "443", "-c=1", "-t", "2"});
  REQUIRE(all);
  CHECK(*all == Json{{"destination", "www.google.com"}, {"destinationport", 443}, {"protocol", "tcp"}, {"count", 1}, {"timeout", 2}});
}

TEST_CASE("ping answers parameters of any shape with one well-formed refusal") {
  const std::vector<std::pair<Json, std::string>> cases = {
      {nullptr, "destination: is required; write \"destination\": \"www.example.net\""},
      {"127.0.0.1", "ping: expected an object {...}, got the text \"127.0.0.1\""},
      {{{"destination", ""}}, "destination: '' is neither a host name nor an address; write one like www.example.net or 192.0.2.7"},
      {{{"destination", "a b"}}, "destination: 'a b' is neither a host name nor an address; write one like www.example.net or 192.0.2.7"},
      {{{"destination", std::string(300, 'a')}}, ""},
      {{{"destination", {"a"}}}, "destination: expected a text, got a list"},
      {{{"destination", "a"}, {"protocol", "sctp"}}, ""},
      {{{"destination", "127.0.0.1"}, {"protocol", "tcp"}}, "destinationport: tcp needs one; write 0 to 65535 (-dp 443)"},
      {{{"destination", "127.0.0.1"}, {"protocol", "udp"}, {"destinationport", -1}}, "destinationport: udp needs one; write 0 to 65535 (-dp 443)"},
      {{{"destination", "a"}, {"destinationport", 65536}}, "destinationport: 65536 is outside -1..65535"},
      {{{"destination", "a"}, {"destinationport", 1.5}}, "destinationport: 1.5 is not a whole number"},
      {{{"destination", "a"}, {"count", -1}}, "count: -1 is outside 0..10000"},
      {{{"destination", "a"}, {"timeout", 301}}, "timeout: 301 is outside 0..300"},
      {{{"destination", "1.2.3.4.5.6"}, {"protocol", "tcp"}, {"destinationport", 1}, {"timeout", 20}}, ""},
  };
  for (const auto& [parameters, error] : cases) {
    INFO(parameters);
    Json seen = document(parameters);
    if (!error.empty()) CHECK(seen == failed(error));
    REQUIRE(seen["errors"].size() == 1);
    CHECK(seen == failed(seen["errors"][0]));
  }
}

TEST_CASE("ping: a name that does not resolve is one error that names it") {
  const std::string said = test::in_child([]() -> std::string {
    if (!test::own_network(true)) return "";  // no name server to be reached
    Json parameters = asked("tcp", 9, 1, 1);
    parameters["destination"] = "no-such-host.invalid";
    return answer_of(parameters).to_json();
  });
  if (said.empty()) {
    WARN("this machine allows no network of our own");
    return;
  }
  const Json seen = smooth(said);
  REQUIRE(seen["errors"].size() == 1);
  const std::string error = seen["errors"][0];
  CHECK(error.starts_with("destination: no-such-host.invalid: "));
  CHECK(seen == failed(error));
}

TEST_CASE("ping keeps the tries it made when its time is over") {
  Port silent(SOCK_DGRAM);
  modules::Budget budget(0.5, 0);
  const Json seen = smooth(modules::run("ping", asked("udp", silent.number(), 1000, 0.01), {}, budget).to_json());
  CHECK(seen["success"] == false);
  CHECK(seen["errors"] == Json{"stopped after 0.5s (time limit)"});
  CHECK(seen["elements"]["latencies"].size() >= 1);
  CHECK(seen["elements"]["latencies"].size() < 10);
}

TEST_CASE("ping prints MIG's lines") {
  const auto* module = modules::find("ping");
  using Lines = std::vector<std::string>;
  modules::Answer answer;
  answer.elements = {{"latencies", {12.4, 0.043, 9999999, -1, 0}}, {"protocol", "tcp"}, {"resolvedhost", "h:1 (192.0.2.1)"}, {"failures", {"ping #5 failed with error: x"}}};
  answer.found_anything = true;
  CHECK(module->print(answer, true) == Lines{"tcp ping of h:1 (192.0.2.1) succeeded. Target is reachable."});
  CHECK(module->print(answer, false) == Lines{"tcp ping of h:1 (192.0.2.1) succeeded. Target is reachable.", "ping #1 succeeded in 12ms", "ping #2 succeeded in 0.043ms",
                                              "ping #3 failed, connection timed out", "ping #4 failed, target was unreachable", "ping #5 failed, reason unknown"});
  answer.elements["latencies"] = {-1};
  answer.found_anything = false;
  CHECK(module->print(answer, true) == Lines{});
  CHECK(module->print(answer, false) == Lines{"tcp ping of h:1 (192.0.2.1) failed. Target is no reachable.", "ping #1 failed, target was unreachable"});
  answer.elements["protocol"] = "udp";
  answer.elements["latencies"] = {9999999};
  answer.found_anything = true;
  CHECK(module->print(answer, false) == Lines{"udp ping of h:1 (192.0.2.1) succeeded. Target is reachable.", "ping #1 may have succeeded (no udp response)"});
  module->mask(answer);
  CHECK(answer.to_json() == R"({"foundanything":true,"success":true,"elements":{"failures":["masked"],"latencies":[9999999],"protocol":"udp","resolvedhost":"masked"},"statistics":null,"errors":null})");
  CHECK(module->print(modules::Answer::failure("why"), false) == Lines{"why"});
}
