// Module memory, on processes made for it.
#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <functional>

#include "modules/memory/process.h"
#include "modules/memory/search.h"
#include "modules/module.h"

using namespace mig;
using core::Json;

namespace {

/// A copy of this process that keeps `fill` in its memory until the end of the test. Texts that are looked
/// for are made there from pieces, so that the test itself does not hold them.
class Target {
 public:
  explicit Target(const std::function<void()>& fill) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      fill();
      (void)!write(ends[1], "x", 1);
      for (;;) pause();
    }
    close(ends[1]);
    char ready = 0;
    REQUIRE(read(ends[0], &ready, 1) == 1);
    close(ends[0]);
  }
  ~Target() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }
  long resident_kb() const {
    std::ifstream status(fmt::format("/proc/{}/status", pid_));
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
    return -1;
  }

 private:
  pid_t pid_ = -1;
};

/// Between two pages that nobody may read: a range of memory that begins and ends just there.
char* pages(std::size_t bytes) {
  constexpr std::size_t guard = 4096;
  char* all = static_cast<char*>(
      mmap(nullptr, bytes + 2 * guard, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  mprotect(all, guard, PROT_NONE);
  mprotect(all + guard + bytes, guard, PROT_NONE);
  return all + guard;
}

void put(char* at, std::initializer_list<const char*> parts) {
  for (const char* part : parts)
    while (*part) *at++ = *part++;
}

modules::Answer run(const Json& search) {
  modules::Budget budget(60, 0);
  return modules::run("memory", {{"searches", {{"s1", search}}}}, {}, budget);
}

bool finds(const modules::Answer& answer, pid_t pid) {
  for (const auto& one : answer.elements["s1"])
    if (one["process"]["pid"] == pid) return true;
  return false;
}

/// Some containers allow no look at other processes, or hide which pages are there.
bool allowed() {
  Target target([] {});
  auto maps = modules::memory::maps_of({}, target.pid());
  char byte = 0;
  if (maps && !maps->readable.empty() && modules::memory::present_of({}, target.pid(), maps->readable) &&
      modules::memory::read_memory(target.pid(), maps->readable[0].begin, &byte, 1) == 1)
    return true;
  WARN("no process may look into another one here: skipped");
  return false;
}

}  // namespace

TEST_CASE("memory: contents, bytes, names and libraries are found, and with matchall all must hold") {
  if (!allowed()) return;
  Target target([] { put(pages(8192) + 4090, {"mem", "needle-", "17"}); });
  const auto answer = run({{"contents", {"mem[n]eedle-[0-9]+"}},
                           {"bytes", {"6d656d6e6565646c652d3137", "00ff00ff00ff1122"}},
                           {"libraries", {"libc\\.so"}},
                           {"names", {"no-such-program"}}});
  CHECK(finds(answer, target.pid()));
  std::map<std::string, bool> by_value;
  for (const auto& one : answer.elements["s1"])
    for (const auto& [key, value] : one["search"].items())
      if (key != "options") by_value[value[0]] = by_value[value[0]] || one["process"]["pid"] == target.pid();
  CHECK(by_value["mem[n]eedle-[0-9]+"]);
  CHECK(by_value["6d656d6e6565646c652d3137"]);
  CHECK(by_value["libc\\.so"]);
  CHECK_FALSE(by_value["00ff00ff00ff1122"]);
  CHECK_FALSE(by_value["no-such-program"]);
  Json all{{"names", {"modules_test$"}}, {"contents", {"mem[n]eedle-17"}}, {"options", {{"matchall", true}}}};
  CHECK(finds(run(all), target.pid()));
  all["names"].push_back("no-such-program");
  const auto none = run(all);
  CHECK(core::compact_json(none.elements["s1"]) ==
        core::compact_json(Json::array(
            {{{"process", {{"name", ""}, {"pid", 0}}},
              {"search",
               {{"contents", {"mem[n]eedle-17"}},
                {"names", {"modules_test$", "no-such-program"}},
                {"options",
                 {{"offset", 0}, {"maxlength", 0}, {"logfailures", false}, {"matchall", true}}}}}}})));
}

TEST_CASE("memory: a needle is found at every offset about a window's border") {
  if (!allowed()) return;
  constexpr std::size_t window = 1024 * 1024, needles = 40;
  // One process, a needle of its own at each place: windows begin where a range of pages does.
  Target target([] {
    char* memory = pages(48 * window);
    std::memset(memory, 'm', 48 * window);  // pages that are not there would end a range
    for (std::size_t i = 0; i < needles; ++i)
      put(memory + (i + 1) * window - i, {"bor", "der-", fmt::format("{:02}", i).c_str(), "-end"});
  });
  Json search{{"contents", Json::array()}, {"names", {"modules_test$"}}, {"options", {{"matchall", false}}}};
  for (std::size_t i = 0; i < needles; ++i)
    search["contents"].push_back(fmt::format("bor[d]er-{:02}-end", i));
  search.erase("names");
  const auto answer = run(search);
  std::size_t found = 0;
  for (const auto& one : answer.elements["s1"]) found += one["process"]["pid"] == target.pid();
  CHECK(found == needles);
}

TEST_CASE("memory: windows lose no needle, whatever the place") {
  std::vector<modules::memory::Search> searches(1);
  modules::memory::Check check;
  check.kind = modules::memory::Kind::bytes;
  check.bytes = "needle";
  searches[0].checks.push_back(check);
  const modules::memory::Needles needles(searches);
  CHECK(needles.overlap() == 6);
  modules::memory::Needles::Look look(needles);
  for (std::size_t at = 0; at + 6 <= 64; ++at) {
    std::string memory(64, 'x');
    memory.replace(at, 6, "needle");
    look.begin();
    bool seen = false;
    look.through(memory, [&](unsigned, std::size_t end) { return seen = end == at + 6; });
    INFO(at);
    CHECK(seen);
  }
}

TEST_CASE("memory: only pages that are there are read, so a large process does not grow, nor do we") {
  if (!allowed()) return;
  constexpr std::size_t size = std::size_t{1} << 30, present = 64 << 20;
  Target target([] {
    char* memory = pages(size);
    for (std::size_t at = 0; at < present; at += 4096) memory[at * (size / present)] = 'p';
    put(memory + size - 4096 - 6, {"last-", "page-", "needle"});
  });
  const long before = target.resident_kb();
  const auto answer = run({{"contents", {"last-page-[n]eedle"}},
                           {"names", {"modules_test$"}},
                           {"options", {{"matchall", true}}}});
  CHECK(finds(answer, target.pid()));
  CHECK(target.resident_kb() <= before + before / 100);
  CHECK(answer.statistics["memoryread"].get<std::uint64_t>() < 4 * present);
}

TEST_CASE("memory: offset and maxlength bound what is read") {
  if (!allowed()) return;
  Target target([] { put(pages(4096) + 100, {"boun", "ded-", "needle"}); });
  Json search{
      {"contents", {"bounded-[n]eedle"}}, {"names", {"modules_test$"}}, {"options", {{"matchall", true}}}};
  CHECK(finds(run(search), target.pid()));
  search["options"]["maxlength"] = 4096;
  CHECK_FALSE(finds(run(search), target.pid()));
  search["options"]["maxlength"] = 0;
  search["options"]["offset"] = 0x7fffffffffffULL;
  CHECK_FALSE(finds(run(search), target.pid()));
}

TEST_CASE("memory: the process itself is left out unless it is asked for") {
  if (!allowed()) return;
  const std::string own = "own-process-needle-" + std::to_string(getpid());
  Json search{{"contents", {own}}};
  CHECK_FALSE(finds(run(search), getpid()));
  search["options"] = {{"self", true}};
  CHECK(finds(run(search), getpid()));
}

TEST_CASE("memory: what maps say is read as it is, and nonsense is left out") {
  const auto maps = modules::memory::parse_maps(
      "55d0-55d1 r--p 00000000 08:01 12 /usr/bin/with blank\n55d1-55d2 rw-p 00000000 08:01 12 /usr/bin/with "
      "blank\n7f00-7f01 ---p 0 00:00 0\n"
      "7f10-7f11 rw-p 00000000 00:00 0 [heap]\n7f20-7f21 r--p 0 00:00 0 [vvar]\n7f30-7f31 rw-s 0 00:05 1 "
      "/dev/mem\nnonsense\n7f41-7f40 rw-p 0 00:00 0\n");
  CHECK(maps.files == std::vector<std::string>{"/usr/bin/with blank", "/dev/mem"});
  REQUIRE(maps.readable.size() == 2);
  CHECK(maps.readable[0].begin == 0x55d0);
  CHECK(maps.readable[0].end == 0x55d2);
  CHECK(maps.readable[1].begin == 0x7f10);
}

TEST_CASE("memory: what is not right is refused as a whole document, saying what would be") {
  for (const auto& [search, error] : std::vector<std::pair<Json, std::string>>{
           {{{"bytes", {"abc"}}},
            "searches.s1.bytes: 'abc' is not right; write an even number of hexadecimal digits without 0x"},
           {{{"contents", {"("}}},
            "searches.s1.contents: '(' is not a regular expression: missing ): (; RE2 syntax is "
            "understood"}}) {
    const auto answer = run(search);
    CHECK_FALSE(answer.success);
    CHECK(answer.errors == std::vector<std::string>{error});
  }
}
