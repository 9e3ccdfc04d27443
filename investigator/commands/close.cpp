// mig close: the end of an action here: nobody opens its answers from this home any more.
#include <fmt/format.h>

#include "investigator/commands/command.h"
#include "investigator/print.h"
#include "node/core/action.h"

namespace mig::investigator {
namespace {

int close(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words({"close", "", {}, {}}, words);
  if (!read) return fail(read.error());
  if (read->rest.size() != 1) return fail(core::invalid("close: give the ID of one action, 8 or more digits; mig actions lists them"));
  auto home = globals.open_home();
  if (!home) return fail(home.error());
  auto ledger = home->ledger();
  if (!ledger) return fail(ledger.error());
  auto kept = (*ledger)->action(read->rest[0]);
  if (!kept) return fail(kept.error());
  auto action = core::parse_action(kept->signed_action.text);
  const std::string name = action ? printable(action->name) : "";
  auto yes = agreed(fmt::format("Delete action {} {}, its answers and the key that opens them from {}?", kept->id.brief(), name, home->dir()), globals);
  if (!yes) return fail(yes.error());
  if (!*yes) return fail(core::refused("not closed"));
  if (core::Status closed = (*ledger)->close(kept->id); !closed) return fail(closed.error());
  if (globals.json)
    fmt::print("{}\n", core::compact_json({{"type", "close"}, {"action", kept->id.hex()}, {"closed", true}}));
  else
    fmt::print("closed {} {}: nothing of it is left here{}\n", kept->id.brief(), name,
               action ? "; relays forget the sealed answers a day after " + core::to_rfc3339(action->result_by()) : "");
  return 0;
}

}  // namespace

Command close_command() {
  return {"close", "delete an action, its answers and their key from here",
          "mig close ID\n\nDeletes the document with the wrapped key of its answers, signatures, receipts, opened results and evidence from the ledger, and overwrites\n"
          "them. `mig export` first keeps the evidence. Other readers keep theirs until they close it. Relays hold sealed answers until a day after\n"
          "the last may come.\n", close};
}

}  // namespace mig::investigator
