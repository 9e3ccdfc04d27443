// Module file: the rules that need more than a small tree, and those in which MIG was wrong, as they hold here.
#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "modules/file/sweep.h"
#include "tests/modules/file_tree.h"

using namespace mig;
using core::Json;
using test::ask;
using test::FileTree;

namespace {

/// The names below `under` that are found.
std::set<std::string> found(const modules::Answer& answer, const std::string& under, const std::string& label = "s1") {
  std::set<std::string> out;
  for (const Json& one : answer.elements[label])
    if (const std::string file = one["file"]; !file.empty()) out.insert(file.substr(under.size() + 1));
  return out;
}
using Names = std::set<std::string>;

Json all_of(const std::string& path, Json values, Json options = Json::object()) {
  options["matchall"] = true;
  values["paths"] = {path};
  values["options"] = std::move(options);
  return values;
}

/// A tar archive of one file.
std::string tarred(const std::string& name, std::string text) {
  std::string out(512, '\0');
  out.replace(0, name.size(), name);
  out.replace(124, 11, fmt::format("{:011o}", text.size()));
  text.resize((text.size() + 511) / 512 * 512, '\0');
  return out + text + std::string(1024, '\0');
}

}  // namespace

TEST_CASE("file: lines of ten megabytes are searched to their end, and so is what follows them") {
  FileTree tree;
  const std::string top = tree.path("huge");
  tree.file("huge/inside", std::string(5 << 20, 'x') + "needle" + std::string(5 << 20, 'y') + "\nafter\n");
  tree.file("huge/at-end", std::string(10 << 20, 'x') + "needle\n");
  tree.file("huge/no-newline", std::string(10 << 20, 'x') + "needle");
  tree.file("huge/none", std::string(10 << 20, 'x') + "\nother\n");
  CHECK(found(ask({{"s1", all_of(top, {{"contents", {"needle"}}})}}), top) == Names{"inside", "at-end", "no-newline"});
  CHECK(found(ask({{"s1", all_of(top, {{"contents", {"needle$"}}})}}), top) == Names{"at-end", "no-newline"});
  CHECK(found(ask({{"s1", all_of(top, {{"contents", {"^after$"}}})}}), top) == Names{"inside"});
  CHECK(found(ask({{"s1", all_of(top, {{"contents", {"!needle"}}})}}), top) == Names{"none"});
  CHECK(found(ask({{"s1", all_of(top, {{"contents", {"needle|after"}}}, {{"macroal", true}})}}), top) ==
        Names{"inside", "at-end", "no-newline"});
  const auto answer = ask({{"s1", all_of(top, {{"contents", {"nowhere"}}})}});
  CHECK(answer.statistics["longlines"] == 4);
  CHECK(answer.success);
}

TEST_CASE("file: what lies in a tar within gzip is searched as its bytes, hashed as the tar, and a byte alone keeps its byte") {
  FileTree tree;
  const std::string top = tree.path("packs"), tar = tarred("member.txt", "first\ninside a tar\n");
  tree.file("packs/a.tgz", test::gzipped(tar));
  tree.file("packs/a.tar", tar);
  tree.file("packs/one", "q");
  tree.file("packs/two", "\x1f");
  const Json unpack{{"decompress", true}};
  CHECK(found(ask({{"s1", all_of(top, {{"contents", {"^inside a tar$"}}}, unpack)}}), top) == Names{"a.tgz", "a.tar"});
  CHECK(found(ask({{"s1", all_of(top, {{"contents", {"^inside a tar$"}}})}}), top) == Names{"a.tar"});
  CHECK(found(ask({{"s1", all_of(top, {{"contents", {"member.txt"}}}, unpack)}}), top) == Names{"a.tgz", "a.tar"});
  CHECK(found(ask({{"s1", all_of(top, {{"contents", {"^q$"}}}, unpack)}}), top) == Names{"one"});
  Json sums = all_of(top, {{"names", {"tar$"}}}, {{"returnsha256", true}});
  const std::string sum = ask({{"s1", sums}}).elements["s1"][0]["fileinfo"]["sha256"];
  CHECK(found(ask({{"s1", all_of(top, {{"sha2", {sum}}}, unpack)}}), top) == Names{"a.tgz", "a.tar"});
  CHECK(found(ask({{"s1", all_of(top, {{"sha2", {sum}}})}}), top) == Names{"a.tar"});
}

TEST_CASE("file: of a spoilt gzip what came before the fault may match; what needs its end does not; the fault is told") {
  FileTree tree;
  const std::string top = tree.path("spoilt");
  std::string text;
  for (int i = 0; i < 20000; ++i) text += fmt::format("line {} {}\n", i, i * 2654435761U);
  const std::string whole = test::gzipped(text);
  tree.file("spoilt/cut.gz", whole.substr(0, whole.size() / 2));
  std::string bad = whole;
  bad.replace(bad.size() / 2, 64, 64, '\xff');
  tree.file("spoilt/bad.gz", bad);
  auto one = [&](const Json& values, Json options = Json::object()) {
    options["decompress"] = true;
    return ask({{"s1", all_of(top, values, options)}});
  };
  CHECK(found(one({{"contents", {"^line 10 "}}}), top) == Names{"cut.gz", "bad.gz"});
  for (const Json& values : {Json{{"contents", {"^line 19999 "}}}, Json{{"contents", {"!nowhere"}}},
                             Json{{"sha2", {std::string(64, '0')}}}}) {
    INFO(values.dump());
    const auto answer = one(values);
    CHECK(found(answer, top) == Names{});
    REQUIRE(answer.errors.size() == 2);
    CHECK(answer.errors[0].starts_with("ERROR: " + top + "/bad.gz: gzip: "));
    CHECK(answer.errors[1].starts_with("ERROR: " + top + "/cut.gz: gzip: the file ends in the middle"));
    CHECK(answer.statistics["shortreads"] == 2);
    CHECK(answer.success);
  }
  CHECK(found(one({{"contents", {"^line"}}}, {{"macroal", true}}), top) == Names{});
  // A sum that could not be made is neither equal nor different.
  CHECK(found(one({{"sha2", {std::string(64, '0')}}}, {{"mismatch", {"sha2"}}}), top) == Names{});
}

