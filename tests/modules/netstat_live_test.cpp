// Module netstat against the kernel: what it says is what ss says, here and in networks made for the test.
#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "modules/module.h"
#include "modules/netstat/address.h"
#include "tests/modules/child.h"

using namespace mig;
using core::Json;

namespace {

modules::Answer answer_of(const Json& parameters, const char* proc = "/proc") {
  modules::Budget budget(120, 0);
  modules::Host host;
  host.proc = proc;
  return modules::run("netstat", parameters, host, budget);
}

/// "tcp ESTABLISHED 127.0.0.1 80 127.0.0.2 4000": the same words for ss and for us.
using Tuples = std::multiset<std::string>;

Tuples ours(const char* proc = "/proc") {
  Tuples out;
  const Json all = answer_of({{"connectedip", {"0.0.0.0/0", "::/0"}}}, proc).elements["connectedip"];
  for (const auto& rows : all)
    for (const Json& row : rows)
      out.insert(fmt::format("{} {} {} {} {} {}", row["protocol"].get<std::string>().substr(0, 3), row.value("state", ""), row["localaddr"].get<std::string>(), row.value("localport", 0),
                             row["remoteaddr"].get<std::string>(), row.value("remoteport", 0)));
  return out;
}

/// "[::ffff:127.0.0.1]%lo:80": an address and a port.
std::string place(const std::string& word) {
  const std::size_t colon = word.rfind(':');
  std::string address = word.substr(0, colon), port = word.substr(colon + 1);
  if (const auto zone = address.find('%'); zone != address.npos) address.erase(zone);
  if (address.starts_with("[")) address = address.substr(1, address.find(']') - 1);
  if (address == "*") address = "::";  // of a socket that takes both families
  const auto ip = modules::netstat::Ip::parse(address);
  return fmt::format("{} {}", ip ? ip->text() : address, port == "*" ? "0" : port);
}

Tuples of_ss() {
  static const std::map<std::string, std::string> words = {{"ESTAB", "ESTABLISHED"}, {"SYN-SENT", "SYN_SENT"}, {"SYN-RECV", "SYN_RECV"}, {"FIN-WAIT-1", "FIN_WAIT1"}, {"FIN-WAIT-2", "FIN_WAIT2"},
                                                           {"TIME-WAIT", "TIME_WAIT"}, {"CLOSE-WAIT", "CLOSE_WAIT"}, {"LAST-ACK", "LAST_ACK"}};
  Tuples out;
  FILE* ss = popen("ss -Htuan 2>/dev/null", "r");
  char line[1024];
  while (ss != nullptr && std::fgets(line, sizeof line, ss) != nullptr) {
    std::istringstream in(line);
    std::string protocol, state, in_queue, out_queue, local, remote;
    in >> protocol >> state >> in_queue >> out_queue >> local >> remote;
    const auto word = words.find(state);
    out.insert(fmt::format("{} {} {} {}", protocol, word == words.end() ? state : word->second, place(local), place(remote)));
  }
  if (ss != nullptr) pclose(ss);
  return out;
}
bool has_ss() { return std::system("command -v ss >/dev/null 2>&1") == 0; }

/// A socket bound to `address` and, if `to` is not 0, connected there.
int open_socket(int type, const char* address, std::uint16_t& port, const char* to = nullptr, std::uint16_t to_port = 0) {
  const bool six = std::string_view(address).find(':') != std::string_view::npos;
  const int fd = socket(six ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
  const auto fill = [&](const char* text, std::uint16_t number, sockaddr_storage& out) -> socklen_t {
    if (six) {
      auto& in = reinterpret_cast<sockaddr_in6&>(out);
      in.sin6_family = AF_INET6, in.sin6_port = htons(number), inet_pton(AF_INET6, text, &in.sin6_addr);
      return sizeof in;
    }
    auto& in = reinterpret_cast<sockaddr_in&>(out);
    in.sin_family = AF_INET, in.sin_port = htons(number), inet_pton(AF_INET, text, &in.sin_addr);
    return sizeof in;
  };
  sockaddr_storage here{}, there{};
  socklen_t size = fill(address, port, here);
  if (bind(fd, reinterpret_cast<sockaddr*>(&here), size) != 0) return close(fd), -1;
  if (to != nullptr) {
    const socklen_t to_size = fill(to, to_port, there);
    if (connect(fd, reinterpret_cast<sockaddr*>(&there), to_size) != 0) return close(fd), -1;
  } else if (type == SOCK_STREAM) {
    listen(fd, 1000);
  }
  getsockname(fd, reinterpret_cast<sockaddr*>(&here), &size);
  port = ntohs(six ? reinterpret_cast<sockaddr_in6&>(here).sin6_port : reinterpret_cast<sockaddr_in&>(here).sin_port);
  return fd;
}

std::string joined(const Tuples& tuples) {
  std::string out;
  for (const auto& one : tuples) out += one + "\n";
  return out;
}

void skip(const std::string& why) { WARN("skipped: " << why); }

}  // namespace

TEST_CASE("netstat agrees with ss on this machine; what only one of them saw lived no longer than the look") {
  if (!has_ss()) return skip("there is no ss here");
  const Tuples before = of_ss(), seen = ours(), after = of_ss(), again = ours();
  REQUIRE((!before.empty() || seen.empty()));
  for (const auto& one : before) {
    INFO("ss saw it before and after: " << one);
    if (after.contains(one)) CHECK(seen.contains(one));
  }
  for (const auto& one : seen) {
    INFO("netstat saw it twice: " << one);
    if (again.contains(one)) CHECK((before.contains(one) || after.contains(one)));
  }
}

TEST_CASE("netstat agrees with ss and with the text files in a network of its own, in every state of every kind") {
  const std::string said = test::in_child([]() -> std::string {
    if (!test::own_network(true)) return "";
    std::uint16_t four = 0, six = 0, both = 0, u4 = 0, u6 = 0, any;
    std::vector<int> kept = {open_socket(SOCK_STREAM, "127.0.0.1", four), open_socket(SOCK_STREAM, "::1", six), open_socket(SOCK_STREAM, "::", both),
                             open_socket(SOCK_DGRAM, "127.0.0.1", u4), open_socket(SOCK_DGRAM, "::", u6)};
    for (const auto& [from, to, port] : std::vector<std::tuple<const char*, const char*, std::uint16_t>>{{"127.0.0.2", "127.0.0.1", four}, {"::1", "::1", six}, {"127.0.0.3", "127.0.0.4", both}})
      kept.push_back(open_socket(SOCK_STREAM, from, any = 0, to, port));
    kept.push_back(open_socket(SOCK_DGRAM, "127.0.0.5", any = 0, "127.0.0.1", u4));
    const int done = open_socket(SOCK_STREAM, "127.0.0.6", any = 0, "127.0.0.1", four);  // becomes FIN_WAIT2 and CLOSE_WAIT
    close(done);
    for (int i = 0; i < 1000 && joined(ours()).find("FIN_WAIT2") == std::string::npos; ++i) poll(nullptr, 0, 10);  // the other end may take its time to confirm
    const Tuples netlink = ours(), text = ours("/proc/"), ss = has_ss() ? of_ss() : netlink;
    if (netlink != text) return "netlink:\n" + joined(netlink) + "text:\n" + joined(text);
    if (netlink != ss) return "netlink:\n" + joined(netlink) + "ss:\n" + joined(ss);
    std::string out;
    for (const char* state : {"tcp LISTEN", "tcp ESTABLISHED", "tcp FIN_WAIT2", "tcp CLOSE_WAIT", "udp UNCONN", "udp ESTABLISHED"})
      if (joined(netlink).find(state) == std::string::npos) out += fmt::format("no {}; ", state);
    // Each question alone through the kernel's filter, all at once, and among more than the kernel's filter takes.
    Json many = {{"connectedip", {"127.0.0.1", "127.0.0.0/30", "127.0.0.4", "::1", "::/0", "0.0.0.0/0", "10.0.0.0/8", "::ffff:127.0.0.0/104"}}, {"listeningport", {std::to_string(four), std::to_string(both), "1"}}};
    Json alone = Json::object();
    for (const auto& [key, values] : many.items())
      for (const Json& value : values) alone[key][value.get<std::string>()] = answer_of({{key, {value}}}).elements[key][value.get<std::string>()];
    if (const Json together = answer_of(many).elements; together != alone) out += fmt::format("together {}\nalone {}", together.dump(1), alone.dump(1));
    if (const Json read = answer_of(many, "/proc/").elements; read != alone) out += fmt::format("read {}\nalone {}", read.dump(1), alone.dump(1));
    Json padded = many;
    for (int i = 0; i < 40; ++i) padded["connectedip"].push_back(fmt::format("203.0.113.{}", i));
    Json more = answer_of(padded).elements;
    for (int i = 0; i < 40; ++i) more["connectedip"].erase(fmt::format("203.0.113.{}", i));
    if (more != alone) out += fmt::format("more {}\nalone {}", more.dump(1), alone.dump(1));
    return out.empty() ? "agreed" : out;
  });
  if (said.empty()) return skip("no network of our own is allowed here");
  CHECK(said == "agreed");
}

TEST_CASE("netstat finds one of 50,000 connections, all as ss does", "[many]") {
  const std::string said = test::in_child([]() -> std::string {
    constexpr int holders = 6, each = 8'334;  // both ends of all would be more files than a process may have
    const rlimit limit{2 * each + 100, 2 * each + 100};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || !test::own_network(true)) return "";
    int ready[2], end[2];
    if (pipe(ready) != 0 || pipe(end) != 0) return "";
    struct Word {
      int made;
      std::uint16_t port;
    } word{};
    for (int holder = 0; holder < holders; ++holder) {
      if (fork() != 0) continue;
      close(end[1]);
      const int listener = open_socket(SOCK_STREAM, "0.0.0.0", word.port);
      for (word.made = 0; word.made < each; ++word.made) {
        // Which port is not said before the other end is known, or there would not be enough of them.
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in there{};
        there.sin_family = AF_INET, there.sin_port = htons(word.port);
        inet_pton(AF_INET, holder == 3 && word.made == 4'321 ? "127.9.9.9" : "127.1.0.1", &there.sin_addr);
        if (connect(fd, reinterpret_cast<sockaddr*>(&there), sizeof there) != 0 || accept(listener, nullptr, nullptr) < 0) break;
      }
      (void)!write(ready[1], &word, sizeof word);
      char byte;
      (void)!read(end[0], &byte, 1);
      _exit(0);
    }
    int made = 0;
    for (int holder = 0; holder < holders && read(ready[0], &word, sizeof word) == sizeof word; ++holder) made += word.made;
    const Json one = answer_of({{"connectedip", {"127.9.9.9"}}, {"owners", true}}).elements["connectedip"]["127.9.9.9"];
    const std::string port = std::to_string(word.port);
    const Json rows = answer_of({{"listeningport", {port}}}).elements["listeningport"][port];
    int sockets = 0;
    for (const Json& row : rows) sockets += row.value("count", 1);
    const Tuples all = ours();
    const bool agreed = !has_ss() || all == of_ss();
    close(end[1]);
    while (waitpid(-1, nullptr, 0) > 0) {}
    if (made < holders * each) return "";
    return fmt::format("{} at one address, of {} process, {} at a port, {} in all, ss {}", one.size(), one[0]["processes"].size(), sockets, all.size(), agreed ? "agrees" : "does not agree");
  });
  if (said.empty()) return skip("50,000 connections are not allowed here");
  CHECK(said == "1 at one address, of 1 process, 8335 at a port, 100014 in all, ss agrees");
}

TEST_CASE("netstat names the owner of a socket in another network namespace") {
  const std::string said = test::in_child([]() -> std::string {
    int ready[2], end[2];
    if (pipe(ready) != 0 || pipe(end) != 0) return "";
    const pid_t pid = fork();
    if (pid == 0) {
      close(end[1]);
      std::uint16_t port = 0;
      char byte = 'n';
      if (test::own_network(true) && open_socket(SOCK_STREAM, "127.0.0.1", port) >= 0) byte = 'y';
      (void)!write(ready[1], &byte, 1);
      (void)!write(ready[1], &port, sizeof port);
      (void)!read(end[0], &byte, 1);
      _exit(0);
    }
    char byte = 'n';
    std::uint16_t port = 0;
    (void)!read(ready[0], &byte, 1);
    (void)!read(ready[0], &port, sizeof port);
    struct stat space {};
    stat(fmt::format("/proc/{}/ns/net", pid).c_str(), &space);
    std::string out;
    if (byte == 'y') {
      const modules::Answer entered = answer_of({{"listeningport", {std::to_string(port)}}, {"listenonly", true}, {"owners", true}, {"namespaces", true}});
      const modules::Answer read = answer_of({{"listeningport", {std::to_string(port)}}, {"listenonly", true}, {"owners", true}, {"namespaces", true}}, "/proc/");
      const auto in_it = [&](const modules::Answer& answer) {
        for (const Json& row : answer.elements["listeningport"][std::to_string(port)])
          if (row["namespace"] == fmt::format("net:[{}]", space.st_ino)) return row;
        return Json();
      };
      const Json wanted = {{"localaddr", "127.0.0.1"}, {"localport", port}, {"namespace", fmt::format("net:[{}]", space.st_ino)}, {"protocol", "tcp"}, {"state", "LISTEN"}, {"uid", 0}, {"user", "root"},
                           {"processes", {{{"pid", pid}, {"name", "modules_test"}, {"path", std::string(MIG_BIN_DIR) + "/modules_test"}}}}};
      out = in_it(entered) == wanted && in_it(read) == wanted ? "agreed" : fmt::format("wanted {}\nentered {}\nread {}", wanted.dump(), entered.to_json(), read.to_json());
    }
    close(end[1]);
    waitpid(pid, nullptr, 0);
    return out;
  });
  if (said.empty()) return skip("no network of our own is allowed here");
  CHECK(said == "agreed");
}

TEST_CASE("netstat finds IPv4 and IPv6 neighbours, addresses and MACs of an interface of our own") {
  const std::string said = test::in_child([]() -> std::string {
    if (!test::own_network(true)) return "";
    for (const char* command : {"(ip link add d0 address 02:00:00:00:00:01 type dummy || ip link add d0 address 02:00:00:00:00:01 type veth peer name d1)", "ip addr add 192.0.2.1/24 dev d0", "ip -6 addr add 2001:db8::1/64 dev d0 nodad", "ip link set d0 up",
                                "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev d0", "ip -6 neigh add 2001:db8::9 lladdr 02:00:00:00:00:0A dev d0"})
      if (std::system(fmt::format("{} 2>/dev/null", command).c_str()) != 0) return "";
    return answer_of({{"localmac", {"02:00:00:00:00:01"}}, {"localip", {"192.0.2.0/24", "2001:db8::1"}}, {"neighbormac", {"^02:00:00:00:00:0a$"}}, {"neighborip", {"192.0.2.9", "2001:db8::/64"}}}).elements.dump();
  });
  if (said.empty()) return skip("no interface of our own is allowed here");
  const Json six = {{{"namespace", "default"}, {"remoteaddr", "2001:db8::9"}, {"remotemacaddr", "02:00:00:00:00:0a"}, {"state", "PERMANENT"}}};
  CHECK(Json::parse(said) == Json{{"localmac", {{"02:00:00:00:00:01", {{{"localmacaddr", "02:00:00:00:00:01"}, {"namespace", "default"}}}}}},
                                  {"localip", {{"192.0.2.0/24", {{{"localaddr", "192.0.2.1"}, {"namespace", "default"}}}}, {"2001:db8::1", {{{"localaddr", "2001:db8::1"}, {"namespace", "default"}}}}}},
                                  {"neighbormac", {{"^02:00:00:00:00:0a$", six}}},
                                  {"neighborip", {{"192.0.2.9", {{{"namespace", "default"}, {"remoteaddr", "192.0.2.9"}, {"remotemacaddr", "02:00:00:00:00:09"}, {"state", "PERMANENT"}}}}, {"2001:db8::/64", six}}}});
}
