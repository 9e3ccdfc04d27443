// mig agents: who is in the mesh, by what reachable relays say now and the ledger knew before.
#include <fmt/format.h>

#include <set>

#include "investigator/commands/command.h"
#include "investigator/print.h"
#include "investigator/survey.h"
#include "node/core/agent_facts.h"

namespace mig::investigator {
namespace {

struct Row {
  store::LedgerAgent agent;
  std::string relay, state, os;
  core::Json tags = core::Json::object();
};

Row row_of(const store::LedgerAgent& agent, const std::map<core::NodeId, std::string>& names, const std::set<core::NodeId>& told) {
  Row row{agent, {}, {}, {}, core::Json::object()};
  auto name = names.find(agent.home);
  row.relay = name != names.end() && !name->second.empty() ? name->second : agent.home.empty() ? "" : agent.home.brief();
  row.state = !told.contains(agent.home) ? "unknown" : agent.online ? "online" : "offline";
  auto json = core::parse_json(agent.attributes.empty() ? "{}" : agent.attributes, 64 * 1024);
  auto facts = json ? core::facts_from_json(*json) : core::Result<core::AgentFacts>(json.error());
  if (!facts) return row;
  if (facts->environment.contains("os") && facts->environment["os"].is_string()) row.os = facts->environment["os"].get<std::string>();
  for (const auto& [key, value] : facts->tags) row.tags[key] = value;
  return row;
}

void print_json(const Row& row) {
  fmt::print("{}\n", core::compact_json({{"type", "agent"}, {"name", row.agent.name}, {"id", row.agent.agent.hex()}, {"relay", row.relay},
                                         {"state", row.state}, {"online", row.state == "online"}, {"seen", core::to_rfc3339(row.agent.seen)},
                                         {"os", row.os}, {"tags", row.tags}}));
}

std::string text_of(const core::Json& tags) {
  std::string out;
  for (auto it = tags.begin(); it != tags.end(); ++it) out += (out.empty() ? "" : ",") + it.key() + "=" + it.value().get<std::string>();
  return out;
}

int agents(const std::vector<std::string>& words, Globals& globals) {
  if (!words.empty()) return fail(core::invalid(fmt::format("agents: '{}' is one word too many", words[0])));
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  auto told = ask_registers(**station, {});
  if (!told) return (*station)->interrupted() ? 130 : fail(told.error());
  std::map<core::NodeId, std::string> names;
  bool all = !told->empty();
  for (const store::LedgerRelay& relay : (*station)->ledger().relays()) {
    names[relay.relay] = relay.name;
    all = all && (relay.forgotten || told->contains(relay.relay));
  }
  Table table({"AGENT", "STATE", "RELAY", "SEEN", "OS", "TAGS", "ID"});
  std::size_t online = 0, offline = 0, unknown = 0;
  for (const store::LedgerAgent& agent : (*station)->ledger().agents()) {
    const Row row = row_of(agent, names, *told);
    ++(row.state == "online" ? online : row.state == "offline" ? offline : unknown);
    if (globals.json)
      print_json(row);
    else
      table.add({agent.name, row.state, row.relay, ago(agent.seen, wall_now()), row.os, text_of(row.tags), agent.agent.brief()});
  }
  if (globals.json)
    fmt::print("{}\n", core::compact_json({{"type", "summary"}, {"agents", online + offline + unknown}, {"online", online}, {"offline", offline},
                                           {"unknown", unknown}, {"complete", all}}));
  else
    fmt::print("{}{} online, {} offline{}\n", table.text(), online, offline, unknown > 0 ? fmt::format(", {} unknown (their relay cannot be heard)", unknown) : "");
  return all ? 0 : 3;
}

}  // namespace

Command agents_command() {
  return {"agents", "machines of the mesh: where they are attached, whether they are online",
          "mig agents [--json]\n\nAsks every relay within reach for its register and adds what the ledger knew. An agent whose relay cannot be heard\n"
          "is unknown, and the exit code is 3.\n", agents};
}

}  // namespace mig::investigator
