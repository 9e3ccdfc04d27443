// mig status: how earlier actions stand, as honestly as it can be said now.
#include <fmt/format.h>

#include <algorithm>

#include "investigator/commands/command.h"
#include "investigator/print.h"
#include "investigator/summary.h"
#include "investigator/survey.h"

namespace mig::investigator {
namespace {

const core::Schema& schema() {
  static const core::Schema schema = [] {
    core::Field most{.name = "most", .type = core::Type::integer, .help = "How many, newest first.", .flag = "most", .fallback = 10, .low = 1, .high = 200};
    return core::Schema{"status", "How earlier actions stand: who has answered, who is away, which relays say so.", {most},
                        {{"mig status", "The ten newest in a table."},
                         {"mig status 3f9c02ab", "One of them, in a line, with what is missing spelled out."},
                         {"mig status 3f9c02ab --json | jq .offline", "A number for a script."}}};
  }();
  return schema;
}

std::string state_of(const Standing& standing, const core::Action& action, core::WallMs now) {
  return standing.statement.complete ? "complete" : stage(action, now);
}

std::string line_json(const Earlier& one, const Standing& standing, core::WallMs now) {
  const Statement& s = standing.statement;
  return core::compact_json({{"type", "status"}, {"action", one.action.id.hex()}, {"name", one.action.name}, {"target", one.action.target},
                             {"asked", core::to_rfc3339(one.kept.asked)}, {"expireafter", core::to_rfc3339(one.action.expire_after)},
                             {"state", now <= one.action.expire_after ? "open" : now <= one.action.result_by() ? "collecting" : "closed"},
                             {"source", standing.from_mesh ? "mesh" : "ledger"}, {"targeted", s.targeted()}, {"answered", s.answered()},
                             {"found", s.found}, {"clean", s.clean}, {"failed", s.failed}, {"refused", s.refused},
                             {"not_targeted", s.not_targeted}, {"cancelled", s.cancelled}, {"expired", s.expired}, {"open", s.open},
                             {"offline", s.offline}, {"unknown", s.unknown}, {"disputed", s.disputed}, {"relays", s.relays},
                             {"relays_reporting", s.relays_reporting}, {"unheard", s.unheard}, {"complete", s.complete}});
}

int show_one(const Earlier& one, const Standing& standing, const Globals& globals) {
  const core::WallMs now = wall_now();
  if (globals.json) {
    fmt::print("{}\n", line_json(one, standing, now));
    return exit_code(standing.statement, false);
  }
  const bool colour = wants_colour(stdout);
  fmt::print("{} {}, asked {}, {}{}\n", one.action.id.brief(), printable(one.action.name), ago(one.kept.asked, now), stage(one.action, now),
             standing.from_mesh ? "" : "; by the ledger alone");
  fmt::print("{}\n", coloured(printable(status_line(standing.statement)), standing.statement.complete ? Colour::green : Colour::yellow, colour));
  for (const std::string& remark : standing.statement.remarks) fmt::print("{}\n", coloured(printable(remark), Colour::yellow, colour));
  return exit_code(standing.statement, false);
}

int show_table(const std::vector<Earlier>& actions, const std::vector<Standing>& standings, const Globals& globals) {
  const core::WallMs now = wall_now();
  Table table({"ID", "ASKED", "STATE", "ANSWERED", "FOUND", "OFFLINE", "AT WORK", "OTHERWISE", "RELAYS", "NAME"});
  std::size_t complete = 0, behind = 0;
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const Statement& s = standings[i].statement;
    if (s.complete) ++complete;
    if (!standings[i].from_mesh && now <= actions[i].action.result_by()) ++behind;
    if (globals.json) {
      fmt::print("{}\n", line_json(actions[i], standings[i], now));
      continue;
    }
    table.add({actions[i].action.id.brief(), ago(actions[i].kept.asked, now), state_of(standings[i], actions[i].action, now),
               grouped(s.answered()) + " of " + grouped(s.targeted()), grouped(s.found), grouped(s.offline), grouped(s.open),
               grouped(s.refused + s.cancelled + s.expired + s.unknown), grouped(s.relays_reporting) + " of " + grouped(s.relays), actions[i].action.name});
  }
  if (globals.json)
    fmt::print("{}\n", core::compact_json({{"type", "summary"}, {"actions", actions.size()}, {"complete_actions", complete}, {"from_ledger", behind},
                                           {"complete", complete == actions.size()}}));
  else
    fmt::print("{}{} of {} complete{}\n", table.text(), complete, actions.size(),
               behind > 0 ? fmt::format("; {} still alive, but seen by the ledger alone", behind) : "");
  return behind > 0 ? 3 : 0;
}

int status(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(schema(), words);
  if (!read) return fail(read.error());
  if (read->rest.size() > 1) return fail(core::invalid(fmt::format("status: '{}' is one word too many; give one ID or none", read->rest[1])));
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  store::Ledger& ledger = (*station)->ledger();
  std::vector<Earlier> actions;
  if (!read->rest.empty()) {
    auto one = earlier(ledger, read->rest[0], "status");
    if (!one) return fail(one.error());
    actions.push_back(*std::move(one));
  } else {
    for (store::LedgerAction& kept : ledger.actions(read->options["most"].get<std::size_t>()))
      if (auto action = core::parse_action(kept.signed_action.text)) actions.push_back({*std::move(action), std::move(kept)});
  }
  auto standings = look_at(**station, actions);
  if (!standings) return (*station)->interrupted() ? 130 : fail(standings.error());
  return read->rest.empty() ? show_table(actions, *standings, globals) : show_one(actions[0], standings->front(), globals);
}

}  // namespace

Command status_command() {
  return {"status", "how one earlier action stands, or the recent ones",
          "mig status [ID] [-most N] [--json]\n\nAsks every relay within reach and reads what has come meanwhile; nobody is waited for. Without a relay within reach\n"
          "the ledger speaks, and says so. ID may be cut to 8 or more digits.\n"
          "With ID: exit 0 or 1 when complete (1: nothing found), 3 when not. Without: 3 when a living action was seen by the\n"
          "ledger alone.\n\n" + core::help_text(schema()), status};
}

}  // namespace mig::investigator
