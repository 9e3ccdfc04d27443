// Module netstat on a made-up machine: whole answers from its /proc, and what people are told.
#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include "modules/module.h"
#include "modules/netstat/kernel.h"
#include "modules/netstat/proc_net.h"
#include "tests/modules/made_up_root.h"

using namespace mig;
using core::Json;
using Lines = std::vector<std::string>;

namespace {

constexpr const char* tcp_heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
constexpr const char* tcp6_heading = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

/// A machine with an sshd, a web server with two connections, a resolver and a container.
class Machine {
 public:
  Machine() {
    root.file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/bin/false\nbroken\n:x:7:7::\n");
    tables("/proc/net", std::string(tcp_heading) +
                            "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1001 1 0000000000000000 100 0 0 10 0\n"
                            "   1: 070200C0:01BB 09337BCB:C001 01 00000000:00000000 00:00000000 00000000    33        0 1002 1 0000000000000000 20 4 30 10 -1\n"
                            "   2: 070200C0:01BB 09337BCB:C002 01 00000000:00000000 00:00000000 00000000    33        0 1003 1 0000000000000000 20 4 30 10 -1\n"
                            "   3: 070200C0:01BB 0A337BCB:C003 06 00000000:00000000 03:000005DC 00000000     0        0 0 3 0000000000000000\n"
                            "   4: torn line\n");
    root.file("/proc/net/tcp6", std::string(tcp6_heading) +
                                    "   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1004 1 0 100 0 0 10 0\n"
                                    "   1: 0000000000000000FFFF0000070200C0:01BB 0000000000000000FFFF000009337BCB:C004 08 00000000:00000000 00:00000000 00000000    33        0 1005 1 0 20 4 30 10 -1\n"
                                    "   2: B80D0120000000000000000001000000:8000 B80D0120000000000000000099000000:01BB 01 00000000:00000000 00:00000000 00000000    33        0 1006 1 0 20 4 30 10 -1\n");
    root.file("/proc/net/udp", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
                               "  11: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1007 2 0000000000000000 0\n"
                               "  12: 070200C0:8001 09337BCB:0035 01 00000000:00000000 00:00000000 00000000    33        0 1008 2 0000000000000000 0\n");
    root.file("/proc/net/udp6", "  sl heading\n");
    root.file("/proc/net/arp", "IP address       HW type     Flags       HW address            Mask     Device\n"
                               "192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0\n"
                               "192.0.2.99       0x1         0x0         00:00:00:00:00:00     *        eth0\n"
                               "192.0.2.98       0x1         0x6         02:fc:00:00:00:98     *        eth0\n");
    root.file("/proc/net/fib_trie", "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     +-- 192.0.2.0/24 2 0 1\n        |-- 192.0.2.0\n           /24 link UNICAST\n"
                                    "        |-- 192.0.2.7\n           /32 host LOCAL\n        |-- 192.0.2.255\n           /32 link BROADCAST\nLocal:\n        |-- 192.0.2.7\n           /32 host LOCAL\n"
                                    "        |-- 127.0.0.1\n           /32 host LOCAL\n");
    root.file("/proc/net/if_inet6", "20010db8000000000000000000000001 02 40 00 80     eth0\n");
    root.file("/sys/class/net/eth0/address", "8c:70:5a:c8:be:50\n");
    root.file("/sys/class/net/lo/address", "00:00:00:00:00:00\n");
    // pids 30 and 31 share the web server's sockets; 40 is in a container of its own.
    process(10, "sshd", "/usr/sbin/sshd", {1001});
    process(30, "nginx", "/usr/sbin/nginx", {1002, 1003, 1004, 1005});
    process(31, "nginx", "/usr/sbin/nginx", {1002, 1003, 1004, 1005});
    process(40, "redis-server", "/usr/bin/redis-server", {2001});
    space("self", 1), space("10", 1), space("30", 1), space("31", 1), space("40", 2);
    tables("/proc/40/net", std::string(tcp_heading) + "   0: 00000000:18EB 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 2001 1 0 100 0 0 10 0\n");
    root.file("/proc/40/net/arp", "IP address       HW type     Flags       HW address            Mask     Device\n172.17.0.1       0x1         0x2         02:42:00:00:00:01     *        eth0\n");
    root.file("/proc/40/net/fib_trie", "Local:\n        |-- 172.17.0.2\n           /32 host LOCAL\n");
    host = {root.path(), root.path("/proc")};
  }

