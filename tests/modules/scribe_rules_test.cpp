// scribe: which source and which evaluator counts, what files are looked at and how, chains of chains, errors, flags.
#include <unistd.h>

#include "scribe_machine.h"

using namespace mig;
using namespace mig::test::scribed;

TEST_CASE("of several sources of an object the first counts: package, filecontent, filename, raw, hasline", "[scribe]") {
  const Scribed machine;
  const std::string package = "package: {name: libc6}", content = "filecontent: {path: /lab, file: ^version$, expression: \"^major (.)\"}",
                    name = "filename: {path: /lab, file: \"^one-(.+).jar$\"}", raw = "raw: {identifiers: [{identifier: r, value: \"1\"}]}",
                    line = "hasline: {path: /lab, file: ^patch$, expression: x}", none = "package: {name: \"\"}, filecontent: {path: \"\"}";
  const auto seen = machine.outcomes("objects:\n  - {object: a, " + line + ", " + raw + ", " + name + ", " + content + ", " + package + "}\n  - {object: b, " + line + ", " + raw + ", " + name + ", " + content + "}\n  - {object: c, " + line +
                                     ", " + raw + ", " + name + ", " + none + "}\n  - {object: d, " + line + ", " + raw + "}\n  - {object: e, " + line +
                                     ", raw: {identifiers: []}}\ntests: [{test: a, object: a}, {test: b, object: b}, {test: c, object: c}, {test: d, object: d}, {test: e, object: e}]\n");
  CHECK(seen == Outcomes{{"a", "true [true libc6]"}, {"b", "true [true /lab/sub/version]"}, {"c", "true [true /lab/sub/one-1.5.jar]"}, {"d", "true [true r]"}, {"e", "true [true /lab/sub/patch]"}});
}

TEST_CASE("of several evaluators of a test the first counts: evr, regexp, exactmatch", "[scribe]") {
  const Scribed machine;
  CHECK(machine.outcomes(R"y(
objects: [{object: o, raw: {identifiers: [{identifier: i, value: "1.5"}]}}]
tests:
  - {test: evr, object: o, exactmatch: {value: x}, regexp: {value: x}, evr: {operation: "=", value: "1.5"}}
  - {test: regexp, object: o, exactmatch: {value: x}, regexp: {value: "5"}, evr: {operation: "", value: ""}}
  - {test: exact, object: o, exactmatch: {value: x}, regexp: {value: ""}, evr: {}}
  - {test: none, object: o, exactmatch: {value: ""}, regexp: {}, evr: {}}
)y") == Outcomes{{"evr", "true [true i]"}, {"regexp", "true [true i]"}, {"exact", "false [false i]"}, {"none", "true [true i]"}});
}

TEST_CASE("evr is less, greater or equal, and a version that is none is an error", "[scribe]") {
  const Scribed machine;
  CHECK(machine.outcomes(R"y(
evr: mig
objects: [{object: o, raw: {identifiers: [{identifier: i, value: "1.5"}]}}, {object: bad, raw: {identifiers: [{identifier: j, value: "1:"}]}}]
tests:
  - {test: a, object: o, evr: {operation: <, value: "1.6"}}
  - {test: b, object: o, evr: {operation: <, value: "1.5"}}
  - {test: c, object: o, evr: {operation: ">", value: "1.4"}}
  - {test: d, object: o, evr: {operation: ">", value: "1.5"}}
  - {test: e, object: o, evr: {operation: "=", value: "0:1.5"}}
  - {test: f, object: o, evr: {operation: "=", value: "1.50"}}
  - {test: g, object: o, evr: {operation: "=", value: "1.5-"}}
  - {test: h, object: bad, evr: {operation: <, value: "2"}}
)y") == Outcomes{{"a", "true [true i]"}, {"b", "false [false i]"}, {"c", "true [true i]"}, {"d", "false [false i]"}, {"e", "true [true i]"}, {"f", "false [false i]"},
                {"g", "'1.5-' has nothing behind its last dash"}, {"h", "'1:' is an epoch without a version"}});
}

