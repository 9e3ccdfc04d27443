// scribe: documents on made-up machines, each object and evaluator, chains, dependencies, printing, bad documents.
#include "scribe_machine.h"

using namespace mig;
using namespace mig::test::scribed;

TEST_CASE("every object and every evaluator of a document gives what it should", "[scribe]") {
  const Scribed machine;
  CHECK(machine.outcomes(R"y(
variables:
  - {key: root, value: /lab}
objects:
  - {object: libc, package: {name: libc6}, filecontent: {}}
  - {object: libc-arch, package: {name: "libc6:amd64"}}
  - {object: absent, package: {name: nothing}}
  - {object: kernels, package: {name: x, collectmatch: ^linux-image-}}
  - {object: kernel, package: {collectmatch: ^linux-image-, onlynewest: true}}
  - {object: release, filecontent: {path: "${root}", file: ^lsb-release$, expression: "^DISTRIB_(RELEASE|CODENAME)=(.*)$"}}
  - {object: joined, filecontent: {path: "${root}/", file: ^version$, expression: " (\\d+)$", concat: .}}
  - {object: jar, filename: {path: "${root}", file: "^one-(.+)\\.jar$"}}
  - {object: given, raw: {identifiers: [{identifier: a, value: "5"}, {identifier: b, value: "6"}]}}
  - {object: line, hasline: {path: "${root}", file: "^(version|patch)$", expression: ^minor}}
tests:
  - {test: older, object: libc, evr: {operation: <, value: 2.36-9+deb12u10}}
  - {test: newer, object: libc-arch, evr: {operation: ">", value: 2.36-9+deb12u10}}
  - {test: equal, object: libc, evr: {operation: =, value: 2.36-9+deb12u4}}
  - {test: exists, object: libc}
  - {test: is absent, object: absent}
  - {test: both, object: kernels, evr: {operation: <, value: "2.0"}}
  - {test: newest, object: kernel, exactmatch: {value: 2.0}}
  - {test: release, object: release, regexp: {value: ^14}}
  - {test: joined, object: joined, exactmatch: {value: 7.3}}
  - {test: jar, object: jar, evr: {operation: <, value: 1.10}}
  - {test: given, object: given, exactmatch: {value: "6"}}
  - {test: line, object: line, exactmatch: {value: true}}
)y") == Outcomes{{"older", "true [true libc6]"},
                {"newer", "false [false libc6]"},
                {"equal", "true [true libc6]"},
                {"exists", "true [true libc6]"},
                {"is absent", "false"},
                {"both", "true [true linux-image-1] [false linux-image-2]"},
                {"newest", "true [true linux-image-2]"},
                {"release", "true [false /lab/lsb-release] [true /lab/lsb-release] [false /lab/lsb-release] [false /lab/lsb-release]"},
                {"joined", "true [true /lab/sub/version]"},
                {"jar", "true [true /lab/sub/one-1.5.jar]"},
                {"given", "true [false a] [true b]"},
                {"line", "true [false /lab/sub/patch] [true /lab/sub/version]"}});
}

TEST_CASE("versions compare by dpkg's rules, or by MIG's where the document asks for it", "[scribe]") {
  const Scribed machine;
  const std::string rest = R"(
objects: [{object: ssl, package: {name: openssl}}]
tests: [{test: old, object: ssl, evr: {operation: <, value: 3.0.0-1}}]
)";
  CHECK(machine.outcomes(rest) == Outcomes{{"old", "true [true openssl]"}});
  CHECK(machine.outcomes("evr: mig\n" + rest) == Outcomes{{"old", "false [false openssl]"}});
}

