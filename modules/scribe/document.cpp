#include "modules/scribe/document.h"

#include <fmt/format.h>

#include <set>

namespace mig::modules::scribe {
namespace {

using core::Json;
using core::Schema;
using core::Type;

std::shared_ptr<const Schema> shared(Schema schema) { return std::make_shared<const Schema>(std::move(schema)); }

core::Status check_regex(std::string_view text) {
  if (make_regex(std::string(text))) return core::Done{};
  return core::invalid(fmt::format("'{}' is no regular expression; write ^lsb-release$", text.substr(0, 80)));
}

Schema object_schema() {
  Schema package{"scribe_package", "Versions of a package that is installed.", {}, {}};
  package.fields = {{.name = "name", .help = "exact name"},
                    {.name = "collectmatch", .help = "a regex on names, instead of the exact name", .check = check_regex},
                    {.name = "onlynewest", .type = Type::boolean, .help = "only the newest of those found"}};
  Schema content{"scribe_filecontent", "What a regex catches in files.", {}, {}};
  content.fields = {{.name = "path", .help = "folder to look below"},
                    {.name = "file", .help = "regex on the names of files"},
                    {.name = "expression", .help = "regex on lines; each of its groups gives a value"},
                    {.name = "concat", .help = "joins the values of a file with this between them"},
                    {.name = "import-chain", .type = Type::texts, .help = "objects whose values are added for each file, ${chain_root} being its folder"}};
  Schema filename{"scribe_filename", "Parts of the names of files.", {}, {}};
  filename.fields = {{.name = "path", .help = "folder to look below"}, {.name = "file", .help = "regex on the names of files; its first group gives the value"}};
  Schema identifier{"scribe_identifier", "A given value.", {}, {}};
  identifier.fields = {{.name = "identifier", .help = "how results call it"}, {.name = "value", .help = "the value"}};
  Schema raw{"scribe_raw", "Given values.", {}, {}};
  raw.fields = {{.name = "identifiers", .type = Type::objects, .help = "the values", .inner = shared(identifier)}};
  Schema line{"scribe_hasline", "Whether files have a line: true or false for each.", {}, {}};
  line.fields = {{.name = "path", .help = "folder to look below"}, {.name = "file", .help = "regex on the names of files"}, {.name = "expression", .help = "regex on lines"}};
  Schema out{"scribe_object", "Something to look at; the first source that is filled counts.", {}, {}};
  out.fields = {{.name = "object", .help = "its name in this document", .required = true},
                {.name = "package", .type = Type::object, .help = "a package", .inner = shared(package)},
                {.name = "filecontent", .type = Type::object, .help = "content of files", .inner = shared(content)},
                {.name = "filename", .type = Type::object, .help = "names of files", .inner = shared(filename)},
                {.name = "raw", .type = Type::object, .help = "given values", .inner = shared(raw)},
                {.name = "hasline", .type = Type::object, .help = "whether files have a line", .inner = shared(line)}};
  return out;
}

Schema test_schema() {
  Schema evr{"scribe_evr", "Compares versions.", {}, {}};
  evr.fields = {{.name = "operation", .help = "what the value found must be", .one_of = {"<", ">", "=", ""}}, {.name = "value", .help = "the version to compare with"}};
  Schema value{"scribe_value", "A value.", {}, {}};
  value.fields = {{.name = "value", .help = "what to compare with"}};
  Schema regexp{"scribe_regexp", "A regex.", {}, {}};
  regexp.fields = {{.name = "value", .help = "must match somewhere", .check = check_regex}};
  Schema tag{"scribe_tag", "A note.", {}, {}};
  tag.fields = {{.name = "key", .help = "its name"}, {.name = "value", .help = "its text"}};
  Schema out{"scribe_test", "A question about the values of an object; without evaluator whether there are any.", {}, {}};
  out.fields = {{.name = "test", .help = "its name in this document", .required = true},
                {.name = "name", .help = "for people"},
                {.name = "object", .help = "what it is about", .required = true},
                {.name = "description", .help = "for people"},
                {.name = "evr", .type = Type::object, .help = "compares versions", .inner = shared(evr)},
                {.name = "regexp", .type = Type::object, .help = "matches a regex", .inner = shared(regexp)},
                {.name = "exactmatch", .type = Type::object, .help = "is equal", .inner = shared(value)},
                {.name = "tags", .type = Type::objects, .help = "notes for people", .inner = shared(tag)},
                {.name = "if", .type = Type::texts, .help = "tests that must be true as well"},
                {.name = "expectedresult", .type = Type::boolean, .help = "what it should come to; the answer says whether it did"},
                {.name = "expecterror", .type = Type::boolean, .help = "whether it should end in an error"}};
  return out;
}

std::string text_of(const Json& json, const char* key) { return json.value(key, std::string()); }

core::Error wrong(const char* kind, const std::string& id, const std::string& what) { return core::invalid(fmt::format("scribedoc: {} '{}' {}", kind, id.substr(0, 100), what)); }

class Compiler {
 public:
  explicit Compiler(const Json& from) : from_(from) {}

