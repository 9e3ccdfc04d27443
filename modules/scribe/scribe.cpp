#include "modules/scribe/scribe.h"

#include <fmt/format.h>

#include <chrono>

#include "modules/host_files.h"
#include "modules/scribe/gather.h"
#include "node/core/time.h"

namespace mig::modules::scribe {
namespace {

using core::Json;
using core::Type;

core::Schema make_parameters() {
  core::Schema out{"scribe", "Runs the tests of a document about packages and files, such as whether a vulnerable version is installed.", {}, {}};
  out.fields.push_back({.name = "path", .help = "a document in YAML or JSON on the machine where mig runs, which takes its place among the parameters", .flag = "path", .example = "glibc.yaml"});
  out.fields.push_back({.name = "scribedoc", .type = Type::object, .help = "the document", .inner = std::make_shared<const core::Schema>(document_schema())});
  out.fields.push_back({.name = "onlytrue", .type = Type::boolean, .help = "only tests that are true", .flag = "onlytrue", .fallback = false});
  out.fields.push_back({.name = "humanoutput", .type = Type::boolean, .help = "print several lines a test", .flag = "human", .fallback = false});
  out.fields.push_back({.name = "jsonoutput", .type = Type::boolean, .help = "print a JSON object a test", .flag = "json", .fallback = false});
  out.examples.push_back({"mig scribe -onlytrue -path glibc.yaml", "where the tests of a document are true"});
  return out;
}

core::Schema make_row() {
  core::Schema tag{"scribe_tag", "A note.", {}, {}};
  tag.fields = {{.name = "key", .help = "its name"}, {.name = "value", .help = "its text"}};
  core::Schema sub{"scribe_sub", "What one value came to.", {}, {}};
  sub.fields = {{.name = "result", .type = Type::boolean, .help = "whether it is true"}, {.name = "identifier", .help = "the package or file"}};
  core::Schema test{"scribe_result", "What one test came to.", {}, {}};
  test.fields = {{.name = "testid", .help = "its name in the document"},
                 {.name = "name", .help = "for people"},
                 {.name = "description", .help = "for people"},
                 {.name = "tags", .type = Type::objects, .help = "as in the document", .inner = std::make_shared<const core::Schema>(tag)},
                 {.name = "iserror", .type = Type::boolean, .help = "it could not be told"},
                 {.name = "error", .help = "why"},
                 {.name = "masterresult", .type = Type::boolean, .help = "true for a value, and so are the tests it depends on"},
                 {.name = "hastrueresults", .type = Type::boolean, .help = "true for a value"},
                 {.name = "asexpected", .type = Type::boolean, .help = "only if the document says what is expected"},
                 {.name = "results", .type = Type::objects, .help = "one for each value; null if there is none", .inner = std::make_shared<const core::Schema>(sub)}};
  core::Schema out{"scribe_answer", "One object for the whole answer.", {}, {}};
  out.fields = {{.name = "results", .type = Type::objects, .help = "in the order of the document", .inner = std::make_shared<const core::Schema>(test)},
                {.name = "humanoutput", .type = Type::boolean, .help = "as asked"},
                {.name = "jsonoutput", .type = Type::boolean, .help = "as asked"}};
  return out;
}

struct Outcome {
  bool master = false, has_true = false;
  std::string error;
  std::vector<std::pair<bool, const std::string*>> results;
};

/// Errors: the value or the test's own cannot be compared.
core::Result<bool> holds(const Document& document, const Test& test, const Criterion& value) {
  switch (test.evaluator) {
    case Evaluator::none: return true;
    case Evaluator::exact: return value.value == test.value;
    case Evaluator::regexp: return re2::RE2::PartialMatch(value.value, *test.regex);
    case Evaluator::evr: break;
  }
  const auto order = compare(document, value.type, value.value, test.value);
  if (!order) return order.error();
  return test.operation == '<' ? *order < 0 : test.operation == '>' ? *order > 0 : *order == 0;
}

Outcome judge(const Document& document, const Test& test, const Gathered& object, const std::vector<Outcome>& before) {
  Outcome out;
  out.error = object.error;
  for (const Criterion& one : object.criteria) {
    if (!out.error.empty()) break;
    const auto held = holds(document, test, one);
    if (!held) {
      out.error = held.error().text;
      break;
    }
    out.results.emplace_back(*held, &one.identifier);
    out.has_true = out.has_true || *held;
  }
  out.master = out.has_true && out.error.empty();
  for (std::size_t need : test.needs) {
    if (!before[need].error.empty() && out.error.empty()) out.error = fmt::format("a test dependency failed (\"{}\")", document.tests[need].id);
    out.master = out.master && out.error.empty() && before[need].master;
  }
  return out;
}

Json to_json(const Test& test, const Outcome& outcome) {
  Json tags = Json::array(), results = nullptr;
  for (const auto& [key, value] : test.tags) tags.push_back({{"key", key}, {"value", value}});
  for (const auto& [result, identifier] : outcome.results) results.push_back({{"result", result}, {"identifier", *identifier}});
  Json out = {{"testid", test.id}, {"name", test.name}, {"description", test.description}, {"tags", std::move(tags)}, {"iserror", !outcome.error.empty()},
              {"error", outcome.error}, {"masterresult", outcome.master}, {"hastrueresults", outcome.has_true}, {"results", std::move(results)}};
  if (!test.expected.is_null() || !test.expect_error.is_null())
    out["asexpected"] = (test.expected.is_null() || test.expected == outcome.master) && (test.expect_error.is_null() || test.expect_error == !outcome.error.empty());
  return out;
}

std::string text_of(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_string() ? at->get<std::string>() : "";
}
bool flag_of(const Json& json, const char* key) {
  const auto at = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && at != json.end() && *at == true;
}
const Json& list_of(const Json& json, const char* key) {
  static const Json none = Json::array();
  if (!json.is_object()) return none;
  const auto at = json.find(key);
  return at != json.end() && at->is_array() ? *at : none;
}

void print_test(const Json& test, bool human, std::vector<std::string>& out) {
  const std::string id = text_of(test, "testid"), given = text_of(test, "name"), name = given.empty() ? id : given, error = text_of(test, "error");
  const char* master = flag_of(test, "iserror") ? "error" : flag_of(test, "masterresult") ? "true" : "false";
  if (human) {
    out.push_back(fmt::format("result for \"{}\" ({})", name, id));
    if (const std::string about = text_of(test, "description"); !about.empty()) out.push_back("\tdescription: " + about);
    out.push_back(fmt::format("\tmaster result: {}", master));
    for (const Json& tag : list_of(test, "tags"))
      if (tag.is_object()) out.push_back(fmt::format("\ttag: {}: {}", text_of(tag, "key"), text_of(tag, "value")));
    if (!error.empty()) out.push_back("\t[error] error: " + error);
  } else {
    out.push_back(fmt::format("master [{}] name:\"{}\" id:\"{}\" hastrue:{} error:\"{}\"", master, name, id, flag_of(test, "hastrueresults"), error));
  }
  for (const Json& sub : list_of(test, "results"))
    if (sub.is_object()) {
      const bool result = flag_of(sub, "result");
      if (human) out.push_back(fmt::format("\t[{}] identifier: \"{}\"", result, text_of(sub, "identifier")));
      else out.push_back(fmt::format("sub [{}] name:\"{}\" id:\"{}\" identifier:\"{}\"", result, name, id, text_of(sub, "identifier")));
    }
}

class Scribe final : public Module {
 public:
  const core::Schema& parameters() const override { return parameters_; }
  const core::Schema& row() const override { return row_; }
  Disclosure disclosure() const override { return Disclosure::match_list; }
  std::string_view cost() const override {
    return "Lists packages once and walks the folders of all objects once, ten levels deep: about 0.1 s of processor and 35 MB of memory for 2,700 tests of packages; a folder of 100,000 files adds what listing it costs.";
  }
  std::string_view needs() const override { return "Read access to the databases of packages and to the files of the document; what cannot be read is named."; }