TEST_CASE("file: mismatch inverts every kind of check, also together with ! and macroal") {
  FileTree tree;
  const std::string top = tree.path("lines");
  tree.file("lines/all", "hello\nhello you\n");
  tree.file("lines/some", "hello\nother\n");
  tree.file("lines/none", "other\n");
  auto is = [&](const char* key, const char* value, const Json& options) { return found(ask({{"s1", all_of(top, {{key, {value}}}, options)}}), top); };
  CHECK(is("contents", "!hello", {{"mismatch", {"content"}}}) == Names{"all", "some"});
  CHECK(is("contents", "!hello", {{"macroal", true}}) == Names{"none"});
  CHECK(is("contents", "!hello", {{"macroal", true}, {"mismatch", {"content"}}}) == Names{"all", "some"});
  CHECK(is("contents", "hello", {{"macroal", true}, {"mismatch", {"content"}}}) == Names{"some", "none"});
  CHECK(is("sha1", "0000000000000000000000000000000000000000", {{"mismatch", {"sha1"}}}) == Names{"all", "none", "some"});
  CHECK(is("sha3", "00000000000000000000000000000000000000000000000000000000", {{"mismatch", {"sha3"}}}) == Names{"all", "none", "some"});
  CHECK(is("modes", "!^-rw", {{"mismatch", {"mode"}}}) == Names{"all", "none", "some"});
}

TEST_CASE("file: a search is not disturbed by another that looks at other files, nor by its options") {
  FileTree tree;
  const std::string top = tree.root();
  // One that is not at home where the other reads; one whose limit is reached; one that unpacks; depth of each its own.
  const auto answer = ask({{"inverse", all_of(tree.path("sizes"), {{"contents", {"!s"}}})},
                           {"other", all_of(tree.path("modes"), {{"contents", {"m"}}})},
                           {"limited", all_of(tree.path("modes"), {{"names", {"."}}}, {{"matchlimit", 1}})},
                           {"shallow", all_of(top, {{"names", {"^(bottom|alpha.txt)$"}}}, {{"maxdepth", 1}})},
                           {"deep", all_of(top, {{"names", {"^(bottom|alpha.txt)$"}}})}});
  CHECK(answer.success);
  CHECK(answer.errors.size() == 1);  // the broken link of the tree
  CHECK(found(answer, tree.path("sizes"), "inverse") == Names{"s0"});
  CHECK(found(answer, tree.path("modes"), "other").size() == 6);
  CHECK(found(answer, tree.path("modes"), "limited") == Names{"both"});
  CHECK(found(answer, top, "shallow") == Names{"alpha.txt"});
  CHECK(found(answer, top, "deep") == Names{"alpha.txt", "deep/one/two/three/bottom"});
}

TEST_CASE("file: labels may be paths, and each search answers under its own") {
  FileTree tree;
  const auto answer = ask({{"backdoored/bin/ls", all_of(tree.path("sizes"), {{"names", {"^s0$"}}})},
                           {"fake.cfg", all_of(tree.path("sizes"), {{"names", {"^s1k$"}}})}});
  CHECK(found(answer, tree.path("sizes"), "backdoored/bin/ls") == Names{"s0"});
  CHECK(found(answer, tree.path("sizes"), "fake.cfg") == Names{"s1k"});
}

TEST_CASE("file: paths with any bytes are walked, and their names are given as text") {
  FileTree tree;
  const std::string odd = "odd/new\nline \xff\xfe";
  tree.file(odd + "/in\tside", "needle\n");
  const auto answer = ask({{"s1", all_of(tree.path("odd"), {{"contents", {"^needle$"}}})}});
  CHECK(answer.found_anything);
  CHECK(core::parse_json(answer.to_json(), 1 << 20));
}

TEST_CASE("file: what is found does not hang on the number of threads, with a limit neither") {
  FileTree tree;
  for (int i = 0; i < 400; ++i) tree.file(fmt::format("many/{}/{}/{}/f{:03}", i % 5, i % 7, i % 3, i), i % 3 ? "needle\n" : "hay\n");
  for (const std::size_t limit : {0, 1, 9, 200}) {
    std::string first;
    for (const std::size_t threads : {1, 2, 8, 8, 8}) {
      auto searches = modules::file::compile(
          {{"searches", {{"s1", all_of(tree.root(), {{"contents", {"needle"}}}, {{"matchlimit", limit}})}}}}, 0);
      REQUIRE(searches);
      modules::file::Plan plan;
      plan.searches = std::move(*searches);
      plan.operations = 1;
      plan.threads = threads;
      modules::Budget budget(60, 0);
      const auto swept = modules::file::sweep(plan, {}, budget);
      std::string text = fmt::format("{}\n", fmt::join(swept.tallies[0].errors, "\n"));
      for (const auto& hit : plan.searches[0].hits->take()) text += hit.path + "\n";
      if (threads == 1) first = text;
      CHECK(text == first);
    }
    CHECK(std::count(first.begin(), first.end(), '\n') >= static_cast<long>(limit));
  }
}
