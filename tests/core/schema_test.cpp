#include "node/core/schema.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>

using namespace mig::core;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

Status size_text(std::string_view text) {
  if (text.find_first_of("0123456789") == std::string_view::npos)
    return invalid("'" + std::string(text) + "' has no number; write <10k, >1m or 512");
  return Done{};
}

Status label_text(std::string_view text) {
  if (text.empty() || text.size() > 64) return invalid("must have 1 to 64 letters");
  return Done{};
}

// The shape of MIG's file module: a map of searches, each with lists and an object of options.
Schema file_like() {
  auto options = std::make_shared<Schema>();
  options->name = "options";
  options->fields = {
      {.name = "matchall", .type = Type::boolean, .help = "Every check must hold", .flag = "matchall", .fallback = false,
       .flag_fallback = true, .flag_off = "matchany"},
      {.name = "maxdepth", .type = Type::number, .help = "Directory levels to walk", .flag = "maxdepth", .example = "3",
       .fallback = 0, .flag_fallback = 1000, .low = 0, .high = 1e9, .flag_also = {"depth"}},
      {.name = "mismatch", .type = Type::texts, .help = "Invert the checks of a kind", .flag = "mismatch",
       .one_of = {"name", "size", "content"}},
      {.name = "decompress", .type = Type::boolean, .help = "Look into gzip files", .flag = "decompress", .fallback = false},
      {.name = "debug", .type = Type::text}};
  auto search = std::make_shared<Schema>();
  search->name = "search";
  search->fields = {
      {.name = "description", .type = Type::text},
      {.name = "paths", .type = Type::texts, .help = "Where to look: a directory or a file", .flag = "path", .example = "/etc",
       .required = true, .required_unless_empty = true},
      {.name = "names", .type = Type::texts, .help = "Regular expression on the file's own name", .flag = "name",
       .example = "^passwd$"},
      {.name = "sizes", .type = Type::texts, .help = "Size of the file", .flag = "size", .example = ">10k",
       .check = size_text},
      {.name = "options", .type = Type::object, .fallback = Json::object(), .inner = options}};
  Schema file;
  file.name = "file";
  file.summary = "finds files by name, size, mode, time, content and hash";
  file.fields = {{.name = "searches", .type = Type::map, .required = true, .check = label_text, .inner = search,
                  .map_key = "s1", .required_unless_empty = true}};
  file.examples = {{"mig file -path /etc -name '^passwd$'", "which machines have a password file"}};
  return file;
}

std::string check(const char* text, const Schema& schema = file_like()) {
  Result<Json> document = parse_json(text, 100'000);
  REQUIRE(document);
  Result<Json> checked = check_document(schema, *document);
  return checked ? compact_json(*checked) : checked.error().text;
}

std::string flags(const std::vector<std::string>& words, const Schema& schema = file_like()) {
  Result<Json> document = from_flags(schema, words);
  return document ? compact_json(*document) : document.error().text;
}

}  // namespace

TEST_CASE("a document gets its own key case and its fallbacks") {
  CHECK(check(R"({"Searches":{"Backdoored/bin":{"PATHS":["/etc"],"names":["^a$"],"options":{"MatchAll":true}}}})") ==
        R"({"searches":{"Backdoored/bin":{"names":["^a$"],)"
        R"("options":{"decompress":false,"matchall":true,"maxdepth":0},"paths":["/etc"]}}})");
}

TEST_CASE("an object that is absent takes its fallback, and that takes the inner ones") {
  CHECK(check(R"({"searches":{"a":{"paths":["/"]}}})") ==
        R"({"searches":{"a":{"options":{"decompress":false,"matchall":false,"maxdepth":0},"paths":["/"]}}})");
}

TEST_CASE("null means absent, as MIG wrote it") {
  CHECK_THAT(check(R"({"searches":{"a":{"paths":["/"],"names":null,"options":{"mismatch":null}}}})"),
             !Contains("null") && StartsWith("{"));
  CHECK_THAT(check(R"({"searches":null})"), StartsWith("searches: is required"));
}

