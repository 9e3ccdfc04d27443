// mig mesh: makes a mesh, and says what is in force in the one of this home.
#include <fmt/format.h>

#include <cstdio>
#include <tuple>

#include "investigator/action_text.h"
#include "investigator/commands/command.h"
#include "investigator/files.h"
#include "investigator/mesh_init.h"
#include "investigator/roster_file.h"

namespace mig::investigator {
namespace {

core::Field key_field() { return {.name = "key", .help = "Fingerprint (or part of the user id) of your own signing key.", .flag = "key", .required = true}; }
core::Field gnupg_field() { return {.name = "gnupg_home", .help = "Directory of gpg, if not GNUPGHOME or gpg's own.", .flag = "gnupg-home"}; }

const core::Schema& init_schema() {
  static const core::Schema schema = [] {
    core::Field name{.name = "name", .help = "Label of the mesh.", .flag = "name", .example = "demo", .required = true};
    core::Field root{.name = "root", .type = core::Type::texts, .help = "Person whose key is a root; repeat. Default: your own.", .flag = "root"};
    core::Field threshold{.name = "threshold", .type = core::Type::integer, .help = "How many roots must sign a roster.", .flag = "threshold", .fallback = 1, .low = 1, .high = 16};
    return core::Schema{"mesh init", "Makes a mesh in MIG_HOME: roots, the first roster, the enroller's key.",
                        {name, key_field(), root, threshold, gnupg_field()},
                        {{"mig mesh init --name demo --key ada@example.org", "The person is root and investigator."},
                         {"mig mesh init --name demo --key ada@ --root ada@ --root bob@ --root eve@ --threshold 2",
                          "Two of three sign every roster; gpg needs the public keys of all. Whose secret key is elsewhere signs there (mig mesh sign)."}}};
  }();
  return schema;
}
const core::Schema& sign_schema() {
  static const core::Schema schema{"mesh sign", "Adds a root's signature to the founding document of a mesh; no mesh is needed here yet.",
                                   {key_field(), gnupg_field(), core::Field{.name = "out", .help = "File to write; default: stdout.", .flag = "o"}}, {}};
  return schema;
}
const core::Schema& found_schema() {
  static const core::Schema schema{"mesh found", "Makes MIG_HOME from a founding document that enough roots have signed: where it was begun, and for the other roots too.",
                                   {key_field(), gnupg_field()}, {}};
  return schema;
}

int tell_founded(const Home& home) {
  fmt::print("mesh {} {} in {}\n", home.trust().name, home.trust().mesh.hex(), home.dir());
  if (!home.enroller_seed()) return 0;
  fmt::print(stderr, "Next, the join string of the first relay: mig invite --role enroller --endpoint tcp://HOST:PORT\n"
                     "Keep a copy of {}: whoever has enroller.seed can let nodes in.\n", home.dir());
  return 0;
}

int init(const Words& words, Globals& globals) {
  if (!words.rest.empty()) return fail(core::invalid(fmt::format("mesh init: '{}' is one word too many", words.rest[0])));
  const std::string dir = Home::path_of(globals.home), draft = dir + "/founding.json";
  NewMesh mesh{words.text("name"), words.text("key"), words.text("gnupg_home"), {}, words.options["threshold"].get<std::uint32_t>()};
  if (words.has("root")) mesh.roots = words.options["root"].get<std::vector<std::string>>();
  if (mesh.roots.size() < 2) {
    auto home = make_mesh(dir, mesh);
    return home ? tell_founded(*home) : fail(home.error());
  }
  for (const char* name : {"/trust.json", "/founding.json"})
    if (read_file(dir + name)) return fail(core::refused(fmt::format("{}{}: there is a mesh already, or one was begun; set MIG_HOME to another directory", dir, name)));
  const core::Seed enroller = fresh_seed();
  auto founding = begin_mesh(mesh, enroller);
  if (!founding) return fail(founding.error());
  if (complete(*founding)) {
    auto home = found_mesh(dir, mesh, *founding, enroller);
    return home ? tell_founded(*home) : fail(home.error());
  }
  core::Status kept = make_private_dir(dir);
  if (kept) kept = write_private(dir + "/enroller.seed", enroller.hex() + "\n");
  if (kept) kept = write_private(draft, to_text(*founding));
  if (!kept) return fail(kept.error());
  fmt::print("{}: the roots must sign it before there is a mesh\n{}", draft, signed_so_far(founding->roster.signatures, core::roster_signing_text(founding->roster.text), founding->trust, wall_now()));
  fmt::print(stderr, "Next, each on a machine of their own: mig mesh sign FILE --key THEIRS -o FILE\nThen here: mig mesh found FILE --key {}\n", mesh.key);
  return 0;
}

int sign(const Words& words, Globals& globals) {
  if (words.rest.size() != 1) return fail(core::invalid("mesh sign: give one FILE"));
  auto founding = read_founding(words.rest[0]);
  if (!founding) return fail(founding.error());
  auto gpg = Gpg::open(words.text("gnupg_home"));
  if (!gpg) return fail(gpg.error());
  fmt::print(stderr, "You are about to sign the founding of mesh {} {}.\n{} of these must sign every roster:\n", founding->trust.name, founding->trust.mesh.hex(), founding->trust.threshold);
  for (const auto& root : founding->trust.roots) fmt::print(stderr, "  {}\n", root.fingerprint);
  fmt::print(stderr, "Its first roster:\n{}", describe(*core::parse_roster(founding->roster.text), wall_now()));
  auto yes = agreed(fmt::format("Sign it as {}?", words.text("key")), globals);
  if (!yes) return fail(yes.error());
  if (!*yes) return fail(core::refused("not signed"));
  if (core::Status added = add_root(*founding, *gpg, words.text("key")); !added) return fail(added.error());
  fmt::print(stderr, "{}", signed_so_far(founding->roster.signatures, core::roster_signing_text(founding->roster.text), founding->trust, wall_now()));
  core::Status written = write_named(words.text("out"), to_text(*founding));
  return written ? 0 : fail(written.error());
}

int found(const Words& words, Globals& globals) {
  if (words.rest.size() != 1) return fail(core::invalid("mesh found: give one FILE"));
  const std::string dir = Home::path_of(globals.home), draft = dir + "/founding.json";
  auto founding = read_founding(words.rest[0]);
  if (!founding) return fail(founding.error());
  std::optional<core::Seed> enroller;
  if (read_file(draft)) {  // it was begun here
    auto begun = read_founding(draft);
    if (!begun) return fail(begun.error());
    if (begun->roster.text != founding->roster.text) return fail(core::refused(fmt::format("{}: another mesh was begun in {}", words.rest[0], dir)));
    auto seed = read_seed(dir + "/enroller.seed");
    if (!seed) return fail(seed.error());
    enroller = *seed;
  }
  auto home = found_mesh(dir, {"", words.text("key"), words.text("gnupg_home"), {}, 1}, *founding, enroller);
  if (!home) return fail(home.error());
  std::remove(draft.c_str());
  return tell_founded(*home);
}

std::string state_of(const core::Investigator& person) { return person.active ? "" : " (not active)"; }

int show(Globals& globals) {
  auto home = globals.open_home();
  if (!home) return fail(home.error());
  const core::Roster& roster = home->roster();
  auto roots = core::follow_roots(home->trust(), roster.root_changes, wall_now());
  if (!roots) return fail(roots.error());
  fmt::print("mesh     {} {}\nhome     {}{}\nroots    {} of {} must sign\n", home->trust().name, home->trust().mesh.hex(),
             home->dir(), home->enroller_seed() ? " (with the enroller's key)" : "", roots->threshold,
             roots->roots.size());
  for (const core::SigningKey& root : roots->roots) fmt::print("         {}\n", root.fingerprint);
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
  const std::tuple<const char*, int (*)(const Words&, Globals&), const core::Schema&> orders[] = {
      {"init", init, init_schema()}, {"sign", sign, sign_schema()}, {"found", found, found_schema()}};
  for (const auto& [name, order, schema] : orders) {
    if (words[0] != name) continue;
    auto read = read_words(schema, {words.begin() + 1, words.end()});
    return read ? order(*read, globals) : fail(read.error());
  }
  return fail(core::invalid(fmt::format("mesh: '{}' is no order; there are init, sign, found and show", words[0])));
}

}  // namespace

Command mesh_command() {
  return {"mesh", "make a mesh, or show what is in force in yours",
          "mig mesh show    who may do what in the mesh of this home\n\n" + core::help_text(init_schema()) + "\n" + core::help_text(sign_schema()) + "\n" + core::help_text(found_schema()), run};
}

}  // namespace mig::investigator
