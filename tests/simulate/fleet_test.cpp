// The whole mesh in a deterministic world: the shipped machines, real signatures, simulated sockets and disks.
#include "simulate/fleet.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace mig;
using namespace mig::core;
using simulate::Fleet;

namespace {

Duration seconds(std::int64_t s) { return Duration::seconds(s); }

}  // namespace

TEST_CASE("one seed gives one trace, another seed another") {
  auto hash = [](std::uint64_t seed) {
    Fleet fleet({.seed = seed, .relays = 1, .agents = 1});
    REQUIRE(fleet.settle());
    REQUIRE(fleet.run_until_complete(fleet.ask(fleet.question())));
    return fleet.world().trace_hash();
  };
  const std::string first = hash(7);
  CHECK(first == hash(7));
  CHECK(first != hash(8));
}

TEST_CASE("three relays in a line: every agent answers once, and the statement is complete") {
  Fleet fleet({.relays = 3, .agents = 9});
  REQUIRE(fleet.settle());
  const ActionId id = fleet.ask(fleet.question());
  REQUIRE(fleet.run_until_complete(id));
  const auto statement = fleet.statement(id);
  CHECK(statement.answered() == 9);
  CHECK(statement.found + statement.clean == 9);
  CHECK(statement.found > 0);
  CHECK(statement.clean > 0);
  CHECK(statement.relays == 3);
  CHECK(statement.relays_reporting == 3);
  std::size_t doubles = 0;
  CHECK(fleet.receipts(id, &doubles).size() == 9);
  CHECK(doubles == 0);
  CHECK(fleet.world().starts().size() == 9);
}

TEST_CASE("agents that are not targeted say so, and nothing runs on them") {
  Fleet fleet({.relays = 2, .agents = 6});
  REQUIRE(fleet.settle());
  const ActionId id = fleet.ask(fleet.question("tags->>'role'='db'"));
  REQUIRE(fleet.run_until_complete(id));
  CHECK(fleet.statement(id).answered() == 2);
  CHECK(fleet.statement(id).not_targeted == 4);
  CHECK(fleet.world().starts().size() == 2);
}

TEST_CASE("an agent that is away makes the answer incomplete, and answers when it returns") {
  Fleet fleet({.relays = 2, .agents = 4});
  REQUIRE(fleet.settle());
  fleet.world().crash(fleet.agent(1));
  const ActionId id = fleet.ask(fleet.question());
  CHECK_FALSE(fleet.run_until_complete(id, seconds(100)));
  CHECK(fleet.statement(id).answered() == 3);
  CHECK(fleet.statement(id).offline == 1);
  fleet.world().start(fleet.agent(1));
  REQUIRE(fleet.run_until_complete(id));
  CHECK(fleet.statement(id).answered() == 4);
}

TEST_CASE("an answer that is read after its agent's certificate has expired still counts") {
  Fleet fleet({.relays = 1, .agents = 1, .certificate_life_ms = 600'000});
  REQUIRE(fleet.settle());
  fleet.world().crash(fleet.agent(0));
  const auto question = fleet.question("all", 3'600'000);
  fleet.ask(question);
  REQUIRE(fleet.world().run([&] { return fleet.mig().verdict(question.id).has_value(); }, seconds(10)));
  fleet.world().crash(fleet.investigator());
  fleet.world().start(fleet.agent(0));
  REQUIRE(fleet.world().run([&] { return fleet.world().starts().size() == 1; }, seconds(60)));
  fleet.world().run([] { return false; }, seconds(10));
  fleet.world().crash(fleet.agent(0));
  fleet.world().run([] { return false; }, seconds(900));
  fleet.restart_investigator(0, {question});
  REQUIRE(fleet.run_until_complete(question.id));
  CHECK(fleet.statement(question.id).answered() == 1);
  CHECK(fleet.told("false_reply").empty());
}

TEST_CASE("an agent that crashes while a job runs answers that it was interrupted, and does not run it again") {
  Fleet fleet({.relays = 1, .agents = 1});
  REQUIRE(fleet.settle());
  const ActionId id = fleet.ask(fleet.question());
  REQUIRE(fleet.world().run([&] { return fleet.world().starts().size() == 1; }, seconds(10)));
  fleet.world().crash(fleet.agent(0));
  fleet.world().start(fleet.agent(0));
  REQUIRE(fleet.run_until_complete(id));
  CHECK(fleet.statement(id).failed == 1);
  CHECK(fleet.world().starts().size() == 1);
}

TEST_CASE("an investigator that dies in the middle goes on through another relay: every result exactly once") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Fleet fleet({.seed = seed, .relays = 3, .agents = 12});
    REQUIRE(fleet.settle());
    const auto question = fleet.question();
    const ActionId id = fleet.ask(question);
    REQUIRE(fleet.world().run([&] { return fleet.receipts(id).size() >= 1 + seed; }, seconds(30)));
    fleet.restart_investigator(2, {question});
    REQUIRE(fleet.run_until_complete(id));
    std::size_t doubles = 0;
    CHECK(fleet.receipts(id, &doubles).size() == 12);
    CHECK(doubles == 0);
    CHECK(fleet.statement(id).answered() == 12);
  }
}

