#include "node/core/roster.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "node/core/limits.h"
#include "node/core/target.h"

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
    return refused(fmt::format("signature: made by key {}, which roster {} does not hold or a stop took away", packet->issuer,
                               roster.version));
  if (!person->active)
    return refused(fmt::format("signature: made by {}, whose rights roster {} or a stop revokes", person->name, roster.version));
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
  const AccessRule* rule = roster.rule_of(module);
  if (rule == nullptr)
    return refused(module == by_own_rule_only ? fmt::format("access: the roster has no rule for {}, and no default opens it", module)
                                              : fmt::format("access: the roster has no rule for {} and no default", module));
  std::uint32_t minimum = rule->minimum_weight;
  if (minimum < 1) return refused(fmt::format("access: the roster closes {} to everyone (minimumweight 0)", module));
  std::set<Fingerprint> counted;
  std::uint64_t weight = 0;
  for (const Investigator* signer : signers) {
    auto held = rule->weights.find(signer->fingerprint);
    if (held != rule->weights.end() && counted.insert(signer->fingerprint).second) weight += held->second;
  }
  if (weight < minimum) return refused(fmt::format("weight {} of {} for {}", weight, minimum, module));
  return Done{};
}

/// Distinct roots of `trust` that validly signed. A packet of a key that is no root is worth nothing here; a root's own
/// that does not hold refuses everything. `in_the_past`: judge each at the time it was made.
Result<std::size_t> count_roots(const std::vector<Bytes>& signatures, BytesView text, const Trust& trust, WallMs now, bool in_the_past) {
  if (Status ok = check_bounds(signatures); !ok) return ok.error();
  std::set<Fingerprint> signed_by;
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    Result<SignaturePacket> packet = read_signature(signatures[i]);
    if (!packet) return numbered(packet.error(), i, signatures.size());
    auto root = std::find_if(trust.roots.begin(), trust.roots.end(),
                             [&](const SigningKey& key) { return key.fingerprint == packet->issuer; });
    if (root == trust.roots.end()) continue;
    const WallMs at = in_the_past ? std::min(now, packet->created) : now;
    if (Status ok = verify_signature(*packet, text, *root, at); !ok) return numbered(ok.error(), i, signatures.size());
    signed_by.insert(root->fingerprint);
  }
  return signed_by.size();
}

Status check_threshold(const char* what, const char* whose, std::size_t count, const Trust& trust) {
  if (count > 0 && count >= trust.threshold) return Done{};
  return refused(fmt::format("{}: signed by {} of {} {} roots; {} are needed", what, count, whose, trust.roots.size(), trust.threshold));
}

}  // namespace

const AccessRule* Roster::rule_of(const std::string& module) const {
  auto rule = access.find(module);
  if (rule == access.end() && module != by_own_rule_only) rule = access.find("default");
  return rule == access.end() ? nullptr : &rule->second;
}

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
  Result<Roster> roster = parse_roster(signed_roster.text);
  if (!roster) return roster.error();
  if (roster->mesh != trust.mesh)
    return refused(fmt::format("roster: of mesh {}, not of {}", roster->mesh.brief(), trust.mesh.brief()));
  Result<Trust> in_force = follow_roots(trust, roster->root_changes, now);
  if (!in_force) return in_force.error();
  auto count = count_roots(signed_roster.signatures, roster_signing_text(signed_roster.text), *in_force, now, false);
  if (!count) return count.error();
  if (Status ok = check_threshold("roster", "this mesh's", *count, *in_force); !ok) return ok.error();
  if (Status ok = check_roster_window(*roster, now); !ok) return ok.error();
  return roster;
}

Result<Trust> follow_roots(const Trust& trust, const std::vector<RootChange>& changes, WallMs now) {
  Trust in_force = trust;
  std::vector<RootChange> before;
  for (const RootChange& change : changes) {
    const Bytes text = root_change_text(trust.mesh, before, change);
    Trust next = in_force;
    next.roots = change.roots;
    next.threshold = change.threshold;
    for (const auto& [whose, judges] : {std::pair("the old", &in_force), std::pair("the new", &next)}) {
      // Keys that were roots then may have expired since.
      auto count = count_roots(change.signatures, text, *judges, now, true);
      if (!count) return count.error();
      if (Status ok = check_threshold("change of roots", whose, *count, *judges); !ok) return ok.error();
    }
    in_force = std::move(next);
    before.push_back(change);
  }
  return in_force;
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

Status check_limits(const Action& action, const Roster& roster, const AgentFacts& self, WallMs now) {
  for (const Operation& operation : action.operations) {
    const AccessRule* rule = roster.rule_of(operation.module);
    if (rule == nullptr) continue;  // check_access has refused it
    if (auto only = Target::parse(rule->targets); !rule->targets.empty() && (!only || !only->matches(self, now, {})))
      return refused(fmt::format("access: {} may be asked only where {}", operation.module, rule->targets));
    const Bytes draw = blake2b(action.id.bytes() + self.id, 4);
    std::uint32_t number = 0;
    for (unsigned char octet : draw) number = number << 8 | octet;
    if (number % 100 >= rule->spread)
      return refused(fmt::format("access: {} may be asked of {} in 100 agents at a time, and this one was not drawn", operation.module, rule->spread));
  }
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
