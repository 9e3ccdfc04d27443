#include "node/core/roster.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "node/core/limits.h"

namespace mig::core {
namespace {

/// Before anything is parsed.
Status check_bounds(const std::vector<Bytes>& signatures) {
  if (signatures.empty()) return refused("signature: there is none");
  if (signatures.size() > limits::signatures)
    return Error{Code::too_large,
                 fmt::format("signature: {} of them; at most {} are allowed", signatures.size(), limits::signatures)};
  for (const Bytes& signature : signatures)
    if (signature.size() > limits::signature_bytes)
      return Error{Code::too_large, fmt::format("signature: {} bytes; at most {} are allowed", signature.size(),
                                                limits::signature_bytes)};
  return Done{};
}

/// Says which one it is when there are several: "signature: ..." becomes "signature 2 of 3: ...".
Error numbered(Error error, std::size_t index, std::size_t count) {
  constexpr std::string_view lead = "signature: ";
  if (count > 1 && error.text.rfind(lead, 0) == 0)
    error.text = fmt::format("signature {} of {}: {}", index + 1, count, error.text.substr(lead.size()));
  return error;
}

Result<const Investigator*> check_signer(BytesView signing_text, BytesView signature, const Roster& roster,
                                         WallMs now) {
  Result<SignaturePacket> packet = read_signature(signature);
  if (!packet) return packet.error();
  const SigningKey* key = nullptr;
  const Investigator* person = roster.by_key(packet->issuer, &key);
  if (person == nullptr)
    return refused(fmt::format("signature: made by key {}, which roster {} does not hold", packet->issuer,
                               roster.version));
  if (!person->active)
    return refused(fmt::format("signature: made by {}, whose rights roster {} revokes", person->name, roster.version));
  if (Status ok = verify_signature(*packet, signing_text, *key, now); !ok) return ok.error();
  return person;
}

Status check_roster_window(const Roster& roster, WallMs now) {
  if (roster.issued > now + limits::clock_skew_ms)
    return refused(fmt::format("roster: issued {}, which is {} in the future by this clock", to_rfc3339(roster.issued),
                               rough_span(roster.issued - now)));
  if (now > roster.expires)
    return refused(fmt::format("roster: expired {}, {} ago by this clock", to_rfc3339(roster.expires),
                               rough_span(now - roster.expires)));
  return Done{};
}

/// `now` may be a little early: clocks differ. An end that has passed is judged strictly.
Status check_window(const Action& action, const Roster& roster, WallMs now) {
  WallMs life = roster.action_life_ms != 0 ? std::min(roster.action_life_ms, limits::action_life_ms)
                                           : limits::action_life_ms;
  if (action.expire_after - action.valid_from > life)
    return refused(fmt::format("action: valid for {}; the roster allows {}",
                               rough_span(action.expire_after - action.valid_from), rough_span(life)));
  if (now > action.expire_after)
    return refused(fmt::format("action: expired {} ago by this clock", rough_span(now - action.expire_after)));
  if (now + limits::clock_skew_ms < action.valid_from)
    return refused(fmt::format("action: not valid before {}, {} from now by this clock", to_rfc3339(action.valid_from),
                               rough_span(action.valid_from - now)));
  return Done{};
}

Status check_operation(const std::string& module, const std::vector<const Investigator*>& signers,
                       const Roster& roster) {
  auto rule = roster.access.find(module);
  if (rule == roster.access.end()) rule = roster.access.find("default");
  if (rule == roster.access.end())
    return refused(fmt::format("access: the roster has no rule for {} and no default", module));
  std::uint32_t minimum = rule->second.minimum_weight;
  if (minimum < 1) return refused(fmt::format("access: the roster closes {} to everyone (minimumweight 0)", module));
  std::set<Fingerprint> counted;
  std::uint64_t weight = 0;
  for (const Investigator* signer : signers) {
    auto held = rule->second.weights.find(signer->fingerprint);
    if (held != rule->second.weights.end() && counted.insert(signer->fingerprint).second) weight += held->second;
  }
  if (weight < minimum) return refused(fmt::format("weight {} of {} for {}", weight, minimum, module));
  return Done{};
}

}  // namespace

const Investigator* Roster::by_fingerprint(const Fingerprint& primary) const {
  for (const Investigator& person : investigators)
    if (person.fingerprint == primary) return &person;
  return nullptr;
}

const Investigator* Roster::by_key(const Fingerprint& key, const SigningKey** found) const {
  for (const Investigator& person : investigators)
    for (const SigningKey& held : person.keys)
      if (held.fingerprint == key) {
        *found = &held;
        return &person;
      }
  return nullptr;
}

Bytes roster_signing_text(BytesView canonical_text) { return Bytes("MIG Mesh roster 1\n").append(canonical_text); }

Result<Roster> verify_roster(const SignedText& signed_roster, const Trust& trust, WallMs now) {
  if (signed_roster.text.size() > limits::roster_bytes)
    return Error{Code::too_large, fmt::format("roster: {} bytes; at most {} are allowed", signed_roster.text.size(),
                                              limits::roster_bytes)};
  if (Status ok = check_bounds(signed_roster.signatures); !ok) return ok.error();
  const Bytes text = roster_signing_text(signed_roster.text);
  const std::size_t count = signed_roster.signatures.size();
  std::set<Fingerprint> signed_by;  // each root counts once, however often it signed
  for (std::size_t i = 0; i < count; ++i) {
    Result<SignaturePacket> packet = read_signature(signed_roster.signatures[i]);
    if (!packet) return numbered(packet.error(), i, count);
    auto root = std::find_if(trust.roots.begin(), trust.roots.end(),
                             [&](const SigningKey& key) { return key.fingerprint == packet->issuer; });
    if (root == trust.roots.end()) continue;  // worth nothing here; when roots change, the new ones sign too
    if (Status ok = verify_signature(*packet, text, *root, now); !ok) return numbered(ok.error(), i, count);
    signed_by.insert(root->fingerprint);
  }
  if (signed_by.empty() || signed_by.size() < trust.threshold)
    return refused(fmt::format("roster: signed by {} of this mesh's {} roots; {} are needed", signed_by.size(),
                               trust.roots.size(), trust.threshold));
  Result<Roster> roster = parse_roster(signed_roster.text);
  if (!roster) return roster.error();
  if (roster->mesh != trust.mesh)
    return refused(fmt::format("roster: of mesh {}, not of {}", roster->mesh.brief(), trust.mesh.brief()));
  if (Status ok = check_roster_window(*roster, now); !ok) return ok.error();
  return roster;
}

Result<std::vector<const Investigator*>> check_signers(BytesView signing_text, const std::vector<Bytes>& signatures,
                                                       const Roster& roster, WallMs now) {
  if (Status ok = check_bounds(signatures); !ok) return ok.error();
  std::vector<const Investigator*> people;
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    Result<const Investigator*> person = check_signer(signing_text, signatures[i], roster, now);
    if (!person) return numbered(person.error(), i, signatures.size());
    if (std::find(people.begin(), people.end(), *person) == people.end()) people.push_back(*person);
  }
  return people;
}