  Json document(const Json& parameters) const {
    modules::Budget budget(30, 0);
    Json out = *core::parse_json(modules::run("netstat", parameters, host, budget).to_json(), 1 << 20);
    if (out["statistics"].is_object() && out["statistics"].contains("exectime")) out["statistics"]["exectime"] = "*";
    return out;
  }

  test::MadeUpRoot root;
  modules::Host host;

 private:
  void tables(const std::string& folder, const std::string& tcp) { root.file(folder + "/tcp", tcp); }
  void space(const std::string& who, int number) {
    root.folder("/proc/" + who + "/ns");
    CHECK(symlink(("net:[402653" + std::to_string(number) + "]").c_str(), root.path("/proc/" + who + "/ns/net").c_str()) == 0);
  }
  void process(int pid, const std::string& name, const std::string& path, const std::vector<int>& inodes) {
    const std::string folder = "/proc/" + std::to_string(pid);
    root.file(folder + "/comm", name + "\n");
    root.folder(folder + "/fd");
    CHECK(symlink(path.c_str(), root.path(folder + "/exe").c_str()) == 0);
    CHECK(symlink("/dev/null", root.path(folder + "/fd/0").c_str()) == 0);
    for (std::size_t i = 0; i < inodes.size(); ++i)
      CHECK(symlink(("socket:[" + std::to_string(inodes[i]) + "]").c_str(), root.path(folder + "/fd/" + std::to_string(i + 3)).c_str()) == 0);
  }
};

Json answer(Json elements, int hits, int examined, Json errors = nullptr) {
  return {{"foundanything", hits > 0}, {"success", true}, {"elements", std::move(elements)}, {"errors", std::move(errors)},
          {"statistics", {{"examined", examined}, {"exectime", "*"}, {"totalhits", hits}}}};
}
Json failed(const std::string& error) {
  return {{"foundanything", false}, {"success", false}, {"elements", nullptr}, {"statistics", nullptr}, {"errors", {error}}};
}
const Json only_arp = {"neighbours: only those of IPv4 are known, from arp"};

}  // namespace

TEST_CASE("netstat localmac: a regex in any case; an interface without a MAC counts as empty") {
  const Machine machine;
  CHECK(machine.document({{"localmac", {"^8C:70:5A"}}}) == answer({{"localmac", {{"^8C:70:5A", {{{"localmacaddr", "8c:70:5a:c8:be:50"}, {"namespace", "default"}}}}}}}, 1, 2));
  CHECK(machine.document({{"localmac", {"^$", "^02:"}}}) == answer({{"localmac", {{"^$", {{{"namespace", "default"}}}}, {"^02:", nullptr}}}}, 1, 2));
}

TEST_CASE("netstat localip: an address, written in any way, or a network") {
  const Machine machine;
  const Json seven = {{"localaddr", "192.0.2.7"}, {"namespace", "default"}}, six = {{"localaddr", "2001:db8::1"}, {"namespace", "default"}};
  CHECK(machine.document({{"localip", {"192.0.2.7", "192.0.2.8", "192.0.0.0/16", "2001:DB8:0::1", "2001:db8::/32", "::ffff:192.0.2.7"}}}) ==
        answer({{"localip", {{"192.0.2.7", {seven}}, {"192.0.2.8", nullptr}, {"192.0.0.0/16", {seven}}, {"2001:DB8:0::1", {six}}, {"2001:db8::/32", {six}}, {"::ffff:192.0.2.7", {seven}}}}}, 5, 3));
}

