#include <catch2/catch.hpp>

#include "node/wire/inbox.h"

using namespace mig::core;
using mig::wire::Inbox;

namespace {
Linked up(LinkId link) { return {link, Direction::in, {}, true, ""}; }
/// "up 1", "heard 1 x", "down 1": everything that waits.
std::vector<std::string> all(Inbox& inbox) {
  std::vector<std::string> out;
  while (auto input = inbox.next()) {
    if (auto* linked = std::get_if<Linked>(&*input)) out.push_back((linked->up ? "up " : "down ") + std::to_string(linked->link));
    if (auto* heard = std::get_if<Heard>(&*input)) out.push_back("heard " + std::to_string(heard->from) + " " + heard->frame.substr(0, 8));
    if (std::holds_alternative<Woke>(*input)) out.push_back("woke");
  }
  return out;
}
using Lines = std::vector<std::string>;
}  // namespace

TEST_CASE("facts come out in the order they came in, the end of a link last", "[inbox]") {
  Inbox inbox;
  inbox.opened(up(1));
  inbox.heard(1, "a");
  inbox.post(Woke{});
  inbox.heard(1, "b");
  inbox.lost(1);
  inbox.lost(1);
  CHECK_FALSE(inbox.open(1));
  inbox.heard(1, "after the end");
  CHECK(all(inbox) == Lines{"up 1", "heard 1 a", "woke", "heard 1 b", "down 1"});
  CHECK(inbox.bytes() == 0);
  CHECK(inbox.linked(1) == nullptr);
}

TEST_CASE("what the machine has closed is not told any more", "[inbox]") {
  Inbox inbox;
  inbox.opened(up(1));
  inbox.opened(up(2));
  inbox.heard(1, "a");
  inbox.heard(2, "b");
  inbox.lost(1);
  inbox.closed(1);
  CHECK(all(inbox) == Lines{"up 2", "heard 2 b"});
  CHECK(inbox.bytes() == 0);
}

TEST_CASE("a link over its bound is named and cut off at once, others are untouched", "[inbox]") {
  Inbox inbox;
  inbox.opened(up(1));
  inbox.opened(up(2));
  inbox.heard(2, "good");
  std::optional<LinkId> over;
  while (!over) over = inbox.heard(1, Bytes(100'000, 'x'));
  CHECK(over == LinkId{1});
  CHECK(inbox.bytes() <= Inbox::link_bytes + 200'000);
  inbox.lost(1, true);
  CHECK(inbox.bytes() < 1000);
  CHECK(all(inbox) == Lines{"up 1", "up 2", "heard 2 good", "down 1"});
}

TEST_CASE("when all together are over the bound the greediest goes", "[inbox]") {
  Inbox inbox;
  for (LinkId link = 1; link <= 20; ++link) inbox.opened(up(link));
  inbox.heard(7, Bytes(1'000'000, 'x'));
  std::optional<LinkId> over;
  for (int i = 0; i < 2000 && !over; ++i)
    for (LinkId link = 1; link <= 20 && !over; ++link) over = inbox.heard(link, Bytes(10'000, 'x'));
  CHECK(over == LinkId{7});
}
