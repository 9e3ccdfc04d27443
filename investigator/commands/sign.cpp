// mig sign: shows what an action asks, and adds a signature to the same bytes; passes it through the mesh to others.
#include <fmt/format.h>

#include "investigator/action_text.h"
#include "investigator/commands/command.h"
#include "investigator/describe.h"
#include "investigator/inquiry.h"
#include "investigator/print.h"
#include "investigator/publish.h"

namespace mig::investigator {
namespace {

const core::Schema& schema() {
  static const core::Schema schema = [] {
    core::Field out{.name = "out", .help = "File to write; default: stdout.", .flag = "o"};
    core::Field reader{.name = "reader", .type = core::Type::texts,
                       .help = "Who may read the answers (fingerprint), for drafts that name nobody; default: you.",
                       .flag = "reader"};
    core::Field request{.name = "request", .type = core::Type::boolean, .help = "Shows it to the others as a draft: no agent gets it before enough of them have signed.", .flag = "request"};
    core::Field approve{.name = "approve", .help = "Id of a draft (8 digits or more) to sign; with enough weight it is asked at once.", .flag = "approve", .example = "3f9c02ab"};
    core::Field drafts{.name = "drafts", .type = core::Type::boolean, .help = "Lists the drafts that wait for signatures.", .flag = "drafts"};
    return core::Schema{"sign", "Shows an action in words and adds your signature to it.", {out, reader, request, approve, drafts},
                        {{"mig sign question.json -o signed.json", "Makes a complete document of a draft or a file of "
                                                                   "MIG, and signs it."},
                         {"mig sign signed.json -o signed.json", "A second person adds hers to the same bytes."},
                         {"mig sign --request question.json", "The same through the mesh: others approve it by its id."}}};
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
  std::vector<core::Enclosed> enclosed;
};

/// The bytes to sign: those of the file, or of a complete document made from it.
core::Result<ToSign> prepare(const core::ActionFile& file, const Words& words, const Home& home, const Gpg& gpg,
                             const Globals& globals) {
  if (!file.canonical.empty()) {
    if (file.draft.mesh != home.trust().mesh)
      return core::refused(fmt::format("mesh: this action is for mesh {}, this home belongs to {}", file.draft.mesh.hex(),
                                       home.trust().mesh.hex()));
    return ToSign{file.draft, {file.canonical, file.signatures}, file.enclosed};
  }
  Completion how;
  auto life = lifetime_of(globals);
  if (!life) return life.error();
  how.lifetime_ms = *life;
  if (words.has("reader"))
    for (const core::Json& reader : words.options["reader"]) how.readers.push_back(reader.get<std::string>());
  auto made = complete(file.draft, file.enclosed, home, gpg, how);
  if (!made) return made.error();
  return ToSign{made->action, {made->text, {}}, made->enclosed};
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

core::Status sign_if_agreed(ToSign& action, const Home& home, const Gpg& gpg, const Globals& globals) {
  auto yes = agreed(fmt::format("Sign it as {}?", home.config().key), globals);
  if (!yes) return yes.error();
  if (!*yes) return core::refused("not signed");
  return add_signature(action.signed_text, home, gpg);
}

/// Puts what lacks weight before the others. It stands in our ledger from now on: `mig results ID` follows it later.
int request(const ToSign& action, const Home& home, Globals& globals) {
  if (core::admit(action.signed_text, home.roster(), wall_now())) return fail(core::invalid("sign: it has enough weight already; `mig run` asks it"));
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  if (core::Status kept = (*station)->ledger().keep({core::KeepAction{action.action.id, action.signed_text, wall_now()}}); !kept) return fail(kept.error());
  const core::Object draft{core::ObjectKind::draft, action.signed_text.text, action.signed_text.signatures, {}};
  if (core::Status put = publish(**station, draft, "draft " + action.action.id.brief()); !put) return (*station)->interrupted() ? 130 : fail(put.error());
  if (globals.json)
    fmt::print("{}\n", core::compact_json({{"type", "draft"}, {"action", action.action.id.hex()}, {"stored", true}}));
  else
    fmt::print("draft {} waits for signatures until {}; others: mig sign --approve {}\n", action.action.id.hex(), core::to_rfc3339(action.action.expire_after), action.action.id.brief());
  return 0;
}

int list_drafts(Globals& globals) {
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  if (core::Status attached = (*station)->attach(); !attached) return (*station)->interrupted() ? 130 : fail(attached.error());
  const core::Roster& roster = *(*station)->machine().membership().roster();
  for (const core::SignedText& draft : (*station)->machine().drafts()) {
    auto action = core::parse_action(draft.text);
    auto signers = core::check_signers(core::action_signing_text(draft.text), draft.signatures, roster, wall_now());
    if (!action || !signers) continue;
    std::vector<core::Fingerprint> people;
    for (const core::Investigator* signer : *signers) people.push_back(signer->fingerprint);
    if (globals.json) {
      fmt::print("{}\n", core::compact_json({{"type", "draft"}, {"action", action->id.hex()}, {"name", action->name}, {"target", action->target}, {"signers", people}}));
      continue;
    }
    fmt::print("{} {}, for {}, until {}\n", action->id.brief(), printable(action->name), printable(action->target), core::to_rfc3339(action->expire_after));
    for (const core::Investigator* signer : *signers) fmt::print("  signed by {}\n", printable(signer->name));
    fmt::print("  {}", printable_lines(describe(weights(*action, people, roster))));
  }
  return 0;
}

core::Result<ToSign> draft_of(const std::string& id, const Investigator& machine) {
  std::vector<ToSign> fit;
  for (const core::SignedText& draft : machine.drafts())
    if (auto action = core::parse_action(draft.text); action && id.size() >= 8 && action->id.hex().starts_with(id)) fit.push_back({*action, draft, {}});
  if (fit.size() == 1) return fit[0];
  return core::Error{core::Code::not_found, fmt::format("approve: {} draft begins with '{}' (8 digits or more); mig sign --drafts lists them", fit.empty() ? "no" : "more than one", id)};
}

int approve(const std::string& id, Globals& globals) {
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  if (core::Status attached = (*station)->attach(); !attached) return (*station)->interrupted() ? 130 : fail(attached.error());
  const Home& home = (*station)->home();
  auto gpg = home.gpg();
  if (!gpg) return fail(gpg.error());
  auto action = draft_of(id, (*station)->machine());
  if (!action) return fail(action.error());
  auto people = earlier_signers(*action, home);
  if (!people) return fail(people.error());
  show(*action, {}, *people, home);
  if (core::Status added = sign_if_agreed(*action, home, *gpg, globals); !added) return fail(added.error());
  auto admitted = core::admit(action->signed_text, home.roster(), wall_now());
  if (admitted) {
    station->reset();  // its session slot is for the question now
    auto file = core::read_action_file(core::write_action_file(action->signed_text));
    return file ? launch(*std::move(file), globals) : fail(file.error());
  }
  const core::Object draft{core::ObjectKind::draft, action->signed_text.text, action->signed_text.signatures, {}};
  if (core::Status put = publish(**station, draft, "draft " + action->action.id.brief()); !put) return (*station)->interrupted() ? 130 : fail(put.error());
  fmt::print("signed; not asked yet: {}\n", admitted.error().text);
  return 0;
}

int run(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(schema(), words);
  if (!read) return fail(read.error());
  if (read->has("drafts") || read->has("approve")) {
    if (!read->rest.empty() || read->has("request")) return fail(core::invalid("sign: --drafts and --approve ID take no FILE"));
    return read->has("approve") ? approve(read->text("approve"), globals) : list_drafts(globals);
  }
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
  if (core::Status added = sign_if_agreed(*action, *home, *gpg, globals); !added) return fail(added.error());
  if (read->has("request")) return request(*action, *home, globals);
  core::Status written = write_named(read->text("out"), core::write_action_file(action->signed_text, action->enclosed));
  return written ? 0 : fail(written.error());
}

}  // namespace

Command sign_command() {
  return {"sign", "show an action in words and add your signature", "mig sign FILE\nmig sign --request FILE\nmig sign --drafts\nmig sign --approve ID\n\n" + core::help_text(schema()), run};
}

}  // namespace mig::investigator
