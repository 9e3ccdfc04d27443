// The specification of Ledger: what every back end does.
#include <set>

#include "node/core/message.h"
#include "node/core/random.h"
#include "tests/store/ledgers.h"

using namespace mig;
using namespace mig::store;
using namespace mig::store::testing;
using namespace mig::core;
using Catch::Matchers::Contains;

namespace {

const ActionKey key = key_of(action_id("asked"));
constexpr std::uint64_t huge = UINT64_MAX;

}  // namespace

TEMPLATE_TEST_CASE("an empty ledger has nothing and says so", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  CHECK(ledger->actions(10).empty());
  CHECK(ledger->action("0123456789").error().code == Code::not_found);
  CHECK(ledger->receipts(key, 0).empty());
  CHECK_FALSE(ledger->evidence(key, node("a"), 0));
  CHECK(ledger->agents().empty());
  CHECK(ledger->relays().empty());
  CHECK(ledger->cursors(key).empty());
  CHECK(ledger->rows(key).empty());
  CHECK(ledger->epoch({}) == 0);
  CHECK_FALSE(ledger->roster());
  CHECK(ledger->keep({}));
}

TEMPLATE_TEST_CASE("actions come newest first, as many as asked for", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  REQUIRE(ledger->keep({an_action(action_id("second"), 200), an_action(action_id("first"), 100),
                        an_action(action_id("third"), 300)}));
  const auto all = ledger->actions(10);
  REQUIRE(all.size() == 3);
  CHECK(all[0].id == action_id("third"));
  CHECK(all[1].id == action_id("second"));
  CHECK(all[2].id == action_id("first"));
  CHECK(all[2].asked == 100);
  CHECK(all[2].signed_action == an_action(action_id("first")).signed_action);
  CHECK(ledger->actions(2).size() == 2);
  CHECK(ledger->actions(SIZE_MAX).size() == 3);
}

TEMPLATE_TEST_CASE("an action is found by its id or any unique beginning of 8 digits or more", "[ledger]",
                   EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  const auto one = made_up_id<ActionId>("\xab\xcd\xef\x01\x11"),
             other = made_up_id<ActionId>("\xab\xcd\xef\x01\x22"),
             last = made_up_id<ActionId>("\xff\xff\xff\xff", 0xff);
  REQUIRE(ledger->keep({an_action(one), an_action(other), an_action(last)}));

  CHECK(ledger->action(one.hex())->id == one);
  CHECK(ledger->action("abcdef0111")->id == one);
  CHECK(ledger->action("abcdef012")->id == other);
  CHECK(ledger->action("ABCDEF0122")->id == other);
  CHECK(ledger->action(key_of(other).hex())->id == other);
  CHECK(ledger->action("ffffffff")->id == last);
  CHECK(ledger->action(last.hex())->signed_action == an_action(last).signed_action);

  CHECK(ledger->action("abcdef02").error().code == Code::not_found);
  CHECK(ledger->action(one.hex() + "0").error().code == Code::not_found);
  CHECK_THAT(ledger->action("abcdef02").error().text, Contains("abcdef02"));
  auto several = ledger->action("abcdef01");
  REQUIRE_FALSE(several);
  CHECK_THAT(several.error().text,
             Contains("abcdef01") && Contains(one.hex()) && Contains(other.hex()) && !Contains(last.hex()));
  for (const char* wrong : {"", "abcdef0", "abcdef0g", "abcdef01%", "abcdef0*", "' OR 1=1 --"}) {
    auto none = ledger->action(wrong);
    REQUIRE_FALSE(none);
    CHECK(none.error().code == Code::invalid);
    CHECK_THAT(none.error().text, Contains(fmt::format("'{}'", wrong)) && Contains("8 or more hex digits"));
  }
}

TEMPLATE_TEST_CASE("the list of ids that begin alike is short", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  std::vector<Record> many;
  for (int i = 0; i < 100; ++i)
    many.push_back(
        an_action(made_up_id<ActionId>("\x12\x34\x56\x78" + std::string(1, static_cast<char>(i)))));
  REQUIRE(ledger->keep(many));
  const std::string text = ledger->action("12345678").error().text;
  CHECK_THAT(text, Contains("and more"));
  CHECK(text.size() < 512);
}