TEST_CASE("a regex without a group gives no value, and a line of more than 4096 octets counts as several", "[scribe]") {
  const Scribed machine;
  machine.root.file("/long/a", std::string(4096, 'x') + "start" + std::string(5000, 'y') + "end\nstart");
  CHECK(machine.outcomes(R"y(
objects:
  - {object: no group, filecontent: {path: /lab, file: ^version$, expression: ^major}}
  - {object: start, filecontent: {path: /long, file: ., expression: "^(start)"}}
  - {object: across, filecontent: {path: /long, file: ., expression: "(xs)"}}
  - {object: empty, filecontent: {path: /lab, file: ^version$, expression: "major(z?)"}}
tests: [{test: no group, object: no group}, {test: start, object: start}, {test: across, object: across}, {test: empty, object: empty, regexp: {value: ^$}}]
)y") == Outcomes{{"no group", "false"}, {"start", "true [true /long/a] [true /long/a]"}, {"across", "false"}, {"empty", "true [true /lab/sub/version]"}});
}

TEST_CASE("variables stand in names of packages, in paths and in names of files", "[scribe]") {
  const Scribed machine;
  CHECK(machine.outcomes(R"y(
variables: [{key: p, value: libc}, {key: d, value: lab}, {key: f, value: version}]
objects:
  - {object: a, package: {name: "${p}6"}}
  - {object: b, filecontent: {path: "/${d}", file: "^${f}$", expression: "(major)"}}
  - {object: c, filename: {path: "/${d}/sub", file: "^(one).*jar$"}}
  - {object: d, hasline: {path: "/${d}", file: "^${f}$", expression: major}}
  - {object: e, package: {name: "${q}"}}
tests: [{test: a, object: a}, {test: b, object: b}, {test: c, object: c}, {test: d, object: d, exactmatch: {value: "true"}}, {test: e, object: e}]
)y") == Outcomes{{"a", "true [true libc6]"}, {"b", "true [true /lab/sub/version]"}, {"c", "true [true /lab/sub/one-1.5.jar]"}, {"d", "true [true /lab/sub/version]"}, {"e", "false"}});
}

TEST_CASE("links to files are looked at and links to folders are not; ten levels of folders; a path may be a file", "[scribe]") {
  const Scribed machine;
  machine.root.file("/t/1/2/3/4/5/6/7/8/9/f-deep", "x");
  machine.root.file("/t/1/2/3/4/5/6/7/8/9/10/f-deeper", "x");
  machine.root.file("/elsewhere/f-file", "x");
  REQUIRE(symlink("../elsewhere/f-file", machine.root.path("/t/f-link").c_str()) == 0);
  REQUIRE(symlink("../elsewhere", machine.root.path("/t/folder").c_str()) == 0);
  REQUIRE(symlink("nowhere", machine.root.path("/t/f-broken").c_str()) == 0);
  CHECK(machine.outcomes(R"y(
objects: [{object: t, filename: {path: /t, file: "^f-(.*)"}}, {object: one, filename: {path: /elsewhere/f-file, file: "^f-(.*)"}}, {object: gone, filename: {path: /gone, file: "(.)"}}]
tests: [{test: t, object: t}, {test: one, object: one}, {test: gone, object: gone}]
)y") == Outcomes{{"t", "true [true /t/f-link] [true /t/1/2/3/4/5/6/7/8/9/f-deep]"}, {"one", "true [true /elsewhere/f-file]"}, {"gone", "false"}});
}

TEST_CASE("a thousand files are taken for each look-up, not for all of them together", "[scribe]") {
  const Scribed machine;
  for (int i = 0; i < 1001; ++i) machine.root.file(fmt::format("/many/{:04}", i), "x");
  const auto document = modules::scribe::read_document(R"y(
objects: [{object: a, filename: {path: /many, file: "^(.+)$"}}, {object: b, filename: {path: /many, file: "^(.*[5])$"}}, {object: c, filename: {path: /many, file: "^(.*)[02468]$"}}]
tests: [{test: a, object: a}, {test: b, object: b}, {test: c, object: c}]
)y");
  REQUIRE(document);
  const Answer answer = machine.ask(*document);
  std::vector<std::size_t> counts;
  for (const Json& test : answer.elements["results"]) counts.push_back(test["results"].size());
  CHECK(counts == std::vector<std::size_t>{1000, 100, 501});
  CHECK(answer.success);
  CHECK(answer.errors == std::vector<std::string>{"/many: more than 1000 files match '^(.+)$', and the rest is left out"});
}

TEST_CASE("a chain runs for each file of its root, chains of its objects run too, and a ring of them ends", "[scribe]") {
  const Scribed machine;
  for (const char* folder : {"/app/a", "/app/b"}) {
    const std::string last(1, folder[5]);
    machine.root.file(std::string(folder) + "/major", last + "1\n");
    machine.root.file(std::string(folder) + "/more/minor", last + "2\n");
    machine.root.file(std::string(folder) + "/more/patch", last + "3\n");
  }
  CHECK(machine.outcomes(R"y(
objects:
  - {object: root, filecontent: {path: /app, file: ^major$, expression: "^(.*)$", concat: ., import-chain: [minor, none]}}
  - {object: minor, filecontent: {path: "${chain_root}more", file: ^minor$, expression: "^(.*)$", import-chain: [patch]}}
  - {object: patch, filecontent: {path: "${chain_root}", file: ^patch$, expression: "^(.*)$"}}
  - {object: none, filename: {path: "${chain_root}", file: "^no(.)"}}
  - {object: ring, filecontent: {path: /app/a, file: ^major$, expression: "^(.*)$", import-chain: [ring]}}
tests: [{test: joined, object: root, regexp: {value: "^([ab])1\\.[ab]2\\.[ab]3$"}}, {test: first, object: root, exactmatch: {value: a1.a2.a3}}, {test: ring, object: ring}, {test: minor, object: minor}]
)y") == Outcomes{{"joined", "true [true /app/a/major] [true /app/b/major]"}, {"first", "true [true /app/a/major] [false /app/b/major]"}, {"ring", "import-chain: goes deeper than 8"}, {"minor", "false"}});
  const auto unknown = modules::scribe::read_document("objects: [{object: o, filecontent: {path: /x, file: x, expression: (x), import-chain: [p]}}]");
  REQUIRE(unknown);
  CHECK(machine.ask(*unknown).errors == std::vector<std::string>{"scribedoc: object 'o' imports 'p', which is no object"});
}

TEST_CASE("a whole answer with tests that are true, false and in error, and every line that is printed of it", "[scribe]") {
  const Scribed machine;
  const Json document = {{"objects", {{{"object", "bad"}, {"raw", {{"identifiers", {{{"identifier", "i"}, {"value", "1-"}}}}}}}, {{"object", "absent"}, {"package", {{"name", "no"}}}}}},
                         {"tests", {{{"test", "wrong"}, {"name", "n"}, {"object", "bad"}, {"evr", {{"operation", "<"}, {"value", "2"}}}, {"expecterror", true}},
                                    {{"test", "needs"}, {"object", "bad"}, {"if", {"wrong"}}, {"expectedresult", false}, {"expecterror", false}},
                                    {{"test", "none"}, {"object", "absent"}}}}};
  Answer answer = machine.ask(document);
  answer.statistics = {{"execruntime", "1ms"}};
  const Json wrong = {{"testid", "wrong"}, {"name", "n"}, {"description", ""}, {"tags", Json::array()}, {"iserror", true}, {"error", "'1-' has nothing behind its last dash"},
                      {"masterresult", false}, {"hastrueresults", false}, {"asexpected", true}, {"results", nullptr}};
  const Json needs = {{"testid", "needs"}, {"name", ""}, {"description", ""}, {"tags", Json::array()}, {"iserror", true}, {"error", "a test dependency failed (\"wrong\")"},
                      {"masterresult", false}, {"hastrueresults", true}, {"asexpected", false}, {"results", {{{"result", true}, {"identifier", "i"}}}}};
  const Json none = {{"testid", "none"}, {"name", ""}, {"description", ""}, {"tags", Json::array()}, {"iserror", false}, {"error", ""},
                     {"masterresult", false}, {"hastrueresults", false}, {"results", nullptr}};
  CHECK(Json::parse(answer.to_json()) == Json{{"foundanything", true}, {"success", true}, {"elements", {{"results", {wrong, needs, none}}, {"humanoutput", false}, {"jsonoutput", false}}},
                                              {"statistics", {{"execruntime", "1ms"}}},
                                              {"errors", {"Error: '1-' has nothing behind its last dash in \"wrong\"", "Error: a test dependency failed (\"wrong\") in \"needs\""}}});
  const modules::Module& scribe = *modules::find("scribe");
  using Lines = std::vector<std::string>;
  Lines plain = {R"(master [error] name:"n" id:"wrong" hastrue:false error:"'1-' has nothing behind its last dash")", R"y(master [error] name:"needs" id:"needs" hastrue:true error:"a test dependency failed ("wrong")")y",
                 R"(sub [true] name:"needs" id:"needs" identifier:"i")", R"(master [false] name:"none" id:"none" hastrue:false error:"")"};
  CHECK(scribe.print(answer, true) == plain);
  plain.insert(plain.end(), {answer.errors[0], answer.errors[1], "Statistics: runtime 1ms"});
  CHECK(scribe.print(answer, false) == plain);
  answer.elements["humanoutput"] = true;
  CHECK(scribe.print(answer, true) == Lines{"result for \"n\" (wrong)", "\tmaster result: error", "\t[error] error: '1-' has nothing behind its last dash", "result for \"needs\" (needs)", "\tmaster result: error",
                                            "\t[error] error: a test dependency failed (\"wrong\")", "\t[true] identifier: \"i\"", "result for \"none\" (none)", "\tmaster result: false"});
  scribe.mask(answer);
  CHECK(answer.elements["results"][0]["error"] == "masked");
  CHECK(answer.elements["results"][1]["results"] == Json{{{"result", true}, {"identifier", "masked"}}});
  CHECK(answer.errors == Lines{"masked", "masked"});
  CHECK(machine.ask(document, {{"onlytrue", true}}).found_anything == false);
}

TEST_CASE("scribe reads MIG's flags", "[scribe]") {
  const auto flags = core::from_flags(modules::find("scribe")->parameters(), {"-path", "a.yaml", "-onlytrue", "-human", "-json=false"});
  REQUIRE(flags);
  CHECK(*flags == Json{{"path", "a.yaml"}, {"onlytrue", true}, {"humanoutput", true}, {"jsonoutput", false}});
}