  core::Result<Document> run() {
    out_.evr = text_of(from_, "evr");
    for (const Json& one : list("variables"))
      if (!text_of(one, "key").empty()) variables_.emplace_back("${" + text_of(one, "key") + "}", text_of(one, "value"));
    for (const Json& one : list("objects"))
      if (auto done = object(one); !done) return done.error();
    for (const auto& [id, object] : out_.objects)
      for (const std::string& next : object.chain)
        if (!out_.objects.contains(next)) return wrong("object", id, fmt::format("imports '{}', which is no object", next));
    const Json& tests = list("tests");
    for (std::size_t i = 0; i < tests.size(); ++i) {
      const std::string id = text_of(tests[i], "test");
      if (id.empty()) return core::invalid(fmt::format("scribedoc: tests.{} has no name; write \"test\"", i));
      if (!numbers_.emplace(id, i).second) return wrong("test", id, "is there twice");
    }
    for (const Json& one : tests)
      if (auto done = test(one); !done) return done.error();
    if (auto done = sort(); !done) return done.error();
    return std::move(out_);
  }

 private:
  const Json& list(const char* key) const {
    static const Json none = Json::array();
    const auto at = from_.find(key);
    return at == from_.end() || !at->is_array() ? none : *at;
  }
  static Json part(const Json& of, const char* key) { return of.value(key, Json::object()); }

  std::string filled(std::string text) const {
    for (const auto& [key, value] : variables_)
      for (std::size_t at = 0; (at = text.find(key, at)) != text.npos; at += value.size()) {
        text.replace(at, key.size(), value);
        if (text.size() > 64 * 1024) return text;
      }
    return text;
  }

  core::Status object(const Json& one) {
    Object out;
    out.id = text_of(one, "object");
    const Json package = part(one, "package"), content = part(one, "filecontent"), name = part(one, "filename"), raw = part(one, "raw"), line = part(one, "hasline");
    const auto files = [&](const Json& from, Source source) {
      out.source = source;
      out.path = filled(text_of(from, "path"));
      out.file = filled(text_of(from, "file"));
      out.expression = text_of(from, "expression");
    };
    if (!text_of(package, "name").empty() || !text_of(package, "collectmatch").empty()) {
      out.source = Source::package;
      out.name = filled(text_of(package, "name"));
      if (const std::string collect = text_of(package, "collectmatch"); !collect.empty()) out.collect = make_regex(collect);
      out.only_newest = package.value("onlynewest", false);
    } else if (!text_of(content, "path").empty()) {
      files(content, Source::filecontent);
      out.concat = text_of(content, "concat");
      out.chain = content.value("import-chain", std::vector<std::string>());
    } else if (!text_of(name, "path").empty()) {
      files(name, Source::filename);
    } else if (!raw.value("identifiers", Json::array()).empty()) {
      out.source = Source::raw;
      for (const Json& value : raw["identifiers"]) {
        if (text_of(value, "identifier").empty() || text_of(value, "value").empty()) return wrong("object", out.id, "has a raw value without identifier or value");
        out.raw.emplace_back(text_of(value, "identifier"), text_of(value, "value"));
      }
    } else if (!text_of(line, "path").empty()) {
      files(line, Source::hasline);
    } else {
      return wrong("object", out.id, "says nothing to look at; write package, filecontent, filename, raw or hasline");
    }
    if (!out.path.empty()) {
      const Regex file = make_regex(out.file), expression = make_regex(out.expression);
      if (!out.chained() && !out.path.starts_with('/')) return wrong("object", out.id, "has no full path; write one like /etc");
      if (out.file.empty() || !file) return wrong("object", out.id, "has no regular expression for names of files");
      if (out.source == Source::filename && file->NumberOfCapturingGroups() < 1) return wrong("object", out.id, "has no group in its file; write one like ^kernel-(.*)$");
      if (out.source != Source::filename && (out.expression.empty() || !expression)) return wrong("object", out.id, "has no regular expression for lines");
    }
    const std::string id = out.id;
    if (id.empty()) return core::invalid("scribedoc: an object has no name; write \"object\"");
    if (!out_.objects.emplace(id, std::move(out)).second) return wrong("object", id, "is there twice");
    return core::Done{};
  }

