// mig stop: takes the rights of a person, a key or a node away at once.
#include <fmt/format.h>

#include "investigator/commands/command.h"
#include "investigator/print.h"
#include "investigator/publish.h"
#include "node/core/limits.h"
#include "node/core/members.h"
#include "node/core/stop.h"

namespace mig::investigator {
namespace {

const core::Schema& schema() {
  static const core::Schema schema{"stop", "Takes the rights of a person, of one key or of a node away at once.",
                                   {core::Field{.name = "reason", .help = "A sentence everybody can read.", .flag = "reason", .example = "laptop stolen"}},
                                   {{"mig stop eve@example.org -reason 'laptop stolen'", "A root, or the person herself, signs it."},
                                    {"mig stop 30f681bae9d71f0d1da775a633719eef", "An agent or relay, by its id; a root signs it."}}};
  return schema;
}

/// A fingerprint of the roster, part of a person's name, a node id, or an agent's name of the ledger.
core::Result<std::string> subject_of(const std::string& word, const Home& home, const store::Ledger& ledger) {
  const core::SigningKey* key = nullptr;
  const core::Roster& roster = home.roster();
  if (roster.by_fingerprint(word) != nullptr || roster.by_key(word, &key) != nullptr) return word;
  if (auto id = core::from_hex(word); id && core::NodeId::from(*id)) return word;
  std::vector<std::string> fit;
  for (const auto& person : roster.investigators)
    if (!word.empty() && person.name.find(word) != std::string::npos) fit.push_back(person.fingerprint);
  for (const auto& agent : ledger.agents())
    if (agent.name == word) fit.push_back(agent.agent.hex());
  if (fit.size() == 1) return fit[0];
  return core::Error{core::Code::not_found, fmt::format("'{}': {} in the roster or the ledger {} called so; give a fingerprint or a node id", word, fit.empty() ? "nobody" : "several", fit.empty() ? "is" : "are")};
}

int stop(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(schema(), words);
  if (!read) return fail(read.error());
  if (read->rest.size() != 1) return fail(core::invalid("stop: give one KEY, person or AGENT"));
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  const Home& home = (*station)->home();
  auto subject = subject_of(read->rest[0], home, (*station)->ledger());
  if (!subject) return fail(subject.error());
  const core::WallMs now = wall_now() / 1000 * 1000;
  const core::StopOrder order{home.trust().mesh, *subject, now, now + core::limits::stop_life_ms, read->text("reason")};
  const core::Investigator* person = home.roster().by_fingerprint(*subject);
  auto yes = agreed(fmt::format("Take all rights from {}{}, at once, until a roster lifts it?", *subject, person ? " " + printable(person->name) : ""), globals);
  if (!yes) return fail(yes.error());
  if (!*yes) return fail(core::refused("not stopped"));
  core::SignedText text{core::canonical_json(core::to_json(order)), {}};
  auto gpg = home.gpg();
  if (!gpg) return fail(gpg.error());
  auto signature = gpg->sign(core::stop_signing_text(text.text), home.config().key);
  if (!signature) return fail(signature.error());
  text.signatures.push_back(*signature);
  auto roots = core::follow_roots(home.trust(), home.roster().root_changes, wall_now());
  if (!roots) return fail(roots.error());
  if (auto may = core::admit_stop(text, home.roster(), *roots, wall_now()); !may) return fail(may.error());
  const core::NodeId id = core::stop_id_of(text.text);
  core::Status kept = publish(**station, {core::ObjectKind::stop, text.text, text.signatures, {}}, "stop " + *subject);
  if (!kept) return (*station)->interrupted() ? 130 : fail(kept.error());
  if (globals.json)
    fmt::print("{}\n", core::compact_json({{"type", "stop"}, {"subject", *subject}, {"id", id.hex()}, {"reason", order.reason}, {"stored", true}}));
  else
    fmt::print("stopped {}; a roster gives back with: mig roster edit -lift {}\n", *subject, id.hex());
  return 0;
}

}  // namespace

Command stop_command() {
  return {"stop", "take the rights of a person, a key or a node away at once",
          "mig stop KEY|PERSON|AGENT [-reason TEXT] [--json]\n\nThe order is signed through gpg by a root, or by the person it is about. Relays end the sessions and links of whom it is about, agents\n"
          "start nothing more of theirs and end what runs. It holds ten years, whatever later rosters say, unless one lifts it by its id.\n\n" + core::help_text(schema()), stop};
}

}  // namespace mig::investigator
