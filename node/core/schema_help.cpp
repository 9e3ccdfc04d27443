// What people read about a schema: help for a terminal, tables for documentation.
#include <fmt/format.h>

#include <algorithm>

#include "node/core/schema_text.h"

namespace mig::core {
namespace {

constexpr std::size_t page_width = 92, label_width = 22;

std::size_t letters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Breaks at blanks; every line after the first starts with `indent` blanks. `column` is where the text starts.
std::string wrapped(std::string_view text, std::size_t column, std::size_t indent) {
  std::string out;
  bool line_start = true;
  while (!text.empty()) {
    std::size_t blank = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, blank);
    text.remove_prefix(std::min(blank + 1, text.size()));
    if (!line_start && column + 1 + letters(word) > page_width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
      line_start = true;
    }
    if (!line_start) out += ' ', ++column;
    out += word;
    column += letters(word);
    line_start = false;
  }
  return out;
}

std::string type_word(const Field& field) {
  switch (field.type) {
    case Type::text:
    case Type::texts: return "TEXT";
    case Type::integer: return "N";
    case Type::number: return "NUMBER";
    default: return "";
  }
}

std::string shown_value(const Json& value) {
  return value.is_string() ? shell_word(value.get_ref<const std::string&>()) : compact_json(value);
}

std::string sentence(std::string text) {
  if (!text.empty() && text.find_last_of(".!?") != text.size() - 1) text += '.';
  return text;
}

std::string remarks(const Field& field, bool as_flag) {
  std::vector<std::string> parts;
  if (field.required) parts.push_back("required");
  if (as_flag && field.type == Type::texts) parts.push_back("may be repeated");
  if (!field.one_of.empty()) parts.push_back(fmt::format("one of {}", fmt::join(field.one_of, ", ")));
  if (field.low || field.high) parts.push_back(bounds(field));
  const Json& value = as_flag && !field.flag_fallback.is_null() ? field.flag_fallback : field.fallback;
  bool plain_off = as_flag && value == false;  // a switch that is off until given needs no words
  if (!value.is_null() && !value.is_structured() && !plain_off) parts.push_back("default " + shown_value(value));
  std::string out = sentence(field.help);
  if (!parts.empty()) out += fmt::format("{}[{}]", out.empty() ? "" : " ", fmt::join(parts, "; "));
  if (as_flag && !field.flag_off.empty()) out += fmt::format(" Off: -{}.", field.flag_off);
  return out;
}

std::string entry(const std::string& label, const std::string& text) {
  std::string out = "  " + label;
  if (text.empty()) return out + "\n";
  if (letters(out) + 2 > label_width)
    out += "\n" + std::string(label_width, ' ');
  else
    out += std::string(label_width - letters(out), ' ');
  return out + wrapped(text, label_width, label_width) + "\n";
}

std::string flag_entry(const Field& field) {
  std::string label = "-" + field.flag, word = type_word(field);
  if (!word.empty()) label += " " + word;
  std::string out = entry(label, remarks(field, true));
  if (!field.example.empty() && field.type != Type::boolean)
    out += fmt::format("{}e.g. -{} {}\n", std::string(label_width, ' '), field.flag, shell_word(field.example));
  return out;
}

struct Row {
  std::string path;
  const Field* field;
};

void rows_of(const Schema& schema, const std::string& path, std::vector<Row>& out) {
  for (const Field& field : schema.fields) {
    std::string here = path.empty() ? field.name : path + "." + field.name;
    out.push_back({here, &field});
    if (!field.inner) continue;
    if (field.type == Type::map) here += ".<label>";
    if (field.type == Type::objects) here += "[]";
    rows_of(*field.inner, here, out);
  }
}

std::vector<Row> rows_of(const Schema& schema) {
  std::vector<Row> out;
  rows_of(schema, "", out);
  return out;
}

std::string short_type(Type type) {
  switch (type) {
    case Type::text: return "text";
    case Type::integer: return "integer";
    case Type::number: return "number";
    case Type::boolean: return "boolean";
    case Type::texts: return "list of text";
    case Type::object: return "object";
    case Type::map: return "map of objects";
    case Type::objects: return "list of objects";
    case Type::any: break;
  }
  return "any";
}

std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string code(std::string_view text) { return text.empty() ? "" : "`" + cell(text) + "`"; }

std::string default_cell(const Field& field) {
  if (field.required) return "required";
  std::string out = field.fallback.is_null() ? "" : code(compact_json(field.fallback));
  if (!field.flag_fallback.is_null() && field.flag_fallback != field.fallback)
    out += fmt::format("{}flag: {}", out.empty() ? "" : "; ", code(compact_json(field.flag_fallback)));
  return out;
}

std::string meaning_cell(const Field& field) {
  std::string out = cell(sentence(field.help));
  auto add = [&](const std::string& text) { out += (out.empty() ? "" : " ") + text; };
  if (!field.one_of.empty()) {
    std::vector<std::string> values;
    for (const std::string& value : field.one_of) values.push_back(code(value));
    add(fmt::format("One of {}.", fmt::join(values, ", ")));
  }
  if (field.low || field.high) add(bounds(field) + ".");
  if (!field.example.empty()) add("Example: " + code(field.example));
  return out;
}

}  // namespace

std::string help_text(const Schema& schema) {
  std::string out = wrapped(schema.name + ": " + sentence(schema.summary), 0, 2) + "\n";
  std::vector<FlagField> flags = flag_fields(schema);
  if (!flags.empty()) {
    out += "\nFlags\n";
    for (const FlagField& flag : flags) out += flag_entry(*flag.field);
  } else if (!schema.fields.empty()) {
    out += "\nKeys (JSON; there are no flags)\n";
    for (const Row& row : rows_of(schema))
      out += entry(row.path, fmt::format("{}: {}", short_type(row.field->type), remarks(*row.field, false)));
  }
  if (!schema.examples.empty()) out += "\nExamples\n";
  for (const Example& example : schema.examples)
    out += fmt::format("  {}\n      {}\n", example.command, wrapped(example.why, 6, 6));
  return out;
}

std::string markdown(const Schema& schema) {
  std::vector<Row> rows = rows_of(schema);
  bool flags = std::any_of(rows.begin(), rows.end(), [](const Row& row) { return !row.field->flag.empty(); });
  std::string out = flags ? "| key | flag | type | default | meaning |\n|---|---|---|---|---|\n"
                          : "| key | type | default | meaning |\n|---|---|---|---|\n";
  if (rows.empty()) out = "It has no parameters.\n";
  for (const Row& row : rows) {
    const Field& field = *row.field;
    std::string flag = field.flag.empty() ? "" : code("-" + field.flag);
    if (!field.flag_off.empty()) flag += ", off: " + code("-" + field.flag_off);
    out += fmt::format("| {} |{} {} | {} | {} |\n", code(row.path), flags ? " " + flag + " |" : "",
                       short_type(field.type), default_cell(field), meaning_cell(field));
  }
  if (schema.examples.empty()) return out;
  out += "\n```\n";
  for (const Example& example : schema.examples) out += fmt::format("# {}\n{}\n", example.why, example.command);
  return out + "```\n";
}

}  // namespace mig::core
