// What the ledger alone says of an action, and who is missing in it.
#include <catch2/catch.hpp>

#include "investigator/collect.h"
#include "investigator/missing.h"
#include "tests/store/ledgers.h"

namespace {

using namespace mig;
using namespace mig::investigator;
using namespace mig::store::testing;
using core::State;

const core::ActionId asked = action_id("asked");
const core::ActionKey key = core::key_of(asked);

struct Known {
  SqliteLedgers place;
  std::unique_ptr<store::Ledger> ledger = place.open();

  Known() {
    for (const char* relay : {"relay-1", "relay-2"}) keep(core::KeepRelay{relay_id(relay), relay, "hq", 1000, {}});
    agent("a", "relay-1", true);
    agent("b", "relay-1", false);
    agent("c", "relay-2", true);
  }
  static core::NodeId relay_id(const std::string& name) { return name.empty() ? core::NodeId{} : node(name.substr(6)); }
  template <class T>
  void keep(T record) {
    REQUIRE(ledger->keep({core::Record(std::move(record))}));
  }
  void agent(const std::string& name, const std::string& relay, bool online) {
    keep(core::KeepAgent{node(name), name, relay_id(relay), online, 1000, {}});
  }
  void answer(const std::string& agent, State state, const std::string& reason = "") {
    auto receipt = a_receipt(key, agent);
    receipt.state = state;
    receipt.reason = reason;
    keep(std::move(receipt));
  }
  void row(const std::string& relay, std::uint32_t answered, std::uint32_t running, std::uint32_t offline) {
    core::Row row;
    row.action = key;
    row.relay = relay_id(relay);
    row.version = {1, ++n};
    row.answered = answered;
    row.running = running;
    row.offline = offline;
    keep(core::KeepRow{key, row.relay, core::pack(row), "signature"});
  }
  std::uint64_t n = 0;
};

TEST_CASE("the ledger alone tells of a living action who was offline and which relays never reported") {
  Known known;
  known.answer("a", State::found);
  known.row("relay-1", 1, 1, 1);
  Statement s = ledger_statement(key, *known.ledger, false);
  CHECK((s.answered() == 1 && s.open == 1 && s.offline == 1 && s.expired == 0));
  CHECK(s.unknown == 1);  // c, at relay-2
  CHECK((s.relays == 2 && s.relays_reporting == 1 && s.unheard == std::vector<std::string>{"relay-2"}));
  CHECK_FALSE(s.complete);
  s = ledger_statement(key, *known.ledger, true);
  CHECK((s.open == 0 && s.offline == 0 && s.expired == 2));
}

TEST_CASE("a relay that was forgotten counts no more, nor do its agents") {
  Known known;
  known.answer("a", State::found);
  known.row("relay-1", 1, 0, 0);
  known.row("relay-2", 0, 1, 0);
  CHECK(ledger_statement(key, *known.ledger, false).open == 1);
  known.keep(core::KeepForgotten{Known::relay_id("relay-2")});
  const Statement s = ledger_statement(key, *known.ledger, false);
  CHECK((s.open == 0 && s.unknown == 0 && s.relays == 1 && s.relays_reporting == 1));
  CHECK(s.complete);
}

core::Action an_open_action() {
  core::Action action;
  action.id = asked;
  action.expire_after = 100'000;
  return action;
}
constexpr core::WallMs now = 61'000;

std::string told(const std::vector<Missing>& list) {
  std::string out;
  for (const Missing& one : list) out += fmt::format("{} {}: {}\n", one.name, core::to_text(one.state), one.why);
  return out;
}

TEST_CASE("everyone without an answer is missing for one reason, by what the registers say") {
  Known known;
  for (const char* name : {"d", "e", "f", "g", "h"}) known.agent(name, "relay-1", true);
  known.agent("new", "", false);
  known.answer("a", State::found);
  known.answer("d", State::refused, "weight 1 of 2 for file");
  known.answer("e", State::cancelled);
  known.answer("f", State::not_targeted);
  Registers registers{{Known::relay_id("relay-1")}, {{node("b"), State::offline}, {node("g"), State::running}, {node("h"), State::not_targeted}}};
  CHECK(told(missing(an_open_action(), *known.ledger, registers, now)) ==
        "g running: at work on it\n"
        "b offline: offline, last seen 60s ago\n"
        "d refused: refused: weight 1 of 2 for file\n"
        "e cancelled: cancelled before it answered\n"
        "c unknown: behind relay-2, which cannot be heard since 1970-01-01T00:00:01Z\n"
        "new unknown: never attached\n");
}

TEST_CASE("once results count no more whoever gave no answer is expired") {
  Known known;
  known.answer("a", State::clean);
  auto closed = an_open_action();
  closed.limits.grace_s = 0;
  closed.expire_after = now - 1;
  CHECK(told(missing(closed, *known.ledger, {}, now)) ==
        "b expired: did not answer before results stopped counting\nc expired: did not answer before results stopped counting\n");
}

TEST_CASE("a half answer is none, and agents of a forgotten relay are not missed") {
  Known known;
  auto half = a_receipt(key, "a", 0, 2);
  known.keep(half);
  known.keep(core::KeepForgotten{Known::relay_id("relay-2")});
  Registers registers{{Known::relay_id("relay-1")}, {{node("a"), State::delivered}, {node("b"), State::queued}}};
  CHECK(told(missing(an_open_action(), *known.ledger, registers, now)) == "b queued: not yet handed to it by relay-1\na delivered: has it, has not begun\n");
}

TEST_CASE("the target on missing agents names each by its id, and too many are refused with how many fit") {
  auto target = target_on({{node("a"), "a"}, {node("b"), "b"}});
  REQUIRE(target);
  CHECK(*target == fmt::format("id IN ('{}','{}')", node("a").hex(), node("b").hex()));
  auto crowd = target_on(std::vector<Missing>(1000, Missing{node("a"), "a"}));
  REQUIRE_FALSE(crowd);
  CHECK(crowd.error().text == "1,000 agents are missing, and a target names at most 233; ask for some of them with -most 233");
}

}  // namespace
