#include "node/core/schema_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace mig::core {
namespace {

constexpr std::string_view shell_safe =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";

void collect(const Schema& schema, const std::vector<std::string>& path, std::vector<FlagField>& out) {
  for (const Field& field : schema.fields) {
    if (!field.flag.empty()) out.push_back({&field, path});
    if (!field.inner || (field.type != Type::object && field.type != Type::map)) continue;
    if (field.type == Type::map && field.map_key.empty()) continue;
    std::vector<std::string> below = path;
    below.push_back(field.name);
    if (field.type == Type::map) below.push_back(field.map_key);
    collect(*field.inner, below, out);
  }
}

// Optimal string alignment: insert, drop, change, or swap neighbours.
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string kind(const Json& value) {
  if (value.is_string()) {
    std::string text = readable_utf8(value.get_ref<const std::string&>().substr(0, 40));
    return "the text " + compact_json(text);
  }
  if (value.is_number()) return "the number " + plain_number(value);
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_array()) return "a list";
  return value.is_object() ? "an object" : "null";
}

std::string expected(Type type) {
  switch (type) {
    case Type::text: return "a text";
    case Type::integer: return "a whole number";
    case Type::number: return "a number";
    case Type::boolean: return "true or false";
    case Type::texts: return "a list of texts";
    case Type::object: return "an object {...}";
    case Type::map: return "an object of labels {\"label\": {...}}";
    case Type::objects: return "a list of objects";
    case Type::any: break;
  }
  return "any value";
}

std::string plain_number(const Json& value) { return canonical_json(value); }

std::string bounds(const Field& field) {
  if (field.low && field.high) return fmt::format("{}..{}", plain_number(*field.low), plain_number(*field.high));
  if (field.low) return plain_number(*field.low) + " or more";
  return field.high ? "at most " + plain_number(*field.high) : "";
}

std::string teach(const Field& field, Wording wording) {
  std::string example = field.example;
  if (example.empty() && !field.one_of.empty()) example = field.one_of.front();
  if (wording == Wording::flags && !field.flag.empty())
    return fmt::format("write -{} {}", field.flag, example.empty() ? "VALUE" : shell_word(example));
  if (field.type == Type::text && !example.empty())
    return fmt::format("write \"{}\": {}", field.name, compact_json(example));
  if (field.type == Type::texts && !example.empty())
    return fmt::format("write \"{}\": [{}]", field.name, compact_json(example));
  if (!example.empty()) return fmt::format("write \"{}\": {}", field.name, example);
  return "it takes " + expected(field.type);
}

std::string shell_word(std::string_view word) {
  if (!word.empty() && word.find_first_not_of(shell_safe) == std::string_view::npos) return std::string(word);
  std::string out = "'";
  for (char c : word) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

Status check_text(const Field& field, std::string_view value) {
  if (!is_utf8(value)) return invalid(fmt::format("'{}' is not UTF-8", readable_utf8(value.substr(0, 64))));
  if (!field.one_of.empty() && std::find(field.one_of.begin(), field.one_of.end(), value) == field.one_of.end()) {
    std::string near = nearest(value, field.one_of);
    if (!near.empty()) return invalid(fmt::format("'{}' is not known; did you mean '{}'?", value, near));
    return invalid(fmt::format("'{}' is not one of {}", value.substr(0, 64), fmt::join(field.one_of, ", ")));
  }
  return field.check ? field.check(value) : Status(Done{});
}

std::vector<FlagField> flag_fields(const Schema& schema) {
  std::vector<FlagField> out;
  collect(schema, {}, out);
  return out;
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string wanted = lowered(word.substr(0, 64)), best;
  std::size_t allowed = wanted.size() <= 3 ? 1 : 2, least = allowed + 1;
  for (const std::string& candidate : known) {
    std::size_t distance = edits(wanted, lowered(candidate));
    if (distance < least && distance < candidate.size()) best = candidate, least = distance;
  }
  if (!best.empty() || wanted.size() < 2) return best;
  for (const std::string& candidate : known)
    if (lowered(candidate).rfind(wanted, 0) == 0) return candidate;
  return "";
}

}  // namespace mig::core
