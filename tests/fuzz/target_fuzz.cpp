// leans on: core
// Targets: parsed from any text, then judged against an agent that has something in every column.
#include "node/core/json.h"
#include "node/core/target.h"
#include "tests/fuzz/fuzz.h"

using namespace mig::core;

namespace {

AgentFacts some_facts() {
  AgentFacts facts;
  facts.id = "00112233445566778899aabbccddeeff";
  facts.name = "web-1.example.org";
  facts.queueloc = "linux.00112233";
  facts.status = "online";
  facts.tags = {{"role", "web"}, {"rack", "7"}};
  facts.environment = Json{{"os", "linux"}, {"addresses", {"10.0.0.1/8", "::1/128"}}, {"init", nullptr}, {"cores", 4}};
  return facts;
}

}  // namespace

MIG_FUZZ(target) {
  static const AgentFacts facts = some_facts();
  auto target = Target::parse(input);
  if (!target) {
    MIG_CHECK(!target.error().text.empty(), "a refusal has words");
    return;
  }
  const auto yes = [](std::string_view, bool found) { return found; };
  const bool first = target->matches(facts, 1'800'000'000'000, yes);
  MIG_CHECK(first == target->matches(facts, 1'800'000'000'000, yes), "the same question has the same answer");
  (void)target->matches(AgentFacts{}, 0, {});
}
