#include "node/core/roster.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "node/core/limits.h"

namespace mig::core {

const Investigator* Roster::by_fingerprint(const Fingerprint& primary) const {
  for (const auto& person : investigators)
    if (person.fingerprint == primary) return &person;
  return nullptr;
}

const Investigator* Roster::by_key(const Fingerprint& key, const SigningKey** found) const {
  for (const auto& person : investigators)
    for (const auto& held : person.keys)
      if (held.fingerprint == key) {
        *found = &held;
        return &person;
      }
  return nullptr;
}

Bytes roster_signing_text(BytesView canonical_text) { return "MIG Mesh roster 1\n" + Bytes(canonical_text); }

namespace {

Status check_bounds(const std::vector<Bytes>& signatures) {
  if (signatures.empty()) return refused("signature: there is none");
  if (signatures.size() > limits::signatures)
    return Error{Code::too_large, fmt::format("signature: {} of them; at most {} are allowed", signatures.size(), limits::signatures)};
  for (const auto& signature : signatures)
    if (signature.size() > limits::signature_bytes)
      return Error{Code::too_large, fmt::format("signature: {} octets; at most {} are allowed", signature.size(), limits::signature_bytes)};
  return Done{};
}

std::string ago(WallMs ms) { return format_duration(Duration::seconds(ms / 1000)); }

/// `now` may be a little early: clocks differ. An end that has passed is judged strictly.
Status check_window(const Action& action, const Roster& roster, WallMs now) {
  const WallMs life = roster.action_life_ms != 0 ? roster.action_life_ms : limits::action_life_ms;
  if (action.expire_after - action.valid_from > life)
    return refused(fmt::format("window: the action is valid for {}, and the roster allows {}", ago(action.expire_after - action.valid_from), ago(life)));
  if (now > action.expire_after) return refused(fmt::format("expired {} ago by this clock", ago(now - action.expire_after)));
  if (now + limits::clock_skew_ms < action.valid_from)
    return refused(fmt::format("not valid before {}; this clock says {}", to_rfc3339(action.valid_from), to_rfc3339(now)));
  return Done{};
}

}  // namespace

Result<Roster> verify_roster(const SignedText& signed_roster, const Trust& trust, WallMs now) {
  if (signed_roster.text.size() > limits::roster_bytes) return Error{Code::too_large, "roster: larger than 192 KiB"};
  if (Status ok = check_bounds(signed_roster.signatures); !ok) return ok.error();
  const Bytes text = roster_signing_text(signed_roster.text);
  std::set<Fingerprint> roots;  // each root counts once, however often it signed
  std::string trouble = "roster: no root has signed it";
  for (const auto& bytes : signed_roster.signatures) {
    auto packet = read_signature(bytes);
    if (!packet) return packet.error();
    auto root = std::find_if(trust.roots.begin(), trust.roots.end(), [&](const SigningKey& key) { return key.fingerprint == packet->issuer; });
    if (root == trust.roots.end()) {
      trouble = "roster: signed by " + packet->issuer + ", which is no root of this mesh";
      continue;
    }
    if (Status ok = verify_signature(*packet, text, *root, now); !ok) return ok.error();
    roots.insert(root->fingerprint);
  }
  if (roots.empty()) return refused(trouble);
  if (roots.size() < trust.threshold) return refused(fmt::format("roster: {} of {} roots have signed", roots.size(), trust.threshold));
  auto roster = parse_roster(signed_roster.text);
  if (!roster) return roster.error();
  if (roster->mesh != trust.mesh) return refused("roster: it is for another mesh");
  if (roster->issued > now + limits::clock_skew_ms) return refused("roster: issued in the future of this clock");
  if (now > roster->expires) return refused(fmt::format("roster: expired {} ago by this clock", ago(now - roster->expires)));
  return roster;
}

Result<std::vector<const Investigator*>> check_signers(BytesView signing_text, const std::vector<Bytes>& signatures, const Roster& roster, WallMs now) {
  if (Status ok = check_bounds(signatures); !ok) return ok.error();
  std::vector<const Investigator*> people;
  for (const auto& bytes : signatures) {
    auto packet = read_signature(bytes);
    if (!packet) return packet.error();
    const SigningKey* key = nullptr;
    const Investigator* person = roster.by_key(packet->issuer, &key);
    if (!person) return refused("signature: made by " + packet->issuer + ", a key that is not in the roster");
    if (!person->active) return refused("signature: made by " + person->name + ", whose rights are revoked");
    if (Status ok = verify_signature(*packet, signing_text, *key, now); !ok) return ok.error();
    if (std::find(people.begin(), people.end(), person) == people.end()) people.push_back(person);
  }
  return people;
}

Status check_access(const Action& action, const std::vector<const Investigator*>& signers, const Roster& roster) {
  for (const auto& operation : action.operations) {
    auto rule = roster.access.find(operation.module);
    if (rule == roster.access.end()) rule = roster.access.find("default");
    if (rule == roster.access.end())
      return refused(fmt::format("access: the roster has no rule for {} and no default", operation.module));
    if (rule->second.minimum_weight < 1) return refused(fmt::format("access: nobody may use {}", operation.module));
    std::set<Fingerprint> counted;
    std::uint64_t weight = 0;
    for (const auto* signer : signers) {
      auto held = rule->second.weights.find(signer->fingerprint);
      if (held != rule->second.weights.end() && counted.insert(signer->fingerprint).second) weight += held->second;
    }
    if (weight < rule->second.minimum_weight)
      return refused(fmt::format("weight {} of {} for {}", weight, rule->second.minimum_weight, operation.module));
  }
  return Done{};
}

Result<Admission> admit(const SignedText& signed_action, const Roster& roster, WallMs now) {
  if (signed_action.text.size() > limits::action_bytes)
    return Error{Code::too_large, fmt::format("action: {} octets; at most {} are allowed, larger content travels as attachments", signed_action.text.size(), limits::action_bytes)};
  if (now > roster.expires) return refused("roster: the one held here has expired; nothing is admitted until a newer one comes");
  auto signers = check_signers(action_signing_text(signed_action.text), signed_action.signatures, roster, now);
  if (!signers) return signers.error();
  auto action = parse_action(signed_action.text);
  if (!action) return action.error();
  if (action->mesh != roster.mesh) return refused("action: it is for another mesh");
  if (Status ok = check_window(*action, roster, now); !ok) return ok.error();
  if (action->roster_version > roster.version)
    return Error{Code::later, fmt::format("action: it wants roster {}, and {} is held here", action->roster_version, roster.version)};
  if (Status ok = check_access(*action, *signers, roster); !ok) return ok.error();
  Admission admission{std::move(*action), {}};
  for (const auto* signer : *signers) admission.signers.push_back(signer->fingerprint);
  return admission;
}

}  // namespace mig::core
