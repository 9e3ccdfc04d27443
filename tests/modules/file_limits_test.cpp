// Module file: what is refused, what is bounded, what is printed and masked, and the real process.
#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdio>

#include "modules/file/content.h"
#include "tests/modules/file_tree.h"

using namespace mig;
using core::Json;
using test::FileTree;

namespace {

Json run(const Json& search, modules::Budget* budget = nullptr, const modules::Host& host = {}) {
  modules::Budget enough(30, 0);
  const Json parameters{{"searches", {{"s1", search}}}};
  Json out = *core::parse_json(modules::run("file", parameters, host, budget ? *budget : enough).to_json(), 1 << 26);
  test::smooth(out);
  return out;
}

Json refusal(const std::string& error) {
  return {{"foundanything", false}, {"success", false}, {"elements", nullptr}, {"statistics", nullptr}, {"errors", {error}}};
}

/// What `mig-agent -m file` prints for one line of input.
std::string real_process(const std::string& line) {
  const std::string command = fmt::format("printf '%s\\n' '{}' | " MIG_BIN_DIR "/mig-agent -m file", line);
  FILE* pipe = popen(command.c_str(), "r");
  std::string out;
  char block[4096];
  for (std::size_t got; (got = fread(block, 1, sizeof block, pipe)) > 0;) out.append(block, got);
  REQUIRE(pclose(pipe) == 0);
  return out;
}

}  // namespace

TEST_CASE("values that are not right are refused as a whole document, saying what would be") {
  struct {
    const char* shows;
    Json search;
    const char* error;
  } cases[] = {
      {"sizes: a unit that does not exist", {{"paths", {"/etc"}}, {"sizes", {"10q"}}}, "searches.s1.sizes: '10q' is not a size; write 512, <10k or >1m (k, m, g, t: multiples of 1024)"},
      {"sizes: no number", {{"paths", {"/etc"}}, {"sizes", {"<"}}}, "searches.s1.sizes: '<' has no number; write 512, <10k or >1m (k, m, g, t: multiples of 1024)"},
      {"names: an expression that does not compile", {{"paths", {"/etc"}}, {"names", {"("}}}, "searches.s1.names: '(' is not a regular expression: missing ): (; RE2 syntax is understood"},
      {"md5: a wrong length", {{"paths", {"/etc"}}, {"md5", {"12"}}}, "searches.s1.md5: '12' has 2 digits; a md5 sum has 32 hexadecimal digits"},
      {"sha2: a wrong length", {{"paths", {"/etc"}}, {"sha2", {"abc"}}}, "searches.s1.sha2: 'abc' has 3 digits; a sha2 sum has 64 or 96 or 128 hexadecimal digits"},
      {"sha3: a wrong length never spoils the document", {{"paths", {"/etc"}}, {"sha3", {"abcd"}}}, "searches.s1.sha3: 'abcd' has 4 digits; a sha3 sum has 56 or 64 or 96 or 128 hexadecimal digits"},
  };
  for (const auto& one : cases) {
    INFO(one.shows);
    CHECK(core::pretty_json(run(one.search)) == core::pretty_json(refusal(one.error)));
  }
  for (const Json& wrong : {Json{{"paths", Json::array()}, {"names", {"x"}}}, Json{{"names", {"x"}}}, Json{{"paths", {"/etc"}}, {"mtimes", {"90d"}}},
                            Json{{"paths", {"/etc"}}, {"names", {""}}}, Json{{"paths", {"/etc"}}, {"options", {{"mismatch", {"colour"}}}}}, Json{{"paths", {"/etc"}}, {"nmaes", {"x"}}}}) {
    INFO(wrong.dump());
    const Json got = run(wrong);
    CHECK(got["success"] == false);
    CHECK(got["errors"].size() == 1);
  }
}

TEST_CASE("returnsha256 adds the sum of every file found, in capitals, with matchall alone") {
  const FileTree tree;
  Json search{{"paths", {tree.path("sizes")}}, {"names", {"^s0$"}}, {"options", {{"matchall", true}, {"returnsha256", true}}}};
  CHECK(run(search)["elements"]["s1"][0]["fileinfo"]["sha256"] == "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855");
  search["options"]["matchall"] = false;
  CHECK_FALSE(run(search)["elements"]["s1"][0]["fileinfo"].contains("sha256"));
}

TEST_CASE("limits and decompress belong to their search alone") {
  const FileTree tree;
  const Json all{{"paths", {tree.path("sizes")}}, {"names", {"."}}, {"options", {{"matchall", true}}}};
  Json one = all, packed{{"paths", {tree.root()}}, {"contents", {"^secret"}}, {"options", {{"matchall", true}, {"maxdepth", 1}, {"decompress", true}}}}, raw = packed;
  one["options"]["matchlimit"] = 1;
  raw["options"]["decompress"] = false;
  modules::Budget budget(30, 0);
  const auto answer = modules::run("file", {{"searches", {{"all", all}, {"one", one}, {"packed", packed}, {"raw", raw}}}}, {}, budget);
  CHECK(answer.elements["all"].size() == 4);
  CHECK(answer.elements["one"].size() == 1);
  CHECK(answer.elements["packed"][0]["file"] == tree.path("packed.gz"));
  CHECK(answer.elements["raw"][0]["file"] == "");
}