TEMPLATE_TEST_CASE("an action asked again gathers signatures and keeps its time", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  KeepAction asked = an_action(action_id("asked"), 100);
  asked.signed_action.signatures = {"ann", "ben"};
  REQUIRE(ledger->keep({asked}));
  asked.asked = 900;
  asked.signed_action.signatures = {"cid", "ann"};
  REQUIRE(ledger->keep({asked, asked}));
  const auto kept = ledger->action(asked.id.hex());
  REQUIRE(kept);
  CHECK(kept->asked == 100);
  CHECK(kept->signed_action.signatures == std::vector<Bytes>{"ann", "ben", "cid"});
}

TEMPLATE_TEST_CASE("receipts come in order of arrival, every part of them, from any point on", "[ledger]",
                   EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  const ActionKey other = key_of(action_id("other"));
  REQUIRE(ledger->keep({a_receipt(key, "zoe", 1, 2), a_receipt(other, "zoe"), a_receipt(key, "ann")}));
  REQUIRE(ledger->keep({a_receipt(key, "zoe", 0, 2)}));
  const auto all = ledger->receipts(key, 0);
  REQUIRE(all.size() == 3);
  CHECK((all[0].agent_name == "zoe" && all[0].part == 1 && all[0].parts == 2));
  CHECK((all[1].agent_name == "ann" && all[1].part == 0 && all[1].parts == 1));
  CHECK((all[2].agent_name == "zoe" && all[2].part == 0 && all[2].parts == 2));
  CHECK((all[0].sequence < all[1].sequence && all[1].sequence < all[2].sequence));
  CHECK(ledger->receipts(key, all[0].sequence).size() == 2);
  CHECK(ledger->receipts(key, all[1].sequence).front().sequence == all[2].sequence);
  CHECK(ledger->receipts(key, all[2].sequence).empty());
  CHECK(ledger->receipts(other, 0).size() == 1);
}

TEMPLATE_TEST_CASE("a receipt is kept as it came, whatever octets it holds", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  KeepReceipt kept = a_receipt(key, "ann", 63, 64);
  kept.state = State::refused;
  kept.reason = "weight 1 of 2 for file";
  kept.trouble = "it's \"odd\"; DROP TABLE receipts; --";
  kept.results = "[\"\u00e4\u4e2d\"]";
  REQUIRE(ledger->keep({kept}));
  const auto found = ledger->receipts(key, 0);
  REQUIRE(found.size() == 1);
  CHECK(found[0].action == key);
  CHECK(found[0].agent == node("ann"));
  CHECK(found[0].relay == node("relay"));
  CHECK(found[0].part == 63);
  CHECK(found[0].parts == 64);
  CHECK(found[0].state == State::refused);
  CHECK(found[0].reason == kept.reason);
  CHECK(found[0].trouble == kept.trouble);
  CHECK(found[0].results == kept.results);
  CHECK(found[0].started == 5);
  CHECK(found[0].finished == 9);
  CHECK(ledger->evidence(key, node("ann"), 63) == kept.reply);
  CHECK_FALSE(ledger->evidence(key, node("ann"), 0));
}

TEMPLATE_TEST_CASE("the first receipt of an agent's part wins, within a step and later", "[ledger]",
                   EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  KeepReceipt first = a_receipt(key, "ann"), later = first;
  later.state = State::clean;
  later.results = "[]";
  later.relay = node("elsewhere");
  later.reply.body = "other";
  REQUIRE(ledger->keep({first, later}));
  REQUIRE(ledger->keep({later, a_receipt(key, "ben")}));
  const auto found = ledger->receipts(key, 0);
  REQUIRE(found.size() == 2);
  CHECK(found[0].state == State::found);
  CHECK(found[0].results == first.results);
  CHECK(found[0].relay == node("relay"));
  CHECK(ledger->evidence(key, node("ann"), 0) == first.reply);
}

