// What the ledger alone says of an action, and who is missing in it.
#include <catch2/catch.hpp>

#include "investigator/collect.h"
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
  static core::NodeId relay_id(const std::string& name) { return node(name.substr(6)); }
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

}  // namespace
