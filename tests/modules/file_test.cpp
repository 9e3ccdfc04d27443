// Module file, case by case: each names the row or option it shows and is compared as a whole document.
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <cstdio>

#include "tests/modules/file_tree.h"

using namespace mig;
using core::Json;
using test::FileTree;

namespace {

/// With matchall: the files that match. Without: for every value in turn, its key and the files that match it.
struct Case {
  const char* shows;
  std::string under;                     ///< path below the tree
  Json search;                           ///< values and options; matchall unless "any" stands in it
  std::vector<std::string> hits;         ///< matchall
  std::vector<std::pair<std::string, std::vector<std::string>>> by_value = {};  ///< matchany: "key=value" -> files
  std::size_t checked = 0;               ///< statistics: files looked at
  std::size_t failed = 0;                ///< statistics: failed to open
  std::vector<std::string> errors = {};  ///< $ stands for the tree's path
  std::size_t short_reads = 0;           ///< statistics: not read to the end; left out when 0
};

std::string with_root(std::string text, const FileTree& tree) {
  for (std::size_t at; (at = text.find('$')) != std::string::npos;) text.replace(at, 1, tree.root());
  return text;
}

Json search_of(const Case& one, const FileTree& tree) {
  Json search = one.search;
  const bool any = search.value("any", false);
  search.erase("any");
  if (!search.contains("options")) search["options"] = Json::object();
  if (!any) search["options"]["matchall"] = true;
  if (!search.contains("paths")) search["paths"] = Json::array({tree.path(one.under)});
  for (auto& path : search["paths"]) path = with_root(path.get<std::string>(), tree);
  return search;
}

Json expected(const Case& one, const FileTree& tree) {
  Json search = search_of(one, tree);
  for (auto& path : search["paths"]) {  // MIG repeats paths as cleaned
    std::string clean = std::filesystem::path(path.get<std::string>()).lexically_normal().string();
    if (clean.ends_with('/')) clean.pop_back();
    path = clean;
  }
  Json entries = Json::array();
  std::size_t total = 0;
  auto entry = [&](const std::string& file, Json echo) {
    ++total;
    Json info = tree.info(file);
    entries.push_back({{"file", tree.path(file)}, {"search", std::move(echo)}, {"fileinfo", info}});
  };
  auto nothing = [&](Json echo) { entries.push_back({{"file", ""}, {"search", std::move(echo)}, {"fileinfo", test::no_file()}}); };
  if (one.by_value.empty()) {
    for (const auto& file : one.hits) entry(file, test::echoed(search, true));
    if (one.hits.empty()) nothing(test::echoed(search, true));
  }
  for (const auto& [value, files] : one.by_value) {
    const auto equals = value.find('=');
    Json echo = test::echoed({{"paths", search["paths"]}, {"options", search["options"]}}, false);
    echo[value.substr(0, equals)] = Json::array({value.substr(equals + 1)});
    for (const auto& file : files) {
      Json reduced = echo;
      reduced["paths"] = Json::array({std::filesystem::path(tree.path(file)).parent_path().string()});
      entry(file, reduced);
    }
    if (files.empty()) nothing(echo);
  }
  Json statistics{{"filescount", one.checked}, {"openfailed", one.failed}, {"totalhits", total}, {"exectime", "*"}};
  if (one.short_reads > 0) statistics["shortreads"] = one.short_reads;
  Json errors = one.errors.empty() ? Json(nullptr) : Json::array();
  for (const auto& error : one.errors) errors.push_back(with_root(error, tree));
  return {{"foundanything", total > 0},
          {"success", true},
          {"elements", {{"s1", entries}}},
          {"statistics", statistics},
          {"errors", errors}};
}

Json run(const Json& parameters, const modules::Host& host = {}) {
  modules::Budget budget(30, 0);
  Json out = *core::parse_json(modules::run("file", parameters, host, budget).to_json(), 1 << 26);
  test::smooth(out);
  return out;
}

Json options(Json json) { return {{"options", std::move(json)}}; }
Json with(Json search, const Json& more) {
  for (const auto& [key, value] : more.items()) search[key] = value;
  return search;
}
Json contents(const std::string& regex) { return {{"names", {"^(alpha.txt|beta.log|empty)$"}}, {"contents", {regex}}, {"options", {{"maxdepth", 1}}}}; }
Json contents(const std::string& regex, Json more) {
  Json out = contents(regex);
  for (const auto& [key, value] : more.items()) out["options"][key] = value;
  return out;
}
Json named(const std::string& regex) { return {{"names", {regex}}, {"options", {{"maxdepth", 1}}}}; }

constexpr std::size_t top = 11;  // candidates directly in the tree: ten files and the link to one

const char* const md5_alpha = "b7dddf722cfdc51710087d369f8d9e6b";  // of alpha.txt
const char* const sha1_alpha = "ac481614b7dc8fa938c04b13510057fe3572177e";

std::vector<Case> cases() {
  return {
      // --- names ---
      {"names: a regex on the base name", "", named("^alpha"), {"alpha.txt"}, {}, top},
      {"names: unanchored search", "", named("et"), {"beta.log"}, {}, top},
      {"names: the directory is not part of the name", "", named("mig-file"), {}, {}, top},
      {"names: case matters", "", named("^ALPHA"), {}, {}, top},
      {"names: (?i) makes case not matter", "", named("(?i)^ALPHA"), {"alpha.txt"}, {}, top},
      {"names: a leading ! inverts", "", named("!."), {}, {}, top},
      {"names: a leading ! inverts one of two", "modes", {{"names", {"^s", "!gid"}}}, {"modes/setuid", "modes/sticky"}, {}, 6},
      {"names: a lone ! is the character itself", "", named("!"), {}, {}, top},
      // --- sizes ---
      {"sizes: a bare number is equality", "sizes", {{"sizes", {"512"}}}, {"sizes/s512"}, {}, 4},
      {"sizes: < means at most", "sizes", {{"sizes", {"<1k"}}}, {"sizes/s0", "sizes/s1k", "sizes/s512"}, {}, 4},
      {"sizes: > means at least", "sizes", {{"sizes", {">1k"}}}, {"sizes/s1k", "sizes/s2k"}, {}, 4},
      {"sizes: k multiplies by 1024", "sizes", {{"sizes", {"2k"}}}, {"sizes/s2k"}, {}, 4},
      {"sizes: m multiplies by 1024 twice", "sizes", {{"sizes", {"<1m"}}}, {"sizes/s0", "sizes/s1k", "sizes/s2k", "sizes/s512"}, {}, 4},
      {"sizes: g and t are known", "sizes", {{"sizes", {"<1g", "<1t", ">1"}}}, {"sizes/s1k", "sizes/s2k", "sizes/s512"}, {}, 4},
      {"sizes: two values with matchall make a range", "sizes", {{"sizes", {">512", "<1k"}}}, {"sizes/s1k", "sizes/s512"}, {}, 4},
      // --- modes ---
      {"modes: rwx letters behind a dash", "modes", {{"modes", {"^-rw-r--r--$"}}}, {"modes/plain"}, {}, 6},
      {"modes: setuid is u in front", "modes", {{"modes", {"^urwxr-xr-x$"}}}, {"modes/setuid"}, {}, 6},
      {"modes: setgid is g in front", "modes", {{"modes", {"^grwxr-xr-x$"}}}, {"modes/setgid"}, {}, 6},
      {"modes: both are ug", "modes", {{"modes", {"^ug"}}}, {"modes/both"}, {}, 6},
      {"modes: sticky is t in front", "modes", {{"modes", {"^trwxrwxrwx$"}}}, {"modes/sticky"}, {}, 6},
      {"modes: never the rws of ls", "modes", {{"modes", {"s"}}}, {}, {}, 6},
      {"modes: a leading ! inverts here too", "modes", {{"modes", {"!r-x"}}}, {"modes/plain", "modes/private", "modes/sticky"}, {}, 6},
      // --- mtimes ---
      {"mtimes: < is modified within the period", "times", {{"mtimes", {"<1d"}}}, {"times/fresh"}, {}, 2},
      {"mtimes: > is modified longer ago", "times", {{"mtimes", {">1d"}}}, {"times/old"}, {}, 2},
      {"mtimes: hours", "times", {{"mtimes", {"<2h"}}}, {"times/fresh"}, {}, 2},
      {"mtimes: minutes", "times", {{"mtimes", {">90m"}}}, {"times/old"}, {}, 2},
      // --- contents: the table of regex, inverse, macroal ---
      {"content: a line matches: hit", "", contents("^second"), {"alpha.txt"}, {}, top},
      {"content: no line matches: no hit", "", contents("nowhere"), {}, {}, top},
      {"content: inverse, a line matches: no hit", "", contents("!^second"), {"beta.log", "empty"}, {}, top},
      {"content: inverse, no line matches: hit at the end of the file", "", contents("!nowhere"), {"alpha.txt", "beta.log", "empty"}, {}, top},
      {"content: macroal, every line matches: hit", "", contents("hello", {{"macroal", true}}), {"beta.log"}, {}, top},
      {"content: macroal, some line differs: no hit", "", contents("^hello", {{"macroal", true}}), {}, {}, top},
      {"content: macroal and mismatch, some line differs: hit", "", contents("^hello w", {{"macroal", true}, {"mismatch", {"content"}}}), {"alpha.txt", "beta.log", "empty"}, {}, top},
      {"content: macroal and inverse, no line matches: hit", "", contents("!second", {{"macroal", true}}), {"beta.log", "empty"}, {}, top},
      {"content: macroal and inverse, some line matches: no hit", "", contents("!line", {{"macroal", true}}), {"beta.log", "empty"}, {}, top},
      {"content: with macroal an empty file hits through inverse alone", "", with(named("^empty$"), {{"contents", {"."}}, {"options", {{"macroal", true}, {"maxdepth", 1}}}}), {}, {}, top},
      {"content: several lines are never seen as one", "", contents("world.*second"), {}, {}, top},
      {"content: a trailing CR does not belong to the line", "", with(named("^crlf"), {{"contents", {"^one$"}}}), {"crlf.txt"}, {}, top},
      {"content: the last line needs no newline", "", with(named("^noeol"), {{"contents", {"newline$"}}}), {"noeol"}, {}, top},
      {"content: a line of more than 64 KiB is searched whole", "", with(named("^long$"), {{"contents", {"needle"}}}), {"long"}, {}, top},
      {"content: what follows a long line is searched", "", with(named("^long$"), {{"contents", {"^short$"}}}), {"long"}, {}, top},
      {"content: $ is the end of a long line, not of a buffer", "", with(named("^long$"), {{"contents", {"xneedle$"}}}), {}, {}, top},
      {"content: bytes that are no text are searched", "", with(named("^binary$"), {{"contents", {"needle"}}}), {"binary"}, {}, top},
      {"content: two regexes with matchall must both match", "", with(named("."), {{"contents", {"^hello", "^second"}}}), {"alpha.txt", "filelink"}, {}, top},
      {"content: mismatch=content inverts", "", contents("^second", {{"mismatch", {"content"}}}), {"beta.log", "empty"}, {}, top},
      // --- hashes ---
      {"md5", "", with(named("."), {{"md5", {md5_alpha}}}), {"alpha.txt", "filelink"}, {}, top},
      {"md5: upper case is the same", "", with(named("alpha"), {{"md5", {"B7DDDF722CFDC51710087D369F8D9E6B"}}}), {"alpha.txt"}, {}, top},
      {"sha1", "", with(named("alpha"), {{"sha1", {sha1_alpha}}}), {"alpha.txt"}, {}, top},
      {"sha2: 64 digits are SHA-256", "sizes", {{"sha2", {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}}, {"sizes/s0"}, {}, 4},
      {"sha2: 96 digits are SHA-384", "sizes", {{"sha2", {"38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b"}}}, {"sizes/s0"}, {}, 4},
      {"sha2: 128 digits are SHA-512", "sizes", {{"sha2", {"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"}}}, {"sizes/s0"}, {}, 4},
      {"sha3: 56 digits are SHA3-224", "sizes", {{"sha3", {"6b4e03423667dbb73b6e15454f0eb1abd4597f9a1b078e3f5b5a6bc7"}}}, {"sizes/s0"}, {}, 4},
      {"sha3: 64 digits are SHA3-256", "sizes", {{"sha3", {"a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"}}}, {"sizes/s0"}, {}, 4},
      {"sha3: 96 digits are SHA3-384", "sizes", {{"sha3", {"0c63a75b845e4f7d01107d852e4c2485c51a50aaaa94fc61995e71bbee983a2ac3713831264adb47fb6bd1e058d5f004"}}}, {"sizes/s0"}, {}, 4},
      {"sha3: 128 digits are SHA3-512", "sizes", {{"sha3", {"a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a615b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26"}}}, {"sizes/s0"}, {}, 4},
      {"mismatch=md5: every other file", "sizes", {{"md5", {"d41d8cd98f00b204e9800998ecf8427e"}}, {"options", {{"mismatch", {"md5"}}}}}, {"sizes/s1k", "sizes/s2k", "sizes/s512"}, {}, 4},
      {"mismatch=sha2", "sizes", {{"sha2", {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}, {"options", {{"mismatch", {"sha2"}}}}}, {"sizes/s1k", "sizes/s2k", "sizes/s512"}, {}, 4},
      {"two hashes of one kind with matchall can never both hold", "sizes", {{"md5", {"d41d8cd98f00b204e9800998ecf8427e", md5_alpha}}}, {}, {}, 4},
      {"inverse content and a hash with matchall hold together", "", with(named("alpha"), {{"contents", {"!nowhere"}}, {"md5", {md5_alpha}}}), {"alpha.txt"}, {}, top},
      {"mismatch=content and a hash with matchall hold together", "", with(named("alpha"), {{"contents", {"nowhere"}}, {"md5", {md5_alpha}}, {"options", {{"mismatch", {"content"}}, {"maxdepth", 1}}}}), {"alpha.txt"}, {}, top},
      // --- mismatch of metadata ---
      {"mismatch=name", "sizes", {{"names", {"^s1k$"}}, {"options", {{"mismatch", {"name"}}}}}, {"sizes/s0", "sizes/s2k", "sizes/s512"}, {}, 4},
      {"mismatch=size", "sizes", {{"sizes", {"512"}}, {"options", {{"mismatch", {"size"}}}}}, {"sizes/s0", "sizes/s1k", "sizes/s2k"}, {}, 4},
      {"mismatch=mode", "modes", {{"modes", {"^-rw"}}, {"options", {{"mismatch", {"mode"}}}}}, {"modes/both", "modes/setgid", "modes/setuid", "modes/sticky"}, {}, 6},
      {"mismatch=mtime", "times", {{"mtimes", {"<1d"}}, {"options", {{"mismatch", {"mtime"}}}}}, {"times/old"}, {}, 2},
      {"mismatch of an inverted name is the name again", "sizes", {{"names", {"!^s1k$"}}, {"options", {{"mismatch", {"name"}}}}}, {"sizes/s1k"}, {}, 4},
      // --- matchall and matchany ---
      {"matchall: every value must hold", "sizes", {{"names", {"^s1k$"}}, {"sizes", {"1k"}}}, {"sizes/s1k"}, {}, 4},
      {"matchall: one miss and the file is out", "sizes", {{"names", {"^s1k$"}}, {"sizes", {"2k"}}}, {}, {}, 4},
      {"matchany: an entry for every value and file, reduced to that value", "sizes", {{"any", true}, {"names", {"^s1k$"}}, {"sizes", {"512", "7"}}}, {},
       {{"names=^s1k$", {"sizes/s1k"}}, {"sizes=512", {"sizes/s512"}}, {"sizes=7", {}}}, 4},
      {"matchany: contents come first, hashes in upper case last", "sizes", {{"any", true}, {"names", {"^s0$"}}, {"contents", {"^s+$"}}, {"md5", {"d41d8cd98f00b204e9800998ecf8427e"}}}, {},
       {{"contents=^s+$", {"sizes/s1k", "sizes/s2k", "sizes/s512"}}, {"names=^s0$", {"sizes/s0"}}, {"md5=D41D8CD98F00B204E9800998ECF8427E", {"sizes/s0"}}}, 4},
      {"matchany is the default of documents", "sizes", {{"any", true}, {"names", {"^s0$"}}, {"sizes", {"2k"}}}, {}, {{"names=^s0$", {"sizes/s0"}}, {"sizes=2k", {"sizes/s2k"}}}, 4},
      // --- maxdepth ---
      {"maxdepth 1: the root's own files alone", "deep", with({{"names", {"."}}}, options({{"maxdepth", 1}})), {"deep/top"}, {}, 1},
      {"maxdepth 2: one level more", "deep", with({{"names", {"."}}}, options({{"maxdepth", 2}})), {"deep/one/middle", "deep/top"}, {}, 2},
      {"maxdepth 0: no limit", "deep", {{"names", {"."}}}, {"deep/one/middle", "deep/one/two/three/bottom", "deep/top"}, {}, 3},
      {"maxdepth holds even while a deeper root keeps the walk going", "", {{"paths", {"$/deep", "$/deep/one/two/three"}}, {"names", {"."}}, {"options", {{"maxdepth", 1}}}}, {"deep/one/two/three/bottom", "deep/top"}, {}, 2},
      // --- paths ---
      {"paths: scope is by components: deep does not cover deeper", "", {{"paths", {"$/deep"}}, {"names", {"^other$"}}}, {}, {}, 3},
      {"paths: nested roots are walked once", "", {{"paths", {"$/deep", "$/deep/one"}}, {"names", {"."}}}, {"deep/one/middle", "deep/one/two/three/bottom", "deep/top"}, {}, 3},
      {"paths: a root may be a regular file", "alpha.txt", {{"names", {"alpha"}}}, {"alpha.txt"}, {}, 1},
      {"paths: a root that links to a file is reported as its target", "filelink", {{"names", {"alpha"}}}, {"alpha.txt"}, {}, 1},
      {"paths: a root that links to a directory is walked", "dirlink", {{"names", {"^top$"}}}, {"dirlink/top"}, {}, 3},
      {"paths: slashes and dots are cleaned, also where the search is repeated", "", {{"paths", {"$//deep/./one/.."}}, {"names", {"^top$"}}}, {"deep/top"}, {}, 3},
      {"paths: one that does not exist is an error, the others are walked", "", {{"paths", {"$/absent", "$/deeper"}}, {"names", {"."}}}, {"deeper/other"}, {}, 1, 1, {"ERROR: open $/absent: No such file or directory"}},
      // --- what is a candidate ---
      {"a link to a file is a candidate under its own path; broken ones are counted; pipes and links to directories are not looked at", "links", {{"contents", {"linked"}}}, {"links/target", "links/to-file"}, {}, 2, 1,
       {"ERROR: followSymLink() -> $/links/broken: No such file or directory"}},
      {"a search without any check matches nothing", "sizes", Json::object(), {}, {}, 4},
      // --- matchlimit, maxerrors ---
      {"matchlimit 2: two hits and the search ends", "sizes", with({{"names", {"."}}}, options({{"matchlimit", 2}})), {"sizes/s0", "sizes/s1k"}, {}, 2},
      {"maxerrors 1: one error is returned, the rest counted", "", {{"paths", {"$/no1", "$/no2", "$/no3"}}, {"names", {"."}}, {"options", {{"maxerrors", 1}}}}, {}, {}, 0, 3,
       {"ERROR: open $/no1: No such file or directory", "2 more errors are not listed (maxerrors)"}},
      // --- decompress ---
      {"decompress: off, gzip is searched as it lies", "", with(named("^packed"), {{"contents", {"secret"}}}), {}, {}, top},
      {"decompress: contents are those of the unpacked data", "", with(named("^packed"), {{"contents", {"^secret inside$"}}, {"options", {{"decompress", true}, {"maxdepth", 1}}}}), {"packed.gz"}, {}, top},
      {"decompress: hashes are those of the unpacked data", "", with(named("gz$"), {{"md5", {"25fde0b27dae7b4649783d5c2d1ed4d3"}}, {"options", {{"decompress", true}, {"maxdepth", 1}}}}), {"packed.gz"}, {}, top, 0, {"ERROR: $/corrupt.gz: gzip: the file ends in the middle at byte 24"}, 1},
      {"decompress: members one behind the other are read through", "", with(named("^double"), {{"contents", {"^part two$"}}, {"options", {{"decompress", true}, {"maxdepth", 1}}}}), {"double.gz"}, {}, top},
      {"decompress: what is not gzip is read as it is", "", with(named("^alpha"), {{"contents", {"^second"}}, {"options", {{"decompress", true}, {"maxdepth", 1}}}}), {"alpha.txt"}, {}, top},
      {"decompress: an empty file is no error", "", with(named("^empty$"), {{"contents", {"!x"}}, {"options", {{"decompress", true}, {"maxdepth", 1}}}}), {"empty"}, {}, top},
      // --- description ---
      {"description is given back", "sizes", {{"description", "why we ask"}, {"names", {"^s0$"}}}, {"sizes/s0"}, {}, 4},
      {"remotefs is understood and changes nothing", "sizes", with({{"names", {"^s0$"}}}, options({{"remotefs", true}})), {"sizes/s0"}, {}, 4},
  };
}

}  // namespace

TEST_CASE("module file gives the documents MIG's users know") {
  const FileTree tree;
  for (const Case& one : cases()) {
    INFO(one.shows);
    const Json wanted = expected(one, tree);
    const Json got = run({{"searches", {{"s1", search_of(one, tree)}}}});
    CHECK(core::pretty_json(got) == core::pretty_json(wanted));
  }
  CHECK(cases().size() >= 80);
}
