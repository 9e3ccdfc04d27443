// mig: reads the command line, finds the command or module, and lets it run.
#include <fmt/format.h>

#include <exception>

#include "investigator/options.h"
#include "modules/module.h"

namespace {

using namespace mig::investigator;

const Command* command_of(const std::string& name) {
  for (const Command& command : commands())
    if (command.name == name) return &command;
  return nullptr;
}

int dispatch(Invocation call) {
  if (call.version) return command_of("version")->run({}, call.globals);
  if (call.command.empty() && !call.globals.load.empty()) return command_of("run")->run({call.globals.load}, call.globals);
  if (call.command.empty()) {
    const int done = command_of("help")->run({}, call.globals);
    return call.help ? done : 2;
  }
  const bool is_module = mig::modules::find(call.command) != nullptr;
  if (call.help || (is_module && call.words == std::vector<std::string>{"help"}))
    return command_of("help")->run({call.command}, call.globals);
  if (const Command* command = command_of(call.command)) return command->run(call.words, call.globals);
  if (is_module) return ask(call.command, call.words, call.globals);
  return fail(unknown_command(call.command));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    auto call = read_invocation({argv + 1, argv + argc});
    return call ? dispatch(*std::move(call)) : fail(call.error());
  } catch (const std::exception& trouble) {
    fmt::print(stderr, "mig: unexpected: {}\n", trouble.what());
    return 2;
  }
}
