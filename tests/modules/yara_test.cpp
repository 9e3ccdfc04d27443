// Module yara on made-up files and a process.
#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "modules/yara/yara.h"
#include "tests/modules/file_tree.h"

using namespace mig;
using core::Json;
using test::FileTree;

namespace {

const char* const rules =
    "rule hello { strings: $a = \"hello\" condition: $a }\nrule again { strings: $a = /a[g]ain/ condition: "
    "$a }\nrule never { condition: false }";

Json run(const Json& parameters) {
  modules::Budget budget(30, 0);
  return *core::parse_json(modules::run("yara", parameters, {}, budget).to_json(), 1 << 20);
}

bool installed() {
  const Json got = run({{"yara", rules}, {"filesearch", "-path /nowhere -name x"}});
  if (got["success"] == true) return true;
  WARN("libyara is not here: skipped");
  return false;
}

}  // namespace

TEST_CASE("yara: rules and files that match are given, sorted, in MIG's shape") {
  if (!installed()) return;
  const FileTree tree;
  const Json got = run(
      {{"yara", rules},
       {"filesearch", "-path " + tree.root() + " -name '^(alpha.txt|beta.log|empty|noeol)$' -maxdepth 1"}});
  const Json wanted{{"foundanything", true},
                    {"success", true},
                    {"statistics", nullptr},
                    {"errors", nullptr},
                    {"elements",
                     {{"Matches",
                       {{{"Object", tree.path("alpha.txt")}, {"MatchedRules", {"hello"}}},
                        {{"Object", tree.path("beta.log")}, {"MatchedRules", {"again", "hello"}}}}}}}};
  CHECK(core::pretty_json(got) == core::pretty_json(wanted));
  const Json none = run({{"yara", rules}, {"filesearch", "-path " + tree.root() + " -name ^empty$"}});
  CHECK(none["elements"] == Json{{"Matches", nullptr}});
  CHECK(none["success"] == true);
}

TEST_CASE("yara: a large file and a match at its end are looked at") {
  if (!installed()) return;
  FileTree tree;
  tree.file("large", std::string(17 << 20, 'x') + "hello");
  CHECK(
      run({{"yara", rules},
           {"filesearch", "-path " + tree.root() + " -name ^large$"}})["elements"]["Matches"][0]["Object"] ==
      tree.path("large"));
}

TEST_CASE("yara: the memory of a process is looked through, also across blocks") {
  if (!installed()) return;
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    constexpr std::size_t block = 8 << 20;
    char* memory = static_cast<char*>(
        mmap(nullptr, 3 * block, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    std::memset(memory, 'm', 3 * block);
    for (std::size_t at = block - 200; at + 13 < 3 * block; at += 4096 * 7 + 13)
      std::memcpy(memory + at, "proc", 4), std::memcpy(memory + at + 4, "-needle-9", 9);
    (void)!write(ends[1], "x", 1);
    for (;;) pause();
  }
  char ready = 0;
  REQUIRE(read(ends[0], &ready, 1) == 1);
  const Json got = run({{"yara", "rule p { strings: $a = /proc-[n]eedle-[0-9]/ condition: $a }"},
                        {"processes", {"modules_test$"}}});
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  if (!got["errors"].is_null()) {
    WARN("no process may look into another one here: skipped");
    return;
  }
  REQUIRE(got["elements"]["Matches"].size() == 1);
  CHECK(got["elements"]["Matches"][0]["Object"].get<std::string>().ends_with("[pid:" + std::to_string(pid) +
                                                                             "]"));
}

TEST_CASE("yara: rules that do not compile, and questions about nothing, are refused with one error") {
  if (!installed()) return;
  const Json broken = run(
      {{"yara", "rule x {\n strings: $a = \"b\"\n condition: $b }"}, {"filesearch", "-path /etc -name x"}});
  CHECK(broken["success"] == false);
  CHECK(broken["errors"][0].get<std::string>().starts_with("yara: line 3: "));
  CHECK(run({{"yara", "include \"/etc/passwd\""}, {"filesearch", "-path /etc -name x"}})["success"] == false);
  CHECK(run({{"yara", rules}})["success"] == false);
  CHECK(run({{"yara", rules}, {"filesearch", "-path /etc -size 10q"}})["success"] == false);
  CHECK(run({{"yara", rules}, {"filesearch", "-path '/etc"}})["success"] == false);
}

TEST_CASE("yara: a command line is parted at blanks outside of quotes, of which there may be several") {
  using modules::yara::words_of;
  CHECK(*words_of(" -path  /a  -name '^a b$' -content \"it's\" ''") ==
        std::vector<std::string>{"-path", "/a", "-name", "^a b$", "-content", "it's", ""});
  CHECK_FALSE(words_of("'open"));
}

TEST_CASE("yara: files that are only looked through do not count as a result") {
  if (!installed()) return;
  FileTree tree;
  for (int i = 0; i < 200; ++i) tree.file("many/f" + std::to_string(i), i == 7 ? "hello" : "x");
  modules::Budget budget(30, 20'000);
  const auto answer = modules::run(
      "yara", {{"yara", rules}, {"filesearch", "-path " + tree.path("many") + " -name ."}}, {}, budget);
  CHECK(answer.success);
  CHECK(answer.elements["Matches"].size() == 1);
}
