#include "modules/timedrift/timedrift.h"

#include <fmt/format.h>

#include <chrono>

#include "modules/network.h"
#include "modules/timedrift/servers.h"
#include "modules/timedrift/sntp.h"
#include "node/core/time.h"

namespace mig::modules::timedrift {
namespace {

using core::Json;
using core::Type;

core::Status check_drift(std::string_view text) {
  if (text.empty()) return core::Done{};  // what MIG's documents hold when no drift was asked
  auto drift = core::parse_duration(text);
  if (!drift) return core::invalid(fmt::format("'{}' is not a duration; write one like 5s, 300ms or 1m30s", text.substr(0, 80)));
  if (drift->us < 0) return core::invalid(fmt::format("'{}' is negative; write one like 5s", text.substr(0, 80)));
  return core::Done{};
}

core::Status check_server(std::string_view text) {
  if (auto server = parse_server(text); !server) return server.error();
  return core::Done{};
}

core::Schema make_parameters() {
  core::Schema out{"timedrift", "What time a machine has, and whether it is too far from that of its time servers.", {}, {}};
  out.fields.push_back({.name = "drift", .type = Type::text, .flag = "drift", .example = "5s", .check = check_drift});
  out.fields.back().help = "how far local time may be from a server's; without it only local time is told, and nobody is asked";
  out.fields.push_back({.name = "servers", .type = Type::texts, .flag = "server", .example = "time.example.net", .check = check_server});
  out.fields.back().help =
      "ask this time server, host or host:port; without any, those that chrony, systemd-timesyncd and ntpd are told to "
      "follow there, then time.nist.gov and 0 to 3.pool.ntp.org";
  out.fields.push_back({.name = "timeout", .type = Type::number, .help = "seconds to wait for a server before the next is asked",
                        .flag = "timeout", .fallback = 5, .low = 0.05, .high = 60});
  out.examples.push_back({"mig timedrift", "the local time of every machine"});
  out.examples.push_back({"mig timedrift -drift 5s", "machines that are more than five seconds off their own time servers"});
  out.examples.push_back({"mig timedrift -drift 300ms -server time.example.net", "the same against one server of yours"});
  return out;
}

core::Schema make_row() {
  core::Schema out{"timedrift_result", "One object for the whole answer.", {}, {}};
  out.fields.push_back({.name = "hascheckeddrift", .type = Type::boolean, .help = "a server answered and was compared with"});
  out.fields.push_back({.name = "iswithindrift", .type = Type::boolean, .help = "only if one was compared with: local time is near enough"});
  out.fields.push_back({.name = "drifts", .type = Type::texts, .help = "only if it is not: a sentence that says how far off"});
  out.fields.push_back({.name = "localtime", .type = Type::text, .help = "RFC 3339, UTC"});
  return out;
}

std::int64_t wall_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// RFC 3339 in UTC, as many digits behind the second as say something.
std::string time_text(std::int64_t ns) {
  std::string out = core::to_rfc3339(ns / 1'000'000'000 * 1000), fraction = fmt::format("{:09}", ns % 1'000'000'000);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (!fraction.empty()) out.insert(out.size() - 1, "." + fraction);
  return out;
}

/// As Go prints a time: "2016-07-05 15:32:42.5 +0000 UTC".
std::string spoken(std::string time) {
  if (time.size() < 20 || time[10] != 'T' || time.back() != 'Z') return time;
  time[10] = ' ';
  time.pop_back();
  return time + " +0000 UTC";
}

std::string duration_text(std::int64_t ns) { return core::format_duration({ns / 1000}); }

/// The name's first address that tells the time, and why the last one did not.
core::Result<Sample> ask(const Server& server, double seconds, Budget& budget) {
  auto addresses = resolve(server.host, server.port, seconds, budget);
  if (!addresses) return addresses.error();
  core::Error why;
  for (const Address& address : *addresses) {
    auto sample = ask_time(address, seconds, budget);
    if (sample || budget.spent()) return sample;
    why = sample.error();
  }
  return why;
}

void compare(const Server& server, const Sample& sample, core::Duration allowed, Answer& answer) {
  const std::int64_t off = std::abs(sample.drift_ns);
  const bool within = off <= allowed.us * 1000;
  answer.elements["hascheckeddrift"] = true;
  answer.elements["iswithindrift"] = within;
  if (within) return;
  answer.found_anything = true;
  answer.elements["drifts"] = {fmt::format("Local time is {} ntp host {} by {}", sample.drift_ns > 0 ? "ahead of" : "behind",
                                           server.text, duration_text(off))};
}

/// The first server that answers decides, as with MIG.
void ask_all(const std::vector<Server>& servers, const Json& asked, Budget& budget, Answer& answer) {
  const core::Duration allowed = *core::parse_duration(asked["drift"].get<std::string>());
  Json& stats = answer.statistics["ntpstats"] = Json::array();
  for (const Server& server : servers) {
    if (budget.spent()) break;
    auto sample = ask(server, asked["timeout"].get<double>(), budget);
    if (!sample) {
      stats.push_back({{"host", server.text}, {"reachable", false}, {"trouble", sample.error().text}});
      continue;
    }
    stats.push_back({{"host", server.text}, {"time", time_text(sample->server_ns)}, {"latency", duration_text(sample->latency_ns)},
                     {"drift", duration_text(sample->drift_ns)}, {"reachable", true}});
    return compare(server, *sample, allowed, answer);
  }
  answer.success = false;
  const std::string limit = budget.limit_hit();
  answer.errors.push_back(limit.empty() ? "no time server answered, so nothing is known about the drift" : limit);
}

class TimeDrift final : public Module {
 public:
  const core::Schema& parameters() const override { return parameters_; }
  const core::Schema& row() const override { return row_; }
  Disclosure disclosure() const override { return Disclosure::match_list; }
  std::string_view cost() const override {
    return "Less than 1 ms of processor; with -drift one UDP packet of 48 bytes to each server until one answers: as long as the way to it and "
           "back, at most -timeout seconds for its name and for each of its addresses.";
  }
  std::string_view needs() const override {
    return "No privilege; -drift needs UDP port 123 of a time server to be reachable from there.";
  }
  Demands demands() const override { return {.network = true}; }