TEST_CASE("a dead relay is unknown and named, its agents answer elsewhere, and it never counts as complete") {
  Fleet fleet({.relays = 3, .agents = 9});
  REQUIRE(fleet.settle());
  fleet.world().crash(fleet.relay(2));
  const ActionId id = fleet.ask(fleet.question());
  CHECK_FALSE(fleet.run_until_complete(id, seconds(120)));
  const auto statement = fleet.statement(id);
  CHECK(statement.answered() == 9);
  CHECK(statement.relays_reporting == 2);
  CHECK(statement.unheard == std::vector<std::string>{"relay-3"});
  CHECK_FALSE(statement.complete);

  // It comes back with its store: the agents that moved are handed over, and nobody is counted twice.
  fleet.world().start(fleet.relay(2));
  REQUIRE(fleet.run_until_complete(id, seconds(120)));
  CHECK(fleet.statement(id).targeted() == 9);
}

TEST_CASE("an agent that answered at one relay and vanished at another is not missed there") {
  Fleet fleet({.relays = 2, .agents = 6});
  REQUIRE(fleet.settle());
  // Who is no database says so, and keeps it in no journal.
  const ActionId id = fleet.ask(fleet.question("tags->>'role'='db'"));
  REQUIRE(fleet.run_until_complete(id));
  auto attached = [&](std::size_t agent) {
    const auto lines = fleet.told("agent_attached");
    return std::count_if(lines.begin(), lines.end(), [&](const std::string& line) { return line.find(fleet.agent_id(agent).hex()) != std::string::npos; });
  };
  std::vector<std::size_t> movers;
  for (std::size_t i = 0; i < fleet.agents(); ++i)
    if (fleet.world().disk(fleet.relay(1)).get("r/" + fleet.agent_id(i).bytes())) movers.push_back(i);
  REQUIRE(movers.size() > 1);
  fleet.world().crash(fleet.relay(1));
  std::set<std::size_t> vanished;
  REQUIRE(fleet.world().run([&] {
    for (std::size_t i : movers)
      if (attached(i) == 2 && vanished.insert(i).second) fleet.world().crash(fleet.agent(i));  // before it hears that it is asked once more
    return vanished.size() == movers.size();
  }, seconds(120)));
  fleet.world().start(fleet.relay(1));
  REQUIRE(fleet.world().run([&] { return fleet.told("handed_over").size() == movers.size(); }, seconds(120)));
  REQUIRE(fleet.run_until_complete(id, seconds(120)));
  const auto statement = fleet.statement(id);
  CHECK(std::make_pair(statement.answered() + statement.not_targeted, statement.offline) == std::make_pair(6u, 0u));
  // It is remembered on disk.
  fleet.world().crash(fleet.relay(0));
  fleet.world().start(fleet.relay(0));
  REQUIRE(fleet.world().run([&] { return !fleet.statement(id).complete; }, seconds(120)));
  REQUIRE(fleet.run_until_complete(id, seconds(120)));
}

TEST_CASE("a relay that lost its store says so, and the answer is qualified") {
  Fleet fleet({.relays = 2, .agents = 2});
  REQUIRE(fleet.settle());
  fleet.world().crash(fleet.relay(1));
  fleet.world().disk(fleet.relay(1)) = store::MemoryStore();
  fleet.world().start(fleet.relay(1));
  REQUIRE(fleet.world().run([&] { return !fleet.told("store_was_lost").empty(); }, seconds(120)));
  // Without its certificate it must join again; the used invite is still good for the same keys.
  REQUIRE(fleet.settle(seconds(120)));
  const ActionId id = fleet.ask(fleet.question());
  REQUIRE(fleet.run_until_complete(id, seconds(120)));
  CHECK_FALSE(fleet.statement(id).remarks.empty());
}

