// mig relays and mig topology: the map of the mesh, and which relays this home knows.
#include <fmt/format.h>

#include <algorithm>

#include "investigator/commands/command.h"
#include "investigator/print.h"
#include "investigator/topology.h"

namespace mig::investigator {
namespace {

enum class Form { table, tree, dot };

std::vector<std::string> names_of(const std::vector<RelayLine::Link>& links) {
  std::vector<std::string> out;
  for (const RelayLine::Link& link : links) out.push_back(link.both ? link.name : link.name + "?");
  return out;
}

void print_json(const RelayLine& line, core::WallMs now) {
  core::Json json = {{"type", "relay"}, {"name", line.name}, {"id", line.id}, {"endpoint", line.endpoint}, {"segment", line.segment},
                     {"state", line.state}, {"agents", line.agents}, {"online", line.online}, {"age_s", nullptr}, {"links", core::Json::array()}};
  if (line.seen > 0) json["age_s"] = std::max<core::WallMs>(0, now - line.seen) / 1000;
  for (const RelayLine::Link& link : line.links) json["links"].push_back({{"id", link.id}, {"name", link.name}, {"both", link.both}});
  fmt::print("{}\n", core::compact_json(json));
}

std::string table_of(const std::vector<RelayLine>& lines, core::WallMs now) {
  Table table({"RELAY", "STATE", "SEGMENT", "ONLINE", "LINKS", "HEARD", "ENDPOINT"});
  for (const RelayLine& line : lines)
    table.add({line.name, line.state, line.segment, line.id.empty() ? "" : grouped(line.online) + " of " + grouped(line.agents),
               fmt::format("{}", fmt::join(names_of(line.links), ",")), ago(line.seen, now), line.endpoint.substr(0, line.endpoint.find('#'))});
  return table.text();
}

int show(Globals& globals, Form form) {
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  core::Status attached = (*station)->attach();
  if ((*station)->interrupted()) return 130;
  if (!attached) fmt::print(stderr, "mig: {}\nmig: what follows is what was known before\n", attached.error().text);
  const core::WallMs now = wall_now();
  const auto lines = relay_lines(**station);
  std::size_t reachable = 0, wanted = 0, agents = 0, online = 0;
  for (const RelayLine& line : lines) {
    if (line.state == "forgotten") continue;
    ++wanted;
    agents += line.agents;
    online += line.online;
    if (line.state == "attached" || line.state == "reachable") ++reachable;
  }
  const bool all = attached && reachable == wanted;
  if (form == Form::dot) return fmt::print("{}", dot_of(lines)), all ? 0 : 3;
  if (globals.json) {
    for (const RelayLine& line : lines) print_json(line, now);
    fmt::print("{}\n", core::compact_json({{"type", "summary"}, {"relays", wanted}, {"reachable", reachable}, {"agents", agents}, {"online", online}, {"complete", reachable == wanted}}));
  } else {
    fmt::print("{}{} of {} relays within reach, {} of {} agents online\n", form == Form::tree ? tree_of(lines, now) : table_of(lines, now), grouped(reachable),
               grouped(wanted), grouped(online), grouped(agents));
  }
  return all ? 0 : 3;
}

const core::Schema& relays_schema() {
  static const core::Schema schema = [] {
    core::Field tree{.name = "tree", .type = core::Type::boolean, .help = "As a tree from the relay we are attached to.", .flag = "tree"};
    return core::Schema{"relays", "Relays of the mesh: links, agents online of those known, when last heard.", {tree},
                        {{"mig relays", "A table. A link with ? is one that only this end lists."}, {"mig relays --tree", "Who hangs on whom."},
                         {"mig relays add tcp://10.0.0.7:7447#KEY --name dmz-2", "One more relay to attach to; it writes this to STATE/endpoint."},
                         {"mig relays forget dmz-2", "It will not come back: it and its agents are not counted until it lives again."}}};
  }();
  return schema;
}

const core::Schema& topology_schema() {
  static const core::Schema schema = [] {
    core::Field dot{.name = "dot", .type = core::Type::boolean, .help = "As a graph for Graphviz.", .flag = "dot"};
    return core::Schema{"topology", "How the relays are linked.", {dot}, {{"mig topology", "A tree."}, {"mig topology --dot | dot -Tsvg > mesh.svg", "A picture."}}};
  }();
  return schema;
}

int relays(const std::vector<std::string>& words, Globals& globals) {
  const std::vector<std::string> rest(words.empty() ? words.end() : words.begin() + 1, words.end());
  if (!words.empty() && words[0] == "add") return add_relay(rest, globals);
  if (!words.empty() && words[0] == "forget") return forget_relay(rest, globals);
  auto read = read_words(relays_schema(), words);
  if (!read) return fail(read.error());
  if (!read->rest.empty()) return fail(core::invalid(fmt::format("relays: '{}' is no order; use add, forget, or nothing to list them", read->rest[0])));
  return show(globals, read->options.value("tree", false) ? Form::tree : Form::table);
}

int topology(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(topology_schema(), words);
  if (!read) return fail(read.error());
  if (!read->rest.empty()) return fail(core::invalid(fmt::format("topology: '{}' is one word too many", read->rest[0])));
  return show(globals, read->options.value("dot", false) ? Form::dot : Form::tree);
}

}  // namespace

Command relays_command() {
  return {"relays", "relays of the mesh, how they are linked, which are within reach",
          "mig relays [--tree] [--json]\nmig relays add ENDPOINT#KEY [--name NAME]\nmig relays forget NAME|ID\n\nOnline and known agents are as each relay said in its newest record, whose age is shown; mig agents asks them anew.\nExit 3 when a relay is out of reach.\n\n" +
              core::help_text(relays_schema()), relays};
}

Command topology_command() {
  return {"topology", "how the relays are linked, as a tree or a graph",
          "mig topology [--dot] [--json]\n\nWith --json as mig relays --json. Exit 3 when a relay is out of reach.\n\n" + core::help_text(topology_schema()), topology};
}

}  // namespace mig::investigator
