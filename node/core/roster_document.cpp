// Roster and trust anchor as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "node/core/limits.h"
#include "node/core/members.h"
#include "node/core/public_key.h"
#include "node/core/roster.h"
#include "node/core/target.h"

namespace mig::core {
namespace {

// Bounds of lists; limits::roster_bytes binds first for all but the smallest.
constexpr std::size_t people_max = 500, keys_max = 16, rules_max = 200, roots_max = 16, enrollers_max = 64,
                      revoked_max = 4000, changes_max = 32, lifted_max = 1000;
constexpr std::int64_t weight_max = 1000;
constexpr std::size_t person_name_bytes = 256;  // a user id of OpenPGP with its mail address
const std::vector<std::string_view> algorithm_words{"ed25519", "rsa"};
const std::vector<std::string_view> state_words{"active", "revoked"};

Json key_to_json(const SigningKey& key) {
  Json json{{"algorithm", key.algorithm == SigningKey::Algorithm::rsa ? "rsa" : "ed25519"},
            {"fingerprint", key.fingerprint},
            {"material", to_hex(key.material)},
            {"not_before", to_rfc3339(key.not_before)}};
  if (!key.exponent.empty()) json["exponent"] = to_hex(key.exponent);
  if (key.not_after != 0) json["not_after"] = to_rfc3339(key.not_after);
  return json;
}

void read_key(const Json& element, const std::string& subject, Members& in, std::vector<SigningKey>& out) {
  Members members(element, subject);
  SigningKey key;
  std::size_t algorithm = 0;
  members.word("algorithm", algorithm_words, algorithm);
  bool rsa = algorithm == 1;
  key.algorithm = rsa ? SigningKey::Algorithm::rsa : SigningKey::Algorithm::ed25519;
  members.fingerprint("fingerprint", key.fingerprint);
  members.hex("material", key.material, 1, 1024);
  members.time("not_before", key.not_before);
  if (rsa) members.hex("exponent", key.exponent, 1, 8);
  if (element.is_object() && element.contains("not_after")) members.time("not_after", key.not_after);
  if (Status ok = members.end(); !ok) return in.fail_with(ok.error());
  if (Status ok = check_material(key); !ok) return in.fail_with(invalid(subject + ": " + ok.error().text));
  out.push_back(std::move(key));
}

void read_keys(Members& in, const char* name, std::vector<SigningKey>& out, std::size_t most) {
  in.each(name, 1, most, [&](const Json& element, const std::string& subject) { read_key(element, subject, in, out); });
}

/// One key under two names would count twice: as two people, or as two roots.
class KeysOnce {
 public:
  bool add(const SigningKey& key) {
    return fingerprints_.insert(key.fingerprint).second && materials_.insert(key.material).second;
  }