TEST_CASE("a relay that can only be dialled enrols through the one that dials it, itself dialled or not") {
  Fleet fleet({.relays = 4, .agents = 8, .only_dialled = {1, 2}});
  REQUIRE(fleet.settle());
  CHECK(fleet.told("enrolled").size() == 2 * (3 + 8));  // each node says so, and the enroller of each
  REQUIRE(fleet.run_until_complete(fleet.ask(fleet.question())));
}

TEST_CASE("a question over the quota is put again until it is taken") {
  Fleet fleet({.relays = 1, .agents = 2});
  REQUIRE(fleet.settle());
  ActionId last;
  for (std::uint32_t i = 0; i < limits::inject_burst + 2; ++i) last = fleet.ask(fleet.question());
  REQUIRE(fleet.world().run([&] { return fleet.mig().verdict(last).has_value(); }, seconds(5)));
  CHECK(fleet.mig().verdict(last)->code == VerdictCode::quota);
  REQUIRE(fleet.run_until_complete(last, seconds(30)));
  CHECK(fleet.statement(last).answered() == 2);
}

TEST_CASE("promises wait for the disk: with a full disk a relay stores nothing and says so") {
  Fleet fleet({.relays = 1, .agents = 2});
  REQUIRE(fleet.settle());
  fleet.world().disk(fleet.relay(0)).full(true);
  const ActionId id = fleet.ask(fleet.question());
  REQUIRE(fleet.world().run([&] { return fleet.mig().verdict(id).has_value(); }, seconds(30)));
  CHECK(fleet.mig().verdict(id)->code == VerdictCode::quota);
  CHECK_FALSE(fleet.told("disk_refused").empty());
}

TEST_CASE("a forged action goes nowhere and its sender is told why") {
  Fleet fleet({.relays = 2, .agents = 2});
  REQUIRE(fleet.settle());
  auto question = fleet.question();
  SECTION("one byte of the text is another") {
    auto at = question.signed_action.text.find("a question");
    question.signed_action.text[at] = 'A';
  }
  SECTION("the signature is another") { question.signed_action.signatures[0].back() ^= 1; }
  SECTION("there is none") { question.signed_action.signatures.clear(); }
  question.id = action_id_of(question.signed_action.text);
  fleet.ask(question);
  REQUIRE(fleet.world().run([&] { return fleet.mig().verdict(question.id).has_value(); }, seconds(30)));
  CHECK(fleet.mig().verdict(question.id)->code == VerdictCode::refused);
  CHECK_FALSE(fleet.mig().verdict(question.id)->text.empty());
  CHECK(fleet.world().starts().empty());
}

TEST_CASE("frames that are lost are said again until the answer is complete") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Fleet fleet({.seed = seed, .relays = 4, .agents = 8});
    REQUIRE(fleet.settle());
    Random dice(*Seed::from(blake2b(std::to_string(seed), 32)));
    const ActionId id = fleet.question().id;
    (void)id;
    // A tenth of what is routed between relays is lost; board frames are not (digests repair those more slowly).
    fleet.world().lose = [&](simulate::NodeIndex, simulate::NodeIndex, BytesView frame) {
      auto message = decode(frame);
      return message && std::holds_alternative<Route>(*message) && dice.below(10) == 0;
    };
    const ActionId asked = fleet.ask(fleet.question());
    REQUIRE(fleet.run_until_complete(asked, seconds(300)));
    std::size_t doubles = 0;
    CHECK(fleet.receipts(asked, &doubles).size() == 8);
    CHECK(doubles == 0);
  }
}

TEST_CASE("no frame between relays holds a result in the clear") {
  const std::string taint = "tainted-payload";
  Fleet fleet({.relays = 2, .agents = 3, .work = [&](simulate::NodeIndex, const std::vector<Operation>& operations) {
                 return std::vector<std::string>(operations.size(), R"({"foundanything":true,"success":true,"elements":"tainted-payload","statistics":null,"errors":null})");
               }});
  bool leaked = false;
  fleet.world().lose = [&](simulate::NodeIndex, simulate::NodeIndex, BytesView frame) {
    leaked = leaked || frame.find(taint) != BytesView::npos;
    return false;
  };
  REQUIRE(fleet.settle());
  const ActionId id = fleet.ask(fleet.question());
  REQUIRE(fleet.run_until_complete(id));
  CHECK_FALSE(leaked);
}

