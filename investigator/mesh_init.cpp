#include "investigator/mesh_init.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "investigator/action_text.h"
#include "investigator/files.h"
#include "investigator/roster_file.h"
#include "investigator/signed_file.h"
#include "node/core/limits.h"

namespace mig::investigator {
namespace {

// Rights are taken away by newer rosters and stop documents; this end is for nodes that nobody feeds any more.
constexpr core::WallMs roster_life_ms = 10LL * 365 * 24 * 3600 * 1000;
constexpr std::size_t file_bytes = 4 * core::limits::roster_bytes;

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

std::string to_text(const Founding& founding) {
  return core::pretty_json({{"trust", core::to_json(founding.trust)}, {"roster", *core::parse_json(write_signed(founding.roster), file_bytes)}}) + "\n";
}

core::Result<Founding> read_founding(const std::string& path) {
  auto text = read_named(path);
  if (!text) return text.error();
  auto json = core::parse_json(*text, file_bytes);
  if (json && (!json->is_object() || json->size() != 2 || !json->contains("trust") || !json->contains("roster")))
    json = core::invalid("it is no founding document of `mig mesh init`");
  auto trust = json ? core::trust_from_json((*json)["trust"]) : core::Result<core::Trust>(json.error());
  auto roster = trust ? read_signed((*json)["roster"]) : core::Result<core::SignedText>(trust.error());
  auto parsed = roster ? core::parse_roster(roster->text) : core::Result<core::Roster>(roster.error());
  if (parsed && (parsed->mesh != trust->mesh || parsed->version != 1)) parsed = core::refused("its roster is not the first one of its mesh");
  if (!parsed) return core::Error{parsed.error().code, fmt::format("{}: {}", path, parsed.error().text)};
  return Founding{*std::move(trust), *std::move(roster)};
}

core::Status complete(const Founding& founding) {
  auto holds = core::verify_roster(founding.roster, founding.trust, wall_now());
  return holds ? core::Status(core::Done{}) : holds.error();
}

core::Status add_root(Founding& founding, const Gpg& gpg, const std::string& person) {
  auto who = gpg.secret_key(person);
  if (!who) return who.error();
  auto keys = gpg.signing_keys(who->fingerprint);
  if (!keys) return keys.error();
  const auto is_root = [&](const core::SigningKey& key) {
    return std::any_of(founding.trust.roots.begin(), founding.trust.roots.end(), [&](const auto& root) { return root.fingerprint == key.fingerprint; });
  };
  if (std::none_of(keys->begin(), keys->end(), is_root)) return core::refused(fmt::format("{} is no root of mesh {}", who->user, founding.trust.name));
  return add_signature(gpg, who->fingerprint, core::roster_signing_text(founding.roster.text), founding.roster.signatures);
}

core::Result<Founding> begin_mesh(const NewMesh& mesh, const core::Seed& enroller) {
  if (core::Status fine = check_name(mesh.name); !fine) return fine.error();
  auto gpg = Gpg::open(mesh.gnupg_home);
  if (!gpg) return gpg.error();
  auto person = gpg->secret_key(mesh.key);
  if (!person) return person.error();
  auto keys = gpg->signing_keys(person->fingerprint);
  if (!keys) return keys.error();
  if (auto readable = gpg->encrypt("?", {person->fingerprint}); !readable) return readable.error();

  Founding out;
  out.trust.name = mesh.name;
  out.trust.threshold = mesh.threshold;
  for (const std::string& word : mesh.roots) {
    auto root = root_key_of(*gpg, word);
    if (!root) return root.error();
    out.trust.roots.push_back(*root);
  }
  if (mesh.roots.empty()) out.trust.roots = *keys;
  out.trust.mesh = core::mesh_id_of(out.trust.roots, out.trust.threshold);
  if (auto fine = core::trust_from_json(core::to_json(out.trust)); !fine) return fine.error();
  out.roster.text = core::canonical_json(core::to_json(first_roster(out.trust, *person, *keys, enroller)));
  // As many as are needed, of those whose secret keys are here.
  for (const std::string& word : mesh.roots.empty() ? std::vector<std::string>{mesh.key} : mesh.roots) {
    if (out.roster.signatures.size() >= mesh.threshold) break;
    if (!gpg->secret_key(word)) continue;
    if (core::Status added = add_root(out, *gpg, word); !added) return added.error();
  }
  return out;
}

core::Result<Home> found_mesh(const std::string& dir, const NewMesh& mesh, const Founding& founding, const std::optional<core::Seed>& enroller) {
  if (core::Status enough = complete(founding); !enough) return enough.error();
  Config config;
  config.mesh = founding.trust.name;
  config.gnupg_home = mesh.gnupg_home.empty() ? "" : std::filesystem::absolute(mesh.gnupg_home).lexically_normal().string();
  auto gpg = Gpg::open(config.gnupg_home);
  if (!gpg) return gpg.error();
  auto person = gpg->secret_key(mesh.key);
  if (!person) return person.error();
  config.key = person->fingerprint;
  return Home::create(dir, config, founding.trust, founding.roster, enroller);
}

core::Result<Home> make_mesh(const std::string& dir, const NewMesh& mesh) {
  if (read_file(dir + "/trust.json"))
    return core::refused(fmt::format("{}: there is a mesh already; set MIG_HOME to another directory (this one is not "
                                     "overwritten)", dir));
  const core::Seed enroller = fresh_seed();
  auto founding = begin_mesh(mesh, enroller);
  if (!founding) return founding.error();
  return found_mesh(dir, mesh, *founding, enroller);
}

}  // namespace mig::investigator