  core::Result<Json> load(Json parameters) const override {
    const std::string path = parameters.value("path", "");
    if (path.empty()) return parameters;
    if (parameters.contains("scribedoc")) return core::invalid("path: there is a scribedoc already; give one of them");
    auto text = read_file(Host{}, path, document_max);
    if (!text) return core::invalid("path: " + text.error().text);
    auto document = read_document(*text);
    if (!document) return core::invalid(fmt::format("{}: {}", path, document.error().text));
    parameters.erase("path");
    parameters["scribedoc"] = *std::move(document);
    auto checked = core::check_document(parameters_, parameters);
    if (!checked) return core::invalid(fmt::format("{}: {}", path, checked.error().text));
    if (auto compiled = compile((*checked)["scribedoc"]); !compiled) return core::invalid(fmt::format("{}: {}", path, compiled.error().text));
    return checked;
  }

  Answer run(const Json& asked, const Host& host, Budget& budget) const override {
    const auto began = std::chrono::steady_clock::now();
    if (asked.contains("path")) return Answer::failure("path: names a file of the machine where mig runs; put the document into scribedoc");
    if (!asked.contains("scribedoc")) return Answer::failure("scribedoc: is missing; give a document (-path document.yaml)");
    auto document = compile(asked["scribedoc"]);
    if (!document) return Answer::failure(document.error().text);

    Answer answer;
    answer.elements = {{"results", Json::array()}, {"humanoutput", asked.value("humanoutput", false)}, {"jsonoutput", asked.value("jsonoutput", false)}};
    const auto objects = gather(*document, host, budget, answer.errors);
    static const Gathered nothing{};  // only chains use it, or the budget was spent before
    std::vector<Outcome> outcomes(document->tests.size());
    for (std::size_t number : document->order) {
      if (budget.spent()) break;
      const auto object = objects.find(document->tests[number].object);
      outcomes[number] = judge(*document, document->tests[number], object == objects.end() ? nothing : object->second, outcomes);
    }
    const bool only_true = asked.value("onlytrue", false), cut = budget.spent();
    for (std::size_t i = 0; i < outcomes.size() && !budget.spent(); ++i) {
      if (!outcomes[i].error.empty()) answer.errors.push_back(fmt::format("Error: {} in \"{}\"", outcomes[i].error, document->tests[i].id));
      // What was not judged for lack of budget is left out, not called false.
      if (cut || (only_true && !outcomes[i].master)) continue;
      Json row = to_json(document->tests[i], outcomes[i]);
      budget.add_bytes(200 + row["name"].get_ref<const std::string&>().size() + row["description"].get_ref<const std::string&>().size() + 60 * outcomes[i].results.size());
      answer.elements["results"].push_back(std::move(row));
    }
    answer.found_anything = !answer.elements["results"].empty();
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    answer.statistics = {{"execruntime", core::format_duration({took.count()})}};
    if (budget.spent()) {
      answer.success = false;
      answer.errors.push_back(budget.limit_hit());
    }
    return answer;
  }