TEMPLATE_TEST_CASE("a cursor only advances, each segment of a log for itself", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  auto at = [&] {
    std::vector<LogPosition> out;
    for (const auto& cursor : ledger->cursors(key)) out.push_back(cursor.next);
    return out;
  };
  REQUIRE(ledger->keep({KeepCursor{key, node("r"), {7, 5}}}));
  REQUIRE(ledger->keep({KeepCursor{key, node("r"), {7, 4}}}));
  CHECK(at() == std::vector<LogPosition>{{7, 5}});
  REQUIRE(ledger->keep({KeepCursor{key, node("r"), {7, 300}}, KeepCursor{key, node("r"), {7, 299}}}));
  CHECK(at() == std::vector<LogPosition>{{7, 300}});
  REQUIRE(ledger->keep(
      {KeepCursor{key, node("r"), {8, 1}}, KeepCursor{key_of(action_id("other")), node("r"), {7, 999}}}));
  CHECK(at() == std::vector<LogPosition>{{7, 300}, {8, 1}});
  REQUIRE(ledger->keep({KeepCursor{key, node("r"), {huge, huge - 1}}}));
  REQUIRE(ledger->keep({KeepCursor{key, node("r"), {huge, 3}}}));
  CHECK(at() == std::vector<LogPosition>{{7, 300}, {8, 1}, {huge, huge - 1}});
  REQUIRE(ledger->keep({KeepCursor{key, node("another"), {1, 0}}}));
  CHECK(ledger->cursors(key).size() == 4);
}

TEMPLATE_TEST_CASE("a relay's row only grows newer", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  auto newest = [&] {
    const auto rows = ledger->rows(key);
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].relay == node("r"));
    return rows[0].signature;
  };
  REQUIRE(ledger->keep({a_row(key, "r", {5, 3}, 10)}));
  REQUIRE(ledger->keep({a_row(key, "r", {5, 2}, 99), a_row(key, "r", {4, 900}, 99)}));
  CHECK(newest() == "signature 5.3");
  CHECK(unpack_row(ledger->rows(key)[0].row)->answered == 10);
  KeepRow same = a_row(key, "r", {5, 3}, 11);
  same.signature = "another";
  REQUIRE(ledger->keep({same}));
  CHECK(newest() == "signature 5.3");
  REQUIRE(ledger->keep({a_row(key, "r", {5, 300}, 12)}));
  CHECK(newest() == "signature 5.300");
  REQUIRE(ledger->keep({a_row(key, "r", {6, 0})}));
  CHECK(newest() == "signature 6.0");
  REQUIRE(ledger->keep({a_row(key, "r", {huge, 0})}));
  REQUIRE(ledger->keep({a_row(key, "r", {7, 7})}));
  CHECK(newest() == fmt::format("signature {}.0", huge));
  REQUIRE(ledger->keep({a_row(key, "q", {1, 1}), a_row(key_of(action_id("other")), "r", {9, 9})}));
  CHECK(ledger->rows(key).size() == 2);
}

TEMPLATE_TEST_CASE("a row or roster that cannot be read is left out, the rest of its step is kept",
                   "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  REQUIRE(ledger->keep({KeepRow{key, node("r"), "no row", "signed"}, KeepRoster{{"no roster", {"signed"}}},
                        a_receipt(key, "ann")}));
  CHECK(ledger->rows(key).empty());
  CHECK_FALSE(ledger->roster());
  CHECK(ledger->receipts(key, 0).size() == 1);
}

TEMPLATE_TEST_CASE("a relay is as it was seen last, and forgotten until it shows itself again", "[ledger]",
                   EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  REQUIRE(ledger->keep({KeepRelay{node("b"), "berlin", "core", 100, "record 1"},
                        KeepRelay{node("a"), "zagreb", "edge", 50, ""}}));
  REQUIRE(ledger->keep({KeepRelay{node("b"), "old name", "old", 99, "record 0"}}));
  auto relays = ledger->relays();
  REQUIRE(relays.size() == 2);
  CHECK((relays[0].name == "berlin" && relays[1].name == "zagreb"));
  CHECK((relays[0].segment == "core" && relays[0].seen == 100 && relays[0].record == "record 1" &&
         !relays[0].forgotten));

  REQUIRE(ledger->keep({KeepForgotten{node("b")}}));
  CHECK(ledger->relays()[0].forgotten);
  REQUIRE(ledger->keep({KeepRelay{node("b"), "berlin", "core", 100, "record 1"}}));
  CHECK(ledger->relays()[0].forgotten);  // that is what was forgotten, not news
  REQUIRE(ledger->keep({KeepRelay{node("b"), "", "", 101, ""}}));
  const auto back = ledger->relays()[0];
  CHECK((back.name == "berlin" && back.segment == "core" && back.seen == 101 && back.record == "record 1" &&
         !back.forgotten));
}

