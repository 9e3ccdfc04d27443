// mig missing and mig ask-again: who gave no answer and why, and the same question to only those.
#include <fmt/format.h>

#include <algorithm>

#include "investigator/commands/command.h"
#include "investigator/inquiry.h"
#include "investigator/missing.h"
#include "investigator/print.h"
#include "investigator/summary.h"
#include "investigator/survey.h"

namespace mig::investigator {
namespace {

constexpr core::WallMs window_spare_ms = 120'000;  ///< what a draft's window gets around its lifetime

const core::Schema& missing_schema() {
  static const core::Schema schema{"missing", "Who has not answered an action, and why.", {},
                                   {{"mig missing 3f9c02ab", "A line for everyone who is at work, offline, refused, cancelled, expired or out of reach."},
                                    {"mig missing 3f9c02ab --json | jq -r 'select(.state==\"offline\").name'", "Names for a script."}}};
  return schema;
}

const core::Schema& again_schema() {
  static const core::Schema schema = [] {
    core::Field most{.name = "most", .type = core::Type::integer, .help = "Only the first so many of them, in the order of mig missing.", .flag = "most", .low = 1, .high = 100000};
    return core::Schema{"ask-again", "Asks the question of an earlier action anew, of only those who did not answer it.", {most},
                        {{"mig ask-again 3f9c02ab", "A new action with its own id and signature; its target names the missing agents."},
                         {"mig ask-again 3f9c02ab -e 24h", "Agents that are away have a day to come back."},
                         {"mig ask-again 3f9c02ab -p", "Prints the draft and asks nobody."}}};
  }();
  return schema;
}

struct Found {
  Earlier action;
  std::vector<Missing> missing;
  Standing standing;
};

/// Answers that lie at relays are read first, so that nobody is missing whose answer is only under way.
core::Result<Found> look(Station& station, const std::string& word, std::string_view command) {
  auto one = earlier(station.ledger(), word, command);
  if (!one) return one.error();
  auto standings = look_at(station, {*one});
  if (!standings) return standings.error();
  Registers registers;
  const core::ActionKey key = core::key_of(one->action.id);
  if (standings->front().from_mesh) {
    auto told = ask_registers(station, key);
    if (!told) return told.error();
    registers.told = *std::move(told);
    for (const core::NodeId& relay : registers.told)
      for (const core::AgentLine& line : station.machine().agents_at(relay)) {
        auto [at, fresh] = registers.states.try_emplace(line.agent, line.state);
        if (!fresh && line.online) at->second = line.state;  // a home that it has left may still list it
      }
  }
  auto list = missing(one->action, station.ledger(), registers, wall_now());
  return Found{*std::move(one), std::move(list), std::move(standings->front())};
}

int show_missing(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(missing_schema(), words);
  if (!read) return fail(read.error());
  if (read->rest.size() != 1) return fail(core::invalid("missing: give the ID of one action, 8 or more digits; mig actions lists them"));
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  auto found = look(**station, read->rest[0], "missing");
  if (!found) return (*station)->interrupted() ? 130 : fail(found.error());
  const Statement& s = found->standing.statement;
  Table table({"AGENT", "STATE", "RELAY", "SEEN", "ID", "WHY"});
  for (const Missing& one : found->missing) {
    if (globals.json)
      fmt::print("{}\n", core::compact_json({{"type", "missing"}, {"action", found->action.action.id.hex()}, {"agent", one.agent.hex()}, {"name", one.name},
                                             {"state", core::to_text(one.state)}, {"relay", one.relay}, {"seen", core::to_rfc3339(one.seen)}, {"why", one.why}}));
    else
      table.add({one.name, std::string(core::to_text(one.state)), one.relay, ago(one.seen, wall_now()), one.agent.brief(), one.why});
  }
  if (globals.json) {
    fmt::print("{}\n", summary_json(found->action.action.id.hex(), s, 0));
  } else {
    if (!table.empty()) fmt::print("{}", table.text());
    fmt::print("{} missing{}\n", found->missing.empty() ? "nobody is" : grouped(found->missing.size()) + (found->missing.size() == 1 ? " is" : " are"),
               found->standing.from_mesh ? "" : ", by the ledger alone");
    fmt::print("{}\n", coloured(printable(status_line(s)), s.complete ? Colour::green : Colour::yellow, wants_colour(stdout)));
  }
  return s.complete ? 0 : 3;
}

bool at_work(const Missing& one) {
  return one.state == core::State::queued || one.state == core::State::delivered || one.state == core::State::running;
}

int ask_again(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(again_schema(), words);
  if (!read) return fail(read.error());
  if (read->rest.size() != 1) return fail(core::invalid("ask-again: give the ID of one action, 8 or more digits; mig actions lists them"));
  if (!globals.target.empty() || !globals.target_found.empty() || !globals.target_notfound.empty())
    return fail(core::invalid("ask-again: whom to ask is who is missing; -t and its kin do not belong here"));
  core::ActionFile file;
  {
    auto station = Station::open(globals);
    if (!station) return fail(station.error());
    auto found = look(**station, read->rest[0], "ask-again");
    if (!found) return (*station)->interrupted() ? 130 : fail(found.error());
    auto& list = found->missing;
    const auto busy = std::erase_if(list, at_work);
    if (busy > 0) fmt::print(stderr, "{} at work on it and not asked again\n", busy == 1 ? "1 is" : grouped(busy) + " are");
    if (list.empty()) {
      fmt::print(stderr, "nobody is missing in {}; nothing is asked\n", found->action.action.id.brief());
      return 0;
    }
    if (read->has("most")) list.resize(std::min(list.size(), read->options["most"].get<std::size_t>()));
    auto target = target_on(list);
    if (!target) return fail({target.error().code, fmt::format("ask-again {}: {}", read->rest[0], target.error().text)});
    const core::Action& before = found->action.action;
    core::Action& draft = file.draft;
    draft.name = globals.name.empty() ? before.name : globals.name;
    draft.target = *std::move(target);
    draft.description = before.description;
    draft.threat = before.threat;
    draft.operations = before.operations;
    draft.disclose = before.disclose;
    draft.limits = before.limits;
    draft.readers = before.readers;
    const core::WallMs life = before.expire_after - before.valid_from - window_spare_ms;
    if (globals.lifetime.empty() && life >= 1000) globals.lifetime = fmt::format("{}s", life / 1000);
    fmt::print(stderr, "asking {} of {} again: {}\n", list.size() == 1 ? "1 agent" : grouped(list.size()) + " agents", before.id.brief(), printable(before.name));
  }
  if (!globals.print_only) return launch(std::move(file), globals);
  core::Json operations = core::Json::array();
  for (const core::Operation& one : file.draft.operations) operations.push_back({{"module", one.module}, {"parameters", one.parameters}});
  fmt::print("{}\n", core::pretty_json({{"name", file.draft.name}, {"target", file.draft.target}, {"operations", operations}, {"syntaxversion", 3}}));
  return 0;
}

}  // namespace

Command missing_command() {
  return {"missing", "who has not answered an action, and why",
          "mig missing ID [--json]\n\nReads what has come meanwhile, asks every relay within reach how far its agents are, and lists who gave no answer: at work,\n"
          "offline, refused, cancelled, expired, or unknown because their relay cannot be heard. Exit 0 when the action is\n"
          "complete, 3 when not.\n\n" + core::help_text(missing_schema()), show_missing};
}

Command ask_again_command() {
  return {"ask-again", "the same question to only those who did not answer it",
          "mig ask-again ID [-most N] [-e LIFETIME] [-n NAME] [-p] [--json]\n\nWho is at work on it is not asked twice; everyone else of mig missing is: offline, refused, cancelled, expired, unknown.\n"
          "The new action is signed as any question; output and exit code are those of a question. Nobody missing: exit 0.\n\n" +
              core::help_text(again_schema()), ask_again};
}

}  // namespace mig::investigator