TEST_CASE("errors name the place, the trouble and what is right") {
  CHECK(check(R"({"searches":{"s1":{"paths":["/"],"sizes":["10k","<"]}}})") ==
        "searches.s1.sizes: '<' has no number; write <10k, >1m or 512");
  CHECK(check(R"({"searches":{"s1":{"pats":["/"]}}})") == "searches.s1: 'pats' is not known; did you mean 'paths'?");
  CHECK(check(R"({"zzzzzz":1})") == "file: 'zzzzzz' is not known; what it takes: searches");
  CHECK(check(R"({"searches":{"s1":{"names":["a"]}}})") == "searches.s1.paths: is required; write \"paths\": [\"/etc\"]");
  CHECK(check(R"({"searches":{"s1":{"paths":[]}}})") == "searches.s1.paths: is empty; write \"paths\": [\"/etc\"]");
  CHECK_THAT(check(R"({"searches":{}})"), StartsWith("searches: is empty"));
  CHECK(check(R"({"searches":{"s1":{"paths":"/etc"}}})") ==
        "searches.s1.paths: expected a list of texts, got the text \"/etc\"; put it in square brackets");
  CHECK(check(R"({"searches":{"s1":{"paths":["/",3]}}})") ==
        "searches.s1.paths: expected only texts in the list, got the number 3");
  CHECK(check(R"({"searches":[]})") == "searches: expected an object of labels {\"label\": {...}}, got a list");
  CHECK(check("[]") == "file: expected an object {...}, got a list");
  CHECK(check(R"({"searches":{"":{"paths":["/"]}}})") == "searches: the label must have 1 to 64 letters");
  CHECK(check(R"({"searches":{"a":{"paths":["/"],"options":{"maxdepth":-1}}}})") ==
        "searches.a.options.maxdepth: -1 is outside 0..1000000000");
  CHECK(check(R"({"searches":{"a":{"paths":["/"],"options":{"matchall":"true"}}}})") ==
        "searches.a.options.matchall: expected true or false, got the text \"true\"");
  CHECK(check(R"({"searches":{"a":{"paths":["/"],"options":{"mismatch":["names"]}}}})") ==
        "searches.a.options.mismatch: 'names' is not known; did you mean 'name'?");
  CHECK(check(R"({"searches":{"a":{"paths":["/"],"options":{"mismatch":["everything"]}}}})") ==
        "searches.a.options.mismatch: 'everything' is not one of name, size, content");
}

TEST_CASE("one key in two cases is refused") {
  CHECK(check(R"({"searches":{"a":{"paths":["/"],"Paths":["/etc"]}}})") ==
        "searches.a.paths: stands twice in different case; keep one");
}

TEST_CASE("whole numbers stay whole") {
  Schema schema{.name = "ping", .fields = {{.name = "count", .type = Type::integer, .low = 1}}};
  CHECK(check(R"({"count":3.0})", schema) == R"({"count":3})");
  CHECK(check(R"({"count":3.5})", schema) == "count: 3.5 is not a whole number");
  CHECK(check(R"({"count":0})", schema) == "count: 0 is outside 1 or more");
  CHECK(check(R"({"count":"3"})", schema) == "count: expected a whole number, got the text \"3\"");
  Result<Json> built_by_code = check_document(schema, Json{{"count", 4.0}});
  REQUIRE(built_by_code);
  CHECK((*built_by_code)["count"].is_number_integer());
}

TEST_CASE("lists of objects are checked one by one, any JSON is let through") {
  auto inner = std::make_shared<Schema>(Schema{.name = "op", .fields = {{.name = "module", .required = true}}});
  Schema schema{.name = "action", .fields = {{.name = "operations", .type = Type::objects, .inner = inner},
                                             {.name = "parameters", .type = Type::any}}};
  CHECK(check(R"({"operations":[{"module":"file"},{}]})", schema) ==
        "operations[1].module: is required; it takes a text");
  CHECK(check(R"({"operations":[{"Module":"file"}],"parameters":null})", schema) ==
        R"({"operations":[{"module":"file"}],"parameters":null})");
}

TEST_CASE("flags build the nested document with the command line's own defaults") {
  CHECK(flags({"-path", "/etc", "--name=^a=b$", "-name", "x", "-depth", "3"}) ==
        R"({"searches":{"s1":{"names":["^a=b$","x"],)"
        R"("options":{"decompress":false,"matchall":true,"maxdepth":3},"paths":["/etc"]}}})");
}

TEST_CASE("a boolean needs an equals sign to be false") {
  CHECK_THAT(flags({"-path", "/", "-matchall=false", "-decompress"}), Contains("\"matchall\":false"));
  CHECK_THAT(flags({"-path", "/", "-matchall", "-decompress=TRUE"}),
             Contains("\"matchall\":true") && Contains("\"decompress\":true"));
  CHECK(flags({"-path", "/", "-matchall", "false"}) ==
        "file: 'false' stands without a flag; on and off need '=': -matchall=false");
  CHECK(flags({"-path", "/", "-matchall=nope"}) == "-matchall: 'nope' is neither true nor false");
}

TEST_CASE("matchany beats matchall wherever it stands") {
  CHECK_THAT(flags({"-matchany", "-path", "/", "-matchall"}), Contains("\"matchall\":false"));
  CHECK_THAT(flags({"-path", "/", "-matchany=false"}), Contains("\"matchall\":true"));
}