  std::vector<std::string> print(const Answer& answer, bool found_only) const override {
    std::vector<std::string> out;
    for (const Json& test : list_of(answer.elements, "results")) {
      if (!test.is_object()) continue;
      if (flag_of(answer.elements, "jsonoutput")) out.push_back(core::compact_json(test));
      else print_test(test, flag_of(answer.elements, "humanoutput"), out);
    }
    if (found_only) return out;
    out.insert(out.end(), answer.errors.begin(), answer.errors.end());
    if (answer.statistics.is_object()) out.push_back("Statistics: runtime " + text_of(answer.statistics, "execruntime"));
    return out;
  }

  void mask(Answer& answer) const override {
    if (answer.elements.is_object() && answer.elements.contains("results") && answer.elements["results"].is_array())
      for (Json& test : answer.elements["results"]) {
        if (!test.is_object()) continue;
        if (test.contains("results") && test["results"].is_array())
          for (Json& sub : test["results"])
            if (sub.is_object() && sub.contains("identifier")) sub["identifier"] = "masked";
        if (!text_of(test, "error").empty()) test["error"] = "masked";
      }
    for (std::string& error : answer.errors) error = "masked";
  }

 private:
  core::Schema parameters_ = make_parameters();
  core::Schema row_ = make_row();
};

}  // namespace

const Module& module() {
  static const Scribe the_module;
  return the_module;
}

}  // namespace mig::modules::scribe
