// mig help, mig version, mig modules: what this program can do.
#include <fmt/format.h>

#include <algorithm>

#include "investigator/commands/command.h"
#include "investigator/options.h"
#include "modules/module.h"

namespace mig::investigator {
namespace {

int overview() {
  fmt::print("mig asks questions of every machine of a mesh at once.\n\n"
             "  mig MODULE [options] [the module's flags]      mig file -t all -path /etc -name '^passwd$'\n"
             "  mig COMMAND [words]\n\nModules (mig MODULE help has their flags)\n");
  for (const modules::Module* module : modules::all())
    fmt::print("  {:<10} {}\n", module->parameters().name, module->parameters().summary);
  fmt::print("\nCommands (mig help COMMAND has more)\n");
  for (const Command& command : commands()) fmt::print("  {:<10} {}\n", command.name, command.summary);
  fmt::print("\n{}\nExit: 0 found or done, 1 nothing found, 2 error, 3 not complete, 130 interrupted.\n", core::help_text(global_options()));
  return 0;
}

int help(const std::vector<std::string>& words, Globals&) {
  if (words.empty()) return overview();
  for (const Command& command : commands())
    if (command.name == words[0]) return fmt::print("{}", command.help), 0;
  if (const modules::Module* module = modules::find(words[0]))
    return fmt::print("{}\nReveals: {}.\nCost: {}\nNeeds: {}\n", core::help_text(module->parameters()), to_text(module->disclosure()),
                      module->cost(), module->needs()), 0;
  return fail(unknown_command(words[0]));
}

int version(const std::vector<std::string>&, Globals& globals) {
  if (globals.json)
    fmt::print("{}\n", core::compact_json({{"type", "version"}, {"version", MIG_VERSION}, {"protocol", core::protocol_version}}));
  else
    fmt::print("mig {} (mesh protocol {})\n", MIG_VERSION, core::protocol_version);
  return 0;
}

int list_modules(const std::vector<std::string>& words, Globals& globals) {
  if (!words.empty()) return fail(core::invalid("modules: takes no words; mig MODULE help tells about one"));
  for (const modules::Module* module : modules::all()) {
    const core::Schema& schema = module->parameters();
    if (globals.json)
      fmt::print("{}\n", core::compact_json({{"type", "module"}, {"name", schema.name}, {"summary", schema.summary},
                                             {"disclosure", to_text(module->disclosure())}, {"cost", module->cost()},
                                             {"needs", module->needs()}}));
    else
      fmt::print("{}\n    {}\n    reveals: {}\n    cost: {}\n    needs: {}\n", schema.name, schema.summary, to_text(module->disclosure()),
                 module->cost(), module->needs());
  }
  return 0;
}

}  // namespace

Command modules_command() {
  return {"modules", "questions this program knows", "mig modules [--json]\n\nEvery module: what an answer reveals, what it costs the host, what it needs there.\n", list_modules};
}
Command help_command() { return {"help", "this, or more about one command or module", "mig help [COMMAND|MODULE]\n", help}; }
Command version_command() { return {"version", "which mig this is", "mig version [--json]\n", version}; }

}  // namespace mig::investigator
