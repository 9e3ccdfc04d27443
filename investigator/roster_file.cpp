#include "investigator/roster_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "investigator/action_text.h"
#include "investigator/signed_file.h"
#include "node/core/limits.h"

namespace mig::investigator {
namespace {

core::Error in_file(const std::string& path, const core::Error& error) { return {error.code, fmt::format("{}: {}", path, error.text)}; }

core::Result<core::Json> load_json(const std::string& path) {
  auto text = read_named(path);
  if (!text) return text.error();
  auto json = core::parse_json(*text, 4 * core::limits::roster_bytes);
  if (!json) return in_file(path, json.error());
  return json;
}

}  // namespace

core::Result<RosterFile> load_roster(const std::string& path) {
  auto json = load_json(path);
  if (!json) return json.error();
  auto signed_text = read_signed(*json);
  if (!signed_text) return in_file(path, signed_text.error());
  auto roster = core::parse_roster(signed_text->text);
  if (!roster) return in_file(path, roster.error());
  return RosterFile{*signed_text, *roster};
}

core::Result<core::RootChange> load_change(const std::string& path) {
  auto json = load_json(path);
  if (!json) return json.error();
  auto change = core::root_change_from_json(*json);
  if (!change) return in_file(path, change.error());
  return change;
}

bool is_change(const std::string& path) {
  auto json = path == "-" ? core::Result<core::Json>(core::invalid("")) : load_json(path);
  return json && json->is_object() && json->contains("roots") && json->contains("threshold");
}

std::string signed_so_far(const std::vector<core::Bytes>& signatures, core::BytesView text, const core::Trust& roots, core::WallMs now) {
  std::string out;
  std::set<core::Fingerprint> good;
  for (const core::Bytes& signature : signatures) {
    auto packet = core::read_signature(signature);
    const auto root = std::find_if(roots.roots.begin(), roots.roots.end(), [&](const auto& key) { return packet && key.fingerprint == packet->issuer; });
    if (root == roots.roots.end()) continue;
    core::Status holds = core::verify_signature(*packet, text, *root, now);
    out += fmt::format("  root {}{}\n", root->fingerprint, holds ? "" : ": " + holds.error().text);
    if (holds) good.insert(root->fingerprint);
  }
  return out + fmt::format("  signed by {} of {} roots; {} are needed\n", good.size(), roots.roots.size(), roots.threshold);
}

core::Status add_signature_of(const Home& home, core::BytesView text, std::vector<core::Bytes>& signatures) {
  auto gpg = home.gpg();
  return gpg ? add_signature(*gpg, home.config().key, text, signatures) : core::Status(gpg.error());
}

core::Status add_signature(const Gpg& gpg, const core::Fingerprint& person, core::BytesView text, std::vector<core::Bytes>& signatures) {
  auto fresh = gpg.sign(text, person);
  if (!fresh) return fresh.error();
  const auto issuer = core::read_signature(*fresh)->issuer;
  std::erase_if(signatures, [&](const core::Bytes& held) {
    auto packet = core::read_signature(held);
    return packet && packet->issuer == issuer;
  });
  if (signatures.size() >= core::limits::signatures) return core::Error{core::Code::too_large, fmt::format("at most {} signatures are carried", core::limits::signatures)};
  signatures.push_back(*fresh);
  return core::Done{};
}

KeysOf keys_from(const Gpg& gpg) {
  return [gpg](const std::string& word) -> core::Result<PersonKeys> {
    auto person = gpg.person(word);
    if (!person) return person.error();
    auto keys = gpg.signing_keys(person->fingerprint);
    if (!keys) return keys.error();
    return PersonKeys{person->user.empty() ? person->fingerprint : person->user, person->fingerprint, *keys};
  };
}

core::Result<core::SigningKey> root_key_of(const Gpg& gpg, const std::string& word) {
  auto person = keys_from(gpg)(word);
  if (!person) return person.error();
  return *std::max_element(person->keys.begin(), person->keys.end(), [](const auto& a, const auto& b) { return a.not_before < b.not_before; });
}

}  // namespace mig::investigator
