// Runs every fuzz target over its corpus, and over the same bytes a little damaged: what was found once stays found.
#include <catch2/catch.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "node/core/random.h"
#include "tests/fuzz/machine_script.h"
#include "tests/fuzz/made_up_mesh.h"

// What the peers of the two machine targets say: every frame once, seeds for the decoder.
const std::vector<mig::fuzz::Peer>& peers_of_relay();
const std::vector<mig::fuzz::Peer>& peers_of_agent();

namespace {

using namespace mig::core;
namespace files = std::filesystem;

constexpr std::size_t damaged_inputs = 300;  // a target: a second or two for the slowest, which step whole machines

struct FuzzTarget {
  const char* name;
  void (*run)(BytesView input);
};

}  // namespace

// CMake lists the files NAME_fuzz.cpp there are: TARGET(NAME) a line.
#define TARGET(name) void fuzz_##name(mig::core::BytesView input);
#include "fuzz_targets.inc"
#undef TARGET
#define TARGET(name) {#name, fuzz_##name},
static const std::vector<FuzzTarget> targets = {
#include "fuzz_targets.inc"
};

namespace {

files::path corpus_of(const std::string& name) { return files::path(MIG_SOURCE_DIR) / "tests/fuzz/corpus" / name; }

std::vector<std::pair<std::string, Bytes>> seeds_of(const std::string& name) {
  std::vector<std::pair<std::string, Bytes>> out;
  for (const auto& entry : files::directory_iterator(corpus_of(name))) {
    std::ifstream in(entry.path(), std::ios::binary);
    out.emplace_back(entry.path().filename().string(), Bytes(std::istreambuf_iterator<char>(in), {}));
  }
  std::sort(out.begin(), out.end());
  return out;
}

Bytes damaged(Bytes seed, Random& random) {
  for (std::uint64_t n = random.below(4) + 1; n > 0 && !seed.empty(); --n) {
    const std::size_t at = random.below(seed.size());
    switch (random.below(3)) {
      case 0: seed[at] = static_cast<char>(random.below(256)); break;
      case 1: seed.erase(at, random.below(8)); break;
      default: seed.insert(at, random.bytes(random.below(8))); break;
    }
  }
  return seed;
}

}  // namespace

TEST_CASE("every parser of foreign bytes comes through its corpus, and through damaged copies of it") {
  REQUIRE(targets.size() >= 9);
  for (const auto& target : targets) {
    DYNAMIC_SECTION(target.name) {
      const auto seeds = seeds_of(target.name);
      REQUIRE_FALSE(seeds.empty());
      Random random(*Seed::from(blake2b(target.name, Seed::size)));
      target.run({});
      for (const auto& [file, bytes] : seeds) {
        INFO(target.name << "/" << file);
        target.run(bytes);
      }
      for (std::size_t i = 0; i < damaged_inputs; ++i) {
        const auto& [file, bytes] = seeds[random.below(seeds.size())];
        const Bytes input = damaged(bytes, random);
        INFO(target.name << "/" << file << " damaged: " << to_hex(BytesView(input).substr(0, 2048)));
        target.run(input);
      }
    }
  }
}

// `fuzz_test "[seeds]"` writes the seeds that no person wants to type; run it anew when a format has changed.
TEST_CASE("seeds are written", "[.][seeds]") {
  const auto& mesh = mig::fuzz::mesh();
  const auto write = [](const std::string& target, const std::string& name, BytesView bytes) {
    files::create_directories(corpus_of(target));
    std::ofstream(corpus_of(target) / name, std::ios::binary) << bytes;
  };
  write("action", "plain", mesh.action.text);
  write("action", "file", write_action_file(mesh.action));
  write("roster", "plain", mesh.roster.text);
  write("roster", "trust", canonical_json(to_json(mesh.trust)));
  write("roster", "endpoint", "tcp://[::1]:7447#" + mesh.relay.link_public().hex());
  write("session", "text", "\x02" + session_text({mesh.person.fingerprint(), mesh.session.link_public(), mesh.session.sign_public(), mesh.sink, mig::fuzz::began + 1000}));
  write("session", "packed", "\x01" + mesh.packed_session);
  write("session", "certificate", "\x01" + mesh.certificate(mesh.agent, Role::agent));
  write("session", "invite", "\x01" + mesh.invite(Role::agent));
  write("session", "ticket", "\x01" + write_ticket({mesh.agent.id(), 5, mesh.relay.id(), mig::fuzz::began}, mesh.agent));
  write("session", "request", "\x01" + write_enrol_request({mesh.invite(Role::agent), mesh.agent.sign_public(), mesh.agent.link_public(), "a", "b", {{"c", "d"}}}, mig::fuzz::seed_of("invited"), mesh.agent));
  write("session", "answer", "\x01" + write_enrol_answer({mesh.certificate(mesh.agent, Role::agent), mesh.roster, {}}));
  write("reply", "header", "\x01" + mesh.reply().header);
  write("reply", "body", "\x02" + *open(mesh.reply().body, mesh.reply_keys.key, mesh.reply_keys.secret));
  std::size_t number = 0;
  for (const auto* peers : {&peers_of_relay(), &peers_of_agent()})
    for (const auto& peer : *peers)
      for (const auto& frame : peer.frames) write("message", "frame" + std::to_string(number++), frame);
  const std::pair<const char*, std::string> texts[] = {
      {"all", "all"}, {"online", "status='online'"}, {"tags", "tags->>'role'='web' AND NOT (environment->>'os' ILIKE '%win%' OR name ~ '^web-[0-9]+')"},
      {"time", "heartbeattime > now() - INTERVAL '30 days' AND pid BETWEEN 1 AND 10"}, {"cast", "(environment->>'cores')::int >= 4 AND environment#>>'{addresses,0}' IN ('10.0.0.1/8', NULL)"},
      {"found", "id IN (SELECT agentid FROM commands, json_array_elements(commands.results) as r WHERE actionid=12345678 AND r#>>'{foundanything}' = 'true')"}};
  for (const auto& [name, text] : texts) write("target", name, text);
}
