// One description of something people can write or read; everything else about it is read off here.
//
// A Schema describes a JSON object: a module's parameters, a result row, the command's options, a settings file.
// From it come: the check of a document, the parser of command-line flags, help, documentation and columns.
// MIG's documents nest (file: searches -> label -> options), so a field may hold an object, a map from labels to
// objects, or a list.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/core/json.h"
#include "node/core/result.h"

namespace mig::core {

struct Schema;

enum class Type {
  text,      ///< a string
  integer,   ///< a whole number
  number,    ///< any number
  boolean,
  texts,     ///< a list of strings; its flag may be repeated
  object,    ///< one object described by `inner`
  map,       ///< label -> object described by `inner`
  objects,   ///< a list of objects described by `inner`
  any,       ///< any JSON; no flag
};

struct Field {
  std::string name;             ///< the JSON key; matched without regard to case, as MIG did
  Type type = Type::text;
  std::string help;             ///< one sentence for people
  std::string flag;             ///< command-line flag without its dash; empty: not on the command line
  std::string example;          ///< a value shown in help
  bool required = false;
  Json fallback = nullptr;      ///< filled in when a document leaves it out; null: stays absent
  Json flag_fallback = nullptr; ///< filled in by from_flags() when the flag is not given; null: as `fallback`
  std::string flag_off;         ///< booleans: a second flag that means false and wins ("matchany")
  std::vector<std::string> one_of;  ///< allowed text values; empty: any
  std::optional<double> low, high;  ///< inclusive bounds of a number
  /// One text value (each of a list; each label of a map). The error is a trouble and a remedy without a subject:
  /// "'<' has no number; write <10k, >1m or 512". The caller puts the key or flag before it.
  std::function<Status(std::string_view)> check;
  std::shared_ptr<const Schema> inner;            ///< for object, map, objects
  std::string map_key;          ///< the label flags build under in a map ("s1")
  bool required_unless_empty = false;  ///< lists and maps: if present must not be empty
  std::vector<std::string> flag_also;  ///< other words accepted for `flag`; not shown in help
};

struct Example {
  std::string command;  ///< "mig file -path /etc -name '^passwd$'"
  std::string why;
};

struct Schema {
  std::string name;     ///< the noun, as it stands in JSON and on the command line ("file")
  std::string summary;  ///< one sentence
  std::vector<Field> fields;
  std::vector<Example> examples;
};

/// Checks `document` against `schema` and returns it with canonical key case and fallbacks filled in. A null counts as
/// absent, as it did in MIG (but in a field of any JSON it is a value). An absent object takes its `fallback` (say,
/// Json::object()) through the same check, so inner fallbacks appear; without one it stays absent.
/// Errors: path, trouble, remedy: "searches.s1.sizes: '<' has no number; write <10k, >1m or 512". Unknown keys are
/// refused with the nearest known one.
Result<Json> check_document(const Schema& schema, const Json& document);

/// Builds a document from flags: `-x v`, `-x=v`, `--x v`; booleans need `=` to be false; flags of lists repeat.
/// All flags of nested objects are reachable by their own word. Errors name the flag and the nearest known one.
/// A flag that is no list and is given twice counts as last given. A map appears if one of its flags is given or if it
/// is required; an object also if one of its flags has a flag_fallback.
/// REQUIRES: no word is the flag of two fields.
Result<Json> from_flags(const Schema& schema, const std::vector<std::string>& words);

/// Help for a terminal: summary, flags with type, default and example, then examples.
std::string help_text(const Schema& schema);

/// The same as Markdown tables for documentation: parameters (all levels) with key, flag, type, default, meaning.
std::string markdown(const Schema& schema);

/// The nearest of `known` within two edits (or a prefix), for "did you mean"; empty if none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace mig::core