TEST_CASE("a cancelled action starts nowhere any more, and an agent that was away says so when it returns") {
  Fleet fleet({.relays = 2, .agents = 4});
  REQUIRE(fleet.settle());
  fleet.world().crash(fleet.agent(1));
  const ActionId id = fleet.ask(fleet.question());
  REQUIRE(fleet.world().run([&] { return fleet.statement(id).answered() == 3; }, seconds(30)));
  fleet.cancel(id, "asked by mistake");
  REQUIRE(fleet.world().run([&] { return fleet.mig().published().has_value(); }, seconds(30)));
  CHECK(fleet.mig().published()->code == VerdictCode::stored);
  fleet.world().start(fleet.agent(1));
  REQUIRE(fleet.run_until_complete(id));
  CHECK(fleet.statement(id).cancelled == 1);
  CHECK(fleet.statement(id).answered() == 3);
  CHECK(fleet.world().starts().size() == 3);
}

TEST_CASE("once a person is stopped no agent starts what she asked before, and one that was away is told so first") {
  Fleet fleet({.relays = 2, .agents = 4});
  REQUIRE(fleet.settle());
  fleet.world().crash(fleet.agent(1));
  const ActionId id = fleet.ask(fleet.question());
  REQUIRE(fleet.world().run([&] { return fleet.statement(id).answered() == 3; }, seconds(30)));
  fleet.stop_investigator();
  REQUIRE(fleet.world().run([&] { return fleet.told("stopped").size() >= 5; }, seconds(30)));  // three agents, two relays
  REQUIRE(fleet.world().run([&] { return fleet.mig().published().has_value(); }, seconds(30)));
  CHECK(fleet.mig().published()->code == VerdictCode::stored);
  fleet.world().start(fleet.agent(1));
  REQUIRE(fleet.world().run([&] { return !fleet.told("refused").empty(); }, seconds(60)));
  CHECK(fleet.told("refused").front().find("or a stop revokes") != std::string::npos);
  CHECK(fleet.world().starts().size() == 3);
  CHECK_FALSE(fleet.mig().attached());  // her sessions ended with her rights
}

TEST_CASE("an agent told to end itself is over when a relay holds its answer, also after a crash, and asks for no second one") {
  const simulate::Work obeys = [](simulate::NodeIndex, const std::vector<Operation>&) {
    return std::vector<std::string>{R"({"foundanything":true,"success":true,"elements":"ends","statistics":{"self":true},"errors":null})"};
  };
  Fleet fleet({.relays = 1, .agents = 1, .operation = {"agentdestroy", {{"version", "1"}}}, .work = obeys});
  REQUIRE(fleet.settle());
  const auto agent = [&]() -> node::Agent& { return fleet.agent_machine(0); };
  const ActionId id = fleet.ask(fleet.question());
  REQUIRE(fleet.world().run([&] { return !fleet.world().starts().empty(); }, seconds(10)));
  fleet.world().cut(fleet.agent(0), fleet.relay(0), true);
  REQUIRE(fleet.world().run([&] { return !fleet.told("answered").empty(); }, seconds(10)));
  CHECK(fleet.told("ending").size() == 1);
  fleet.world().run([] { return false; }, seconds(30));  // its disk has the answer by now, and nobody else has
  CHECK_FALSE(agent().over());
  fleet.world().crash(fleet.agent(0));
  fleet.world().start(fleet.agent(0));
  fleet.world().run([] { return false; }, seconds(5));
  CHECK_FALSE(agent().over());
  fleet.world().cut(fleet.agent(0), fleet.relay(0), false);
  REQUIRE(fleet.world().run([&] { return agent().over(); }, seconds(120)));
  REQUIRE(fleet.run_until_complete(id));
  CHECK(fleet.statement(id).found == 1);

  const ActionId late = fleet.ask(fleet.question());
  REQUIRE(fleet.run_until_complete(late));
  CHECK(fleet.statement(late).refused == 1);
  CHECK(fleet.world().starts().size() == 1);
  fleet.world().crash(fleet.agent(0));  // before the driver could bury it
  fleet.world().start(fleet.agent(0));
  CHECK(fleet.world().run([&] { return agent().over(); }, seconds(1)));
  agent().buried();
  fleet.world().run([] { return false; }, seconds(5));
  fleet.world().crash(fleet.agent(0));
  fleet.world().start(fleet.agent(0));
  fleet.world().run([] { return false; }, seconds(5));
  CHECK_FALSE(agent().over());
}
