#include "investigator/roster_edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "investigator/print.h"
#include "node/core/limits.h"
#include "node/core/members.h"

namespace mig::investigator {
namespace {

using core::Investigator;
using core::Result;
using core::Roster;
using core::Status;
using core::WallMs;

constexpr WallMs soon_ms = 30LL * 24 * 3600 * 1000;

Result<std::size_t> index_of(const Roster& roster, const std::string& word) {
  std::vector<std::size_t> fit;
  for (std::size_t i = 0; i < roster.investigators.size(); ++i) {
    const Investigator& person = roster.investigators[i];
    if (person.fingerprint == word) return i;
    if (!word.empty() && person.name.find(word) != std::string::npos) fit.push_back(i);
  }
  if (fit.size() == 1) return fit[0];
  return core::Error{core::Code::not_found, fmt::format("'{}': {} in the roster {} called so; give the fingerprint", word, fit.empty() ? "nobody" : "several people", fit.empty() ? "is" : "are")};
}

/// "file=2" or, with `person`, "file:ada=2".
struct Setting {
  std::string module, person, value;
};
Result<Setting> setting_of(const std::string& text, bool person) {
  const auto equals = text.find('='), colon = text.find(':');
  const bool fine = equals != std::string::npos && equals > 0 && (!person || (colon != std::string::npos && colon > 0 && colon < equals));
  if (!fine) return core::invalid(fmt::format("'{}' is not {}", text, person ? "MODULE:PERSON=WEIGHT" : "MODULE=VALUE"));
  const std::string left = text.substr(0, equals);
  return Setting{person ? left.substr(0, colon) : left, person ? left.substr(colon + 1) : "", text.substr(equals + 1)};
}

Result<std::uint32_t> number_of(const std::string& text, std::uint32_t low, std::uint32_t high) {
  std::uint32_t value = 0;
  for (char c : text) value = c >= '0' && c <= '9' && value <= high ? value * 10 + static_cast<std::uint32_t>(c - '0') : high + 1;
  if (text.empty() || value < low || value > high) return core::invalid(fmt::format("'{}' is not a whole number in {}..{}", text, low, high));
  return value;
}

template <class T>
Result<T> id_of(const std::string& text) {
  auto bytes = core::from_hex(text);
  auto id = bytes ? T::from(*bytes) : Result<T>(bytes.error());
  if (!id) return core::invalid(fmt::format("'{}' is not {} hex digits, lower case", text, 2 * T::size));
  return id;
}

Status add_id(std::vector<core::NodeId>& ids, const std::string& text) {
  auto id = id_of<core::NodeId>(text);
  if (!id) return id.error();
  if (std::find(ids.begin(), ids.end(), *id) == ids.end()) ids.push_back(*id);
  return core::Done{};
}

Status add_person(Roster& roster, const PersonKeys& keys) {
  for (Investigator& person : roster.investigators)
    if (person.fingerprint == keys.fingerprint) return person.keys = keys.keys, person.active = true, core::Done{};
  roster.investigators.push_back({keys.name.substr(0, 256), keys.fingerprint, keys.keys});
  return core::Done{};
}

Status set_state(Roster& roster, const std::string& word, bool active) {
  auto index = index_of(roster, word);
  if (!index) return index.error();
  roster.investigators[*index].active = active;
  return core::Done{};
}

Status drop_person(Roster& roster, const std::string& word) {
  auto index = index_of(roster, word);
  if (!index) return index.error();
  for (auto& [module, rule] : roster.access) rule.weights.erase(roster.investigators[*index].fingerprint);
  roster.investigators.erase(roster.investigators.begin() + static_cast<std::ptrdiff_t>(*index));
  return core::Done{};
}

Status set_minimum(Roster& roster, const std::string& text) {
  auto setting = setting_of(text, false);
  if (!setting) return setting.error();
  auto minimum = number_of(setting->value, 0, 1000);
  if (!minimum) return minimum.error();
  roster.access[setting->module].minimum_weight = *minimum;
  return core::Done{};
}

Status set_weight(Roster& roster, const std::string& text) {
  auto setting = setting_of(text, true);
  if (!setting) return setting.error();
  auto weight = number_of(setting->value, 0, 1000);
  if (!weight) return weight.error();
  auto index = index_of(roster, setting->person);
  if (!index) return index.error();
  auto& weights = roster.access[setting->module].weights;
  weights[roster.investigators[*index].fingerprint] = *weight;
  if (*weight == 0) weights.erase(roster.investigators[*index].fingerprint);
  return core::Done{};
}

Result<core::AccessRule*> rule_in(Roster& roster, const std::string& module) {
  auto rule = roster.access.find(module);
  if (rule == roster.access.end()) return core::Error{core::Code::not_found, fmt::format("'{}' has no rule of its own; make one with --allow {}=1", module, module)};
  return &rule->second;
}

Status set_limit(Roster& roster, const std::string& text, bool spread) {
  auto setting = setting_of(text, false);
  if (!setting) return setting.error();
  auto rule = rule_in(roster, setting->module);
  if (!rule) return rule.error();
  if (!spread) return (*rule)->targets = setting->value, core::Done{};
  auto percent = number_of(setting->value, 1, 100);
  if (!percent) return percent.error();
  (*rule)->spread = *percent;
  return core::Done{};
}

Status refresh(Roster& roster, const std::string& word, const KeysOf& keys_of) {
  for (Investigator& person : roster.investigators) {
    if (word != "all" && person.fingerprint != word && person.name.find(word) == std::string::npos) continue;
    auto keys = keys_of(person.fingerprint);
    if (!keys) return core::Error{keys.error().code, fmt::format("{}: {}", person.name, keys.error().text)};
    person.keys = keys->keys;
  }
  return core::Done{};
}

Status set_enroller(Roster& roster, const std::string& text, bool there) {
  auto key = id_of<core::SignPublic>(text);
  if (!key) return key.error();
  std::erase(roster.enrollers, *key);
  if (there) roster.enrollers.push_back(*key);
  return core::Done{};
}

Status set_life(Roster& roster, const std::string& text, WallMs now, bool of_actions) {
  auto life = core::parse_duration(text);
  if (!life) return life.error();
  const WallMs ms = life->us / 1'000'000 * 1000;
  if (ms <= 0 || (of_actions && ms > core::limits::action_life_ms)) return core::invalid(fmt::format("'{}' is no such life", text));
  (of_actions ? roster.action_life_ms : roster.expires) = of_actions ? ms : now / 1000 * 1000 + ms;
  return core::Done{};
}

std::uint64_t reach_of(const core::AccessRule& rule, const Roster& roster, WallMs at) {
  std::uint64_t sum = 0;
  for (const Investigator& person : roster.investigators) {
    const bool signs = person.active && std::any_of(person.keys.begin(), person.keys.end(), [&](const core::SigningKey& key) { return key.not_after == 0 || key.not_after > at; });
    auto weight = rule.weights.find(person.fingerprint);
    if (signs && weight != rule.weights.end()) sum += weight->second;
  }
  return sum;
}

std::string rule_text(const core::AccessRule& rule, const Roster& roster) {
  std::string out = rule.minimum_weight == 0 ? "closed to everyone" : fmt::format("weight {} of:", rule.minimum_weight);
  for (const auto& [who, weight] : rule.weights) {
    const Investigator* person = roster.by_fingerprint(who);
    out += fmt::format(" {} {};", person ? person->name : who, weight);
  }
  if (rule.weights.empty() && rule.minimum_weight > 0) out += " nobody";
  if (!rule.targets.empty()) out += fmt::format(" only where {}", rule.targets);
  if (rule.spread != 100) out += fmt::format(" on {} in 100 agents at a time", rule.spread);
  return out;
}

std::string person_text(const Investigator& person) {
  std::string out = fmt::format("{} {}{}", person.fingerprint, person.name, person.active ? "" : " (revoked)");
  for (const core::SigningKey& key : person.keys)
    out += fmt::format("\n           signs with {}{}", key.fingerprint, key.not_after == 0 ? "" : " until " + core::to_rfc3339(key.not_after));
  return out;
}

/// Everything in it by name, so that two of them can be compared.
std::map<std::string, std::string> parts_of(const Roster& roster) {
  std::map<std::string, std::string> out;
  for (const Investigator& person : roster.investigators) out["person " + person.fingerprint] = person_text(person);
  for (const auto& [module, rule] : roster.access) out["access " + module] = rule_text(rule, roster);
  for (const auto& enroller : roster.enrollers) out["enroller " + enroller.hex()] = "may certify nodes";
  for (const auto& node : roster.revoked) out["node " + node.hex()] = "revoked";
  for (const auto& stop : roster.lifted) out["stop " + stop.hex()] = "lifted";
  for (std::size_t i = 0; i < roster.root_changes.size(); ++i) {
    std::string& roots = out[fmt::format("roots, change {}", i + 1)];
    roots = fmt::format("{} of:", roster.root_changes[i].threshold);
    for (const auto& root : roster.root_changes[i].roots) roots += " " + root.fingerprint;
  }
  out["expires"] = core::to_rfc3339(roster.expires);
  out["life of actions"] = roster.action_life_ms == 0 ? "31 days" : core::rough_span(roster.action_life_ms);
  return out;
}

}  // namespace

Roster next_version(const Roster& held, core::BytesView held_text, WallMs now) {
  Roster out = held;
  out.version = held.version + 1;
  out.prev = core::to_hex(core::blake2b(held_text, core::Hash::size));
  out.issued = now / 1000 * 1000;
  out.expires = out.issued + (held.expires - held.issued);
  return out;
}

const std::vector<std::pair<std::string, std::string>>& edit_words() {
  static const std::vector<std::pair<std::string, std::string>> words = {
      {"add", "Person, by key in gpg's keyring: fingerprint or part of the user id. Known: the keys are read anew."},
      {"refresh", "Person whose signing keys are read anew from gpg; `all`: everyone."},
      {"revoke", "Person whose rights end."},
      {"restore", "Person whose rights are given back."},
      {"drop", "Person to be taken out, weights included."},
      {"allow", "MODULE=WEIGHT: the weight signatures must reach (0 closes it). MODULE may be `default` or `cancel`."},
      {"weight", "MODULE:PERSON=WEIGHT: what a person's signature weighs there (0 takes it away)."},
      {"close", "MODULE whose own rule goes; `default` counts then."},
      {"targets", "MODULE=CONDITION: only agents that match take it; empty: all."},
      {"spread", "MODULE=PERCENT of the agents that take one action, drawn by its id; 100: all."},
      {"revoke-node", "Id of an agent or relay whose certificate counts no more."},
      {"restore-node", "Id of a node that counts again."},
      {"lift", "Id of a stop that holds no more (mig roster show lists them)."},
      {"enroller", "Key (64 digits) that may certify nodes."},
      {"drop-enroller", "Key that may no more; everything it certified is out at once."},
      {"life", "How long the roster counts from now on: 8760h."},
      {"action-life", "How long an action may be valid at most: 168h."},
  };
  return words;
}

Status edit(Roster& roster, const RosterEdit& edit, const KeysOf& keys_of, WallMs now) {
  const auto& [what, value] = edit;
  if (what == "add") {
    auto keys = keys_of(value);
    return keys ? add_person(roster, *keys) : Status(keys.error());
  }
  if (what == "refresh") return refresh(roster, value, keys_of);
  if (what == "revoke" || what == "restore") return set_state(roster, value, what == "restore");
  if (what == "drop") return drop_person(roster, value);
  if (what == "allow") return set_minimum(roster, value);
  if (what == "weight") return set_weight(roster, value);
  if (what == "close") {
    auto rule = rule_in(roster, value);
    if (rule) roster.access.erase(value);
    return rule ? Status(core::Done{}) : Status(rule.error());
  }
  if (what == "targets" || what == "spread") return set_limit(roster, value, what == "spread");
  if (what == "revoke-node") return add_id(roster.revoked, value);
  if (what == "lift") return add_id(roster.lifted, value);
  if (what == "restore-node") {
    auto id = id_of<core::NodeId>(value);
    if (id) std::erase(roster.revoked, *id);
    return id ? Status(core::Done{}) : Status(id.error());
  }
  if (what == "enroller" || what == "drop-enroller") return set_enroller(roster, value, what == "enroller");
  if (what == "life" || what == "action-life") return set_life(roster, value, now, what == "action-life");
  return core::invalid(fmt::format("'{}' is no change of a roster", what));
}

std::vector<std::string> warnings(const Roster& roster, WallMs now) {
  std::vector<std::string> out;
  for (const auto& [module, rule] : roster.access) {
    if (rule.minimum_weight == 0) continue;
    const auto reach = reach_of(rule, roster, now), later = reach_of(rule, roster, now + soon_ms);
    if (reach < rule.minimum_weight)
      out.push_back(fmt::format("{}: nobody can reach it any more: the active people have weight {} of {}", module, reach, rule.minimum_weight));
    else if (later < rule.minimum_weight)
      out.push_back(fmt::format("{}: nobody will reach it in 30 days, when keys have expired: weight {} of {} is left then", module, later, rule.minimum_weight));
    for (const auto& [who, weight] : rule.weights)
      if (roster.by_fingerprint(who) == nullptr) out.push_back(fmt::format("{}: gives weight to {}, who is not in the roster", module, who));
  }
  if (!roster.access.contains("default")) out.push_back("there is no `default`: modules without a rule of their own are closed");
  for (const Investigator& person : roster.investigators)
    for (const core::SigningKey& key : person.keys) {
      if (!person.active || key.not_after == 0 || key.not_after > now + soon_ms) continue;
      out.push_back(fmt::format("{}: key {} {} {}", person.name, key.fingerprint, key.not_after <= now ? "expired" : "expires", core::to_rfc3339(key.not_after)));
    }
  if (roster.expires <= now + soon_ms) out.push_back(fmt::format("the roster {} {}; nothing is admitted afterwards", roster.expires <= now ? "expired" : "expires", core::to_rfc3339(roster.expires)));
  if (roster.enrollers.empty()) out.push_back("there is no enroller: no node can join, and those that are in fall out with their certificates");
  return out;
}

std::string describe(const Roster& roster, WallMs now) {
  std::string out = fmt::format("roster     version {}, issued {}, {}\n", roster.version, core::to_rfc3339(roster.issued), roster.expires <= now ? "EXPIRED" : "in force");
  for (const auto& [name, text] : parts_of(roster)) out += fmt::format("{:<10} {}\n", name, text);
  return printable_lines(out);
}

std::vector<std::string> differences(const Roster& before, const Roster& after) {
  const auto old_parts = parts_of(before), new_parts = parts_of(after);
  std::vector<std::string> out;
  for (const auto& [name, text] : old_parts)
    if (!new_parts.contains(name)) out.push_back(fmt::format("- {}: {}", name, text));
  for (const auto& [name, text] : new_parts) {
    auto was = old_parts.find(name);
    if (was == old_parts.end()) out.push_back(fmt::format("+ {}: {}", name, text));
    if (was != old_parts.end() && was->second != text) out.push_back(fmt::format("~ {}: {} (was: {})", name, text, was->second));
  }
  return out;
}

}  // namespace mig::investigator
