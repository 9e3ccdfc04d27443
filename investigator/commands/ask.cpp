// mig MODULE ...: one question of one module.
#include <fmt/format.h>

#include "investigator/commands/command.h"
#include "investigator/inquiry.h"
#include "modules/module.h"
#include "node/core/schema_text.h"

namespace mig::investigator {
namespace {

constexpr std::size_t name_most = 100;  ///< letters of a name that nobody chose, as MIG cut it

std::string name_of(const std::string& module, const std::vector<std::string>& words, const Globals& globals) {
  if (!globals.name.empty()) return globals.name;
  std::string name = module;
  for (const std::string& word : words) name += " " + core::shell_word(word);
  name = core::readable_utf8(name);
  if (name.size() <= name_most) return name;
  return core::readable_utf8(name.substr(0, name_most)) + "...";
}

/// What MIG's -p printed: complete when it is run, readable for everyone.
int print_draft(const core::Action& draft) {
  core::Json operations = core::Json::array();
  for (const core::Operation& one : draft.operations) operations.push_back({{"module", one.module}, {"parameters", one.parameters}});
  core::Json document = {{"name", draft.name}, {"target", draft.target}, {"operations", operations}, {"syntaxversion", 3}};
  fmt::print("{}\n", core::pretty_json(document));
  return 0;
}

core::Result<std::string> target_of(const Globals& globals) {
  auto home = globals.open_home();
  if (home) return target_text(*home, globals);
  // A draft needs no mesh; only macros and earlier actions do.
  if (globals.print_only && globals.target_found.empty() && globals.target_notfound.empty())
    return globals.target.empty() ? "status='online'" : globals.target;
  return home.error();
}

}  // namespace

int ask(const std::string& name, const std::vector<std::string>& words, Globals& globals) {
  const modules::Module* module = modules::find(name);
  if (module == nullptr) return fail({core::Code::not_found, name + ": there is no such module"});
  auto parameters = core::from_flags(module->parameters(), words);
  if (parameters) parameters = module->load(*std::move(parameters));
  if (!parameters) {
    fail(parameters.error());
    fmt::print(stderr, "mig {} help shows its flags\n", name);
    return 2;
  }
  core::Action draft;
  draft.name = name_of(name, words, globals);
  draft.operations.push_back({name, *std::move(parameters)});
  if (globals.target == "local") return run_here(draft, {}, globals);

  auto target = target_of(globals);
  if (!target) return fail(target.error());
  draft.target = *std::move(target);
  if (globals.print_only) return print_draft(draft);
  if (globals.target.empty() && globals.target_found.empty() && globals.target_notfound.empty() && !globals.json)
    fmt::print(stderr, "No -t given: asking every agent that is online (status='online').\n");
  if (globals.compress) fmt::print(stderr, "-z changes nothing: replies are always compressed.\n");
  core::ActionFile file;
  file.draft = std::move(draft);
  return launch(std::move(file), globals);
}

}  // namespace mig::investigator
