#include "node/audit.h"

#include <catch2/catch.hpp>

#include "node/core/json.h"
#include "store/memory.h"

using namespace mig;
using core::Json;
using core::State;

namespace {

core::ActionId id_of(char c) { return *core::ActionId::from(core::Bytes(32, c)); }

core::Roster made_up_roster() {
  core::Roster roster;
  core::Investigator ada;
  ada.name = "Ada";
  ada.fingerprint = core::Fingerprint(20, '\x1a');
  roster.investigators.push_back(ada);
  return roster;
}

core::Action made_up_action() {
  core::Action action;
  action.id = id_of('A');
  action.name = "who has it";
  action.target = "all";
  action.operations = {{"file", {{"searches", {{"s1", {{"paths", {"/etc"}}}}}}}}};
  action.description = Json::object();
  return action;
}

node::AuditReport report_of(const store::Store& store) {
  return node::read_audit([&](core::BytesView prefix, const auto& visit) { store.scan(prefix, visit); });
}

/// One action of each fate.
void live(store::Store& store) {
  node::Audit audit(store);
  const auto roster = made_up_roster();
  const std::vector<core::Fingerprint> ada{core::Fingerprint(20, '\x1a')};
  const auto action = made_up_action();
  auto elsewhere = action;
  elsewhere.id = id_of('B');
  audit.started(1000, action, ada, roster);
  audit.judged(2000, elsewhere.id, &elsewhere, ada, roster, State::not_targeted, "");
  audit.judged(2500, elsewhere.id, &elsewhere, ada, roster, State::not_targeted, "");  // the relay asks again
  for (char c : {'x', 'y', 'z'}) audit.judged(2600, id_of(c), nullptr, {}, roster, State::refused, "signature 1: unknown key");
  audit.flush(3000);
  audit.answered(4000, action.id, State::failed, "limit: memory", 120, 1);
}

Json entry(const std::string& line) {
  Json json = *core::parse_json(line, 1 << 20);
  json.erase("prev");
  return json;
}

core::Bytes row(int number) { return "a/" + core::Bytes(7, '\0') + static_cast<char>(number); }

}  // namespace

TEST_CASE("the audit holds who asked what, what was run and what was answered", "[audit]") {
  store::MemoryStore store;
  live(store);
  const auto report = report_of(store);
  CHECK(report.trouble == "");
  REQUIRE(report.lines.size() == 4);
  const Json signers = Json::array({{{"name", "Ada"}, {"key", "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"}}});
  const Json operations = Json::array({{{"module", "file"}, {"parameters", {{"searches", {{"s1", {{"paths", {"/etc"}}}}}}}}}});
  CHECK(entry(report.lines[0]) == Json{{"number", 1}, {"at", 1000}, {"event", "started"}, {"action", id_of('A').hex()}, {"name", "who has it"}, {"target", "all"},
                                       {"operations", operations}, {"signers", signers}, {"seconds", made_up_action().limits.seconds}});
  CHECK(entry(report.lines[1]) == Json{{"number", 2}, {"at", 2000}, {"event", "not_targeted"}, {"action", id_of('B').hex()}, {"name", "who has it"}, {"target", "all"},
                                       {"operations", operations}, {"signers", signers}});
  CHECK(entry(report.lines[2]) == Json{{"number", 3}, {"at", 3000}, {"event", "refused"}, {"action", id_of('x').hex()}, {"why", "signature 1: unknown key"}, {"count", 3}});
  CHECK(entry(report.lines[3]) == Json{{"number", 4}, {"at", 4000}, {"event", "answered"}, {"action", id_of('A').hex()}, {"outcome", "failed"}, {"trouble", "limit: memory"},
                                       {"result_bytes", 120}, {"parts", 1}});
  CHECK(node::audit_line_for_people(report.lines[0]) ==
        R"(1970-01-01T00:00:01Z started 41414141 'who has it' signed by Ada (1a1a1a1a1a1a1a1a): file {"searches":{"s1":{"paths":["/etc"]}}}; for all)");
}

TEST_CASE("the audit goes on in the same chain after a restart", "[audit]") {
  store::MemoryStore store;
  live(store);
  live(store);
  const auto report = report_of(store);
  CHECK(report.trouble == "");
  CHECK(report.lines.size() == 8);
  CHECK(report.head == node::Audit(store).head());
}

TEST_CASE("whatever is changed in the audit is noticed", "[audit]") {
  const struct {
    const char* what;
    std::function<void(store::Store&)> tamper;
    std::string trouble;
  } cases[] = {
      {"a word", [](store::Store& s) { auto line = *s.get(row(2)); line[line.find("Ada")] = 'E'; s.put(row(2), line); }, "entry 3 does not follow from the one before it: one of the two was changed"},
      {"the newest", [](store::Store& s) { auto line = *s.get(row(4)); line[line.find("failed")] = 'F'; s.put(row(4), line); }, "entry 4, the newest, was changed"},
      {"one in the middle taken out", [](store::Store& s) { s.erase(row(2)); }, "entry 2 is missing"},
      {"the first taken out", [](store::Store& s) { s.erase(row(1)); }, "entry 1 is missing"},
      {"the newest taken out", [](store::Store& s) { s.erase(row(4)); }, "it ends with entry 3, but 4 were written"},
      {"one put behind", [](store::Store& s) { s.put(row(5), *s.get(row(4))); }, "entry 5 does not follow from the one before it: one of the two was changed"},
      {"two swapped", [](store::Store& s) { auto two = *s.get(row(2)); s.put(row(2), *s.get(row(3))); s.put(row(3), two); }, "entry 2 does not follow from the one before it: one of the two was changed"},
      {"all taken out", [](store::Store& s) { for (int n = 1; n <= 4; ++n) s.erase(row(n)); }, "it ends with entry 0, but 4 were written"},
      {"the record of the newest", [](store::Store& s) { s.erase("a0"); }, "the record of its newest entry is missing"},
      {"not an entry", [](store::Store& s) { s.put(row(2), "{"); }, "entry 2 is not an entry"},
  };
  for (const auto& one : cases) {
    INFO(one.what);
    store::MemoryStore store;
    live(store);
    one.tamper(store);
    CHECK(report_of(store).trouble == one.trouble);
  }
}

TEST_CASE("a full audit lets its oldest entries go and still holds", "[audit]") {
  store::MemoryStore store;
  auto action = made_up_action();
  action.name = std::string(500'000, 'n');
  {
    node::Audit audit(store);
    for (int n = 0; n < 80; ++n) audit.started(n, action, {}, made_up_roster());
  }
  const auto report = report_of(store);
  CHECK(report.trouble == "");
  CHECK(report.lines.size() == 67);
  store.erase(row(14));
  CHECK(report_of(store).trouble == "entry 14 is missing");
}
