// MIG's acl.cfg as access rules.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "investigator/roster_edit.h"
#include "node/core/members.h"

namespace mig::investigator {
namespace {

using core::Json;

std::string folded(std::string text, int (*fold)(int)) {
  for (char& c : text) c = static_cast<char>(fold(static_cast<unsigned char>(c)));
  return text;
}

/// MIG's reader took keys in any case; of several the last one counts.
Json member(const Json& object, const char* name) {
  Json out;
  if (!object.is_object()) return out;
  for (auto it = object.begin(); it != object.end(); ++it)
    if (folded(it.key(), std::tolower) == name) out = it.value();
  return out;
}

core::Status read_person(const Json& entry, const std::string& where, const std::vector<PersonKeys>& known, core::AccessRule& rule, std::vector<std::string>& left_out) {
  const Json fingerprint = member(entry, "fingerprint"), weight = member(entry, "weight");
  const std::string who = fingerprint.is_string() ? folded(fingerprint.get<std::string>(), std::toupper) : "";
  if (!core::is_fingerprint(who) || !weight.is_number_integer() || weight < 0 || weight > 1000)
    return core::invalid(where + ": a fingerprint (40 hex digits) and a weight (0..1000) are needed");
  if (std::none_of(known.begin(), known.end(), [&](const PersonKeys& person) { return person.fingerprint == who; })) {
    left_out.push_back(fmt::format("{}: {} has no valid signing key in the key directory", where, who));
    return core::Done{};
  }
  rule.weights[who] = std::max(rule.weights[who], weight.get<std::uint32_t>());
  return core::Done{};
}

}  // namespace

core::Status import_acl(const std::string& acl_json, const std::vector<PersonKeys>& known, core::Roster& roster, std::vector<std::string>& left_out) {
  auto acl = core::parse_json(acl_json, 1 << 20);
  if (!acl) return acl.error();
  if (!acl->is_object() || acl->empty()) return core::invalid("an object of modules is needed, as MIG's acl.cfg");
  roster.access.clear();
  for (auto module = acl->begin(); module != acl->end(); ++module) {
    core::AccessRule rule;
    const Json minimum = member(module.value(), "minimumweight"), people = member(module.value(), "investigators");
    if (!minimum.is_number_integer() || minimum < 0 || minimum > 1000) return core::invalid(module.key() + ": minimumweight must be a whole number in 0..1000");
    rule.minimum_weight = minimum.get<std::uint32_t>();
    if (people.is_object())
      for (auto person = people.begin(); person != people.end(); ++person)
        if (core::Status read = read_person(person.value(), module.key() + "." + person.key(), known, rule, left_out); !read) return read;
    roster.access[module.key()] = std::move(rule);
  }
  for (const PersonKeys& person : known) {
    if (roster.by_fingerprint(person.fingerprint) == nullptr) roster.investigators.push_back({person.name.substr(0, 256), person.fingerprint, person.keys});
  }
  return core::Done{};
}

}  // namespace mig::investigator