TEST_CASE("wrong flags are answered with the nearest right one") {
  CHECK(flags({"-paht", "/etc"}) == "file: -paht is not known; did you mean -path?");
  CHECK(flags({"-zzzzzz"}) == "file: -zzzzzz is not known; its flags: -path -name -size -matchall -matchany -maxdepth "
                              "-depth -mismatch -decompress");
  CHECK(flags({"path", "/etc"}) == "file: 'path' stands without a flag; did you mean -path?");
  CHECK(flags({"-path", "/etc", "/usr/share/doc"}) == "file: '/usr/share/doc' stands without a flag; write -path /etc");
  CHECK(flags({"-path"}) == "-path: needs a value; write -path /etc");
  CHECK(flags({"-path", "-name", "x"}) ==
        "-path: needs a value, but -name follows; write -path /etc (or -path=-name if that is the value)");
  CHECK(flags({"-path", "/", "-size", "<"}) == "-size: '<' has no number; write <10k, >1m or 512");
  CHECK(flags({"-path", "/", "-maxdepth", "deep"}) == "-maxdepth: 'deep' is not a number; write -maxdepth 3");
  CHECK(flags({"-path", "/", "-maxdepth", "-5"}) == "-maxdepth: -5 is outside 0..1000000000");
  CHECK(flags({"-name", "x"}) == "-path: is required; write -path /etc");
  CHECK(flags({}) == "-path: is required; write -path /etc");
  CHECK(flags({"-path", "/tmp/\xff"}) == "-path: '/tmp/\xEF\xBF\xBD' is not UTF-8");
  CHECK(flags({"-path", "/", "-mismatch", "siez"}) == "-mismatch: 'siez' is not known; did you mean 'size'?");
}

TEST_CASE("two dashes alone end the flags") {
  CHECK_THAT(flags({"-path", "/", "--"}), StartsWith("{"));
  CHECK_THAT(flags({"-path", "/", "--", "-name"}), Contains("'-name' stands without a flag"));
}

TEST_CASE("a value may start with a dash") { CHECK_THAT(flags({"-path", "/", "-name", "-x$"}), Contains("\"-x$\"")); }

TEST_CASE("a schema without parameters takes none") {
  Schema schema{.name = "audit"};
  CHECK(flags({}, schema) == "{}");
  CHECK(flags({"-x"}, schema) == "audit: -x is not known; it takes no flags");
  CHECK(check(R"({"x":1})", schema) == "audit: 'x' is not known; it takes no parameters");
}

TEST_CASE("an optional map stays away until one of its flags is given") {
  auto inner = std::make_shared<Schema>(Schema{.name = "x", .fields = {{.name = "n", .type = Type::integer, .flag = "n"}}});
  Schema schema{.name = "m", .fields = {{.name = "labels", .type = Type::map, .inner = inner, .map_key = "a"}}};
  CHECK(flags({}, schema) == "{}");
  CHECK(flags({"-n", "1"}, schema) == R"({"labels":{"a":{"n":1}}})");
}

TEST_CASE("help teaches by example and fits a terminal") {
  std::string help = help_text(file_like());
  INFO(help);
  CHECK_THAT(help, StartsWith("file: finds files by name"));
  CHECK_THAT(help, Contains("  -path TEXT          Where to look: a directory or a file. [required; may be repeated]\n"
                            "                      e.g. -path /etc\n"));
  CHECK_THAT(help, Contains("e.g. -name '^passwd$'"));
  CHECK_THAT(help, Contains("[default true] Off: -matchany."));
  CHECK_THAT(help, Contains("[may be repeated; one of name, size,\n                      content]"));
  CHECK_THAT(help, !Contains("default false"));
  CHECK_THAT(help, Contains("  mig file -path /etc -name '^passwd$'\n      which machines have a password file\n"));
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 92);
}

TEST_CASE("help without flags shows the keys") {
  Schema schema{.name = "agentdestroy", .summary = "ends an agent",
                .fields = {{.name = "pid", .type = Type::integer, .help = "Process to end", .required = true}}};
  CHECK_THAT(help_text(schema), Contains("  pid                 integer: Process to end. [required]\n"));
}

TEST_CASE("documentation lists every level with key, flag, type, default and meaning") {
  std::string table = markdown(file_like());
  INFO(table);
  CHECK_THAT(table, StartsWith("| key | flag | type | default | meaning |\n|---|---|---|---|---|\n"));
  CHECK_THAT(table, Contains("| `searches.<label>.paths` | `-path` | list of text | required | Where to look"));
  CHECK_THAT(table, Contains("| `searches.<label>.options.matchall` | `-matchall`, off: `-matchany` | boolean | `false`; "
                             "flag: `true` | Every check must hold. |\n"));
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line) && !line.empty();)
    CHECK(std::count(line.begin(), line.end(), '|') == 6);
  Schema rows{.name = "row", .fields = {{.name = "a|b", .help = "x|y"}}};
  CHECK(markdown(rows) == "| key | type | default | meaning |\n|---|---|---|---|\n| `a\\|b` | text |  | x\\|y. |\n");
}

TEST_CASE("the nearest word is within two edits or starts alike") {
  std::vector<std::string> known{"path", "name", "matchall", "matchany", "sha256"};
  CHECK(nearest("paht", known) == "path");
  CHECK(nearest("NAMES", known) == "name");
  CHECK(nearest("macthall", known) == "matchall");
  CHECK(nearest("mat", known) == "matchall");
  CHECK(nearest("sha512", known).empty());
  CHECK(nearest("x", known).empty());
  CHECK(nearest("", known).empty());
  CHECK(nearest("completely", known).empty());
}
