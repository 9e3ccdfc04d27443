// A document: what is looked at (objects), and what is asked of it (tests).
#pragma once

#include <re2/re2.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "node/core/json.h"
#include "node/core/schema.h"

namespace mig::modules::scribe {

enum class Source { package, filecontent, filename, raw, hasline };
using Regex = std::shared_ptr<const re2::RE2>;

struct Object {
  std::string id;
  Source source{};
  std::string name;                     ///< package
  Regex collect;                        ///< package: instead of the name; may be null
  bool only_newest = false;
  std::string path, file, expression;   ///< with variables put in; as written where ${chain_root} is still to come
  std::string concat;
  std::vector<std::string> chain;
  std::vector<std::pair<std::string, std::string>> raw;  ///< identifier, value
  bool chained() const { return path.find("${chain_root}") != path.npos; }
};

enum class Evaluator { none, evr, regexp, exact };

struct Test {
  std::string id, name, object, description;
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<std::size_t> needs;  ///< numbers of the tests of `if`
  Evaluator evaluator = Evaluator::none;
  char operation = '=';
  std::string value;
  Regex regex;
  core::Json expected, expect_error;  ///< null: the document says nothing
};

struct Document {
  std::map<std::string, Object> objects;
  std::vector<Test> tests;
  std::vector<std::size_t> order;  ///< of the tests: each behind those it needs
  std::string evr;                 ///< empty: each kind of package by its own rules; "mig", "dpkg", "rpm": all by these
};

constexpr std::size_t document_max = 8 << 20;

core::Schema document_schema();
/// Text of YAML or JSON (if its first sign is { or [) into what the schema describes; not checked yet. Bounded in
/// size, depth and number of values; aliases, merge keys and second documents are refused.
core::Result<core::Json> read_document(std::string_view text);
/// REQUIRES: checked by the schema. Errors name the object or test.
core::Result<Document> compile(const core::Json& checked);
/// nullptr if it is none.
Regex make_regex(const std::string& text);

}  // namespace mig::modules::scribe
