// mig actions and mig export: what the ledger holds.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "investigator/action_text.h"
#include "investigator/collect.h"
#include "investigator/commands/command.h"
#include "investigator/print.h"
#include "investigator/survey.h"
#include "node/core/action.h"

namespace mig::investigator {
namespace {

const core::Schema& schema() {
  static const core::Schema schema = [] {
    core::Field most{.name = "most", .type = core::Type::integer, .help = "How many, newest first.", .flag = "most", .fallback = 50, .low = 1, .high = 100000};
    return core::Schema{"actions", "Earlier actions, newest first.", {most}, {}};
  }();
  return schema;
}

int actions(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(schema(), words);
  if (!read) return fail(read.error());
  if (!read->rest.empty()) return fail(core::invalid(fmt::format("actions: '{}' is one word too many", read->rest[0])));
  auto home = globals.open_home();
  if (!home) return fail(home.error());
  auto ledger = home->ledger();
  if (!ledger) return fail(ledger.error());
  const core::WallMs now = wall_now();
  Table table({"ID", "ASKED", "STATE", "ANSWERED", "FOUND", "TARGET", "NAME"});
  for (const store::LedgerAction& kept : (*ledger)->actions(read->options["most"].get<std::size_t>())) {
    auto action = core::parse_action(kept.signed_action.text);
    if (!action) continue;
    const Statement got = ledger_statement(core::key_of(kept.id), **ledger, now > action->result_by());
    if (globals.json)
      fmt::print("{}\n", core::compact_json({{"type", "action"}, {"id", kept.id.hex()}, {"name", action->name}, {"target", action->target},
                                             {"asked", core::to_rfc3339(kept.asked)}, {"expireafter", core::to_rfc3339(action->expire_after)},
                                             {"answered", got.answered()}, {"found", got.found}}));
    else
      table.add({kept.id.brief(), ago(kept.asked, now), stage(*action, now), std::to_string(got.answered()), std::to_string(got.found),
                 action->target, action->name});
  }
  if (!globals.json) fmt::print("{}", table.text());
  return 0;
}

int export_action(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words({"export", "", {}, {}}, words);
  if (!read) return fail(read.error());
  if (read->rest.size() != 2) return fail(core::invalid("export: give the ID of an action and a directory"));
  const std::string& dir = read->rest[1];
  auto home = globals.open_home();
  if (!home) return fail(home.error());
  auto ledger = home->ledger();
  if (!ledger) return fail(ledger.error());
  auto action = (*ledger)->action(read->rest[0]);
  if (!action) return fail(action.error());
  if (mkdir(dir.c_str(), 0755) != 0 && errno != EEXIST) return fail({core::Code::world, dir + ": " + std::strerror(errno)});
  const core::SignedText& text = action->signed_action;
  if (core::Status done = write_named(dir + "/action.json", core::write_action_file(text)); !done) return fail(done.error());
  if (core::Status done = write_named(dir + "/action.signed", core::action_signing_text(text.text)); !done) return fail(done.error());
  for (std::size_t i = 0; i < text.signatures.size(); ++i) {
    const std::string name = fmt::format("signature-{}.sig", i + 1);
    if (core::Status done = write_named(dir + "/" + name, text.signatures[i]); !done) return fail(done.error());
    fmt::print("gpg --verify {}/{} {}/action.signed\n", dir, name, dir);
  }
  return 0;
}

}  // namespace

Command actions_command() {
  return {"actions", "what was asked from here", "mig actions [-most N] [--json]\n\n" + core::help_text(schema()), actions};
}

Command export_command() {
  return {"export", "an action and its signatures as files for gpg --verify",
          "mig export ID DIR\n\nWrites action.json (as mig run takes it), action.signed (the exact text that was signed) and signature-N.sig,\n"
          "and prints the commands with which plain gpg checks them.\n", export_action};
}

}  // namespace mig::investigator