TEMPLATE_TEST_CASE("a relay known only as a home can be forgotten too", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  REQUIRE(ledger->keep({KeepForgotten{node("never heard")}}));
  REQUIRE(ledger->relays().size() == 1);
  CHECK(ledger->relays()[0].relay == node("never heard"));
  CHECK(ledger->relays()[0].forgotten);
  REQUIRE(ledger->keep({KeepRelay{node("never heard"), "r", "s", 1, "record"}}));
  CHECK_FALSE(ledger->relays()[0].forgotten);
}

TEMPLATE_TEST_CASE("an agent is as it was seen last; what is left empty then stays", "[ledger]",
                   EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  REQUIRE(ledger->keep({KeepAgent{node("2"), "web2", node("r"), true, 100, "{\"os\":\"linux\"}"},
                        KeepAgent{node("1"), "web1", node("r"), true, 100, "{}"}}));
  REQUIRE(ledger->keep({KeepAgent{node("2"), "stale", node("old home"), false, 99, "{}"}}));
  auto agents = ledger->agents();
  REQUIRE(agents.size() == 2);
  CHECK((agents[0].name == "web1" && agents[1].name == "web2"));
  CHECK((agents[1].home == node("r") && agents[1].online && agents[1].seen == 100 &&
         agents[1].attributes == "{\"os\":\"linux\"}"));
  REQUIRE(ledger->keep({KeepAgent{node("2"), "", node("s"), false, 100, ""}}));
  const auto moved = ledger->agents()[1];
  CHECK((moved.name == "web2" && moved.home == node("s") && !moved.online &&
         moved.attributes == "{\"os\":\"linux\"}"));
}

TEMPLATE_TEST_CASE("an epoch only grows, each sink's for itself", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  const auto sink = made_up_id<SinkId>("one"), other = made_up_id<SinkId>("other");
  REQUIRE(ledger->keep({KeepEpoch{sink, 256}, KeepEpoch{sink, 255}, KeepEpoch{other, 1}}));
  CHECK(ledger->epoch(sink) == 256);
  CHECK(ledger->epoch(other) == 1);
  REQUIRE(ledger->keep({KeepEpoch{sink, huge}}));
  REQUIRE(ledger->keep({KeepEpoch{sink, 300}}));
  CHECK(ledger->epoch(sink) == huge);
}

TEMPLATE_TEST_CASE("a roster is replaced by a newer one only, signatures and all", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  KeepRoster two = a_roster(2);
  two.roster.signatures = {"root 1", "root 2"};
  REQUIRE(ledger->keep({two}));
  CHECK(ledger->roster() == two.roster);
  REQUIRE(ledger->keep({a_roster(1), a_roster(2, "another")}));
  CHECK(ledger->roster() == two.roster);
  REQUIRE(ledger->keep({a_roster(300), a_roster(3)}));
  CHECK(ledger->roster() == a_roster(300).roster);
}