TEST_CASE("netstat neighbormac and neighborip: the ARP table, and a word that IPv6 neighbours are not in it") {
  const Machine machine;
  const Json one = {{"namespace", "default"}, {"remoteaddr", "192.0.2.1"}, {"remotemacaddr", "02:fc:00:00:00:05"}, {"state", "REACHABLE"}};
  const Json fixed = {{"namespace", "default"}, {"remoteaddr", "192.0.2.98"}, {"remotemacaddr", "02:fc:00:00:00:98"}, {"state", "PERMANENT"}};
  const Json none = {{"namespace", "default"}, {"remoteaddr", "192.0.2.99"}, {"remotemacaddr", "00:00:00:00:00:00"}, {"state", "INCOMPLETE"}};
  CHECK(machine.document({{"neighbormac", {"02:fc", "02:FC", "^00"}}}) ==
        answer({{"neighbormac", {{"02:fc", {one, fixed}}, {"02:FC", nullptr}, {"^00", {none}}}}}, 3, 3, only_arp));
  CHECK(machine.document({{"neighborip", {"192.0.2.1", "192.0.2.96/28", "203.0.113.1"}}}) ==
        answer({{"neighborip", {{"192.0.2.1", {one}}, {"192.0.2.96/28", {none, fixed}}, {"203.0.113.1", nullptr}}}}, 3, 3, only_arp));
}

TEST_CASE("netstat connectedip: sockets in any state, IPv4 within IPv6 too, listeners where the network covers 0.0.0.0") {
  const Machine machine;
  const auto row = [](const char* protocol, const char* state, int from, const char* to, int port) {
    return Json{{"localaddr", "192.0.2.7"}, {"localport", from}, {"namespace", "default"}, {"protocol", protocol}, {"remoteaddr", to}, {"remoteport", port}, {"state", state}};
  };
  const Json nine = {row("tcp", "ESTABLISHED", 443, "203.123.51.9", 49153), row("tcp", "ESTABLISHED", 443, "203.123.51.9", 49154),
                     row("tcp6", "CLOSE_WAIT", 443, "203.123.51.9", 49156), row("udp", "ESTABLISHED", 32769, "203.123.51.9", 53)};
  Json network = nine;
  network.insert(network.begin() + 2, row("tcp", "TIME_WAIT", 443, "203.123.51.10", 49155));
  const Json six = {{{"localaddr", "2001:db8::1"}, {"localport", 32768}, {"namespace", "default"}, {"protocol", "tcp6"}, {"remoteaddr", "2001:db8::99"}, {"remoteport", 443}, {"state", "ESTABLISHED"}}};
  const Json open = {{{"localaddr", "0.0.0.0"}, {"localport", 22}, {"namespace", "default"}, {"protocol", "tcp"}, {"remoteaddr", "0.0.0.0"}, {"state", "LISTEN"}},
                     {{"localaddr", "127.0.0.53"}, {"localport", 53}, {"namespace", "default"}, {"protocol", "udp"}, {"remoteaddr", "0.0.0.0"}, {"state", "UNCONN"}}};
  CHECK(machine.document({{"connectedip", {"203.123.51.9", "203.123.51.0/24", "2001:db8::/64", "0.0.0.0", "10.0.0.0/8"}}}) ==
        answer({{"connectedip", {{"203.123.51.9", nine}, {"203.123.51.0/24", network}, {"2001:db8::/64", six}, {"0.0.0.0", open}, {"10.0.0.0/8", nullptr}}}}, 12, 9));
  // As in MIG, an IPv6 network never holds an IPv4 address, nor the other way round.
  CHECK(machine.document({{"connectedip", {"::ffff:0:0/97", "::/0"}}})["statistics"]["totalhits"] == 4);
  CHECK(machine.document({{"connectedip", {"::ffff:203.123.51.0/120"}}})["statistics"]["totalhits"] == 5);
}