TEST_CASE("an import chain adds what lies beside each file of its root, over /proc as well", "[scribe]") {
  const Scribed machine;
  CHECK(machine.outcomes(R"y(
objects:
  - {object: root, filecontent: {path: /lab, file: ^version$, expression: "(\\d)$", concat: ., import-chain: [patch, zero]}}
  - {object: patch, filecontent: {path: "${chain_root}", file: ^patch$, expression: "level (\\d)"}}
  - {object: zero, raw: {identifiers: [{identifier: x, value: "0"}]}}
  - {object: uptime, filecontent: {path: /proc, file: ^uptime$, expression: "^(\\d+)\\.", concat: ., import-chain: [zero]}}
tests:
  - {test: joined, object: root, exactmatch: {value: 7.3.9.0}}
  - {test: up, object: uptime, regexp: {value: "^\\d+\\.0$"}}
  - {test: young, object: uptime, evr: {operation: ">", value: "0.0"}}
  - {test: alone, object: patch}
)y") == Outcomes{{"joined", "true [true /lab/sub/version]"}, {"up", "true [true /proc/uptime]"}, {"young", "true [true /proc/uptime]"}, {"alone", "false"}});
}

TEST_CASE("a test needs the tests of its if, wherever they stand, and their errors are its own", "[scribe]") {
  const Scribed machine;
  CHECK(machine.outcomes(R"y(
objects:
  - {object: yes, raw: {identifiers: [{identifier: i, value: "1"}]}}
  - {object: bad, raw: {identifiers: [{identifier: i, value: "1-"}]}}
tests:
  - {test: a, object: yes, if: [b, c]}
  - {test: b, object: yes}
  - {test: c, object: yes, exactmatch: {value: "2"}}
  - {test: d, object: yes, if: [b]}
  - {test: e, object: bad, evr: {operation: <, value: "2"}}
  - {test: f, object: yes, if: [e]}
)y") == Outcomes{{"a", "false [true i]"}, {"b", "true [true i]"}, {"c", "false [false i]"}, {"d", "true [true i]"},
                {"e", "'1-' has nothing behind its last dash"}, {"f", "a test dependency failed (\"e\") [true i]"}});
}

TEST_CASE("a whole answer, its printed forms and its mask are those of MIG", "[scribe]") {
  const Scribed machine;
  const Json document = {{"objects", {{{"object", "o"}, {"package", {{"name", "libc6"}}}}}},
                         {"tests", {{{"test", "t"}, {"name", "libc"}, {"object", "o"}, {"description", "about it"}, {"tags", {{{"key", "cve"}, {"value", "1"}}}}, {"expectedresult", true}},
                                    {{"test", "no"}, {"object", "o"}, {"exactmatch", {{"value", "x"}}}, {"expectedresult", true}}}}};
  Answer answer = machine.ask(document, {{"onlytrue", true}});
  CHECK(answer.statistics["execruntime"].is_string());
  answer.statistics = nullptr;
  const Json test = {{"testid", "t"}, {"name", "libc"}, {"description", "about it"}, {"tags", Json::array({{{"key", "cve"}, {"value", "1"}}})}, {"iserror", false}, {"error", ""},
                     {"masterresult", true}, {"hastrueresults", true}, {"asexpected", true}, {"results", Json::array({{{"result", true}, {"identifier", "libc6"}}})}};
  CHECK(Json::parse(answer.to_json()) == Json{{"foundanything", true}, {"success", true}, {"elements", {{"results", Json::array({test})}, {"humanoutput", false}, {"jsonoutput", false}}},
                                              {"statistics", nullptr}, {"errors", nullptr}});
  const modules::Module& scribe = *modules::find("scribe");
  CHECK(scribe.print(answer, true) == std::vector<std::string>{R"(master [true] name:"libc" id:"t" hastrue:true error:"")", R"(sub [true] name:"libc" id:"t" identifier:"libc6")"});
  answer.elements["humanoutput"] = true;
  CHECK(scribe.print(answer, true) == std::vector<std::string>{"result for \"libc\" (t)", "\tdescription: about it", "\tmaster result: true", "\ttag: cve: 1", "\t[true] identifier: \"libc6\""});
  answer.elements["jsonoutput"] = true;
  CHECK(scribe.print(answer, true) == std::vector<std::string>{core::compact_json(test)});
  scribe.mask(answer);
  CHECK(answer.elements["results"][0]["results"][0]["identifier"] == "masked");
  const Answer all = machine.ask(document);
  CHECK(all.elements["results"][1]["asexpected"] == false);
  CHECK(all.elements["results"].size() == 2);
}