TEMPLATE_TEST_CASE("what was kept is there when the ledger is opened again", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  const auto sink = made_up_id<SinkId>("sink");
  REQUIRE(ledgers.open()->keep(
      {an_action(action_id("asked")), a_receipt(key, "ann"), KeepCursor{key, node("r"), {1, 2}},
       a_row(key, "r", {1, 1}), KeepRelay{node("r"), "r", "s", 1, ""},
       KeepAgent{node("ann"), "ann", node("r"), true, 1, ""}, KeepEpoch{sink, 9}, a_roster(4)}));
  auto ledger = ledgers.open();
  CHECK(ledger->actions(9).size() == 1);
  CHECK(ledger->receipts(key, 0).size() == 1);
  CHECK(ledger->evidence(key, node("ann"), 0));
  CHECK(ledger->cursors(key).size() == 1);
  CHECK(ledger->rows(key).size() == 1);
  CHECK(ledger->relays().size() == 1);
  CHECK(ledger->agents().size() == 1);
  CHECK(ledger->epoch(sink) == 9);
  CHECK(ledger->roster() == a_roster(4).roster);
  // A new life goes on counting where the last one stopped.
  const auto before = ledger->receipts(key, 0)[0].sequence;
  REQUIRE(ledger->keep({a_receipt(key, "ben")}));
  CHECK(ledger->receipts(key, before).size() == 1);
}

TEMPLATE_TEST_CASE("two openings of one ledger see each other's records at once", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  auto one = ledgers.open(), other = ledgers.open();
  REQUIRE(one->keep({a_receipt(key, "ann")}));
  REQUIRE(other->keep({a_receipt(key, "ann"), a_receipt(key, "ben")}));
  const auto seen = one->receipts(key, 0);
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].sequence == other->receipts(key, 0)[0].sequence);
}

TEMPLATE_TEST_CASE("several processes that make and fill one ledger lose nothing", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  constexpr int processes = 4, steps = 40;
  const auto sink = made_up_id<SinkId>("sink");
  // One child starts the others, so that all meet an empty place at the same time.
  auto child = in_a_child([&](int out) {
    for (int p = 0; p < processes; ++p) {
      if (::fork() != 0) continue;
      ::alarm(120);
      auto ledger = ledgers.try_open();
      bool ok = ledger != nullptr;
      for (int i = 0; ok && i < steps; ++i)
        ok = static_cast<bool>(ledger->keep({a_receipt(key, fmt::format("{} {}", p, i)),
                                             a_receipt(key, fmt::format("shared {}", i)),
                                             KeepCursor{key, node("r"), {1, static_cast<std::uint64_t>(i)}},
                                             KeepEpoch{sink, static_cast<std::uint64_t>(p * steps + i)}}));
      say(out, ok ? "kept" : "failed");
      ::_exit(0);
    }
    while (::wait(nullptr) > 0) {
    }
  });
  CHECK(child.lines == std::vector<std::string>(processes, "kept"));
  auto ledger = ledgers.open();
  const auto receipts = ledger->receipts(key, 0);
  CHECK(receipts.size() == (processes + 1) * steps);
  CHECK(ledger->cursors(key).at(0).next == LogPosition{1, steps - 1});
  CHECK(ledger->epoch(sink) == processes * steps - 1);
}

TEMPLATE_TEST_CASE("a process killed in the middle of steps leaves whole ones, and all that were reported",
                   "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  std::uint64_t before = 0;
  for (std::size_t life = 1; life <= 8; ++life) {
    CAPTURE(life);
    auto child = in_a_child(
        [&](int out) {
          auto ledger = ledgers.try_open();
          for (std::uint64_t n = before + 1; ledger; ++n) {
            if (!ledger->keep({a_receipt(key, fmt::format("a {}", n)), a_receipt(key, fmt::format("b {}", n)),
                               KeepCursor{key, node("r"), {1, n}}}))
              return;
            say(out, std::to_string(n));
          }
        },
        life * 3);
    REQUIRE(child.killed);
    auto ledger = ledgers.open();
    const std::uint64_t kept = ledger->cursors(key).at(0).next.index;
    CHECK(kept >= std::stoull(child.lines.back()));
    CHECK(ledger->receipts(key, 0).size() == 2 * kept);
    before = kept;
  }
}

