#include "node/core/agent_facts.h"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

#include "node/core/limits.h"

namespace mig::core {
namespace {

constexpr std::array volatile_columns{"status", "heartbeattime", "refreshtime"};

template <class Facts>
auto texts_of(Facts& facts) {
  return std::array{std::pair{"id", &facts.id},           std::pair{"name", &facts.name},
                    std::pair{"queueloc", &facts.queueloc}, std::pair{"mode", &facts.mode},
                    std::pair{"version", &facts.version},   std::pair{"status", &facts.status},
                    std::pair{"loadername", &facts.loadername}};
}

template <class Facts>
auto times_of(Facts& facts) {
  return std::array{
      std::pair{"starttime", &facts.starttime}, std::pair{"heartbeattime", &facts.heartbeattime},
      std::pair{"refreshtime", &facts.refreshtime}, std::pair{"destructiontime", &facts.destructiontime}};
}

// The longest part that may be left out, by its name in `unheld`; empty if none is left.
std::string longest_part(const Json& json) {
  std::string longest;
  std::size_t size = 0;
  auto weigh = [&](const std::string& name, const Json& value) {
    std::size_t here = compact_json(value).size();
    if (here >= size) longest = name, size = here;
  };
  for (const auto& item : json.items()) {
    if (item.key() == "id" || item.key() == "unheld") continue;
    if (item.key() != "environment") {
      weigh(item.key(), item.value());
      continue;
    }
    for (const auto& part : item.value().items()) weigh("environment." + part.key(), part.value());
  }
  // Names of parts may be long too; then the whole environment goes.
  if (longest.size() > size && longest.rfind("environment.", 0) == 0) return "environment";
  return longest;
}

void leave_out(Json& json, const std::string& part) {
  constexpr std::string_view lead = "environment.";
  if (part.rfind(lead, 0) == 0)
    json["environment"].erase(part.substr(lead.size()));
  else
    json.erase(part);
}

Error wrong(std::string_view key, std::string_view what) {
  return invalid(fmt::format("agent facts: {} is not {}", key, what));
}

Status read_tags(const Json& json, AgentFacts& facts) {
  if (!json.is_object()) return wrong("tags", "an object of texts");
  for (const auto& item : json.items()) {
    if (!item.value().is_string()) return wrong("tags", "an object of texts");
    facts.tags[item.key()] = item.value().get<std::string>();
  }
  return Done{};
}

Status read_unheld(const Json& json, AgentFacts& facts) {
  if (!json.is_array()) return wrong("unheld", "a list of texts");
  for (const Json& item : json) {
    if (!item.is_string()) return wrong("unheld", "a list of texts");
    facts.unheld.insert(item.get<std::string>());
  }
  return Done{};
}

}  // namespace

Json to_json(const AgentFacts& facts) {
  Json out = Json::object();
  for (auto& [name, text] : texts_of(facts))
    if (!text->empty()) out[name] = readable_utf8(*text);
  for (auto& [name, time] : times_of(facts))
    if (*time != 0) out[name] = to_rfc3339(*time);
  if (facts.pid != 0) out["pid"] = facts.pid;
  out["environment"] = facts.environment;
  out["tags"] = facts.tags;
  if (!facts.unheld.empty()) out["unheld"] = facts.unheld;
  return out;
}

std::string attributes_of(const AgentFacts& facts) {
  Json out = to_json(facts);
  for (const char* column : volatile_columns) {
    out.erase(column);
    out["unheld"].push_back(column);
  }
  std::string text = compact_json(out);
  while (text.size() > limits::attributes_bytes) {
    std::string part = longest_part(out);
    if (part.empty()) break;
    leave_out(out, part);
    out["unheld"].push_back(part);
    text = compact_json(out);
  }
  return text;
}

Result<AgentFacts> facts_from_json(const Json& json) {
  if (!json.is_object()) return invalid("agent facts: expected an object");
  AgentFacts out;
  for (auto& [name, text] : texts_of(out)) {
    if (!json.contains(name)) continue;
    if (!json[name].is_string()) return wrong(name, "a text");
    *text = json[name].get<std::string>();
  }
  for (auto& [name, time] : times_of(out)) {
    if (!json.contains(name)) continue;
    if (!json[name].is_string()) return wrong(name, "a time");
    Result<WallMs> read = from_rfc3339(json[name].get_ref<const std::string&>());
    if (!read) return wrong(name, "a time");
    *time = *read;
  }
  if (json.contains("pid")) {
    if (!json["pid"].is_number_integer()) return wrong("pid", "a whole number");
    out.pid = json["pid"].get<std::int64_t>();
  }
  if (json.contains("environment")) {
    if (!json["environment"].is_object()) return wrong("environment", "an object");
    out.environment = json["environment"];
  }
  if (json.contains("tags"))
    if (Status read = read_tags(json["tags"], out); !read) return read.error();
  if (json.contains("unheld"))
    if (Status read = read_unheld(json["unheld"], out); !read) return read.error();
  return out;
}

}  // namespace mig::core