TEST_CASE("netstat listeningport: any socket of that port; listenonly: those that wait; owners: whose they are") {
  const Machine machine;
  const Json web4 = {{"localaddr", "192.0.2.7"}, {"localport", 443}, {"namespace", "default"}, {"protocol", "tcp"}, {"state", "ESTABLISHED"}, {"count", 2}};
  const Json ended = {{"localaddr", "192.0.2.7"}, {"localport", 443}, {"namespace", "default"}, {"protocol", "tcp"}, {"state", "TIME_WAIT"}};
  const Json waiting = {{"localaddr", "::"}, {"localport", 443}, {"namespace", "default"}, {"protocol", "tcp6"}, {"state", "LISTEN"}};
  const Json left = {{"localaddr", "192.0.2.7"}, {"localport", 443}, {"namespace", "default"}, {"protocol", "tcp6"}, {"state", "CLOSE_WAIT"}};
  const Json resolver = {{"localaddr", "127.0.0.53"}, {"localport", 53}, {"namespace", "default"}, {"protocol", "udp"}, {"state", "UNCONN"}};
  CHECK(machine.document({{"listeningport", {"443", "53", "6379"}}}) ==
        answer({{"listeningport", {{"443", {web4, ended, left, waiting}}, {"53", {resolver}}, {"6379", nullptr}}}}, 6, 9));
  CHECK(machine.document({{"listeningport", {"443", "53", "6379"}}, {"listenonly", true}}) ==
        answer({{"listeningport", {{"443", {waiting}}, {"53", {resolver}}, {"6379", nullptr}}}}, 2, 3));

  const auto owned = [](Json row, int uid, Json processes, const char* user = nullptr) {
    row["uid"] = uid;
    if (user) row["user"] = user;
    if (!processes.is_null()) row["processes"] = std::move(processes);
    return row;
  };
  const Json nginx = {{{"pid", 30}, {"name", "nginx"}, {"path", "/usr/sbin/nginx"}}, {{"pid", 31}, {"name", "nginx"}, {"path", "/usr/sbin/nginx"}}};
  CHECK(machine.document({{"listeningport", {"443", "53"}}, {"owners", true}}) ==
        answer({{"listeningport", {{"443", {owned(web4, 33, nginx, "www-data"), ended, owned(left, 33, nginx, "www-data"), owned(waiting, 0, nginx, "root")}},
                                   {"53", {owned(resolver, 0, nullptr, "root")}}}}}, 6, 9));
}

TEST_CASE("netstat namespaces: what is in containers, through a process of each") {
  const Machine machine;
  const Json redis = {{"localaddr", "0.0.0.0"}, {"localport", 6379}, {"namespace", "net:[4026532]"}, {"protocol", "tcp"}, {"state", "LISTEN"}, {"uid", 999},
                      {"processes", {{{"pid", 40}, {"name", "redis-server"}, {"path", "/usr/bin/redis-server"}}}}};
  const Json asked = {{"listeningport", {"6379"}}, {"namespaces", true}, {"owners", true}};
  CHECK(machine.document(asked) == answer({{"listeningport", {{"6379", {redis}}}}}, 1, 10, {"sockets: net:[4026532]: the kernel tells none of UDP"}));
  CHECK(machine.document({{"localip", {"172.17.0.0/16"}}, {"neighborip", {"172.17.0.1"}}, {"namespaces", true}}) ==
        answer({{"localip", {{"172.17.0.0/16", {{{"localaddr", "172.17.0.2"}, {"namespace", "net:[4026532]"}}}}}},
                {"neighborip", {{"172.17.0.1", {{{"namespace", "net:[4026532]"}, {"remoteaddr", "172.17.0.1"}, {"remotemacaddr", "02:42:00:00:00:01"}, {"state", "REACHABLE"}}}}}}}, 2, 8,
               {"neighbours: only those of IPv4 are known, from arp", "neighbours: net:[4026532]: only those of IPv4 are known, from arp"}));
}

TEST_CASE("netstat says what a machine without these tables cannot tell") {
  const test::MadeUpRoot root;
  root.folder("/sys/class/net");
  root.folder("/proc");
  modules::Budget budget(30, 0);
  const auto seen = modules::run("netstat", {{"localmac", {"."}}, {"localip", {"::1"}}, {"neighborip", {"::1"}}, {"connectedip", {"::1"}}}, {root.path(), root.path("/proc")}, budget);
  CHECK(seen.success);
  CHECK(seen.errors == Lines{"localmac: the kernel tells no interface", "localip: the kernel tells no address", "neighbours: the kernel tells none",
                             "sockets: the kernel tells none of TCP", "sockets: the kernel tells none of UDP"});
}

