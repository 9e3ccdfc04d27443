// mig relays: the map of the mesh, and which relays this home knows.
#include <fmt/format.h>

#include <algorithm>

#include "investigator/commands/command.h"
#include "investigator/print.h"
#include "investigator/station.h"

namespace mig::investigator {
namespace {

struct Row {
  std::string name, id, endpoint, segment, state;
  std::uint32_t agents = 0, online = 0;
  core::WallMs seen = 0;
  std::vector<std::string> links;
};

std::vector<Row> rows_of(Station& station) {
  std::vector<Row> rows;
  std::map<core::NodeId, std::string> names;
  const auto views = station.machine().relays();
  for (const RelayView& view : views) names[view.id] = view.name;
  for (const RelayView& view : views) {
    const bool here = station.machine().attached_to() == view.id;
    Row row{view.name, view.id.hex(), {}, view.segment, here ? "attached" : view.reachable ? "reachable" : "unreachable", view.known, view.online, view.issued, {}};
    for (const core::NodeId& neighbour : view.neighbours) row.links.push_back(names.contains(neighbour) ? names[neighbour] : neighbour.brief());
    rows.push_back(std::move(row));
  }
  for (const store::LedgerRelay& kept : station.ledger().relays()) {
    if (names.contains(kept.relay)) continue;
    names[kept.relay] = kept.name;
    rows.push_back({kept.name, kept.relay.hex(), {}, kept.segment, kept.forgotten ? "forgotten" : "unreachable", 0, 0, kept.seen, {}});
  }
  for (const KnownRelay& known : station.home().relays()) {
    auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& one) { return !known.name.empty() && one.name == known.name; });
    if (row == rows.end()) row = rows.insert(rows.end(), {known.name, {}, {}, {}, "never heard", 0, 0, 0, {}});
    row->endpoint = core::to_text(known.endpoint);
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return std::tie(a.name, a.id) < std::tie(b.name, b.id); });
  return rows;
}

void print_json(const Row& row, core::WallMs now) {
  core::Json json = {{"type", "relay"}, {"name", row.name}, {"id", row.id}, {"endpoint", row.endpoint}, {"segment", row.segment},
                     {"state", row.state}, {"agents", row.agents}, {"online", row.online}, {"age_s", nullptr}};
  if (row.seen > 0) json["age_s"] = std::max<core::WallMs>(0, now - row.seen) / 1000;
  fmt::print("{}\n", core::compact_json(json));
}

std::string address_of(const std::string& endpoint) { return endpoint.substr(0, endpoint.find('#')); }

int show(Globals& globals) {
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  core::Status attached = (*station)->attach();
  if ((*station)->interrupted()) return 130;
  if (!attached) fmt::print(stderr, "mig: {}\nmig: what follows is what was known before\n", attached.error().text);
  const core::WallMs now = wall_now();
  Table table({"RELAY", "STATE", "SEGMENT", "AGENTS", "ONLINE", "LINKS", "HEARD", "ENDPOINT"});
  std::size_t reachable = 0, wanted = 0;
  for (const Row& row : rows_of(**station)) {
    if (row.state != "forgotten") ++wanted;
    if (row.state == "attached" || row.state == "reachable") ++reachable;
    if (globals.json)
      print_json(row, now);
    else
      table.add({row.name, row.state, row.segment, std::to_string(row.agents), std::to_string(row.online), fmt::format("{}", fmt::join(row.links, ",")),
                 ago(row.seen, now), address_of(row.endpoint)});
  }
  if (globals.json)
    fmt::print("{}\n", core::compact_json({{"type", "summary"}, {"relays", wanted}, {"reachable", reachable}, {"complete", reachable == wanted}}));
  else
    fmt::print("{}{} of {} relays within reach\n", table.text(), reachable, wanted);
  return attached && reachable == wanted ? 0 : 3;
}

int forget(const std::vector<std::string>& names, Globals& globals) {
  if (names.size() != 1) return fail(core::invalid("relays forget: give the name or id of one relay"));
  auto home = globals.open_home();
  if (!home) return fail(home.error());
  auto ledger = home->ledger();
  if (!ledger) return fail(ledger.error());
  std::vector<std::string> known;
  for (const store::LedgerRelay& relay : (*ledger)->relays()) {
    if (!relay.forgotten) known.push_back(relay.name);
    if (relay.name != names[0] && relay.relay.hex() != names[0]) continue;
    auto yes = agreed(fmt::format("Agents last known at {} will no longer count as missing. Forget it?", printable(relay.name)), globals);
    if (!yes) return fail(yes.error());
    if (!*yes) return fail(core::refused("not forgotten"));
    core::Status kept = (*ledger)->keep({core::KeepForgotten{relay.relay}});
    return kept ? 0 : fail(kept.error());
  }
  return fail({core::Code::not_found, fmt::format("relays forget: no relay '{}' in the ledger; it knows {}", names[0], fmt::join(known, ", "))});
}

int relays(const std::vector<std::string>& words, Globals& globals) {
  if (words.empty()) return show(globals);
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (words[0] == "add") return add_relay(rest, globals);
  if (words[0] == "forget") return forget(rest, globals);
  return fail(core::invalid(fmt::format("relays: '{}' is no order; use add, forget, or nothing to list them", words[0])));
}

}  // namespace

Command relays_command() {
  return {"relays", "relays of the mesh, how they are linked, which are within reach",
          "mig relays [--json]\nmig relays add ENDPOINT#KEY [--name NAME]   one more relay to attach to\n"
          "mig relays forget NAME                       it will not come back: what was there no longer keeps actions incomplete\n\n"
          "Exit 3 when a relay is out of reach.\n", relays};
}

}  // namespace mig::investigator
