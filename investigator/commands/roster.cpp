// mig roster: who may do what, changed by an administrator, signed by the roots, published to everyone.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "investigator/action_text.h"
#include "investigator/commands/command.h"
#include "investigator/files.h"
#include "investigator/print.h"
#include "investigator/publish.h"
#include "investigator/roster_file.h"
#include "investigator/signed_file.h"

namespace mig::investigator {
namespace {

using Order = int (*)(const Words& words, Home& home, Globals& globals);

core::Field out_field() { return core::Field{.name = "out", .help = "File to write; default: stdout.", .flag = "o"}; }

const core::Schema& edit_schema() {
  static const core::Schema schema = [] {
    core::Schema out{"roster edit", "Writes the next version, changed, for the roots to sign. The file is JSON; an editor changes it as well.", {out_field()}, {}};
    for (const auto& [word, help] : edit_words()) out.fields.push_back(core::Field{.name = word, .type = core::Type::texts, .help = help, .flag = word});
    out.fields.push_back(core::Field{.name = "change", .help = "File of a change of roots that old and new roots have signed.", .flag = "change"});
    out.examples = {{"mig roster edit -add ada@example.org -weight default:ada=1 -allow agentdestroy=2 -o next.json", ""},
                    {"mig roster edit -revoke eve -o next.json && mig roster sign next.json -o next.json && mig roster publish next.json", ""}};
    return out;
  }();
  return schema;
}
const core::Schema& roots_schema() {
  static const core::Schema schema{"roster roots", "Writes a change of roots, for the old and the new ones to sign (mig roster sign).",
                                   {out_field(), core::Field{.name = "root", .type = core::Type::texts, .help = "Person who is a root from then on; repeat.", .flag = "root", .required = true},
                                    core::Field{.name = "threshold", .type = core::Type::integer, .help = "How many of them must sign.", .flag = "threshold", .required = true, .low = 1, .high = 16}},
                                   {}};
  return schema;
}
const core::Schema& out_schema() {
  static const core::Schema schema{"roster sign", "Shows what changes and adds your signature.", {out_field()}, {}};
  return schema;
}
const core::Schema& import_schema() {
  static const core::Schema schema{"roster import", "Writes the next version with the rules of MIG's acl.cfg and the people of its key directory.",
                                   {out_field(), core::Field{.name = "acl", .help = "MIG's acl.cfg.", .flag = "acl", .example = "/etc/mig/acl.cfg", .required = true},
                                    core::Field{.name = "keys", .help = "Directory of armored public keys; they get into gpg's keyring.", .flag = "keys", .example = "/etc/mig/agentkeys", .required = true}},
                                   {}};
  return schema;
}

int write_unsigned(const core::Roster& roster, const Words& words) {
  core::SignedText file{core::canonical_json(core::to_json(roster)), {}};
  if (auto fine = core::parse_roster(file.text); !fine) return fail(fine.error());
  core::Status written = write_named(words.text("out"), write_signed(file));
  return written ? 0 : fail(written.error());
}

/// The file named, or the roster in force here.
core::Result<core::Roster> roster_named(const Words& words, const Home& home) {
  if (words.rest.empty()) return home.roster();
  auto file = load_roster(words.rest[0]);
  if (!file) return file.error();
  return file->roster;
}

int show(const Words& words, Home& home, Globals& globals) {
  auto roster = roster_named(words, home);
  if (!roster) return fail(roster.error());
  if (globals.json)
    fmt::print("{}\n", core::compact_json(core::to_json(*roster)));
  else
    fmt::print("{}", describe(*roster, wall_now()));
  return 0;
}

int check(const Words& words, Home& home, Globals& globals) {
  auto roster = roster_named(words, home);
  if (!roster) return fail(roster.error());
  const auto found = warnings(*roster, wall_now());
  for (const std::string& warning : found)
    fmt::print("{}\n", globals.json ? core::compact_json({{"type", "warning"}, {"text", warning}}) : printable(warning));
  if (found.empty() && !globals.json) fmt::print("roster {}: nothing to warn of\n", roster->version);
  return found.empty() ? 0 : 1;
}

int edit_roster(const Words& words, Home& home, Globals&) {
  core::Roster next = next_version(home.roster(), home.signed_roster().text, wall_now());
  if (!words.rest.empty()) {
    auto file = load_roster(words.rest[0]);
    if (!file) return fail(file.error());
    next = file->roster;
  }
  auto gpg = home.gpg();
  if (!gpg) return fail(gpg.error());
  for (const auto& [word, help] : edit_words()) {
    if (!words.has(word.c_str())) continue;
    for (const core::Json& value : words.options[word])
      if (core::Status done = edit(next, {word, value.get<std::string>()}, keys_from(*gpg), wall_now()); !done)
        return fail({done.error().code, fmt::format("-{}: {}", word, done.error().text)});
  }
  if (words.has("change")) {
    auto change = load_change(words.text("change"));
    if (!change) return fail(change.error());
    next.root_changes.push_back(*change);
    if (auto in_force = core::follow_roots(home.trust(), next.root_changes, wall_now()); !in_force) return fail(in_force.error());
  }
  for (const std::string& warning : warnings(next, wall_now())) fmt::print(stderr, "mig: warning: {}\n", printable(warning));
  return write_unsigned(next, words);
}

int make_change(const Words& words, Home& home, Globals&) {
  auto gpg = home.gpg();
  if (!gpg) return fail(gpg.error());
  core::RootChange change;
  for (const core::Json& word : words.options["root"]) {
    auto key = root_key_of(*gpg, word.get<std::string>());
    if (!key) return fail(key.error());
    change.roots.push_back(*key);
  }
  change.threshold = words.options["threshold"].get<std::uint32_t>();
  if (auto fine = core::root_change_from_json(core::to_json(change)); !fine) return fail(fine.error());
  core::Status written = write_named(words.text("out"), core::pretty_json(core::to_json(change)) + "\n");
  return written ? 0 : fail(written.error());
}

core::Result<core::Trust> roots_now(const Home& home) { return core::follow_roots(home.trust(), home.roster().root_changes, wall_now()); }

int sign_change(const Words& words, Home& home, Globals& globals) {
  auto change = load_change(words.rest[0]);
  if (!change) return fail(change.error());
  auto before = roots_now(home);
  if (!before) return fail(before.error());
  core::Trust after = *before;
  after.roots = change->roots;
  after.threshold = change->threshold;
  const core::Bytes text = core::root_change_text(home.trust().mesh, home.roster().root_changes, *change);
  fmt::print(stderr, "You are about to sign a change of the roots of mesh {}: from then on {} of these must sign rosters:\n", home.trust().name, change->threshold);
  for (const auto& root : change->roots) fmt::print(stderr, "  {}\n", root.fingerprint);
  auto yes = agreed(fmt::format("Sign it as {}?", home.config().key), globals);
  if (!yes) return fail(yes.error());
  if (!*yes) return fail(core::refused("not signed"));
  if (core::Status added = add_signature_of(home, text, change->signatures); !added) return fail(added.error());
  fmt::print(stderr, "old roots\n{}new roots\n{}", signed_so_far(change->signatures, text, *before, wall_now()), signed_so_far(change->signatures, text, after, wall_now()));
  core::Status written = write_named(words.text("out"), core::pretty_json(core::to_json(*change)) + "\n");
  return written ? 0 : fail(written.error());
}

int sign(const Words& words, Home& home, Globals& globals) {
  if (words.rest.empty()) return fail(core::invalid("roster sign: give one FILE"));
  if (is_change(words.rest[0])) return sign_change(words, home, globals);
  auto file = load_roster(words.rest[0]);
  if (!file) return fail(file.error());
  if (file->roster.mesh != home.trust().mesh) return fail(core::refused("roster: it is for another mesh"));
  auto roots = core::follow_roots(home.trust(), file->roster.root_changes, wall_now());
  if (!roots) return fail(roots.error());
  fmt::print(stderr, "You are about to sign version {} of the roster of mesh {}. Against version {}, in force here:\n", file->roster.version, home.trust().name, home.roster().version);
  for (const std::string& line : differences(home.roster(), file->roster)) fmt::print(stderr, "  {}\n", printable_lines(line));
  if (file->roster.version != home.roster().version + 1 || file->roster.prev != core::to_hex(core::blake2b(home.signed_roster().text, core::Hash::size)))
    fmt::print(stderr, "  it is NOT the version after the one in force here; two rosters of one version raise an alarm everywhere\n");
  for (const std::string& warning : warnings(file->roster, wall_now())) fmt::print(stderr, "  warning: {}\n", printable(warning));
  auto yes = agreed(fmt::format("Sign it as {}?", home.config().key), globals);
  if (!yes) return fail(yes.error());
  if (!*yes) return fail(core::refused("not signed"));
  const core::Bytes text = core::roster_signing_text(file->signed_text.text);
  if (core::Status added = add_signature_of(home, text, file->signed_text.signatures); !added) return fail(added.error());
  fmt::print(stderr, "{}", signed_so_far(file->signed_text.signatures, text, *roots, wall_now()));
  core::Status written = write_named(words.text("out"), write_signed(file->signed_text));
  return written ? 0 : fail(written.error());
}

int publish_roster(const Words& words, Home& home, Globals& globals) {
  if (words.rest.empty()) return fail(core::invalid("roster publish: give one FILE"));
  auto file = load_roster(words.rest[0]);
  if (!file) return fail(file.error());
  if (auto holds = core::verify_roster(file->signed_text, home.trust(), wall_now()); !holds) return fail(holds.error());
  if (file->roster.version < home.roster().version) return fail(core::refused(fmt::format("roster: version {} is in force here", home.roster().version)));
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  const core::Object object{core::ObjectKind::roster, file->signed_text.text, file->signed_text.signatures, {}};
  if (core::Status kept = publish(**station, object, fmt::format("roster {}", file->roster.version)); !kept) return (*station)->interrupted() ? 130 : fail(kept.error());
  if (core::Status kept = home.keep_roster(file->signed_text); !kept) return fail(kept.error());
  if (globals.json)
    fmt::print("{}\n", core::compact_json({{"type", "roster"}, {"version", file->roster.version}, {"stored", true}}));
  else
    fmt::print("roster {} is published; every relay and agent takes it as soon as it hears of it\n", file->roster.version);
  return 0;
}

int import(const Words& words, Home& home, Globals&) {
  auto gpg = home.gpg();
  if (!gpg) return fail(gpg.error());
  auto acl = read_named(words.text("acl"));
  if (!acl) return fail(acl.error());
  std::vector<PersonKeys> known;
  std::error_code error;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(words.text("keys"), error)) files.push_back(entry.path());
  if (error) return fail(core::Error{core::Code::world, fmt::format("{}: {}", words.text("keys"), error.message())});
  std::sort(files.begin(), files.end());
  for (const std::string& path : files) {
    auto text = read_file(path);
    auto people = text ? gpg->import(*text) : core::Result<std::vector<core::Fingerprint>>(text.error());
    if (!people) fmt::print(stderr, "mig: left out {}: {}\n", path, people.error().text);
    if (!people) continue;
    for (const auto& person : *people) {
      auto keys = keys_from(*gpg)(person);
      if (!keys) fmt::print(stderr, "mig: left out {}: {}\n", path, keys.error().text);
      if (keys && std::none_of(known.begin(), known.end(), [&](const auto& other) { return other.fingerprint == keys->fingerprint; })) known.push_back(*keys);
    }
  }
  core::Roster next = next_version(home.roster(), home.signed_roster().text, wall_now());
  std::vector<std::string> left_out;
  if (core::Status done = import_acl(*acl, known, next, left_out); !done) return fail({done.error().code, fmt::format("{}: {}", words.text("acl"), done.error().text)});
  for (const std::string& line : left_out) fmt::print(stderr, "mig: left out {}\n", printable(line));
  for (const std::string& warning : warnings(next, wall_now())) fmt::print(stderr, "mig: warning: {}\n", printable(warning));
  return write_unsigned(next, words);
}

struct Entry {
  const char* name;
  Order order;
  const core::Schema& schema;
};

int run(const std::vector<std::string>& words, Globals& globals) {
  static const core::Schema none{"roster", "", {}, {}};
  const Entry entries[] = {{"show", show, none}, {"check", check, none}, {"edit", edit_roster, edit_schema()}, {"roots", make_change, roots_schema()},
                           {"sign", sign, out_schema()}, {"publish", publish_roster, none}, {"import", import, import_schema()}};
  const std::string wanted = words.empty() ? "show" : words[0];
  for (const Entry& entry : entries) {
    if (entry.name != wanted) continue;
    auto read = read_words(entry.schema, {words.begin() + (words.empty() ? 0 : 1), words.end()});
    if (!read) return fail(read.error());
    if (read->rest.size() > 1) return fail(core::invalid(fmt::format("roster {}: '{}' is one word too many", wanted, read->rest[1])));
    auto home = globals.open_home();
    if (!home) return fail(home.error());
    return entry.order(*read, *home, globals);
  }
  return fail(core::invalid(fmt::format("roster: '{}' is no order; there are show, check, edit, roots, sign, publish and import", wanted)));
}

}  // namespace

Command roster_command() {
  return {"roster", "who may do what: show, check, edit, sign and publish it",
          "mig roster show [FILE]      people, keys, rules and limits in force, or of a file\n"
          "mig roster check [FILE]     warns of modules nobody can reach and keys about to expire (exit 1)\n"
          "mig roster publish FILE     gives a roster that enough roots have signed to the mesh\n\n" +
              core::help_text(edit_schema()) + "\n" + core::help_text(out_schema()) + "\n" + core::help_text(roots_schema()) + "\n" + core::help_text(import_schema()),
          run};
}

}  // namespace mig::investigator