TEST_CASE("netstat answers parameters of any shape with one well-formed refusal") {
  const Machine machine;
  const std::string nothing = "netstat: nothing is asked; give one of localmac, localip, neighbormac, neighborip, connectedip, listeningport";
  const std::string address = " is no IP address; write 192.0.2.7, 2001:db8::1 or 192.0.2.0/24";
  const std::vector<std::pair<Json, std::string>> cases = {
      {nullptr, nothing},
      {{{"namespaces", true}}, nothing},
      {{{"localip", Json::array()}}, nothing},
      {{{"localip", {""}}}, "localip: ''" + address},
      {{{"localip", {"1.2.3"}}}, "localip: '1.2.3'" + address},
      {{{"neighborip", {"1.2.3.4/"}}}, "neighborip: '1.2.3.4/'" + address},
      {{{"connectedip", {"fe80::1%eth0"}}}, "connectedip: 'fe80::1%eth0'" + address},
      {{{"connectedip", {"1.2.3.4/33"}}}, "connectedip: '1.2.3.4/33' has a prefix outside 0..32"},
      {{{"connectedip", {"::/129"}}}, "connectedip: '::/129' has a prefix outside 0..128"},
      {{{"connectedip", {"::ffff:1.2.3.4/24"}}}, "connectedip: '::ffff:1.2.3.4/24' has a prefix outside 96..128"},
      {{{"listeningport", {"65536"}}}, "listeningport: '65536' is no port; write a number of 0 to 65535"},
      {{{"listeningport", {"-1"}}}, "listeningport: '-1' is no port; write a number of 0 to 65535"},
      {{{"listeningport", {"http"}}}, "listeningport: 'http' is no port; write a number of 0 to 65535"},
      {{{"listeningport", {""}}}, "listeningport: '' is no port; write a number of 0 to 65535"},
      {{{"localmac", {"("}}}, "localmac: '(' is no regular expression: missing ): (; write ^8c:70:5a or 8c:70:5a:c8:be:50"},
      {{{"listeningport", 80}}, ""},
      {{{"listeningport", {80}}}, ""},
      {{{"port", {"80"}}}, ""},
      {{{"owners", "yes"}}, ""},
      {"80", ""},
  };
  for (const auto& [parameters, error] : cases) {
    INFO(parameters);
    const Json seen = machine.document(parameters);
    REQUIRE(seen["errors"].size() == 1);
    if (!error.empty()) CHECK(seen == failed(error));
    CHECK(seen == failed(seen["errors"][0]));
  }
}

TEST_CASE("netstat reads MIG's flags, which may be repeated") {
  const auto flags = core::from_flags(modules::find("netstat")->parameters(),
                                      {"-lm", "^8c", "-li", "192.0.2.7", "-li=::1", "-nm", "a", "-ni", "b", "-ci", "192.0.2.0/24", "-lp", "80", "-lp", "443", "-namespaces"});
  CHECK(!flags);  // "b" is no address
  const auto good = core::from_flags(modules::find("netstat")->parameters(),
                                     {"-lm", "^8c", "-li", "192.0.2.7", "-li=::1", "-nm", "a", "-ni", "fe80::1", "-ci", "192.0.2.0/24", "-lp", "80", "-lp", "443", "-namespaces"});
  REQUIRE(good);
  CHECK(*good == Json{{"localmac", {"^8c"}}, {"localip", {"192.0.2.7", "::1"}}, {"neighbormac", {"a"}}, {"neighborip", {"fe80::1"}}, {"connectedip", {"192.0.2.0/24"}},
                      {"listeningport", {"80", "443"}}, {"namespaces", true}, {"listenonly", false}, {"owners", false}});
}

