// mig sign: shows what an action asks, and adds a signature to the same bytes.
#include <fmt/format.h>

#include "investigator/action_text.h"
#include "investigator/commands/command.h"
#include "investigator/describe.h"

namespace mig::investigator {
namespace {

const core::Schema& schema() {
  static const core::Schema schema = [] {
    core::Field out{.name = "out", .help = "File to write; default: stdout.", .flag = "o"};
    core::Field reader{.name = "reader", .type = core::Type::texts,
                       .help = "Who may read the answers (fingerprint), for drafts that name nobody; default: you.",
                       .flag = "reader"};
    return core::Schema{"sign", "Shows an action in words and adds your signature to it.", {out, reader},
                        {{"mig sign question.json -o signed.json", "Makes a complete document of a draft or a file of "
                                                                   "MIG, and signs it."},
                         {"mig sign signed.json -o signed.json", "A second person adds hers to the same bytes."}}};
  }();
  return schema;
}

core::Result<core::WallMs> lifetime_of(const Globals& globals) {
  if (globals.lifetime.empty()) return Completion{}.lifetime_ms;
  auto life = core::parse_duration(globals.lifetime);
  if (!life) return core::invalid("-e: " + life.error().text);
  if (life->us < 1'000'000) return core::invalid("-e: an action lives at least a second");
  return life->us / 1000;
}

struct ToSign {
  core::Action action;
  core::SignedText signed_text;
};

/// The bytes to sign: those of the file, or of a complete document made from it.
core::Result<ToSign> prepare(const core::ActionFile& file, const Words& words, const Home& home, const Gpg& gpg,
                             const Globals& globals) {
  if (!file.canonical.empty()) {
    if (file.draft.mesh != home.trust().mesh)
      return core::refused(fmt::format("mesh: this action is for mesh {}, this home belongs to {}", file.draft.mesh.hex(),
                                       home.trust().mesh.hex()));
    return ToSign{file.draft, {file.canonical, file.signatures}};
  }
  Completion how;
  auto life = lifetime_of(globals);
  if (!life) return life.error();
  how.lifetime_ms = *life;
  if (words.has("reader"))
    for (const core::Json& reader : words.options["reader"]) how.readers.push_back(reader.get<std::string>());
  auto made = complete(file.draft, home, gpg, how);
  if (!made) return made.error();
  return ToSign{made->action, {made->text, {}}};
}

/// Signatures that agents refuse would take ours down with them.
core::Result<std::vector<core::Fingerprint>> earlier_signers(const ToSign& action, const Home& home) {
  std::vector<core::Fingerprint> people;
  std::size_t index = 0;
  for (const SignatureView& view : look_at_signatures(action.signed_text, home.roster(), wall_now())) {
    if (!view.trouble.empty())
      return core::refused(fmt::format("pgpsignatures[{}]: {}; take it out, since one bad signature makes agents refuse "
                                       "the action", index, view.trouble));
    people.push_back(view.person);
    ++index;
  }
  return people;
}

void show(const ToSign& action, const core::ActionFile& file, std::vector<core::Fingerprint> people, const Home& home) {
  if (!file.old_signatures.empty())
    fmt::print(stderr, "This is a document of MIG; its signatures do not count here and are left out.\n");
  fmt::print(stderr, "You are about to sign action {}:\n{}", action.action.id.brief(),
             describe(action.action, home.roster()));
  for (const core::Fingerprint& person : people)
    if (const core::Investigator* known = home.roster().by_fingerprint(person))
      fmt::print(stderr, "signed by {} {}\n", person, known->name);
  fmt::print(stderr, "so far:\n{}", describe(weights(action.action, people, home.roster())));
  people.push_back(home.config().key);
  fmt::print(stderr, "with you:\n{}", describe(weights(action.action, people, home.roster())));
}

int run(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(schema(), words);
  if (!read) return fail(read.error());
  if (read->rest.size() != 1) return fail(core::invalid("sign: give one FILE (or - for stdin)"));
  auto home = globals.open_home();
  if (!home) return fail(home.error());
  auto gpg = home->gpg();
  if (!gpg) return fail(gpg.error());
  auto file = load_action(read->rest[0]);
  if (!file) return fail(file.error());
  auto action = prepare(*file, *read, *home, *gpg, globals);
  if (!action) return fail(action.error());
  auto people = earlier_signers(*action, *home);
  if (!people) return fail(people.error());
  show(*action, *file, *people, *home);
  auto yes = agreed(fmt::format("Sign it as {}?", home->config().key), globals);
  if (!yes) return fail(yes.error());
  if (!*yes) return fail(core::refused("not signed"));
  if (core::Status added = add_signature(action->signed_text, *home, *gpg); !added) return fail(added.error());
  core::Status written = write_named(read->text("out"), core::write_action_file(action->signed_text));
  return written ? 0 : fail(written.error());
}

}  // namespace

Command sign_command() {
  return {"sign", "show an action in words and add your signature", "mig sign FILE\n\n" + core::help_text(schema()), run};
}

}  // namespace mig::investigator