 private:
  std::set<Fingerprint> fingerprints_;
  std::set<Bytes> materials_;
};

Status check_roots(const std::vector<SigningKey>& roots, std::uint32_t threshold, std::string_view subject) {
  KeysOnce seen;
  for (const SigningKey& root : roots)
    if (!seen.add(root)) return invalid(fmt::format("{}: roots: key {} stands there twice", subject, root.fingerprint));
  if (threshold <= roots.size()) return Done{};
  return invalid(fmt::format("{}: threshold: {} signatures are wanted, and there are {} roots", subject, threshold, roots.size()));
}

void check_keys_once(Members& in, const std::vector<Investigator>& people) {
  KeysOnce seen;
  for (const Investigator& person : people)
    for (const SigningKey& key : person.keys)
      if (!seen.add(key)) in.fail("investigators", fmt::format("key {} stands there twice", key.fingerprint));
}

Json investigator_to_json(const Investigator& person) {
  Json keys = Json::array();
  for (const auto& key : person.keys) keys.push_back(key_to_json(key));
  return {{"name", person.name},
          {"fingerprint", person.fingerprint},
          {"keys", keys},
          {"state", person.active ? "active" : "revoked"}};
}

void read_investigator(const Json& element, const std::string& subject, Members& in, std::vector<Investigator>& out) {
  Members members(element, subject);
  Investigator person;
  std::size_t state = 0;
  members.text("name", person.name, 1, person_name_bytes);
  members.fingerprint("fingerprint", person.fingerprint);
  read_keys(members, "keys", person.keys, keys_max);
  members.word("state", state_words, state);
  person.active = state == 0;
  if (Status ok = members.end(); !ok) return in.fail_with(ok.error());
  for (const auto& other : out)
    if (other.fingerprint == person.fingerprint)
      return in.fail_with(invalid(subject + ": this person stands twice in the list"));
  out.push_back(std::move(person));
}

void read_rule(const std::string& module, const Json& value, const std::string& subject, Members& in, Roster& out) {
  if (module.empty() || module.size() > limits::name_bytes)
    return in.fail("access", "holds a name that is no module's");
  Members members(value, subject);
  AccessRule rule;
  members.integer("minimumweight", rule.minimum_weight, 0, weight_max);
  if (value.is_object() && value.contains("targets")) members.text("targets", rule.targets, 1, limits::target_bytes);
  if (value.is_object() && value.contains("spread")) members.integer("spread", rule.spread, 1, 99);
  if (auto target = Target::parse(rule.targets); !target) members.fail_with(invalid(subject + ".targets: " + target.error().text));
  auto read_weight = [&](const std::string& person, const Json& weight, const std::string& where) {
    if (!is_fingerprint(person))
      return members.fail_with(invalid(where + ": the name is not a fingerprint: 40 hex digits in capitals"));
    if (!weight.is_number_integer() || weight.get<std::int64_t>() < 0 || weight.get<std::int64_t>() > weight_max)
      return members.fail_with(invalid(fmt::format("{}: {} is not a whole number in 0..{}", where, weight.dump(),
                                                   weight_max)));
    rule.weights[person] = weight.get<std::uint32_t>();
  };
  members.each_key("weights", people_max, read_weight);
  if (Status ok = members.end(); !ok) return in.fail_with(ok.error());
  out.access[module] = std::move(rule);
}

template <class T>
void read_ids(Members& in, const char* name, std::size_t most, std::vector<T>& out) {
  in.each(name, 0, most, [&](const Json& element, const std::string& subject) {
    auto bytes = element.is_string() ? from_hex(element.get<std::string>()) : Result<Bytes>(invalid(""));
    auto id = bytes ? T::from(*bytes) : Result<T>(bytes.error());
    if (!id) return in.fail_with(invalid(fmt::format("{}: must be {} hex digits, lower case", subject, 2 * T::size)));
    out.push_back(*id);
  });
}

template <class T>
Json ids_to_json(const std::vector<T>& ids) {
  Json out = Json::array();
  for (const auto& id : ids) out.push_back(id.hex());
  return out;
}

}  // namespace

Json to_json(const RootChange& change) {
  Json roots = Json::array(), signatures = Json::array();
  for (const auto& root : change.roots) roots.push_back(key_to_json(root));
  for (const auto& signature : change.signatures) signatures.push_back(to_base64(signature));
  return {{"roots", roots}, {"threshold", change.threshold}, {"signatures", signatures}};
}

Result<RootChange> root_change_from_json(const Json& json) {
  Members in(json, "change of roots");
  RootChange change;
  read_keys(in, "roots", change.roots, roots_max);
  in.integer("threshold", change.threshold, 1, static_cast<std::int64_t>(roots_max));
  in.each("signatures", 0, limits::signatures, [&](const Json& element, const std::string& subject) {
    auto packet = from_base64(element.is_string() ? element.get<std::string>() : std::string("?"));
    if (!packet || packet->size() > limits::signature_bytes) return in.fail_with(invalid(subject + ": is not base64 of a signature"));
    change.signatures.push_back(*packet);
  });
  if (Status ok = in.end(); !ok) return ok.error();
  if (Status ok = check_roots(change.roots, change.threshold, "change of roots"); !ok) return ok.error();
  return change;
}

Bytes root_change_text(const MeshId& mesh, const std::vector<RootChange>& before, const RootChange& change) {
  Json text = to_json(change);
  text.erase("signatures");
  text["mesh"] = mesh.hex();
  text["prev"] = "";
  if (!before.empty()) text["prev"] = to_hex(blake2b(root_change_text(mesh, {before.begin(), before.end() - 1}, before.back()), Hash::size));
  return "MIG Mesh roots 1\n" + canonical_json(text);
}

MeshId mesh_id_of(const std::vector<SigningKey>& roots, std::uint32_t threshold) {
  std::vector<std::string> names;
  for (const auto& root : roots) names.push_back(root.fingerprint + to_hex(root.material));
  std::sort(names.begin(), names.end());
  Bytes text = "MIG Mesh roots 1\n" + std::to_string(threshold) + "\n";
  for (const auto& name : names) text += name + "\n";
  return *MeshId::from(blake2b(text, MeshId::size));
}

Json to_json(const Trust& trust) {
  Json roots = Json::array();
  for (const auto& root : trust.roots) roots.push_back(key_to_json(root));
  return {{"mesh", trust.mesh.hex()}, {"name", trust.name}, {"roots", roots}, {"threshold", trust.threshold}};
}

Result<Trust> trust_from_json(const Json& json) {
  Members in(json, "trust");
  Trust trust;
  in.hex("mesh", trust.mesh);
  in.text("name", trust.name, 1, limits::name_bytes);
  read_keys(in, "roots", trust.roots, roots_max);
  in.integer("threshold", trust.threshold, 1, static_cast<std::int64_t>(roots_max));
  if (Status ok = in.end(); !ok) return ok.error();
  if (Status ok = check_roots(trust.roots, trust.threshold, "trust"); !ok) return ok.error();
  if (trust.mesh != mesh_id_of(trust.roots, trust.threshold))
    return invalid("trust: mesh: the id is not the hash of these roots");
  return trust;
}

Json to_json(const Roster& roster) {
  Json people = Json::array(), access = Json::object();
  for (const auto& person : roster.investigators) people.push_back(investigator_to_json(person));
  for (const auto& [module, rule] : roster.access) {
    Json weights = Json::object();
    for (const auto& [person, weight] : rule.weights) weights[person] = weight;
    access[module] = {{"minimumweight", rule.minimum_weight}, {"weights", weights}};
    if (!rule.targets.empty()) access[module]["targets"] = rule.targets;
    if (rule.spread != 100) access[module]["spread"] = rule.spread;
  }
  Json out{{"mesh", roster.mesh.hex()},
          {"version", roster.version},
          {"prev", roster.prev},
          {"issued", to_rfc3339(roster.issued)},
          {"expires", to_rfc3339(roster.expires)},
          {"investigators", people},
          {"access", access},
          {"enrollers", ids_to_json(roster.enrollers)},
          {"revoked", ids_to_json(roster.revoked)},
          {"actionlife", roster.action_life_ms / 1000}};
  for (const auto& change : roster.root_changes) out["rootchanges"].push_back(to_json(change));
  if (!roster.lifted.empty()) out["lifted"] = ids_to_json(roster.lifted);
  return out;
}

Result<Roster> parse_roster(BytesView canonical_text) {
  Result<Json> json = parse_json(canonical_text, limits::roster_bytes);
  if (!json) return Error{json.error().code, "roster: " + json.error().text};
  Members in(*json, "roster");
  Roster roster;
  Bytes prev;
  std::int64_t life_s = 0;
  in.hex("mesh", roster.mesh);
  in.integer("version", roster.version, 1, json_integer_max);
  in.hex("prev", prev, 0, Hash::size);
  if (!prev.empty() && prev.size() != Hash::size) in.fail("prev", "must be empty or 64 hex digits");
  in.time("issued", roster.issued);
  in.time("expires", roster.expires);
  if (roster.expires <= roster.issued) in.fail("expires", "is not after issued");
  in.each("investigators", 0, people_max, [&](const Json& element, const std::string& subject) {
    read_investigator(element, subject, in, roster.investigators);
  });
  check_keys_once(in, roster.investigators);
  in.each_key("access", rules_max, [&](const std::string& module, const Json& value, const std::string& subject) {
    read_rule(module, value, subject, in, roster);
  });
  read_ids(in, "enrollers", enrollers_max, roster.enrollers);
  read_ids(in, "revoked", revoked_max, roster.revoked);
  in.integer("actionlife", life_s, 0, limits::action_life_ms / 1000);
  if (json->contains("rootchanges"))
    in.each("rootchanges", 1, changes_max, [&](const Json& element, const std::string& subject) {
      auto change = root_change_from_json(element);
      if (!change) return in.fail_with(invalid(subject + ": " + change.error().text));
      roster.root_changes.push_back(*std::move(change));
    });
  if (json->contains("lifted")) read_ids(in, "lifted", lifted_max, roster.lifted);
  if (Status ok = in.end(); !ok) return ok.error();
  roster.prev = to_hex(prev);
  roster.action_life_ms = life_s * 1000;
  if (canonical_json(to_json(roster)) != canonical_text)
    return invalid("roster: not in its canonical form, which alone is signed");
  return roster;
}

}  // namespace mig::core
