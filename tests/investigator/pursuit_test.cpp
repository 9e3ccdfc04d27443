// What is said of an action when the words of relays and the answers they hold do not agree.
#include <catch2/catch.hpp>

#include "investigator/pursuit.h"

using namespace mig;
using namespace mig::core;
using namespace mig::investigator;

namespace {

template <class T>
T named(char fill) {
  return *T::from(Bytes(T::size, fill));
}

/// One relay, attached to, that has given its row and all of its log.
struct OneRelay {
  NodeId relay = named<NodeId>('r');
  Map map;
  std::map<NodeId, store::LedgerRelay> relays;
  std::map<NodeId, store::LedgerAgent> agents;
  Pursuit pursuit{Action{}, SignedText{}};
  OneRelay() {
    RelayRecord record;
    record.relay = relay, record.name = "relay-2", record.instance = 1, record.expires = 1'000'000;
    map.put(record);
  }
  void says(std::uint32_t answered, std::uint32_t running) {
    Row row;
    row.relay = relay, row.version = {1, 1}, row.answered = answered, row.running = running;
    pursuit.take(row, 1);
  }
  void knows(char agent) { agents[named<NodeId>(agent)] = {named<NodeId>(agent), std::string(1, agent), relay, true, 1, {}}; }
  void answers(char agent) { pursuit.received({named<NodeId>(agent), 0, 1, State::found, relay}); }
  Statement statement(Duration later = Duration::seconds(3)) const {
    return state_of(pursuit, {map, relay, 1, relays, agents, {Instant{} + later, 1000}});
  }
};

}  // namespace

TEST_CASE("a relay that counts more answers than it holds is named when the difference stays") {
  OneRelay heard;
  heard.answers('a');
  heard.says(3, 0);
  CHECK(heard.statement(Duration::seconds(1)).disputed == 0);
  CHECK(!heard.statement(Duration::seconds(1)).complete);
  CHECK(heard.statement().disputed == 2);
  CHECK(heard.statement().remarks == std::vector<std::string>{"disputed: relay-2 counts 3 answered, and holds the answers of 1"});
  CHECK(!heard.statement().complete);
}

TEST_CASE("an agent that is known and that no relay counts is unknown, and the relay it was last at is named") {
  OneRelay heard;
  heard.answers('a');
  for (char agent : {'a', 'b', 'c'}) heard.knows(agent);
  heard.says(1, 1);
  CHECK(heard.statement().unknown == 1);
  CHECK(heard.statement().remarks == std::vector<std::string>{"unknown: relay-2 has given no answer of 2 agents known there, and counts 1 as open"});
  heard.says(1, 0);
  heard.answers('b');
  CHECK(!heard.statement().complete);
}

TEST_CASE("what adds up is complete, and nobody is named") {
  OneRelay heard;
  for (char agent : {'a', 'b'}) heard.knows(agent), heard.answers(agent);
  heard.says(2, 0);
  CHECK(heard.statement().complete);
  CHECK(heard.statement().remarks.empty());
}

TEST_CASE("a row older than the ledger has held is not taken, however it comes, and the relay is not heard by it") {
  OneRelay heard;
  heard.pursuit.relays[heard.relay].floor = {1, 2};
  heard.answers('a');
  heard.says(1, 0);  // version 1.1
  CHECK(heard.statement().relays_reporting == 0);
  CHECK(!heard.statement().complete);
  heard.pursuit.relays[heard.relay].floor = {1, 1};
  heard.says(1, 0);
  CHECK(heard.statement().relays_reporting == 1);
}
