#include "investigator/mesh_init.h"

#include <fmt/format.h>

#include <cctype>
#include <filesystem>

#include "investigator/files.h"
#include "node/core/limits.h"

namespace mig::investigator {
namespace {

// Rights are taken away by newer rosters and stop documents; this end is for nodes that nobody feeds any more.
constexpr core::WallMs roster_life_ms = 10LL * 365 * 24 * 3600 * 1000;

core::Status check_name(const std::string& name) {
  bool fine = !name.empty() && name.size() <= core::limits::name_bytes;
  for (unsigned char c : name) fine = fine && (std::isalnum(c) || c == '.' || c == '_' || c == '-');
  if (fine) return core::Done{};
  return core::invalid(fmt::format("--name: '{}' is no name for a mesh; use up to {} letters, digits, dots, dashes", name,
                                   core::limits::name_bytes));
}

core::Roster first_roster(const core::Trust& trust, const PersonKey& person, const std::vector<core::SigningKey>& keys,
                          const core::Seed& enroller) {
  core::Roster roster;
  roster.mesh = trust.mesh;
  roster.version = 1;
  roster.issued = wall_now() / 1000 * 1000;
  roster.expires = roster.issued + roster_life_ms;
  roster.investigators.push_back({person.user.empty() ? person.fingerprint : person.user, person.fingerprint, keys});
  roster.access["default"] = core::AccessRule{1, {{person.fingerprint, 1}}};
  roster.enrollers.push_back(core::Keys(enroller).sign_public());
  return roster;
}

}  // namespace

core::Result<Home> make_mesh(const std::string& dir, const NewMesh& mesh) {
  if (core::Status fine = check_name(mesh.name); !fine) return fine.error();
  if (read_file(dir + "/trust.json"))
    return core::refused(fmt::format("{}: there is a mesh already; set MIG_HOME to another directory (this one is not "
                                     "overwritten)", dir));
  std::string gnupg_home = mesh.gnupg_home;
  if (!gnupg_home.empty()) gnupg_home = std::filesystem::absolute(gnupg_home).lexically_normal().string();
  auto gpg = Gpg::open(gnupg_home);
  if (!gpg) return gpg.error();
  auto person = gpg->secret_key(mesh.key);
  if (!person) return person.error();
  auto keys = gpg->signing_keys(person->fingerprint);
  if (!keys) return keys.error();
  if (auto readable = gpg->encrypt("?", {person->fingerprint}); !readable) return readable.error();

  core::Trust trust;
  trust.name = mesh.name;
  trust.roots = *keys;
  trust.threshold = 1;
  trust.mesh = core::mesh_id_of(trust.roots, trust.threshold);
  core::Seed enroller = fresh_seed();
  core::SignedText roster;
  roster.text = core::canonical_json(core::to_json(first_roster(trust, *person, *keys, enroller)));
  auto signature = gpg->sign(core::roster_signing_text(roster.text), person->fingerprint);
  if (!signature) return signature.error();
  roster.signatures.push_back(*signature);
  Config config;
  config.mesh = mesh.name;
  config.key = person->fingerprint;
  config.gnupg_home = gnupg_home;
  return Home::create(dir, config, trust, roster, enroller);
}

}  // namespace mig::investigator