TEST_CASE("documents that do not parse or make no sense are refused with the place", "[scribe]") {
  using modules::scribe::read_document;
  const auto why = [](const std::string& text) {
    const auto read = read_document(text);
    return read ? std::string() : read.error().text;
  };
  CHECK(why(" ") == "is empty");
  CHECK_THAT(why("a: [1\nb: 2"), Catch::Contains("line"));
  CHECK(why("a: &x [1]\nb: *x") == "line 2: an alias (*) is not read; write the value");
  CHECK(why("a: 1\na: 2") == "line 2: 'a' is there twice");
  CHECK(why("a: 1\n---\nb: 1") == "has a second document behind the first");
  CHECK(why(std::string(1000, '[').insert(0, "a: ")) == "it goes too deep");
  CHECK(why("a: " + std::string(30, '[')) != "");
  CHECK_THAT(why("{\"a\": 1"), Catch::Contains("line 1"));
  const Scribed machine;
  const auto refused = [&](const std::string& text) {
    const auto document = read_document(text);
    REQUIRE(document);
    const Answer answer = machine.ask(*document);
    CHECK_FALSE(answer.success);
    REQUIRE(answer.errors.size() == 1);
    return answer.errors[0];
  };
  const std::string o = "objects: [{object: o, package: {name: x}}]\n";
  CHECK(refused("objects: [{object: o}]") == "scribedoc: object 'o' says nothing to look at; write package, filecontent, filename, raw or hasline");
  CHECK(refused("objects: [{object: o, filename: {path: /x, file: y}}]") == "scribedoc: object 'o' has no group in its file; write one like ^kernel-(.*)$");
  CHECK(refused("objects: [{object: o, hasline: {path: x, file: y, expression: z}}]") == "scribedoc: object 'o' has no full path; write one like /etc");
  CHECK(refused(o + "tests: [{test: t, object: p}]") == "scribedoc: test 't' is about 'p', which is no object");
  CHECK(refused(o + "tests: [{test: t, object: o, if: [u]}]") == "scribedoc: test 't' depends on 'u', which is no test");
  CHECK(refused(o + "tests: [{test: t, object: o, if: [t]}]") == "scribedoc: test 't' depends on itself");
  CHECK(refused(o + "tests: [{test: t, object: o, if: [u]}, {test: u, object: o, if: [t]}]") == "scribedoc: test 't' depends on tests that depend on it");
  CHECK(refused(o + "tests: [{test: t, object: o}, {test: t, object: o}]") == "scribedoc: test 't' is there twice");
  CHECK_THAT(refused(o + "tests: [{test: t, object: o, regexp: {value: (}}]"), Catch::Contains("'(' is no regular expression"));
  CHECK_THAT(refused(o + "tests: [{test: t, object: o, evr: {operation: ~, value: 1}}]"), Catch::Contains("without an operation"));
  CHECK_THAT(refused("objekts: []"), Catch::Contains("objects"));
  Budget budget(60, 0);
  CHECK(modules::run("scribe", Json::object(), Host{}, budget).errors == std::vector<std::string>{"scribedoc: is missing; give a document (-path document.yaml)"});
}

TEST_CASE("mig puts the document of -path into the parameters, checked", "[scribe]") {
  const test::MadeUpRoot root;
  root.file("/good.yaml", "objects: [{object: o, package: {name: x}}]\ntests: [{test: t, object: o}]\n");
  root.file("/bad.yaml", "objects: [{object: o}]\n");
  const modules::Module& scribe = *modules::find("scribe");
  const auto loaded = scribe.load({{"path", root.path("/good.yaml")}, {"onlytrue", true}});
  REQUIRE(loaded);
  CHECK(*loaded == Json::parse(R"({"scribedoc": {"objects": [{"object": "o", "package": {"name": "x"}}], "tests": [{"test": "t", "object": "o"}]},
                                  "onlytrue": true, "humanoutput": false, "jsonoutput": false})"));
  CHECK(scribe.load({{"path", root.path("/bad.yaml")}}).error().text == root.path("/bad.yaml") + ": scribedoc: object 'o' says nothing to look at; write package, filecontent, filename, raw or hasline");
  CHECK(scribe.load({{"path", root.path("/none")}}).error().text == "path: " + root.path("/none") + ": No such file or directory");
}

TEST_CASE("2,700 tests of packages behind release tests are told one by one, and stop at the budget", "[scribe]") {
  const Scribed machine;
  Json document = {{"objects", Json::array({{{"object", "release"}, {"filecontent", {{"path", "/lab"}, {"file", "^lsb-release$"}, {"expression", "^DISTRIB_RELEASE=(.*)$"}}}}})},
                   {"tests", Json::array({{{"test", "trusty"}, {"object", "release"}, {"exactmatch", {{"value", "14.04"}}}}})}};
  std::string status;
  for (int i = 0; i < 2700; ++i) {
    const std::string name = fmt::format("p{}", i);
    if (i % 3 == 0) status += stanza(name, "1.0-1");
    document["objects"].push_back({{"object", name}, {"package", {{"name", name}}}});
    document["tests"].push_back({{"test", "t" + name}, {"object", name}, {"evr", {{"operation", "<"}, {"value", "1.0-2"}}}, {"if", {"trusty"}}});
  }
  machine.root.file("/var/lib/dpkg/status", status);
  CHECK(machine.ask(document).elements["results"].size() == 2701);
  CHECK(machine.ask(document, {{"onlytrue", true}}).elements["results"].size() == 901);
  const Answer cut = machine.ask(document, {{"onlytrue", true}}, 60, 50'000);
  CHECK_FALSE(cut.success);
  CHECK(cut.elements["results"].size() < 901);
}
