// The scan engine: what the automaton may find, what lines are, and that threads change nothing.
#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <re2/re2.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "modules/scan/lines.h"
#include "modules/scan/mounts.h"
#include "modules/scan/superset.h"
#include "tests/modules/child.h"
#include "tests/modules/file_tree.h"

using namespace mig;
using core::Json;
using test::FileTree;

namespace {

modules::scan::Finder::Regex regex(const std::string& text) {
  auto out = std::make_shared<const re2::RE2>(text, re2::RE2::Quiet);
  REQUIRE(out->ok());
  return out;
}

bool finds(const modules::scan::Finder& finder, const std::string& text, std::size_t piece,
           std::size_t line_max = 64, std::size_t overlap = 16) {
  modules::scan::LineScan scan(finder, line_max, overlap);
  scan.begin({0});
  for (std::size_t at = 0; at < text.size(); at += piece) scan.feed(std::string_view(text).substr(at, piece));
  scan.finish();
  return scan.matched(0);
}

const char* const expressions[] = {
    "needle",       "^needle",       "needle$",        "n.edle",         "n[^x]edle",
    "(?i)NEEDLE",   "(?i)kiss",      "\\bkey\\b",      "a{2,3}b",        "x\\.y",
    "caf\xc3\xa9",  "[A-F0-9]{4}:.", "^\\d+\\s\\w+$",  "(one|two)three", "\\Aroot:",
    "end\\z",       "..\xc3\xa9..",  "[[:digit:]]{3}", "\\x41\\x42",     "a.{3}b",
    "\\S+@\\S+",    "^.$",           "(?P<n>abc)+d",   "[^a-z]Z",        "a|b|cd",
    "(?i)[x-z]{3}", "\\W\\W",        "key=\"[^\"]*\"", "\\tx",           "(?i)stra[s]e"};

const char* const pieces[] = {"needle",
                              "NEEDLE",
                              "neeedle",
                              "n\xc3\xa9"
                              "edle",
                              "key",
                              "kiss",
                              "\xe2\x84\xaaISS",
                              "\xc5\xbf",
                              "aab",
                              "aaab",
                              "x.y",
                              "xzy",
                              "caf\xc3\xa9",
                              "\xff\xfe",
                              "\n",
                              "\r\n",
                              "\n",
                              " ",
                              "12 ab",
                              "onethree",
                              "twothree",
                              "root:",
                              "end",
                              "\xc3\xa9",
                              "123",
                              "AB",
                              "a\xe2\x82\xac"
                              "12b",
                              "u@v",
                              "abcabcd",
                              "Z",
                              "cd",
                              "XyZ",
                              "--",
                              "key=\"v\"",
                              "\tx",
                              "stra\xc5\xbf"
                              "e",
                              "A0F9:\xc3\xa9",
                              "\xc3"};

}  // namespace

TEST_CASE("whatever RE2 finds on a line, the automaton finds too, or says that it cannot look for it") {
  std::mt19937 random(7);
  std::size_t covered = 0, matches = 0;
  for (const char* expression : expressions) {
    const modules::scan::Finder finder({regex(expression)});
    if (!finder.covers(0)) continue;
    ++covered;
    for (int round = 0; round < 400; ++round) {
      std::string text;
      for (unsigned i = 0, n = 1 + random() % 6; i < n; ++i) text += pieces[random() % std::size(pieces)];
      bool wanted = false;
      std::string_view rest = text;
      while (!rest.empty()) {
        const std::size_t newline = rest.find('\n');
        std::string_view line = rest.substr(0, newline);
        rest.remove_prefix(newline == rest.npos ? rest.size() : newline + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const std::string readable = core::readable_utf8(line);
        wanted = wanted ||
                 re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *regex(expression)) ||
                 re2::RE2::PartialMatch(readable, *regex(expression));
      }
      matches += wanted;
      INFO(expression << " on " << core::to_hex(text));
      REQUIRE(finds(finder, text, 1 + random() % 9, 4096, 1024) == wanted);
    }
  }
  CHECK(covered >= std::size(expressions) - 2);
  CHECK(matches > 500);
}

