#include "investigator/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "modules/module.h"

namespace mig::investigator {
namespace {

using core::Action;
using core::Roster;

std::string operation_text(const core::Operation& operation) {
  std::string parameters = core::pretty_json(operation.parameters);
  std::string out = "  " + operation.module + "\n";
  if (const modules::Module* module = modules::find(operation.module))
    out = fmt::format("  {}: the answer reveals {}. {}\n", operation.module,
                      modules::to_text(module->disclosure()), module->cost());
  std::size_t begin = 0;
  while (begin < parameters.size()) {
    std::size_t end = std::min(parameters.find('\n', begin), parameters.size());
    out += "    " + parameters.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return out;
}

std::string person_text(const core::Fingerprint& fingerprint, const Roster& roster) {
  const core::Investigator* person = roster.by_fingerprint(fingerprint);
  return person == nullptr ? fingerprint + " (not in the roster)" : fmt::format("{} {}", fingerprint, person->name);
}

std::string object_text(const char* label, const core::Json& object) {
  if (!object.is_object() || object.empty()) return "";
  return fmt::format("{} {}\n", label, core::compact_json(object));
}

/// Text of a stranger on a terminal: no control characters, so that it cannot paint over what stands above it.
std::string plain(std::string text) {
  for (char& c : text)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f) c = '?';
  return text;
}

SignatureView look_at(const core::Bytes& packet, core::BytesView signing_text, const Roster& roster, core::WallMs now) {
  SignatureView view;
  auto read = core::read_signature(packet);
  if (!read) {
    view.trouble = read.error().text;
    return view;
  }
  view.key = read->issuer;
  const core::SigningKey* key = nullptr;
  const core::Investigator* person = roster.by_key(read->issuer, &key);
  if (person == nullptr) {
    view.trouble = "the roster does not know this key";
    return view;
  }
  view.person = person->fingerprint;
  view.name = person->name;
  if (!person->active) view.trouble = "this person is not active any more";
  if (core::Status valid = core::verify_signature(*read, signing_text, *key, now); !valid)
    view.trouble = valid.error().text;
  return view;
}

}  // namespace

std::vector<ModuleWeight> weights(const Action& action, const std::vector<core::Fingerprint>& signers,
                                  const Roster& roster) {
  std::set<core::Fingerprint> people(signers.begin(), signers.end());
  std::vector<ModuleWeight> out;
  for (const core::Operation& operation : action.operations) {
    bool told = std::any_of(out.begin(), out.end(), [&](const auto& one) { return one.module == operation.module; });
    if (told) continue;
    ModuleWeight weight{operation.module, 0, 0};
    if (const core::AccessRule* rule = roster.rule_of(operation.module)) {
      weight.needed = rule->minimum_weight;
      for (const core::Fingerprint& person : people) {
        auto held = rule->weights.find(person);
        if (held != rule->weights.end()) weight.reached += held->second;
      }
    }
    out.push_back(std::move(weight));
  }
  return out;
}

std::string describe(const Action& action, const Roster& roster) {
  std::string out = fmt::format("name      {}\ntarget    {}\nwindow    {} to {}\n", action.name, action.target,
                                core::to_rfc3339(action.valid_from), core::to_rfc3339(action.expire_after));
  if (action.disclose == core::Disclose::found) out += "disclose  relays may also see who found something\n";
  out += object_text("about    ", action.description) + object_text("threat   ", action.threat);
  for (const core::Fingerprint& reader : action.readers) out += "reader    " + person_text(reader, roster) + "\n";
  out += "asks\n";
  for (const core::Operation& operation : action.operations) out += operation_text(operation);
  for (const core::Attachment& one : action.attachments)
    out += fmt::format("attached  {}: {} bytes, hash {}\n", one.name, one.size, core::hash_of(one).hex());
  return plain(out);
}

std::string describe(const std::vector<ModuleWeight>& weights) {
  std::string out;
  for (const ModuleWeight& weight : weights)
    out += weight.needed == 0 ? fmt::format("{}: the roster allows it to nobody\n", weight.module)
                              : fmt::format("{}: weight {} of {}\n", weight.module, weight.reached, weight.needed);
  return plain(out);
}

std::vector<SignatureView> look_at_signatures(const core::SignedText& action, const Roster& roster, core::WallMs now) {
  core::Bytes text = core::action_signing_text(action.text);
  std::vector<SignatureView> out;
  for (const core::Bytes& packet : action.signatures) out.push_back(look_at(packet, text, roster, now));
  return out;
}

}  // namespace mig::investigator
