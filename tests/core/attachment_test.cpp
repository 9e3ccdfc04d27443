#include "node/core/attachment.h"

#include <catch2/catch.hpp>

#include "node/core/action.h"
#include "node/core/fetch.h"
#include "node/core/limits.h"
#include "node/core/zstd.h"
#include "tests/core/made_up_people.h"

using namespace mig::core;
using made_up::why;
using Catch::Contains;

namespace {

/// Hex digits, so that they compress to half.
Bytes digits(std::size_t size) {
  Bytes out;
  for (std::size_t i = 0; out.size() < size; ++i) out += to_hex(blake2b(std::to_string(i), 32));
  return out.substr(0, size);
}

Action with(const Enclosed& enclosed, Json place) {
  Action action = made_up::action({"file"});
  action.operations[0].parameters = {{"deep", {{"list", std::move(place)}}}};
  action.attachments = {enclosed.attachment};
  return action;
}

std::string refusal(const Action& action) { return why(parse_action(canonical_json(to_json(action)))); }

}  // namespace

TEST_CASE("an attachment is cut into chunks of 48 KiB that its action names, and comes out as it went in") {
  const Bytes content = digits(300'000);
  const Enclosed enclosed = enclose("list", content);
  const auto chunks = chunks_of(enclosed.packed);
  REQUIRE(chunks.size() == enclosed.attachment.chunks.size());
  REQUIRE(chunks.size() > 2);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    CHECK(hash_of(chunks[i]) == enclosed.attachment.chunks[i]);
    CHECK((chunks[i].size() == limits::chunk_bytes || i + 1 == chunks.size()));
  }
  auto back = content_of(enclosed);
  REQUIRE(back);
  CHECK(*back == content);
}

TEST_CASE("what unpacks to more than the action states is not unpacked, and less is refused as well") {
  Enclosed bomb = enclose("bomb", Bytes(10'000'000, 'x'));
  bomb.attachment.size = 1000;
  CHECK_THAT(why(content_of(bomb)), Contains("unpacks to 10000000 octets, at most 1000 are allowed"));
  bomb.attachment.size = 10'000'001;
  CHECK_THAT(why(content_of(bomb)), Contains("unpacks to less than it states"));
  CHECK_THAT(why(content_of({{"junk", 100, {}}, "junk"})), Contains("not compressed as agreed"));
}

TEST_CASE("a parameter takes an attachment's content as text, as lines or as JSON") {
  const std::vector<Enclosed> enclosed{enclose("a", "one\r\n\ntwo"), enclose("j", R"({"x":[1]})"), enclose("raw", "\xff")};
  Json parameters = {{"text", {{"attachment", "a"}}}, {"deep", {{{"attachment", "a"}, {"as", "lines"}}, {{"attachment", "j"}, {"as", "json"}}}}};
  REQUIRE(fill_in(parameters, enclosed));
  CHECK(parameters == Json({{"text", "one\r\n\ntwo"}, {"deep", {{"one", "two"}, {{"x", {1}}}}}}));
  auto trouble = [&](Json place) { return fill_in(place, enclosed).error().text; };
  CHECK(trouble({{"attachment", "b"}}) == "attachment missing: b");
  CHECK(trouble({{"attachment", "raw"}}) == "attachment 'raw': is not text in UTF-8");
  CHECK_THAT(trouble({{"attachment", "a"}, {"as", "json"}}), Contains("attachment 'a'"));
  for (const Json& place : {Json{{"attachment", 1}}, Json{{"attachment", "a"}, {"as", "file"}}, Json{{"attachment", "a"}, {"as", 1}}, Json{{"attachment", "a"}, {"more", 1}}})
    CHECK_THAT(trouble(place), Contains("a parameter names one as"));
}

TEST_CASE("an action and its attachments name each other, or it is refused") {
  const Enclosed list = enclose("list", digits(100'000));
  const Json place = {{"attachment", "list"}, {"as", "lines"}};
  const Action action = with(list, place);
  CHECK(refusal(action) == "accepted");
  CHECK(canonical_json(to_json(*parse_action(canonical_json(to_json(action))))) == canonical_json(to_json(action)));
  CHECK_THAT(refusal(with(list, {{"attachment", "other"}})), Contains("'other' is not among the attachments"));
  CHECK_THAT(refusal(with(list, 1)), Contains("no parameter names 'list'"));
  Action twice = action;
  twice.attachments.push_back(list.attachment);
  CHECK_THAT(refusal(twice), Contains("stands twice"));
  Action large = action;
  large.attachments[0].size = limits::attachment_bytes + 1;
  CHECK_THAT(refusal(large), Contains("attachments[0].size"));
  large.attachments[0].size = limits::attachment_bytes;
  CHECK(refusal(large) == "accepted");
  Action together = large;
  together.attachments.push_back(enclose("more", "x").attachment);
  together.operations[0].parameters["more"] = {{"attachment", "more"}};
  CHECK_THAT(refusal(together), Contains("together they hold more than 16777216 bytes"));
  Action small = action;
  small.attachments[0].size = 10;
  small.attachments[0].chunks.assign(3, list.attachment.chunks[0]);
  CHECK_THAT(refusal(small), Contains("chunks"));
}

TEST_CASE("a file carries the contents that its action names, and no others") {
  const Enclosed list = enclose("list", digits(300'000));
  const Bytes text = canonical_json(to_json(with(list, {{"attachment", "list"}})));
  const std::string file = write_action_file({text, {}}, {list});
  auto read = read_action_file(file);
  REQUIRE(why(read) == "accepted");
  CHECK(read->canonical == text);
  REQUIRE(read->enclosed.size() == 1);
  CHECK(read->enclosed[0].packed == list.packed);
  CHECK_THAT(why(read_action_file(write_action_file({text, {}}, {{list.attachment, enclose("", digits(299'999)).packed}}))), Contains("is not what the action names"));
  CHECK(read_action_file(write_action_file({text, {}}))->enclosed.empty());
}

TEST_CASE("chunks are asked for a few at a time, further ones as those come, and again when none came") {
  std::vector<Hash> chunks;
  for (int i = 0; i < 10; ++i) chunks.push_back(hash_of(std::to_string(i)));
  auto keys = [&](std::vector<int> which) {
    std::vector<BoardKey> out;
    for (int i : which) out.push_back(chunk_key(chunks[static_cast<std::size_t>(i)]));
    return out;
  };
  const Instant start = Instant{} + Duration::seconds(5);
  Fetch fetch(chunks);
  CHECK(fetch.ask(start) == keys({0, 1, 2, 3, 4, 5, 6, 7}));
  CHECK(fetch.ask(start).empty());
  CHECK(fetch.wake() == start + limits::chunk_patience);
  fetch.came(chunks[3], start + Duration::seconds(1));
  CHECK(fetch.ask(start + Duration::seconds(1)) == keys({8}));
  CHECK(fetch.rounds_in_vain() == 0);
  CHECK(fetch.ask(start + Duration::seconds(11)) == keys({0, 1, 2, 4, 5, 6, 7, 8}));
  CHECK(fetch.rounds_in_vain() == 1);
  CHECK(fetch.wake() == start + Duration::seconds(31));
  for (const Hash& chunk : chunks) fetch.came(chunk, start + Duration::seconds(12));
  CHECK(fetch.complete());
  CHECK(fetch.wake() == Instant::never());
}