TEMPLATE_TEST_CASE("a ledger ends the same whatever order its records come in, and however often",
                   "[ledger][random]", EVERY_LEDGER) {
  const auto sink = made_up_id<SinkId>("sink");
  std::vector<Record> records;
  for (std::uint64_t i = 0; i < 12; ++i) {
    const std::uint64_t number = i % 3 == 0 ? huge - i : i * 100;
    const std::string who = fmt::format("n{}", i % 3);
    records.push_back(KeepCursor{key, node(who), {i % 2, number}});
    records.push_back(a_row(key, who, {i % 4, number}, static_cast<std::uint32_t>(i)));
    records.push_back(KeepEpoch{sink, number});
    records.push_back(KeepAgent{node(who), fmt::format("name {}", i), node("r"), i % 2 == 0,
                                static_cast<WallMs>(i * 37 % 12), fmt::format("{{\"n\":{}}}", i)});
    records.push_back(KeepRelay{node(who), fmt::format("name {}", i), "s", static_cast<WallMs>(i * 41 % 12),
                                fmt::format("record {}", i)});
    records.push_back(a_receipt(key, who, static_cast<std::uint16_t>(i / 3), 4));
  }
  for (std::uint64_t version : {3, 1, 4, 2}) records.push_back(a_roster(version));
  auto account = [&](const Ledger& ledger) {
    std::string out = ledger.roster()->text;
    for (const auto& c : ledger.cursors(key))
      out += fmt::format("cursor {} {} {}\n", c.relay.hex(), c.next.instance, c.next.index);
    for (const auto& r : ledger.rows(key))
      out += fmt::format("row {} {} {}\n", r.relay.hex(), to_hex(r.row), r.signature);
    for (const auto& a : ledger.agents())
      out += fmt::format("agent {} {} {} {} {}\n", a.agent.hex(), a.name, a.online, a.seen, a.attributes);
    for (const auto& r : ledger.relays())
      out += fmt::format("relay {} {} {} {}\n", r.relay.hex(), r.name, r.seen, r.record);
    std::set<std::string> receipts;
    for (const auto& r : ledger.receipts(key, 0))
      receipts.insert(fmt::format("receipt {} {} {}\n", r.agent_name, r.part, r.results));
    for (const auto& r : receipts) out += r;
    return out + std::to_string(ledger.epoch(sink));
  };
  std::string expected;
  Random random(made_up_id<Seed>("order"));
  for (int round = 0; round < 6; ++round) {
    CAPTURE(round);
    TestType ledgers;
    auto ledger = ledgers.open();
    std::vector<Record> shuffled = records;
    for (std::size_t again = 0; again < records.size() / 3; ++again)
      shuffled.push_back(records[random.below(records.size())]);
    if (round > 0)
      for (std::size_t i = shuffled.size(); i > 1; --i) std::swap(shuffled[i - 1], shuffled[random.below(i)]);
    for (auto next = shuffled.begin(); next != shuffled.end();) {
      const auto end = next + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(1 + random.below(9)),
                                                       shuffled.end() - next);
      REQUIRE(ledger->keep({next, end}));
      next = end;
    }
    if (round == 0) expected = account(*ledger);
    CHECK(account(*ledger) == expected);
  }
}

TEMPLATE_TEST_CASE("a closed action leaves nothing, and others stay", "[ledger]", EVERY_LEDGER) {
  TestType ledgers;
  auto ledger = ledgers.open();
  KeepAction closed = an_action(action_id("closed"), 100), other = an_action(action_id("other"), 200);
  closed.signed_action.signatures = other.signed_action.signatures = {"ann"};
  KeepReceipt receipt;
  receipt.action = key_of(closed.id);
  receipt.results = "[\"secret\"]";
  KeepReceipt beside = receipt;
  beside.action = key_of(other.id);
  REQUIRE(ledger->keep({closed, other, receipt, beside, KeepCursor{receipt.action, {}, {1, 2}}}));
  REQUIRE(ledger->close(closed.id));
  CHECK_FALSE(ledger->action(closed.id.hex()));
  CHECK(ledger->receipts(receipt.action, 0).empty());
  CHECK(ledger->cursors(receipt.action).empty());
  CHECK_FALSE(ledger->evidence(receipt.action, {}, 0));
  CHECK(ledger->action(other.id.hex())->signed_action.signatures.size() == 1);
  CHECK(ledger->receipts(beside.action, -1).size() == 1);
}
