// People, a roster and actions made up in memory: what admission and roster tests start from.
#pragma once

#include <string>
#include <vector>

#include "node/core/roster.h"
#include "node/core/soft_key.h"

namespace mig::core::made_up {

constexpr WallMs day = 24LL * 3600 * 1000, minute = 60'000;
constexpr WallMs now = 20'600 * day;  // 2026-05-27
constexpr WallMs keys_made = now - 100 * day;

/// The key of a person who is called so; the same word gives the same key.
inline SoftKey key_of_person(const std::string& name) {
  return SoftKey(*Seed::from(blake2b("a person called " + name, 32)), keys_made);
}

inline Investigator person(const std::string& name, const std::vector<SigningKey>& more_keys = {}) {
  SoftKey key = key_of_person(name);
  Investigator out{name, key.fingerprint(), {key.public_key()}};
  out.keys.insert(out.keys.end(), more_keys.begin(), more_keys.end());
  return out;
}

inline MeshId mesh() { return *MeshId::from("sixteen octets !"); }

/// ann, ben and cid; nobody may do anything yet.
inline Roster roster() {
  Roster out;
  out.mesh = mesh();
  out.version = 7;
  out.issued = now - day;
  out.expires = now + 300 * day;
  for (const char* name : {"ann", "ben", "cid"}) out.investigators.push_back(person(name));
  return out;
}

/// minimum weight, then who has which weight.
inline AccessRule rule(std::uint32_t minimum, const std::vector<std::pair<std::string, std::uint32_t>>& weights) {
  AccessRule out{minimum, {}};
  for (const auto& [name, weight] : weights) out.weights[key_of_person(name).fingerprint()] = weight;
  return out;
}

inline Action action(const std::vector<std::string>& modules = {"file"}) {
  Action out;
  out.name = "is passwd there";
  out.target = "status='online'";
  for (const std::string& module : modules) out.operations.push_back({module, Json{{"searches", Json::object()}}});
  out.valid_from = now - minute;
  out.expire_after = now + 5 * minute;
  out.mesh = mesh();
  out.nonce = Bytes(16, '\x5a');
  out.roster_version = 7;
  out.reply_key.octets.fill(9);
  return out;
}

inline Bytes text_of(const Action& action) { return canonical_json(to_json(action)); }
inline Bytes text_of(const Roster& roster) { return canonical_json(to_json(roster)); }

inline SignedText signed_by(const std::vector<std::string>& names, Bytes text) {
  SignedText out{std::move(text), {}};
  for (const std::string& name : names)
    out.signatures.push_back(key_of_person(name).sign(action_signing_text(out.text), now - minute));
  return out;
}

template <class T>
std::string why(const Result<T>& result) {
  return result ? "accepted" : result.error().text;
}

}  // namespace mig::core::made_up
