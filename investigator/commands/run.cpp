// mig run FILE and mig results ID: actions that exist already.
#include <fmt/format.h>

#include "investigator/action_text.h"
#include "investigator/commands/command.h"
#include "investigator/inquiry.h"

namespace mig::investigator {
namespace {

const core::Schema nothing_own{"", "", {}, {}};

int run_file(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(nothing_own, words);
  if (!read) return fail(read.error());
  if (read->rest.size() != 1) return fail(core::invalid("run: give one FILE (or - for stdin)"));
  auto file = load_action(read->rest[0]);
  if (!file) return fail(file.error());
  const bool complete = !file->canonical.empty();
  if (complete && (!globals.target.empty() || !globals.name.empty()))
    return fail(core::invalid(fmt::format("run: {} is complete, its target and name cannot change; take out its signatures, nonce and times first", read->rest[0])));
  if (!globals.name.empty()) file->draft.name = globals.name;
  if (globals.target == "local") return run_here(file->draft, file->enclosed, globals);
  if (!globals.target.empty()) file->draft.target = globals.target;
  return launch(*std::move(file), globals);
}

int results(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(nothing_own, words);
  if (!read) return fail(read.error());
  if (read->rest.size() != 1) return fail(core::invalid("results: give the ID of an action, 8 or more digits; mig actions lists them"));
  return follow(read->rest[0], globals);
}

}  // namespace

Command run_command() {
  return {"run", "ask what stands in a file (MIG's documents as well)",
          "mig run FILE\n\nSigns what is not signed well enough and asks it. A draft or a document of MIG gets window, keys and mesh first;\n"
          "-t, -n and -e change a draft. FILE - is stdin. With -s it is signed and printed only.\n", run_file};
}

Command results_command() {
  return {"results", "answers to an earlier action, and those still coming",
          "mig results ID\n\nPrints every answer in the ledger once, then goes on collecting until the action is complete or --wait is over.\n"
          "ID may be cut to 8 or more digits. -show found|notfound|all and --json as for a question.\n", results};
}

}  // namespace mig::investigator
