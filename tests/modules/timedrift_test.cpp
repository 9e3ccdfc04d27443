// Module timedrift against time servers of our own on loopback; whole documents, with what differs each time checked
// for itself and then written as "*".
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "modules/module.h"
#include "modules/timedrift/servers.h"
#include "node/core/time.h"
#include "tests/modules/made_up_root.h"
#include "tests/modules/time_server.h"

using namespace mig;
using namespace std::chrono_literals;
using core::Json;
using test::TimeServer;

namespace {

constexpr double brief = 0.3;  // seconds to wait for a server that is mute

modules::Answer answer_of(const Json& parameters, const modules::Host& host = {}) {
  modules::Budget budget(30, 0);
  return modules::run("timedrift", parameters, host, budget);
}

/// The answer as one document, with times and spans replaced once they have been looked at. `ahead`: of the servers.
Json document(const modules::Answer& answer, std::chrono::milliseconds ahead = 0ms) {
  Json out = *core::parse_json(answer.to_json(), 1 << 20);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  auto near = [&](Json& time, std::int64_t wanted) {
    INFO(time);
    CHECK(std::llabs(*core::from_rfc3339(time.get<std::string>()) - wanted) < 60'000);
    time = "*";
  };
  if (out["elements"].is_object()) near(out["elements"]["localtime"], now);
  if (!out["statistics"].is_object()) return out;
  CHECK(core::parse_duration(out["statistics"]["exectime"].get<std::string>()));
  out["statistics"]["exectime"] = "*";
  if (out["statistics"].contains("ntpstats"))
    for (Json& stat : out["statistics"]["ntpstats"]) {
      if (stat["reachable"] == false) continue;
      near(stat["time"], now + ahead.count());
      CHECK(core::parse_duration(stat["latency"].get<std::string>())->us > 0);
      stat["latency"] = "*";
      const auto drift = core::parse_duration(stat["drift"].get<std::string>())->us;
      CHECK(std::llabs(drift + ahead.count() * 1000) < 1'000'000);
      stat["drift"] = "*";
    }
  return out;
}

Json told(const std::string& host) { return {{"host", host}, {"time", "*"}, {"latency", "*"}, {"drift", "*"}, {"reachable", true}}; }
Json silent(const std::string& host, const std::string& why) { return {{"host", host}, {"reachable", false}, {"trouble", why}}; }

Json wanted(bool found, Json elements, Json ntpstats) {
  elements["localtime"] = "*";
  Json statistics{{"exectime", "*"}};
  if (!ntpstats.is_null()) statistics["ntpstats"] = std::move(ntpstats);
  return {{"foundanything", found}, {"success", true}, {"elements", elements}, {"statistics", statistics}, {"errors", nullptr}};
}

const char* const nobody = "no time server answered, so nothing is known about the drift";

}  // namespace

TEST_CASE("timedrift without drift tells the local time and asks nobody") {
  for (const Json& parameters : {Json::object(), Json(nullptr), Json{{"drift", ""}}, Json{{"drift", nullptr}}}) {
    INFO(parameters);
    CHECK(document(answer_of(parameters)) == wanted(true, {{"hascheckeddrift", false}}, nullptr));
  }
}

TEST_CASE("timedrift says within drift only when a server told the time and it is near enough") {
  TimeServer server;
  CHECK(document(answer_of({{"drift", "5s"}, {"servers", {server.name()}}})) ==
        wanted(false, {{"hascheckeddrift", true}, {"iswithindrift", true}}, {told(server.name())}));
  CHECK(server.asked() == 1);
}

TEST_CASE("timedrift finds clocks that are behind and ahead, and says by how much") {
  for (auto ahead : {std::chrono::milliseconds(1h), std::chrono::milliseconds(-90s), std::chrono::milliseconds(24h * 365 * 20)}) {
    TimeServer server(ahead);
    const auto answer = answer_of({{"drift", "5s"}, {"servers", {server.name()}}});
    Json seen = document(answer, ahead);
    const std::string sentence = seen["elements"]["drifts"].at(0);
    const std::string begin = fmt::format("Local time is {} ntp host {} by ", ahead > 0ms ? "behind" : "ahead of", server.name());
    REQUIRE(sentence.substr(0, begin.size()) == begin);
    const auto by = core::parse_duration(sentence.substr(begin.size()));
    REQUIRE(by);
    CHECK(std::llabs(by->us - std::llabs(ahead.count()) * 1000) < 1'000'000);
    seen["elements"]["drifts"] = {"*"};
    CHECK(seen == wanted(true, {{"hascheckeddrift", true}, {"iswithindrift", false}, {"drifts", {"*"}}}, {told(server.name())}));
  }
}

TEST_CASE("timedrift takes off the way: a drift below the allowed one is within") {
  TimeServer late(-2s);
  CHECK(document(answer_of({{"drift", "10s"}, {"servers", {late.name()}}}), -2s)["elements"]["iswithindrift"] == true);
  CHECK(document(answer_of({{"drift", "1s"}, {"servers", {late.name()}}}), -2s)["elements"]["iswithindrift"] == false);
  CHECK(document(answer_of({{"drift", "0s"}, {"servers", {late.name()}}}), -2s)["elements"]["iswithindrift"] == false);
}

TEST_CASE("timedrift never says within drift when no server told the time") {
  struct Case {
    const char* shows;
    std::function<void(std::string&)> bend;
    std::string trouble;
  };
  const std::string none = "gave no answer within 0.3s";
  const std::vector<Case> cases = {
      {"mute", [](std::string& answer) { answer.clear(); }, none},
      {"too short", [](std::string& answer) { answer.resize(47); }, none},
      {"an answer to another question", [](std::string& answer) { answer[24] ^= 1; }, none},
      {"a question instead of an answer", [](std::string& answer) { answer[0] = 4 << 3 | 3; }, none},
      {"not in time itself: stratum", [](std::string& answer) { answer[1] = 16; }, "answered that it is not in time itself"},
      {"not in time itself: leap indicator", [](std::string& answer) { answer[0] |= '\xc0'; }, "answered that it is not in time itself"},
      {"a kiss of death", [](std::string& answer) { answer[1] = 0; answer.replace(12, 4, "RATE"); }, "refused to tell the time (RATE)"},
      {"a kiss without a word", [](std::string& answer) { answer[1] = 0; }, "refused to tell the time (no reason)"},
      {"no time", [](std::string& answer) { answer.replace(40, 8, 8, '\0'); }, "answered without a time"},
      {"sent before it was received", [](std::string& answer) { answer[40] ^= '\x40'; answer[32] |= '\x7f'; }, "answered without a time"},
  };
  for (const auto& one : cases) {
    INFO(one.shows);
    TimeServer server(0ms, one.bend);
    Json expected = wanted(false, {{"hascheckeddrift", false}}, {silent(server.name(), one.trouble)});
    expected["success"] = false;
    expected["errors"] = {nobody};
    CHECK(document(answer_of({{"drift", "5s"}, {"servers", {server.name()}}, {"timeout", brief}})) == expected);
  }
}

TEST_CASE("timedrift asks the next server when one does not answer, and stops at the first that does") {
  TimeServer good, never;
  const std::string deaf = test::deaf_port();
  const auto seen = document(answer_of({{"drift", "5s"}, {"servers", {deaf, good.name(), never.name()}}}));
  CHECK(seen == wanted(false, {{"hascheckeddrift", true}, {"iswithindrift", true}},
                       {silent(deaf, "nothing listens there"), told(good.name())}));
  CHECK(never.asked() == 0);
}

TEST_CASE("timedrift takes no answer to an earlier question, and is not put off by one") {
  int sent = 0;
  TimeServer server(0ms, [&](std::string& answer) { if (++sent == 1) answer[24] ^= 1; });
  // The first answer is spoilt, so the first question fails; a second one is a new question.
  CHECK(document(answer_of({{"drift", "5s"}, {"servers", {server.name()}}, {"timeout", brief}}))["success"] == false);
  CHECK(document(answer_of({{"drift", "5s"}, {"servers", {server.name()}}, {"timeout", brief}}))["success"] == true);
}

TEST_CASE("timedrift takes its servers from a made-up root, and a file that cannot be read spoils nothing") {
  TimeServer server;
  test::MadeUpRoot root;
  root.file("/etc/chrony/chrony.conf", fmt::format("# ours\nserver 127.0.0.1 iburst port {}\n", server.port()));
  root.folder("/etc/ntp.conf");
  Json expected = wanted(false, {{"hascheckeddrift", true}, {"iswithindrift", true}}, {told(server.name())});
  expected["errors"] = {"/etc/ntp.conf: is not a regular file"};
  CHECK(document(answer_of({{"drift", "5s"}}, {root.path(), "/proc"})) == expected);
}

TEST_CASE("timedrift reads the servers of chrony, systemd-timesyncd and ntpd") {
  test::MadeUpRoot root;
  root.file("/etc/chrony/chrony.conf",
            "! a comment\n% another\nServer one.example.net iburst\npool two.example.net maxsources 4 port 1123\n"
            "peer 2001:db8::7 port 99\nserver bad/name\nserver one.example.net\nserver noport.example.net port 99999\n"
            "confdir /etc/chrony/conf.d\nsourcedir /run/chrony-dhcp /etc/chrony/sources.d\ninclude /etc/chrony/more*.txt\nserver\n");
  root.file("/etc/chrony/conf.d/b.conf", "server conf-b.example.net\n");
  root.file("/etc/chrony/conf.d/a.conf", "server conf-a.example.net\n");
  root.file("/etc/chrony/conf.d/c.txt", "server not-read.example.net\n");
  root.file("/etc/chrony/sources.d/x.sources", "server source.example.net\n");
  root.file("/etc/chrony/more1.txt", "server more.example.net\ninclude /etc/chrony/more1.txt\n");
  root.file("/etc/chrony.conf", "");
  root.file("/etc/systemd/timesyncd.conf", "[Match]\nNTP=no.example.net\n[Time]\n#NTP=never.example.net\nNTP=gone.example.net\nFallbackNTP = fall.example.net\n");
  root.file("/etc/systemd/timesyncd.conf.d/20-b.conf", "[Time]\nNTP=sd2.example.net sd3.example.net\n");
  root.file("/run/systemd/timesyncd.conf.d/10-a.conf", "[Time]\nNTP=\nNTP=sd1.example.net\n");
  root.file("/run/systemd/timesyncd.conf.d/20-b.conf", "[Time]\nNTP=shadowed.example.net\n");
  root.file("/etc/ntp.conf", "driftfile /var/lib/ntp/drift\nserver 127.127.1.0\nserver -4 ntp1.example.net iburst # x\npool ntp2.example.net\nincludefile /etc/ntp.more\n");
  root.file("/etc/ntp.more", "peer ntp3.example.net\nincludefile /etc/ntp.more\n");
  root.file("/etc/ntpsec/ntp.conf", std::string(300'000, '#'));
  std::vector<std::string> errors, names;
  for (const auto& server : modules::timedrift::configured_servers({root.path(), "/proc"}, errors)) names.push_back(server.text);
  CHECK(names == std::vector<std::string>{"one.example.net", "two.example.net:1123", "[2001:db8::7]:99", "conf-a.example.net",
                                          "conf-b.example.net", "source.example.net", "more.example.net", "sd1.example.net", "sd2.example.net",
                                          "sd3.example.net", "fall.example.net", "ntp1.example.net", "ntp2.example.net", "ntp3.example.net"});
  CHECK(errors == std::vector<std::string>{"/etc/ntpsec/ntp.conf: is longer than 262144 bytes"});
}

TEST_CASE("timedrift falls back to MIG's public servers") {
  std::vector<std::string> names;
  for (const auto& server : modules::timedrift::public_servers()) names.push_back(server.text);
  CHECK(names == std::vector<std::string>{"time.nist.gov", "0.pool.ntp.org", "1.pool.ntp.org", "2.pool.ntp.org", "3.pool.ntp.org"});
}

TEST_CASE("a time server is written as host, host:port or [address]:port") {
  auto read = [](std::string_view text) {
    auto server = modules::timedrift::parse_server(text);
    return server ? fmt::format("{} {} {}", server->text, server->host, server->port) : std::string("refused");
  };
  CHECK(read("time.example.net") == "time.example.net time.example.net 123");
  CHECK(read("time.example.net:123") == "time.example.net time.example.net 123");
  CHECK(read("192.0.2.7:1123") == "192.0.2.7:1123 192.0.2.7 1123");
  CHECK(read("2001:db8::1") == "2001:db8::1 2001:db8::1 123");
  CHECK(read("[2001:db8::1]") == "2001:db8::1 2001:db8::1 123");
  CHECK(read("[2001:db8::1]:1123") == "[2001:db8::1]:1123 2001:db8::1 1123");
  for (const char* wrong : {"", ":123", "a:", "a:0", "a:65536", "a:-1", "a:99999999999999999999", "[::1", "[::1]x", "[]:1", "a b", "-x", "a/b"}) {
    INFO(wrong);
    CHECK(read(wrong) == "refused");
  }
}

TEST_CASE("timedrift answers parameters of any shape with one well-formed refusal") {
  const std::vector<std::pair<Json, std::string>> cases = {
      {Json::array(), "timedrift: expected an object {...}, got a list"},
      {{{"drift", 5}}, "drift: expected a text, got the number 5"},
      {{{"drift", "5"}}, "drift: '5' is not a duration; write one like 5s, 300ms or 1m30s"},
      {{{"drift", "-5s"}}, "drift: '-5s' is negative; write one like 5s"},
      {{{"drift", "5s"}, {"servers", "a"}}, ""},
      {{{"drift", "5s"}, {"servers", {"a b"}}}, "servers: 'a b' is not a server; write one like time.example.net, 192.0.2.7:1123 or [2001:db8::1]:1123"},
      {{{"drift", "5s"}, {"timeout", 0}}, "timeout: 0 is outside 0.05..60"},
      {{{"servers", {"127.0.0.1"}}}, "servers: are asked only to check a drift; write -drift 5s, say"},
      {{{"dirft", "5s"}}, "timedrift: 'dirft' is not known; did you mean 'drift'?"},
  };
  for (const auto& [parameters, error] : cases) {
    INFO(parameters);
    Json seen = *core::parse_json(answer_of(parameters).to_json(), 1 << 20);
    if (!error.empty()) CHECK(seen["errors"] == Json::array({error}));
    seen["errors"] = nullptr;
    CHECK(seen == Json{{"foundanything", false}, {"success", false}, {"elements", nullptr}, {"statistics", nullptr}, {"errors", nullptr}});
  }
}

TEST_CASE("timedrift reads MIG's flag and its own") {
  const auto flags = core::from_flags(modules::find("timedrift")->parameters(), {"-drift", "5s", "-server", "a", "-server=b:1123", "-timeout", "2"});
  REQUIRE(flags);
  CHECK(*flags == Json{{"drift", "5s"}, {"servers", {"a", "b:1123"}}, {"timeout", 2}});
}

TEST_CASE("timedrift ends soon when it is told to stop") {
  TimeServer mute(0ms, [](std::string& answer) { answer.clear(); });
  modules::Budget budget(0.2, 0);
  const auto answer = modules::run("timedrift", {{"drift", "5s"}, {"servers", {mute.name(), mute.name()}}, {"timeout", 60}}, {}, budget);
  CHECK(!answer.success);
  CHECK(answer.errors == std::vector<std::string>{"stopped after 0.2s (time limit)"});
}

TEST_CASE("timedrift prints MIG's lines") {
  const auto* module = modules::find("timedrift");
  using Lines = std::vector<std::string>;
  modules::Answer answer;
  answer.found_anything = true;
  answer.elements = {{"hascheckeddrift", false}, {"localtime", "2016-07-05T15:32:42.5Z"}};
  answer.statistics = {{"exectime", "12µs"}};
  CHECK(module->print(answer, true) == Lines{"local time is 2016-07-05T15:32:42.5Z"});
  CHECK(module->print(answer, false) == Lines{"local time is 2016-07-05T15:32:42.5Z", "stat: execution time was 12µs", "timedrift module has succeeded"});
  answer.elements["hascheckeddrift"] = answer.elements["iswithindrift"] = true;
  CHECK(module->print(answer, true) == Lines{"local time is 2016-07-05T15:32:42.5Z", "local time is within acceptable drift from NTP servers"});
  answer.elements["iswithindrift"] = false;
  answer.elements["drifts"] = {"Local time is behind ntp host a by 7s"};
  answer.statistics["ntpstats"] = {{{"host", "b"}, {"reachable", false}, {"trouble", "x"}},
                                   {{"host", "a"}, {"time", "2016-07-05T15:32:49Z"}, {"latency", "2ms"}, {"drift", "-7s"}, {"reachable", true}}};
  answer.errors = {"/etc/ntp.conf: Permission denied"};
  answer.success = false;
  CHECK(module->print(answer, false) ==
        Lines{"local time is 2016-07-05T15:32:42.5Z", "local time is out of sync from NTP servers", "Local time is behind ntp host a by 7s",
              "error: /etc/ntp.conf: Permission denied", "stat: execution time was 12µs", "stat: b was unreachable",
              "stat: a responded in 2ms with time 2016-07-05 15:32:49 +0000 UTC. local time drifts by -7s", "timedrift module has failed"});
  module->mask(answer);
  CHECK(answer.elements == Json{{"hascheckeddrift", true}, {"iswithindrift", false}, {"drifts", {"masked"}}, {"localtime", "2016-07-05T15:32:42.5Z"}});
  CHECK(answer.statistics == Json{{"exectime", "12µs"},
                                  {"ntpstats", {{{"host", "masked"}, {"reachable", false}, {"trouble", "masked"}},
                                                {{"host", "masked"}, {"time", "2016-07-05T15:32:49Z"}, {"latency", "2ms"}, {"drift", "-7s"}, {"reachable", true}}}}});
  CHECK(answer.errors == Lines{"masked"});
  CHECK(module->print(modules::Answer::failure("why"), false) == Lines{"error: why", "timedrift module has failed"});
}