TEST_CASE("an expression that the automaton cannot look for is said to be so, never narrowed") {
  for (const char* strange : {"\\pN", "a(?i)b", "(?i)\xc3\xa9", "\\x{100}", "a*", "\xef\xbf\xbd",
                              "[\xc3\xa9]", "\\Qa.b\\E", "\\C"}) {
    INFO(strange);
    CHECK_FALSE(modules::scan::Finder({regex(strange)}).covers(0));
  }
}

TEST_CASE("a needle is found wherever it lies about the border of a piece and of a window") {
  const modules::scan::Finder finder({regex("needle")});
  for (std::size_t before = 0; before < 200; ++before)
    for (std::size_t piece : {1, 7, 64, 1000}) {
      INFO(before << " " << piece);
      REQUIRE(finds(finder, std::string(before, 'x') + "needle" + std::string(90, 'y'), piece));
      REQUIRE(finds(finder, std::string(before, '\n') + "needle", piece));
    }
  const modules::scan::Finder anchored({regex("^needle$")});
  for (std::size_t before = 1; before < 200; ++before) {
    INFO(before);
    REQUIRE_FALSE(finds(anchored, std::string(before, 'x') + "needle", 7));
    REQUIRE_FALSE(finds(anchored, "needle" + std::string(before, 'x'), 7));
    REQUIRE(finds(anchored, std::string(before, 'x') + "\r\nneedle\r\n" + std::string(before, 'y'), 7));
  }
}

TEST_CASE("a needle is found in every place of a text, however long the text is") {
  struct {
    const char *pattern, *needle;
  } const cases[] = {{"c[^x]", "c7"},      {"c[0-9]", "c7"},        {"c[0-9]+", "c77"},        {"c\\.?$", "c."},
                     {"c$", "c"},          {"(?:kxab|c)$", "c\r"},  {"[ck][0-9]", "k7"},       {"c[^x][^y]", "c77"},
                     {"cd", "cd"},         {"cd[0-9]", "cd7"},      {"abcdefgh[0-9]", "abcdefgh7"}, {"[a-c]{3}[0-9]$", "abc7"},
                     {"[0-9]{4}", "1234"}, {"^c|[0-9]c", "7c"},     {"(?i)k[0-9]", "K7"},      {"\\d\\.\\d", "1.2"}};
  for (const auto& one : cases) {
    const modules::scan::Finder finder({regex(one.pattern)});
    REQUIRE(finder.covers(0));
    const std::string needle = one.needle;
    std::size_t missed = 0;
    for (std::size_t length = needle.size(); length <= 200; ++length)
      for (std::size_t at = std::string_view(one.pattern).ends_with('$') ? length - needle.size() : 0;
           at + needle.size() <= length; ++at) {
        const std::string text = std::string(at, 'z') + needle + std::string(length - at - needle.size(), 'z');
        missed += !finds(finder, text, 1000, 1000);
      }
    INFO(one.pattern);
    CHECK(missed == 0);
  }
}

TEST_CASE("a large file that was not in memory is not in memory afterwards, and one that was stays") {
  FileTree tree;
  constexpr std::size_t pages = 4096;
  tree.file("large/file", std::string(pages * 4096, 'x') + "\nneedle\n");
  const int fd = open(tree.path("large/file").c_str(), O_RDONLY | O_CLOEXEC);
  void* at = mmap(nullptr, pages * 4096, PROT_READ, MAP_SHARED, fd, 0);
  REQUIRE(at != MAP_FAILED);
  auto resident = [&] {
    std::vector<unsigned char> seen(pages);
    REQUIRE(mincore(at, pages * 4096, seen.data()) == 0);
    return std::count_if(seen.begin(), seen.end(), [](unsigned char page) { return (page & 1) != 0; });
  };
  auto look = [&] {
    modules::Budget budget(60, 0);
    const Json search{{"paths", {tree.path("large")}}, {"contents", {"^needle$"}}, {"options", {{"matchall", true}}}};
    CHECK(modules::run("file", {{"searches", {{"s1", search}}}}, {}, budget).found_anything);
  };
  look();
  CHECK(resident() == pages);
  char byte = 0;
  iovec one{&byte, 1};
  fsync(fd);
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);  // this question shall make nobody read ahead
  constexpr int dropped = 0x80;                // RWF_DONTCACHE, Linux 6.14
  if (resident() != 0 || preadv2(fd, &one, 1, 0, dropped) != 1) {
    WARN("this file system keeps its files in memory, or cannot drop what was read: skipped");
  } else {
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    look();
    CHECK(resident() == 0);
  }
  munmap(at, pages * 4096);
  close(fd);
}