TEST_CASE("values that matched nothing are listed up to a hundred, then counted") {
  const FileTree tree;
  Json search{{"paths", {tree.path("sizes")}}, {"md5", Json::array()}};
  for (int i = 0; i < 150; ++i) search["md5"].push_back(fmt::format("{:032x}", i));
  const Json got = run(search);
  CHECK(got["elements"]["s1"].size() == 100);
  CHECK(got["statistics"]["unmatched"] == 50);
}

TEST_CASE("a made-up root shadows the real tree, and results do not show it") {
  const FileTree tree;
  tree.info("");
  std::filesystem::create_directories(tree.path("root/etc"));
  std::ofstream(tree.path("root/etc/passwd")) << "made up\n";
  const modules::Host host{tree.path("root"), "/proc"};
  const Json got = run({{"paths", {"/etc"}}, {"names", {"^passwd$"}}, {"contents", {"made up"}}, {"options", {{"matchall", true}}}}, nullptr, host);
  CHECK(got["elements"]["s1"][0]["file"] == "/etc/passwd");
  CHECK(got["statistics"]["filescount"] == 1);
  // What the made-up tree does not have is the real one.
  CHECK(run({{"paths", {tree.path("sizes")}}, {"names", {"^s0$"}}, {"options", {{"matchall", true}}}}, nullptr, host)["foundanything"] == true);
}

TEST_CASE("trees of fifteen levels, and links that go in circles, end") {
  FileTree tree;
  std::string deep = "level";
  for (int i = 0; i < 15; ++i) deep += "/level";
  tree.file(deep + "/bottom", "here\n");
  ::symlink(tree.root().c_str(), tree.path("level/around").c_str());
  const Json got = run({{"paths", {tree.path("level")}}, {"contents", {"^here$"}}, {"options", {{"matchall", true}}}});
  CHECK(got["elements"]["s1"][0]["file"] == tree.path(deep + "/bottom"));
  CHECK(got["statistics"]["filescount"] == 1);
}

TEST_CASE("a budget that is spent ends the run with what was found and the limit named") {
  const FileTree tree;
  modules::Budget stopped(30, 0);
  stopped.stop();
  const Json got = run({{"paths", {tree.root()}}, {"names", {"."}}, {"options", {{"matchall", true}}}}, &stopped);
  CHECK(got["success"] == false);
  CHECK(got["errors"].size() == 1);
  CHECK(got["elements"].is_object());
}

TEST_CASE("printed lines are MIG's") {
  const FileTree tree;
  const auto* file = modules::find("file");
  modules::Budget budget(30, 0);
  const Json found{{"paths", {tree.path("modes")}}, {"names", {"^setuid$"}}, {"options", {{"matchall", true}}}};
  auto answer = modules::run("file", {{"searches", {{"s1", found}}}}, {}, budget);
  CHECK(file->print(answer, true) ==
        std::vector<std::string>{tree.path("modes/setuid") + " [lastmodified:2016-07-05 15:32:42 +0000 UTC, mode:urwxr-xr-x, size:1] in search 's1'"});
  file->mask(answer);
  CHECK(answer.elements["s1"][0]["file"] == "masked");
  CHECK(answer.elements["s1"][0]["fileinfo"]["size"] == 1);

  Json any = found;
  any["options"] = Json::object();
  any["sizes"] = {"7"};
  const auto lines = file->print(modules::run("file", {{"searches", {{"s1", any}}}}, {}, budget), false);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].ends_with("in search 's1' on checks name='^setuid$'"));
  CHECK(lines[1].starts_with("0 match found in search 's1'"));
  CHECK(lines[2].starts_with("Statistics: 6 files checked, 0 failed to open, 1 matched, ran in "));
}

TEST_CASE("a match is found wherever it lies in a line that is longer than the window") {
  modules::file::Search search;
  modules::file::Check check;
  check.kind = modules::file::CheckKind::content;
  check.regex = modules::file::parse_pattern("needle")->regex;
  search.checks.push_back(check);
  for (std::size_t before = 0; before < 200; ++before) {
    modules::file::ContentScan scan({&search}, 64, 16);
    const std::string line = std::string(before, 'x') + "needle" + std::string(90, 'y');
    for (std::size_t at = 0; at < line.size(); at += 7) scan.feed(std::string_view(line).substr(at, 7));
    scan.finish();
    INFO(before);
    CHECK(scan.verdicts(0)[0]);
  }
}

TEST_CASE("mig-agent -m prints one object of five keys in MIG's order, whatever it is given") {
  const FileTree tree;
  const std::string good = real_process(fmt::format(R"({{"class":"parameters","parameters":{{"searches":{{"s1":{{"paths":["{}"],"names":["^s0$"],"options":{{"matchall":true}}}}}}}}}})", tree.path("sizes")));
  CHECK(good.starts_with(R"({"foundanything":true,"success":true,"elements":{"s1":[)"));
  CHECK(good.ends_with("\n"));
  const auto statistics = good.find(R"("statistics":{)"), errors = good.find(R"("errors":null})");
  CHECK(statistics != std::string::npos);
  CHECK(errors > statistics);
  for (const char* bad : {"nonsense", "{}", R"({"class":"stop"})", R"({"class":"parameters","parameters":7})", R"({"class":"parameters","parameters":{"searches":{}}})"}) {
    INFO(bad);
    const Json got = *core::parse_json(real_process(bad), 1 << 20);
    CHECK(got.size() == 5);
    CHECK(got["success"] == false);
    CHECK(got["errors"].size() == 1);
  }
}
