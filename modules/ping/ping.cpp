#include "modules/ping/ping.h"

#include <fmt/format.h>

#include <optional>

#include "modules/network.h"
#include "modules/ping/probe.h"

namespace mig::modules::ping {
namespace {

using core::Json;
using core::Type;

constexpr double timeout_latency = 9'999'999, unreachable_latency = -1, trouble_latency = 0;  // MIG's numbers
constexpr std::chrono::milliseconds pause{100};

core::Schema make_parameters() {
  core::Schema out{"ping", "Whether a machine can reach another one, by ICMP echo, TCP connection or UDP packet.", {}, {}};
  out.fields.push_back({.name = "destination", .type = Type::text, .help = "whom to reach: a name or an address", .flag = "d",
                        .example = "www.example.net", .required = true, .flag_fallback = "www.google.com", .check = check_host});
  out.fields.push_back({.name = "destinationport", .type = Type::integer, .help = "port, for tcp and udp", .flag = "dp",
                        .example = "443", .low = -1, .high = 65535});
  out.fields.push_back({.name = "protocol", .type = Type::text, .help = "how to reach it", .flag = "p", .fallback = "icmp",
                        .one_of = {"icmp", "tcp", "udp"}});
  out.fields.push_back({.name = "count", .type = Type::integer, .help = "how often to try; 0: three times", .flag = "c",
                        .fallback = 3, .low = 0, .high = 10'000});
  out.fields.push_back({.name = "timeout", .type = Type::number, .help = "seconds to wait for each try; 0: five", .flag = "t",
                        .fallback = 5, .low = 0, .high = 300});
  out.examples.push_back({"mig ping -d www.example.net", "who can reach a host by ICMP echo"});
  out.examples.push_back({"mig ping -d db.example.net -p tcp -dp 5432 -c 1", "who can connect to the database"});
  return out;
}

core::Schema make_row() {
  core::Schema out{"ping_result", "One object for the whole answer.", {}, {}};
  out.fields.push_back({.name = "latencies", .type = Type::any,
                        .help = "one number a try: milliseconds; 9999999 timed out, -1 refused or no way there, 0 other trouble"});
  out.fields.push_back({.name = "protocol", .type = Type::text, .help = "as asked"});
  out.fields.push_back({.name = "resolvedhost", .type = Type::text, .help = "host:port (address), for icmp host (address)"});
  out.fields.push_back({.name = "failures", .type = Type::texts, .help = "what went wrong in tries of latency 0; else null"});
  return out;
}

/// 0 and absent mean MIG's default.
template <class T>
T or_else(const Json& asked, const char* key, T otherwise) {
  const T given = asked.value(key, T{});
  return given == T{} ? otherwise : given;
}

/// Tries until all are done or the budget is spent; fills latencies and failures.
class Tries {
 public:
  Tries(const Json& asked, Address to, Budget& budget)
      : protocol_(asked["protocol"]), seconds_(or_else<double>(asked, "timeout", 5)), count_(or_else<int>(asked, "count", 3)),
        to_(std::move(to)), budget_(budget) {}

  /// Errors: this way of reaching is unsupported here.
  core::Status run(Answer& answer) {
    std::optional<Try> no_way;  // an echo socket that cannot be bound to its destination: every try fails alike
    if (protocol_ == "icmp") {
      auto opened = Echo::open(to_);
      if (opened) echo_.emplace(*std::move(opened));
      else if (opened.error().code == core::Code::unsupported) return opened.error();
      else no_way = Try{opened.error().code == core::Code::world ? Try::Outcome::unreachable : Try::Outcome::error, 0, opened.error().text};
    }
    for (int number = 1; number <= count_; ++number) {
      // MIG's pause, so that nobody is flooded.
      if (number > 1 && wait_for(-1, 0, std::chrono::steady_clock::now() + pause, budget_) == Waited::spent) break;
      const Try one = no_way ? *no_way : try_once(number);
      if (one.outcome == Try::Outcome::spent) break;
      take(one, number, answer);
    }
    return core::Done{};
  }

 private:
  Try try_once(int number) {
    if (protocol_ == "tcp") return try_tcp(to_, seconds_, budget_);
    if (protocol_ == "udp") return try_udp(to_, seconds_, budget_);
    return echo_->try_once(static_cast<std::uint16_t>(number), seconds_, budget_);
  }

  void take(const Try& one, int number, Answer& answer) {
    double latency = trouble_latency;
    switch (one.outcome) {
      case Try::Outcome::answered: latency = one.ms; break;
      case Try::Outcome::timeout: latency = timeout_latency; break;
      case Try::Outcome::unreachable: latency = unreachable_latency; break;
      default: {
        Json& failures = answer.elements["failures"];
        if (failures.is_null()) failures = Json::array();
        failures.push_back(fmt::format("ping #{} failed with error: {}", number, one.trouble));
      }
    }
    answer.elements["latencies"].push_back(latency);
    // Of a UDP packet that nobody refused MIG says that it may have arrived.
    if (one.outcome == Try::Outcome::answered || (one.outcome == Try::Outcome::timeout && protocol_ == "udp")) answer.found_anything = true;
  }

  std::string protocol_;
  double seconds_;
  int count_;
  Address to_;
  Budget& budget_;
  std::optional<Echo> echo_;
};

std::string latency_line(std::size_t number, double latency, bool udp) {
  const std::string begin = fmt::format("ping #{} ", number);
  if (latency == unreachable_latency) return begin + "failed, target was unreachable";
  if (latency == trouble_latency) return begin + "failed, reason unknown";
  if (latency == timeout_latency) return begin + (udp ? "may have succeeded (no udp response)" : "failed, connection timed out");
  // MIG rounded to whole milliseconds, which makes a near neighbour's answer "0ms".
  return begin + (latency < 10 ? fmt::format("succeeded in {:g}ms", latency) : fmt::format("succeeded in {:.0f}ms", latency));
}

class Ping final : public Module {
 public:
  const core::Schema& parameters() const override { return parameters_; }
  const core::Schema& row() const override { return row_; }
  Disclosure disclosure() const override { return Disclosure::yes_no; }
  std::string_view cost() const override {
    return "One small packet or connection a try, a tenth of a second apart: 0.2 s for three that are answered at once, 0.9 s for ten; at most "
           "timeout seconds a try and for the name, nearly all of it waiting.";
  }
  std::string_view needs() const override {
    return "icmp: a group of net.ipv4.ping_group_range or CAP_NET_RAW, else it is unsupported; tcp and udp: no privilege. A name needs a name server.";
  }
  Demands demands() const override { return {.network = true, .raw_packets = true}; }

  Answer run(const Json& asked, const Host&, Budget& budget) const override {
    const std::string destination = asked["destination"], protocol = asked["protocol"];
    const bool icmp = protocol == "icmp";
    const int port = asked.value("destinationport", -1);
    if (!icmp && port < 0) return Answer::failure(fmt::format("destinationport: {} needs one; write 0 to 65535 (-dp 443)", protocol));
    auto addresses = resolve(destination, icmp ? 0 : static_cast<std::uint16_t>(port), or_else<double>(asked, "timeout", 5), budget);
    if (!addresses) return Answer::failure("destination: " + addresses.error().text);
    const Address& to = addresses->front();

    Answer answer;
    answer.elements = {{"latencies", Json::array()}, {"protocol", protocol}, {"failures", nullptr},
                       {"resolvedhost", icmp ? fmt::format("{} ({})", destination, to.text) : fmt::format("{}:{} ({})", destination, port, to.text)}};
    if (auto able = Tries(asked, to, budget).run(answer); !able) return Answer::failure(able.error().text);
    if (const std::string limit = budget.limit_hit(); !limit.empty()) {
      answer.success = false;
      answer.errors.push_back(limit);
    }
    return answer;
  }

  std::vector<std::string> print(const Answer& answer, bool found_only) const override {
    std::vector<std::string> out;
    if (const Json& got = answer.elements; got.is_object()) {
      const std::string protocol = got.value("protocol", ""), host = got.value("resolvedhost", "");
      if (answer.found_anything) out.push_back(fmt::format("{} ping of {} succeeded. Target is reachable.", protocol, host));
      if (found_only) return out;
      if (!answer.found_anything) out.push_back(fmt::format("{} ping of {} failed. Target is no reachable.", protocol, host));
      const Json latencies = got.value("latencies", Json::array());
      for (std::size_t i = 0; i < latencies.size(); ++i)
        if (latencies[i].is_number()) out.push_back(latency_line(i + 1, latencies[i].get<double>(), protocol == "udp"));
    }
    if (!found_only) out.insert(out.end(), answer.errors.begin(), answer.errors.end());
    return out;
  }

  void mask(Answer& answer) const override {
    if (answer.elements.is_object()) {
      answer.elements["resolvedhost"] = "masked";
      for (Json& failure : answer.elements["failures"]) failure = "masked";
    }
    for (std::string& error : answer.errors) error = "masked";
  }

 private:
  core::Schema parameters_ = make_parameters();
  core::Schema row_ = make_row();
};

}  // namespace

const Module& module() {
  static const Ping the_module;
  return the_module;
}

}  // namespace mig::modules::ping