TEST_CASE("one of a thousand expressions does not hide another") {
  std::vector<modules::scan::Finder::Regex> many;
  for (int i = 0; i < 1000; ++i) many.push_back(regex(fmt::format("indicator-{:04}", i)));
  const modules::scan::Finder finder(many);
  modules::scan::LineScan scan(finder);
  std::vector<unsigned> all(1000);
  for (unsigned i = 0; i < 1000; ++i) all[i] = i;
  scan.begin(all);
  scan.feed("indicator-0003 indicator-0999\nindicator-0500");
  scan.finish();
  CHECK(scan.found().size() == 3);
  CHECK(scan.matched(500));
  scan.begin({3});
  scan.finish("indicator-0500");
  CHECK(scan.found().empty());
}

TEST_CASE("mounts are told apart by what they are") {
  const modules::scan::Mounts mounts(
      "22 1 8:1 / / rw - ext4 /dev/sda rw\n23 22 0:5 / /proc rw - proc proc rw\n24 22 0:9 / "
      "/mnt/my\\040share rw - nfs4 server:/x rw\n");
  CHECK(mounts.of("/etc/passwd")->plain);
  CHECK(mounts.of("/proc/1/maps")->kernel);
  CHECK(mounts.of("/mnt/my share/a")->remote);
  CHECK(mounts.exactly_at("/proc") == mounts.of("/proc/1"));
  CHECK(mounts.exactly_at("/proc/1") == nullptr);
}

TEST_CASE("several operations are answered by one walk, each as if it were alone") {
  const FileTree tree;
  auto named = [&](const char* name, const char* path) {
    return Json{
        {"searches",
         {{"s1", {{"paths", {tree.path(path)}}, {"names", {name}}, {"options", {{"matchall", true}}}}}}}};
  };
  const std::vector<Json> together{
      named("^alpha", ""),
      {{"searches", {{"s1", {{"paths", {tree.path("absent")}}, {"contents", {"hello"}}}}}}},
      {{"searches", 7}},
      named(".", "deep")};
  modules::Budget budget(30, 0);
  const auto answers = modules::run_together("file", together, {}, budget);
  REQUIRE(answers.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    Json got = *core::parse_json(answers[i].to_json(), 1 << 20),
         alone = *core::parse_json(modules::run("file", together[i], {}, budget).to_json(), 1 << 20);
    test::smooth(got);
    test::smooth(alone);
    CHECK(core::pretty_json(got) == core::pretty_json(alone));
  }
}

TEST_CASE("what is found does not hang on which thread was where, also when the hits are limited") {
  FileTree tree;
  for (int i = 0; i < 300; ++i)
    tree.file(fmt::format("many/{}/{}/f{:03}", i % 7, i % 11, i), i % 3 ? "needle\n" : "hay\n");
  for (std::size_t limit : {0, 1, 7, 150}) {
    const Json search{{"paths", {tree.path("many")}},
                      {"contents", {"needle"}},
                      {"options", {{"matchall", true}, {"matchlimit", limit}}}};
    std::string first;
    for (int round = 0; round < 5; ++round) {
      modules::Budget budget(30, 0);
      const auto answer = modules::run("file", {{"searches", {{"s1", search}}}}, {}, budget);
      CHECK(answer.elements["s1"].size() == (limit == 0 ? 200 : limit));
      const std::string text = core::compact_json(answer.elements);
      if (round == 0) first = text;
      CHECK(text == first);
    }
  }
}