  core::Status test(const Json& one) {
    Test out;
    out.id = text_of(one, "test");
    out.name = text_of(one, "name");
    out.object = text_of(one, "object");
    out.description = text_of(one, "description");
    if (!out_.objects.contains(out.object)) return wrong("test", out.id, fmt::format("is about '{}', which is no object", out.object));
    for (const Json& tag : one.value("tags", Json::array())) out.tags.emplace_back(text_of(tag, "key"), text_of(tag, "value"));
    std::set<std::string> seen;
    for (const Json& need : one.value("if", Json::array())) {
      const std::string id = need.get<std::string>();
      const auto at = numbers_.find(id);
      if (id == out.id) return wrong("test", out.id, "depends on itself");
      if (at == numbers_.end()) return wrong("test", out.id, fmt::format("depends on '{}', which is no test", id));
      if (seen.insert(id).second) out.needs.push_back(at->second);
    }
    if (const Json evr = part(one, "evr"); !text_of(evr, "value").empty()) {
      out.evaluator = Evaluator::evr;
      out.value = text_of(evr, "value");
      if (text_of(evr, "operation").empty()) return wrong("test", out.id, "compares versions without an operation; write <, > or =");
      out.operation = text_of(evr, "operation")[0];
    } else if (const Json regexp = part(one, "regexp"); !text_of(regexp, "value").empty()) {
      out.evaluator = Evaluator::regexp;
      out.regex = make_regex(text_of(regexp, "value"));
    } else if (const Json exact = part(one, "exactmatch"); !text_of(exact, "value").empty()) {
      out.evaluator = Evaluator::exact;
      out.value = text_of(exact, "value");
    }
    out.expected = one.value("expectedresult", Json());
    out.expect_error = one.value("expecterror", Json());
    out_.tests.push_back(std::move(out));
    return core::Done{};
  }

  /// Without recursion: a document may be one long chain.
  core::Status sort() {
    std::vector<std::vector<std::size_t>> wanted_by(out_.tests.size());
    std::vector<std::size_t> left(out_.tests.size());
    for (std::size_t i = 0; i < out_.tests.size(); ++i) {
      left[i] = out_.tests[i].needs.size();
      for (std::size_t need : out_.tests[i].needs) wanted_by[need].push_back(i);
      if (left[i] == 0) out_.order.push_back(i);
    }
    for (std::size_t at = 0; at < out_.order.size(); ++at)
      for (std::size_t next : wanted_by[out_.order[at]])
        if (--left[next] == 0) out_.order.push_back(next);
    for (std::size_t i = 0; i < left.size(); ++i)
      if (left[i] > 0) return wrong("test", out_.tests[i].id, "depends on tests that depend on it");
    return core::Done{};
  }

  const Json& from_;
  Document out_;
  std::vector<std::pair<std::string, std::string>> variables_;
  std::map<std::string, std::size_t> numbers_;
};

}  // namespace

Regex make_regex(const std::string& text) {
  re2::RE2::Options quiet;
  quiet.set_log_errors(false);
  quiet.set_max_mem(1 << 20);
  auto out = std::make_shared<const re2::RE2>(text, quiet);
  return out->ok() ? out : nullptr;
}

Schema document_schema() {
  Schema variable{"scribe_variable", "A text that stands for another one.", {}, {}};
  variable.fields = {{.name = "key", .help = "${key} is replaced"}, {.name = "value", .help = "by this"}};
  Schema out{"scribe_document", "A document.", {}, {}};
  out.fields = {{.name = "variables", .type = Type::objects, .help = "replaced in paths, names of files and of packages", .inner = shared(variable)},
                {.name = "objects", .type = Type::objects, .help = "what to look at", .inner = shared(object_schema())},
                {.name = "tests", .type = Type::objects, .help = "what to ask of it", .inner = shared(test_schema())},
                {.name = "evr", .help = "rules to compare versions by; without one each kind of package by its own", .one_of = {"", "mig", "dpkg", "rpm"}}};
  return out;
}

core::Result<Document> compile(const Json& checked) { return Compiler(checked).run(); }

}  // namespace mig::modules::scribe