  Answer run(const Json& asked, const Host& host, Budget& budget) const override {
    const auto began = std::chrono::steady_clock::now();
    const bool wants_drift = !asked.value("drift", "").empty();
    if (!wants_drift && asked.contains("servers")) return Answer::failure("servers: are asked only to check a drift; write -drift 5s, say");
    Answer answer;
    answer.elements = {{"hascheckeddrift", false}, {"localtime", time_text(wall_ns())}};
    answer.statistics = Json::object();
    answer.found_anything = !wants_drift;
    if (wants_drift) ask_all(servers(asked, host, answer), asked, budget, answer);
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    answer.statistics["exectime"] = core::format_duration({took.count()});
    return answer;
  }

  std::vector<std::string> print(const Answer& answer, bool found_only) const override {
    std::vector<std::string> out;
    if (const Json& got = answer.elements; got.is_object()) {
      out.push_back("local time is " + got.value("localtime", ""));
      if (got.value("hascheckeddrift", false)) {
        const bool within = got.value("iswithindrift", false);
        out.push_back(within ? "local time is within acceptable drift from NTP servers" : "local time is out of sync from NTP servers");
        for (const auto& drift : got.value("drifts", std::vector<std::string>{})) out.push_back(drift);
      }
    }
    if (found_only) return out;
    for (const auto& error : answer.errors) out.push_back("error: " + error);
    if (answer.statistics.is_object()) print_statistics(answer.statistics, out);
    out.push_back(answer.success ? "timedrift module has succeeded" : "timedrift module has failed");
    return out;
  }

  void mask(Answer& answer) const override {
    if (answer.elements.is_object() && answer.elements.contains("drifts")) answer.elements["drifts"] = {"masked"};
    if (answer.statistics.is_object() && answer.statistics.contains("ntpstats"))
      for (Json& stat : answer.statistics["ntpstats"]) {
        stat["host"] = "masked";
        if (stat.contains("trouble")) stat["trouble"] = "masked";
      }
    for (std::string& error : answer.errors) error = "masked";
  }

 private:
  static std::vector<Server> servers(const Json& asked, const Host& host, Answer& answer) {
    std::vector<Server> out;
    for (const auto& text : asked.value("servers", std::vector<std::string>{})) out.push_back(*parse_server(text));
    if (!out.empty()) return out;
    out = configured_servers(host, answer.errors);
    for (Server& server : public_servers()) out.push_back(std::move(server));
    return out;
  }

  static void print_statistics(const Json& statistics, std::vector<std::string>& out) {
    out.push_back("stat: execution time was " + statistics.value("exectime", ""));
    const Json stats = statistics.value("ntpstats", Json::array());
    for (const Json& stat : stats) {
      const std::string host = stat.value("host", "");
      if (stat.value("reachable", false))
        out.push_back(fmt::format("stat: {} responded in {} with time {}. local time drifts by {}", host, stat.value("latency", ""),
                                  spoken(stat.value("time", "")), stat.value("drift", "")));
      else
        out.push_back(fmt::format("stat: {} was unreachable", host));
    }
  }

  core::Schema parameters_ = make_parameters();
  core::Schema row_ = make_row();
};

}  // namespace

const Module& module() {
  static const TimeDrift the_module;
  return the_module;
}

}  // namespace mig::modules::timedrift
