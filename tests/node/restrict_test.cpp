#include "node/restrict.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "node/core/limits.h"
#include "node/wall.h"

using namespace mig;

namespace {

node::Restrictions parsed(const std::string& text) {
  auto out = node::parse_restrictions(text);
  INFO((out ? "" : out.error().text));
  REQUIRE(out);
  return *out;
}

std::string error_of(const std::string& text) {
  auto out = node::parse_restrictions(text);
  return out ? "" : out.error().text;
}

}  // namespace

TEST_CASE("a restriction that is misspelt or makes no sense is an error, never ignored", "[restrict]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"module": ["file"]})", "'module' is not known; there are: modules, paths, seconds, cpu_seconds, memory_mb, output_kb, privacy"},
      {R"({"modules": ["fil"]})", "modules: there is no module 'fil' in this build"},
      {R"({"modules": "file"})", "modules: not a list of texts"},
      {R"({"paths": ["etc"]})", "paths: 'etc' is not an absolute path"},
      {R"({"paths": ["/etc/../root"]})", "paths: '/etc/../root' is not an absolute path"},
      {R"({"seconds": 0})", "seconds: not a number above 0"},
      {R"({"memory_mb": "much"})", "memory_mb: not a number above 0"},
      {R"({"privacy": 1})", "privacy: neither true nor false"},
      {R"([])", "not a JSON object"},
  };
  for (const auto& [text, error] : cases) {
    INFO(text);
    CHECK(error_of(text) == error);
  }
}

TEST_CASE("of several restriction files the strictest word holds", "[restrict]") {
  auto both = parsed(R"({"modules": ["file", "ping"], "paths": ["/etc", "/usr/lib/"], "seconds": 30, "memory_mb": 64})");
  both.add(parsed(R"({"modules": ["file", "timedrift"], "paths": ["/usr", "/etc/ssh", "/home"], "seconds": 60, "output_kb": 10, "privacy": true})"));
  CHECK(both.in_words() == std::vector<std::string>{"modules: file", "paths: /etc/ssh, /usr/lib", "seconds: 30", "memory_mb: 64", "output_kb: 10",
                                                     "privacy: paths, names and addresses are masked"});
  both.add(parsed(R"({"modules": [], "paths": ["/var"]})"));
  CHECK(both.in_words()[0] == "modules: none");
  CHECK(both.in_words()[1] == "paths: none");
  node::JobSpec spec;
  both.apply(spec);
  CHECK(spec.readable == std::vector<std::string>{"/proc/self"});  // not the empty list, which means everything
}

TEST_CASE("restrictions lower what a job may use and never raise it", "[restrict]") {
  node::JobSpec spec;
  spec.seconds = 20;
  spec.bytes_max = 1000;
  parsed(R"({"seconds": 300, "cpu_seconds": 5, "memory_mb": 100000, "output_kb": 100000})").apply(spec);
  CHECK(spec.seconds == 20);
  CHECK(spec.cpu_seconds == 5);
  CHECK(spec.bytes_max == 1000);
  CHECK(spec.memory_bytes == core::limits::job_memory_bytes);
  parsed(R"({"seconds": 2, "memory_mb": 32, "output_kb": 0.5})").apply(spec);
  CHECK(spec.seconds == 2);
  CHECK(spec.memory_bytes == 32 << 20);
  CHECK(spec.bytes_max == 512);
}

TEST_CASE("modules that are not listed are refused in words", "[restrict]") {
  const auto refusals = parsed(R"({"modules": ["file"]})").refusals();
  CHECK(refusals.count("file") == 0);
  CHECK(refusals.at("ping") == "module 'ping' is not allowed on this machine");
  CHECK(node::Restrictions().refusals().empty());
  const auto held = parsed(R"({"paths": ["/etc"]})").refusals();
  if (node::landlock_version() == 0) CHECK(held.at("file") == "only some paths may be read on this machine, which its kernel cannot keep (it has no Landlock)");
  else CHECK(held.count("file") == 0);
}

TEST_CASE("restriction files that are not there restrict nothing, damaged ones stop the agent", "[restrict]") {
  char name[] = "/tmp/mig-restrict-XXXXXX";
  const std::string place = mkdtemp(name), file = place + "/restrict.json";
  CHECK(node::read_restrictions({file})->in_words().empty());
  std::ofstream(file) << R"({"modules": ["file"],})";
  const auto damaged = node::read_restrictions({file});
  REQUIRE(!damaged);
  CHECK(damaged.error().text.starts_with(file + ": "));
  CHECK(damaged.error().text.ends_with("; the agent does not start without what restricts it"));
  std::filesystem::remove_all(place);
}
