// Every text of tests/scenarios is played, under a few seeds: what is drawn is how long things take.
#include "simulate/scenario.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

using namespace mig::simulate;

namespace {

const std::filesystem::path folder = std::filesystem::path(MIG_SOURCE_DIR) / "tests/scenarios";

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string trouble_of(const std::string& text) {
  auto scenario = read_scenario(text);
  return scenario ? "" : scenario.error().text;
}

std::string outcome_of(const std::string& text) {
  auto scenario = read_scenario(text);
  REQUIRE(scenario);
  std::string out;
  for (const auto& wrong : play(*scenario, 1, false).wrong) out += wrong + "\n";
  return out;
}

}  // namespace

TEST_CASE("every scenario ends as it says") {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".txt") continue;
    INFO(entry.path().filename().string());
    auto scenario = read_scenario(text_of(entry.path()));
    if (!scenario) INFO(scenario.error().text);
    REQUIRE(scenario);
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      INFO("replay: mig-simulate --scenario " << entry.path().string() << " --seed " << seed << " --trace");
      const auto played = play(*scenario, seed, false);
      for (const auto& wrong : played.wrong) UNSCOPED_INFO(wrong);
      CHECK(played.wrong.empty());
    }
  }
}

TEST_CASE("every guarantee and every kind of failure that is listed has its scenario, and every scenario is listed") {
  std::set<std::string> listed, there;
  const std::string readme = text_of(folder / "README.md");
  const std::regex row(R"(\n\| ([^|\n]+) \| ([^|\n]*) \|)");
  for (std::sregex_iterator it(readme.begin(), readme.end(), row), end; it != end; ++it) {
    if ((*it)[1] == "what happens" || (*it)[1] == "---") continue;
    INFO((*it)[1].str() << " has no scenario");
    CHECK((*it)[2].str().ends_with(".txt"));
    listed.insert((*it)[2]);
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".txt") there.insert(entry.path().filename());
  CHECK(listed == there);
}

TEST_CASE("a scenario that cannot be read says in which line and what may stand there") {
  const std::string begin = "# shows\nmesh r1 - r2\nagents ada at r2\n";
  CHECK(trouble_of("mesh r1\nagents ada at r1\nask q\n") == "line 1: say at the top, after #, what this scenario shows");
  CHECK(trouble_of(begin) == "line 3: nothing happens; add statements such as: ask q");
  CHECK(trouble_of(begin + "crsh r1\n").starts_with("line 4: there is no statement 'crsh'; there are: mesh, agents, jobs, "));
  CHECK(trouble_of(begin + "crash r3\n") == "line 4: there is no 'r3'; there are: r1, r2, ada, mig; it reads: crash N... [losing the store]");
  CHECK(trouble_of(begin + "wait 2\n") == "line 4: '2' is no span of time; write 500ms, 2s, 5m or 1h; it reads: wait 2s");
  CHECK(trouble_of(begin + "wait 2s or so\n") == "line 4: 'or so' is too much; it reads: wait 2s");
  CHECK(trouble_of(begin + "now q reads x\n").starts_with("line 4: there is no 'q'; there are: r1, r2, ada, mig"));
  CHECK(trouble_of(begin + "ask q\nnow q ran on ada\n").starts_with("line 5: how often? never, once, twice, 3 times"));
  CHECK(trouble_of(begin + "ask q\nnow q ran on bob once\n").starts_with("line 5: there is no agent 'bob'; there are: ada"));
  CHECK(trouble_of(begin + "cancel q\n") == "line 4: nobody has asked 'q' before this; it reads: cancel Q");
  CHECK(trouble_of(begin + "ask q\nagents bob at r1\n") == "line 5: 'agents' stands before the first thing that happens");
  CHECK(trouble_of(begin + "await NOISE from r1 to r2\n").starts_with("line 4: 'NOISE' is no kind of frame; there are: HELLO, WELCOME, "));
  CHECK(trouble_of("# shows\nmesh r1 - r2\nmesh r3 - r1\n").starts_with("line 3: 'r3' hangs in the air"));
}

TEST_CASE("a scenario that does not end as it says is told what was seen instead") {
  const std::string begin = "# shows\nmesh r1 - r2\nagents ada at r2\nask q\n";
  CHECK(outcome_of(begin + "within 10s q reads 1 of 1 answered (1 found, 0 clean), 0 offline; 2 of 2 relays reporting; complete\n").empty());
  CHECK(outcome_of(begin + "within 10s q reads nonsense\n") ==
        "line 5: within 10s q reads nonsense\n  but q reads 1 of 1 answered (1 found, 0 clean), 0 offline; 2 of 2 relays reporting; complete\n");
  CHECK(outcome_of(begin + "wait 10s\nnow q ran on ada twice\n") == "line 6: now q ran on ada twice\n  but q ran on ada once\n");
  CHECK(outcome_of(begin + "within 10s r1 said store_was_lost\n") == "line 5: within 10s r1 said store_was_lost\n  but r1 said store_was_lost never\n");
  CHECK(outcome_of(begin + "for 10s q ran on ada never\n").find("s q ran on ada once\n") != std::string::npos);
}
