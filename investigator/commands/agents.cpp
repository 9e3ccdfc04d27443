// mig agents: who is in the mesh, by what reachable relays say now and the ledger knew before.
#include <fmt/format.h>

#include <algorithm>
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

const core::Schema& schema() {
  static const core::Schema schema = [] {
    core::Field online{.name = "online", .type = core::Type::boolean, .help = "Only those that are online.", .flag = "online"};
    core::Field offline{.name = "offline", .type = core::Type::boolean, .help = "Only those that are offline, longest first.", .flag = "offline"};
    core::Field unknown{.name = "unknown", .type = core::Type::boolean, .help = "Only those whose relay cannot be heard.", .flag = "unknown"};
    return core::Schema{"agents", "Machines of the mesh.", {online, offline, unknown},
                        {{"mig agents --offline", "Who is away, since when, and where it was."}, {"mig agents --offline --unknown --json", "Everyone who would not answer now, for a script."}}};
  }();
  return schema;
}

int agents(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(schema(), words);
  if (!read) return fail(read.error());
  if (!read->rest.empty()) return fail(core::invalid(fmt::format("agents: '{}' is one word too many", read->rest[0])));
  std::set<std::string> wanted;
  for (const char* state : {"online", "offline", "unknown"})
    if (read->options.value(state, false)) wanted.insert(state);
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  auto told = ask_registers(**station, {});
  if (!told) return (*station)->interrupted() ? 130 : fail(told.error());
  std::map<core::NodeId, std::string> names;
  std::set<core::NodeId> forgotten;
  bool all = !told->empty();
  for (const store::LedgerRelay& relay : (*station)->ledger().relays()) {
    names[relay.relay] = relay.name;
    if (relay.forgotten && !told->contains(relay.relay)) forgotten.insert(relay.relay);
    all = all && (relay.forgotten || told->contains(relay.relay));
  }
  Table table({"AGENT", "STATE", "RELAY", "SEEN", "OS", "TAGS", "ID"});
  std::size_t online = 0, offline = 0, unknown = 0, uncounted = 0;
  auto known = (*station)->ledger().agents();
  if (wanted.contains("offline")) std::stable_sort(known.begin(), known.end(), [](const auto& a, const auto& b) { return a.seen < b.seen; });
  for (const store::LedgerAgent& agent : known) {
    const Row row = row_of(agent, names, *told);
    if (forgotten.contains(agent.home)) {
      ++uncounted;
      continue;
    }
    ++(row.state == "online" ? online : row.state == "offline" ? offline : unknown);
    if (!wanted.empty() && !wanted.contains(row.state)) continue;
    if (globals.json)
      print_json(row);
    else
      table.add({agent.name, row.state, row.relay, ago(agent.seen, wall_now()), row.os, text_of(row.tags), agent.agent.brief()});
  }
  if (globals.json)
    fmt::print("{}\n", core::compact_json({{"type", "summary"}, {"agents", online + offline + unknown}, {"online", online}, {"offline", offline},
                                           {"unknown", unknown}, {"forgotten", uncounted}, {"complete", all}}));
  else
    fmt::print("{}{} online, {} offline{}{}\n", table.text(), grouped(online), grouped(offline),
               unknown > 0 ? fmt::format(", {} unknown (their relay cannot be heard)", grouped(unknown)) : "",
               uncounted > 0 ? fmt::format("; {} at forgotten relays not counted", grouped(uncounted)) : "");
  return all ? 0 : 3;
}

}  // namespace

Command agents_command() {
  return {"agents", "machines of the mesh: where they are attached, whether they are online",
          "mig agents [--online] [--offline] [--unknown] [--json]\n\nAsks every relay within reach for its register and adds what the ledger knew. An agent whose relay cannot be heard\n"
          "is unknown, and the exit code is 3. Agents of forgotten relays are left out. The last line counts all.\n\n" + core::help_text(schema()), agents};
}

}  // namespace mig::investigator