Status check_access(const Action& action, const std::vector<const Investigator*>& signers, const Roster& roster) {
  if (action.operations.empty()) return refused("access: an action without operations asks for nothing");
  for (const Operation& operation : action.operations)
    if (Status ok = check_operation(operation.module, signers, roster); !ok) return ok;
  return Done{};
}

Result<Admission> admit(const SignedText& signed_action, const Roster& roster, WallMs now, Purpose purpose) {
  if (signed_action.text.size() > limits::action_bytes)
    return Error{Code::too_large, fmt::format("action: {} bytes; at most {} are allowed", signed_action.text.size(),
                                              limits::action_bytes)};
  if (now > roster.expires)
    return Error{Code::later, fmt::format("roster: version {} expired {} ago by this clock; a newer one is needed",
                                          roster.version, rough_span(now - roster.expires))};
  auto signers = check_signers(action_signing_text(signed_action.text), signed_action.signatures, roster, now);
  if (!signers) return signers.error();
  Result<Action> action = parse_action(signed_action.text);
  if (!action) return action.error();
  if (action->mesh != roster.mesh)
    return refused(fmt::format("action: for mesh {}, not for {}", action->mesh.brief(), roster.mesh.brief()));
  const bool late = purpose == Purpose::keep && now > action->expire_after && now <= action->result_by();
  if (Status ok = check_window(*action, roster, late ? action->expire_after : now); !ok) return ok.error();
  if (action->roster_version > roster.version)
    return Error{Code::later, fmt::format("action: wants roster {} or newer; version {} is held here",
                                          action->roster_version, roster.version)};
  if (Status ok = check_access(*action, *signers, roster); !ok) return ok.error();
  Admission out{*std::move(action), {}};
  for (const Investigator* signer : *signers) out.signers.push_back(signer->fingerprint);
  return out;
}

}  // namespace mig::core
