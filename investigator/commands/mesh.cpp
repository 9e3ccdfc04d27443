// mig mesh: makes a mesh, and says what is in force in the one of this home.
#include <fmt/format.h>

#include "investigator/commands/command.h"
#include "investigator/mesh_init.h"

namespace mig::investigator {
namespace {

const core::Schema& init_schema() {
  static const core::Schema schema = [] {
    core::Field name{.name = "name", .help = "Label of the mesh.", .flag = "name", .example = "demo", .required = true};
    core::Field key{.name = "key", .help = "Fingerprint (or part of the user id) of your own signing key.",
                    .flag = "key", .required = true};
    core::Field gnupg{.name = "gnupg_home", .help = "Directory of gpg, if not GNUPGHOME or gpg's own.",
                      .flag = "gnupg-home"};
    return core::Schema{"mesh init", "Makes a mesh in MIG_HOME: roots, the first roster, the enroller's key.",
                        {name, key, gnupg},
                        {{"mig mesh init --name demo --key ada@example.org", "The person is root and investigator."}}};
  }();
  return schema;
}

int init(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(init_schema(), words);
  if (!read) return fail(read.error());
  if (!read->rest.empty()) return fail(core::invalid(fmt::format("mesh init: '{}' is one word too many", read->rest[0])));
  auto home = make_mesh(Home::path_of(globals.home), {read->text("name"), read->text("key"), read->text("gnupg_home")});
  if (!home) return fail(home.error());
  fmt::print("mesh {} {} in {}\n", home->trust().name, home->trust().mesh.hex(), home->dir());
  fmt::print(stderr, "Next, the join string of the first relay: mig invite --role enroller --endpoint tcp://HOST:PORT\n"
                     "Keep a copy of {}: whoever has enroller.seed can let nodes in.\n", home->dir());
  return 0;
}

std::string state_of(const core::Investigator& person) { return person.active ? "" : " (not active)"; }

int show(Globals& globals) {
  auto home = globals.open_home();
  if (!home) return fail(home.error());
  const core::Roster& roster = home->roster();
  fmt::print("mesh     {} {}\nhome     {}{}\nroots    {} of {} must sign\n", home->trust().name, home->trust().mesh.hex(),
             home->dir(), home->enroller_seed() ? " (with the enroller's key)" : "", home->trust().threshold,
             home->trust().roots.size());
  for (const core::SigningKey& root : home->trust().roots) fmt::print("         {}\n", root.fingerprint);
  fmt::print("roster   version {} of {}, until {}\n", roster.version, core::to_rfc3339(roster.issued),
             core::to_rfc3339(roster.expires));
  for (const core::Investigator& person : roster.investigators)
    fmt::print("person   {} {}{}\n", person.fingerprint, person.name, state_of(person));
  for (const auto& rule : roster.access) {
    fmt::print("access   {}: weight {} needed;", rule.first, rule.second.minimum_weight);
    for (const auto& weight : rule.second.weights) fmt::print(" {} has {}", weight.first.substr(0, 16), weight.second);
    fmt::print("\n");
  }
  return 0;
}

int run(const std::vector<std::string>& words, Globals& globals) {
  if (words.empty() || words[0] == "show") return show(globals);
  if (words[0] == "init") return init({words.begin() + 1, words.end()}, globals);
  return fail(core::invalid(fmt::format("mesh: '{}' is no order; use `mig mesh init` or `mig mesh show`", words[0])));
}

}  // namespace

Command mesh_command() {
  return {"mesh", "make a mesh, or show what is in force in yours",
          "mig mesh show    who may do what in the mesh of this home\n\n" + core::help_text(init_schema()), run};
}

}  // namespace mig::investigator