TEST_CASE("a walk from above does not go into /proc, says so, and goes there when told to") {
  if (!std::filesystem::exists("/proc/self/mountinfo")) {
    WARN("no /proc here: skipped");
    return;
  }
  modules::Budget budget(30, 0);
  const Json above{
      {"paths", {"/"}}, {"names", {"^cpuinfo$"}}, {"options", {{"matchall", true}, {"maxdepth", 2}}}};
  const auto answer = modules::run("file", {{"searches", {{"s1", above}}}}, {}, budget);
  CHECK(answer.elements["s1"][0]["file"] == "");
  CHECK(answer.statistics["skippedmounts"].get<int>() >= 1);
  Json below = above;
  below["paths"] = {"/", "/proc"};
  CHECK(modules::run("file", {{"searches", {{"s1", below}}}}, {}, budget).elements["s1"][0]["file"] ==
        "/proc/cpuinfo");
}

TEST_CASE("with samefs a walk stays on the file system of its path, and says what it left out") {
  const std::string said = test::in_child([] {
    const FileTree tree;
    std::filesystem::create_directories(tree.path("other"));
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", tree.path("other").c_str(), "tmpfs", 0, nullptr) != 0)
      return std::string("no mounts");
    std::ofstream(tree.path("other/inside")) << "x";
    Json search{{"paths", {tree.root()}}, {"names", {"^inside$"}}, {"options", {{"matchall", true}}}};
    modules::Budget budget(30, 0);
    auto found = [&] {
      const auto answer = modules::run("file", {{"searches", {{"s1", search}}}}, {}, budget);
      return fmt::format("{} {};", answer.found_anything, answer.statistics.value("skippedmounts", 0));
    };
    std::string out = found();
    search["options"]["samefs"] = true;
    out += found();
    search["paths"].push_back(tree.path("other"));
    out += found();
    umount2(tree.path("other").c_str(), MNT_DETACH);
    return out;
  });
  if (said == "no mounts") {
    WARN("no file system can be mounted here: skipped");
    return;
  }
  CHECK(said == "true 0;false 1;true 0;");
}

TEST_CASE("a scan that is told to go slowly finds the same, and ends when it is told to") {
  const FileTree tree;
  Json search{{"paths", {tree.root()}}, {"contents", {"hello"}}, {"options", {{"matchall", true}}}};
  modules::Budget budget(30, 0);
  const auto fast = modules::run("file", {{"searches", {{"s1", search}}}}, {}, budget);
  search["options"]["cpu"] = 20;
  search["options"]["readrate"] = 10;
  const auto slow = modules::run("file", {{"searches", {{"s1", search}}}}, {}, budget);
  REQUIRE(slow.elements["s1"].size() == fast.elements["s1"].size());
  for (std::size_t i = 0; i < slow.elements["s1"].size(); ++i)
    CHECK(slow.elements["s1"][i]["file"] == fast.elements["s1"][i]["file"]);
  search["options"]["readrate"] = 0.000001;  // this one would take years
  modules::Budget short_one(0.2, 0);
  const auto cut = modules::run("file", {{"searches", {{"s1", search}}}}, {}, short_one);
  CHECK_FALSE(cut.success);
  CHECK(cut.errors.back() == "stopped after 0.2s (time limit)");
}

TEST_CASE("an automaton over bytes finds what RE2 finds anywhere, newlines included") {
  for (const auto& [expression, text] :
       std::vector<std::pair<const char*, std::string>>{{"a[^x]b", "..a\nb.."},
                                                        {"(?s)a.b", "a\nb"},
                                                        {"a\\sb", "a\nb"},
                                                        {"^begin", "begin here"},
                                                        {"end$", "the end"},
                                                        {"\\bkey\\b", "a key b"}}) {
    const modules::scan::Finder finder({regex(expression)}, {}, modules::scan::Text::bytes);
    INFO(expression);
    REQUIRE(finder.covers(0));
    modules::scan::Finder::Scratch scratch(finder);
    bool seen = false;
    finder.scan(
        text, scratch, [](void* at, unsigned, std::size_t) { return *static_cast<bool*>(at) = true; }, &seen);
    CHECK(seen);
  }
}