TEST_CASE("netstat prints MIG's lines, and owners behind them where they were asked") {
  const Machine machine;
  const auto* module = modules::find("netstat");
  const auto run = [&](const Json& parameters) {
    modules::Budget budget(30, 0);
    modules::Answer out = modules::run("netstat", parameters, machine.host, budget);
    out.statistics["exectime"] = "1ms";
    return out;
  };
  modules::Answer all = run({{"localmac", {"8c", "no"}}, {"localip", {"192.0.2.7", "10.0.0.1"}}, {"neighbormac", {"^02:fc:00:00:00:05$", "ff"}}, {"neighborip", {"192.0.2.1", "10.0.0.2"}},
                             {"connectedip", {"203.123.51.10", "0.0.0.0", "10.0.0.3"}}, {"listeningport", {"22", "6379", "1"}}, {"namespaces", true}});
  all.errors.clear();
  const Lines found = {"found local mac 8c:70:5a:c8:be:50 for netstat localmac:'8c'",
                       "found neighbor mac 02:fc:00:00:00:05 192.0.2.1 for netstat neighbormac:'^02:fc:00:00:00:05$'",
                       "found neighbor IP 192.0.2.1 02:fc:00:00:00:05 for netstat neighborIP:'192.0.2.1'",
                       "found local ip 192.0.2.7 for netstat localip:'192.0.2.7'",
                       "found connected tuple 0.0.0.0:0 with local tuple 0.0.0.0:22 for netstat connectedip:'0.0.0.0'",
                       "found connected tuple 0.0.0.0:0 with local tuple 127.0.0.53:53 for netstat connectedip:'0.0.0.0'",
                       "found connected tuple 0.0.0.0:0 with local tuple 0.0.0.0:6379 for netstat connectedip:'0.0.0.0' namespace:[net:[4026532]]",
                       "found connected tuple 203.123.51.10:49155 with local tuple 192.0.2.7:443 for netstat connectedip:'203.123.51.10'",
                       "found listening port 22 for netstat listeningport:'22'",
                       "found listening port 6379 for netstat listeningport:'6379' namespace:[net:[4026532]]"};
  CHECK(module->print(all, true) == found);
  CHECK(module->print(all, false) == Lines{found[0], found[1], "did not find anything for netstat neighbormac:'ff'", "did not find anything for netstat neighborip:'10.0.0.2'", found[2],
                                           "did not find anything for netstat localip:'10.0.0.1'", found[3], found[4], found[5], found[6], "did not find anything for netstat connectedip:'10.0.0.3'",
                                           found[7], "did not find anything for netstat listeningport:'1'", found[8], found[9], "Statistics: total hits 10 examined 20 items exectime 1ms"});
  modules::Answer owned = run({{"listeningport", {"22", "53"}}, {"connectedip", {"203.123.51.10", "2001:db8::99"}}, {"owners", true}, {"listenonly", true}});
  CHECK(module->print(owned, true) == Lines{"found connected tuple 2001:db8::99:443 with local tuple 2001:db8::1:32768 for netstat connectedip:'2001:db8::99' ESTABLISHED of user www-data",
                                            "found connected tuple 203.123.51.10:49155 with local tuple 192.0.2.7:443 for netstat connectedip:'203.123.51.10'",
                                            "found listening port 22 for netstat listeningport:'22' LISTEN of user root process sshd[10]",
                                            "found listening port 53 for netstat listeningport:'53' UNCONN of user root"});
  module->mask(owned);
  const Json masked = owned.elements;
  CHECK(masked["connectedip"]["203.123.51.10"][0]["remoteaddr"] == "masked");
  CHECK(masked["listeningport"]["22"] == Json{{{"localaddr", "0.0.0.0"}, {"localport", 22}, {"namespace", "default"}, {"processes", {{{"name", "masked"}, {"path", "masked"}, {"pid", 10}}}},
                                               {"protocol", "tcp"}, {"state", "LISTEN"}, {"uid", 0}, {"user", "masked"}}});
  CHECK(module->print(modules::Answer::failure("why"), false) == Lines{"why"});
}

TEST_CASE("netstat keeps what it found when its budget is spent, and says which bound it was") {
  const Machine machine;
  std::string many = tcp_heading;
  for (int i = 0; i < 2000; ++i) many += "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1001 1 0000000000000000 100 0 0 10 0\n";
  machine.root.file("/proc/net/tcp", many);
  modules::Budget small(30, 1000), stopped(30, 0);
  const auto seen = modules::run("netstat", {{"connectedip", {"0.0.0.0/0"}}}, machine.host, small);
  CHECK(!seen.success);
  CHECK(seen.found_anything);
  CHECK(seen.errors == Lines{"stopped at 1000 bytes of result (size limit)"});
  CHECK(seen.elements["connectedip"]["0.0.0.0/0"].size() < 1000);
  stopped.stop();
  const auto none = modules::run("netstat", {{"connectedip", {"0.0.0.0/0"}}}, machine.host, stopped);
  CHECK(!none.success);
  CHECK(none.errors == Lines{"stopped on request"});
  CHECK(none.elements == Json{{"connectedip", {{"0.0.0.0/0", nullptr}}}});
}
