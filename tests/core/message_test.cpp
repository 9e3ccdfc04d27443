#include "node/core/message.h"

#include <catch2/catch.hpp>
#include <set>
#include <tuple>

#include "node/core/limits.h"
#include "node/core/random.h"

using namespace mig::core;

namespace {

template <class T>
T id(unsigned char first) {
  T out;
  for (std::size_t i = 0; i < T::size; ++i) out.octets[i] = static_cast<unsigned char>(first + i);
  return out;
}
const Bytes sig(64, '\x5a');

Object some_object() { return {ObjectKind::action, "{\"name\":\"x\"}", {Bytes(119, 's'), Bytes(570, 't')}, "author"}; }
Object some_notice() { return {ObjectKind::relay, Bytes("\x81\x01\xc4", 3), {sig}, Bytes(300, 'c')}; }

Hello some_hello() {
  Hello m;
  m.protocol_low = 1, m.protocol_high = 3, m.role = Role::investigator, m.proof = "proof", m.boot_nonce = 77;
  m.now = 1'800'000'000'123, m.features = 5, m.window = 524288, m.roster_version = 9, m.ticket = "ticket";
  m.attributes = "{}", m.maybe_at = {id<NodeId>(1), id<NodeId>(2)};
  m.held = {{id<ActionKey>(3), Journal::confirmed}, {id<ActionKey>(4), Journal::started}};
  return m;
}
Welcome some_welcome() {
  return {1, "cert", 99, 1'800'000'000'000, 3, 1048576, 5, 400, 8, {"tcp://[::1]:7447#ab", "tcp://h:1#cd"}};
}
Bye some_bye() { return {ByeCode::stale_seq, 2000, 17, {"tcp://h:1#cd"}, "come back later, grüße"}; }
Row some_row() {
  Row row;
  row.action = id<ActionKey>(1), row.relay = id<NodeId>(2), row.version = {3, 4}, row.log = {{5, 6}, {7, 8}};
  row.queued = 1, row.delivered = 2, row.running = 3, row.offline = 4, row.answered = 5, row.found = 6;
  row.refused = 7, row.not_targeted = 8, row.cancelled = 9, row.expired = 10, row.reset_at = 11, row.at = 12;
  return row;
}
Pull some_pull() {
  return {id<SinkId>(9), 5, 6, {{id<ActionKey>(1), {{1, 2}, {3, 4}}, 65536, {7, 8}}, {id<ActionKey>(2), {}, 0, {}}}};
}
RelayRecord some_relay_record() {
  RelayRecord r;
  r.relay = id<NodeId>(1), r.instance = 2, r.n = 3, r.issued = 4, r.expires = 5, r.name = "edge-1", r.segment = "DMZ";
  r.neighbours = {{id<NodeId>(6), 1}, {id<NodeId>(7), 9}}, r.known = 8, r.online = 7, r.boot_nonce = 6;
  r.enroller = true, r.software = "0.1.0";
  return r;
}

std::vector<Message> some_of_each() {
  return {some_hello(),
          some_welcome(),
          some_bye(),
          Beat{4, 1'800'000'000'000, 12345, id<Hash>(8)},
          Enrol{id<SignPublic>(1), "sealed", id<LinkPublic>(2)},
          Enrolled{"sealed answer"},
          Put{{some_object(), some_notice()}},
          Sync{1u << 3, {{board_key(ObjectKind::action, Bytes(32, 'a')), {0, 2}}, {board_key(ObjectKind::roster, ""), {7, 0}}}, false},
          Want{{board_key(ObjectKind::sink, Bytes(16, 'b')), board_key(ObjectKind::roster, "")}},
          Verdict{board_key(ObjectKind::action, Bytes(32, 'a')), VerdictCode::quota, "weight 1 of 2 for file"},
          Route{id<NodeId>(1), id<SinkId>(2), 16, "payload", sig},
          ResultFrame{{"header", sig, "body"}, false, {}},
          ResultFrame{{}, true, id<ActionKey>(1)},
          Acks{{id<ActionKey>(1)}, {id<ActionKey>(2), id<ActionKey>(3)}, {{id<ActionKey>(4), AckCode::unasked, 5}}}};
}
std::vector<Routed> some_of_each_routed() {
  return {Tally{{{pack(some_row()), sig}, {"row", sig}}},
          SignedPull{pack(some_pull()), sig},
          Replies{id<ActionKey>(1), id<NodeId>(2), {3, 4}, {{{"h", sig, "b"}, "cert"}, {{"h2", sig, ""}, ""}}},
          Handover{id<NodeId>(1), "ticket", "cert"},
          Handed{id<NodeId>(1), 2, 3, {{id<ActionKey>(4), State::failed}}},
          SignedAsk{pack(Ask{id<SinkId>(1), 2, id<ActionKey>(3)}), sig},
          Told{id<NodeId>(1), 2, false, {{id<NodeId>(3), "web-1", true, 4, "{}", State::running}}},
          EnrolRouted{id<NodeId>(1), std::uint64_t{1} << 63, {id<SignPublic>(1), "sealed", id<LinkPublic>(2)}},
          EnrolledRouted{2, {"sealed"}},
          Gone{id<SinkId>(1), 2}};
}

template <class T>
T through(const Message& message) {
  auto back = decode(encode(message));
  INFO((back ? "" : back.error().text));
  REQUIRE(back);
  REQUIRE(std::holds_alternative<T>(*back));
  return std::get<T>(*back);
}
template <class T>
T through_routed(const Routed& routed) {
  auto back = decode_routed(encode_routed(routed));
  INFO((back ? "" : back.error().text));
  REQUIRE(back);
  REQUIRE(std::holds_alternative<T>(*back));
  return std::get<T>(*back);
}
auto all(const Object& x) { return std::tie(x.kind, x.text, x.signatures, x.author); }
auto all(const Enrol& x) { return std::tie(x.to, x.sealed, x.answer_to); }

// Small hand-made msgpack, to say what our own writer would not.
Bytes frame(int type, Bytes map) { return Bytes("\x92", 1) + static_cast<char>(type) + map; }
std::string why(BytesView bytes) {
  auto message = decode(bytes);
  return message ? std::string("accepted as ") + std::string(name_of(*message)) : message.error().text;
}
/// {1: n, 2: now, 3: consumed} with room to append.
Bytes beat_map(int entries = 3) { return Bytes(1, static_cast<char>(0x80 + entries)) + Bytes("\x01\x05\x02\x06\x03\x07", 6); }

}  // namespace

TEST_CASE("HELLO comes back as it was sent") {
  Hello in = some_hello(), out = through<Hello>(in);
  auto plain = [](const Hello& x) {
    return std::tie(x.protocol_low, x.protocol_high, x.role, x.proof, x.boot_nonce, x.now, x.features, x.window,
                    x.roster_version, x.ticket, x.attributes, x.maybe_at);
  };
  CHECK(plain(out) == plain(in));
  REQUIRE(out.held.size() == 2);
  CHECK(out.held[0].action == in.held[0].action);
  CHECK(out.held[0].state == Journal::confirmed);
  CHECK(out.held[1].state == Journal::started);
}

TEST_CASE("WELCOME, BYE and BEAT come back as they were sent") {
  Welcome w = some_welcome(), w2 = through<Welcome>(w);
  auto welcome = [](const Welcome& x) {
    return std::tie(x.protocol, x.certificate, x.session, x.now, x.features, x.window, x.beat_s, x.herd_ms,
                    x.roster_version, x.peers);
  };
  CHECK(welcome(w2) == welcome(w));
  Bye b = some_bye(), b2 = through<Bye>(b);
  auto bye = [](const Bye& x) { return std::tie(x.code, x.retry_ms, x.min_seq, x.alternatives, x.text); };
  CHECK(bye(b2) == bye(b));
  Beat t{4, 1'800'000'000'000, std::uint64_t(-1), id<Hash>(8)}, t2 = through<Beat>(t);
  auto beat = [](const Beat& x) { return std::tie(x.n, x.now, x.consumed, x.root); };
  CHECK(beat(t2) == beat(t));
}

TEST_CASE("frames of the board come back as they were sent") {
  Put put = through<Put>(Put{{some_object(), some_notice()}});
  REQUIRE(put.objects.size() == 2);
  CHECK(all(put.objects[0]) == all(some_object()));
  CHECK(all(put.objects[1]) == all(some_notice()));
  BoardKey key = board_key(ObjectKind::action, Bytes(32, 'a'));
  Sync sync = through<Sync>(Sync{8, {{key, {std::uint64_t(-1), 2}}}, false});
  CHECK(sync.kinds == 8);
  CHECK(!sync.last);
  REQUIRE(sync.digests.size() == 1);
  CHECK(sync.digests[0].key == key);
  CHECK(sync.digests[0].version == Version{std::uint64_t(-1), 2});
  CHECK(through<Want>(Want{{key}}).keys == std::vector<BoardKey>{key});
  Verdict verdict = through<Verdict>(Verdict{key, VerdictCode::bad, "no"});
  CHECK(std::tie(verdict.key, verdict.code, verdict.text) == std::make_tuple(key, VerdictCode::bad, std::string("no")));
}

TEST_CASE("RESULT, ACKS, ROUTE and enrolment come back as they were sent") {
  ResultFrame result = through<ResultFrame>(ResultFrame{{"header", sig, "body"}, false, {}});
  CHECK(result.reply == Reply{"header", sig, "body"});
  CHECK(!result.running);
  ResultFrame note = through<ResultFrame>(ResultFrame{{}, true, id<ActionKey>(1)});
  CHECK(note.running);
  CHECK(note.action == id<ActionKey>(1));
  Acks acks = through<Acks>(Acks{{id<ActionKey>(1)}, {id<ActionKey>(2)}, {{id<ActionKey>(4), AckCode::unasked, 5}}});
  CHECK(acks.stored == std::vector{id<ActionKey>(1)});
  CHECK(acks.done == std::vector{id<ActionKey>(2)});
  REQUIRE(acks.refused.size() == 1);
  CHECK(acks.refused[0].action == id<ActionKey>(4));
  CHECK(acks.refused[0].code == AckCode::unasked);
  CHECK(acks.refused[0].retry_ms == 5);
  Route route = through<Route>(Route{id<NodeId>(1), id<SinkId>(2), 15, "payload", {}});
  CHECK(std::tie(route.to, route.sub, route.payload) == std::make_tuple(id<NodeId>(1), id<SinkId>(2), Bytes("payload")));
  CHECK(route.ttl == 15);
  Enrol enrol{id<SignPublic>(1), "sealed", id<LinkPublic>(2)};
  CHECK(all(through<Enrol>(enrol)) == all(enrol));
  CHECK(through<Enrolled>(Enrolled{"x"}).sealed == "x");
}

TEST_CASE("every routed payload comes back as it was sent") {
  Tally tally = through_routed<Tally>(Tally{{{"row", sig}}});
  REQUIRE(tally.rows.size() == 1);
  CHECK(tally.rows[0].row == "row");
  CHECK(tally.rows[0].signature == sig);
  CHECK(through_routed<SignedPull>(SignedPull{"pull", sig}).pull == "pull");
  Replies replies = through_routed<Replies>(some_of_each_routed()[2]);
  CHECK(replies.action == id<ActionKey>(1));
  CHECK(replies.relay == id<NodeId>(2));
  CHECK(replies.from == LogPosition{3, 4});
  REQUIRE(replies.entries.size() == 2);
  CHECK(replies.entries[0].reply == Reply{"h", sig, "b"});
  CHECK(replies.entries[0].certificate == "cert");
  Handover handover = through_routed<Handover>(Handover{id<NodeId>(1), "ticket", "cert"});
  CHECK(std::tie(handover.agent, handover.ticket, handover.certificate) ==
        std::make_tuple(id<NodeId>(1), Bytes("ticket"), Bytes("cert")));
  Handed handed = through_routed<Handed>(Handed{id<NodeId>(1), 2, 3, {{id<ActionKey>(4), State::failed}}});
  CHECK(std::tie(handed.agent, handed.attach_seq, handed.instance) == std::make_tuple(id<NodeId>(1), 2u, 3u));
  REQUIRE(handed.closed.size() == 1);
  CHECK(std::tie(handed.closed[0].action, handed.closed[0].state) == std::make_tuple(id<ActionKey>(4), State::failed));
  CHECK(through_routed<SignedAsk>(SignedAsk{"ask", sig}).ask == "ask");
  Told told = through_routed<Told>(some_of_each_routed()[6]);
  CHECK(std::make_tuple(told.relay, told.n, told.last) == std::make_tuple(id<NodeId>(1), 2u, false));
  REQUIRE(told.agents.size() == 1);
  const AgentLine& line = told.agents[0];
  CHECK(std::make_tuple(line.agent, line.name, line.online, line.seen, line.attributes, line.state) ==
        std::make_tuple(id<NodeId>(3), std::string("web-1"), true, WallMs{4}, Bytes("{}"), State::running));
  EnrolRouted enrol = through_routed<EnrolRouted>(some_of_each_routed()[7]);
  CHECK(enrol.origin == id<NodeId>(1));
  CHECK(enrol.link == std::uint64_t{1} << 63);
  CHECK(enrol.enrol.sealed == "sealed");
  EnrolledRouted enrolled = through_routed<EnrolledRouted>(EnrolledRouted{2, {"sealed"}});
  CHECK(enrolled.link == 2);
  CHECK(enrolled.enrolled.sealed == "sealed");
  Gone gone = through_routed<Gone>(Gone{id<SinkId>(1), 2});
  CHECK(gone.sink == id<SinkId>(1));
  CHECK(gone.epoch == 2);
}

TEST_CASE("records that are signed come back as they were packed") {
  CHECK(*unpack_row(pack(some_row())) == some_row());
  CHECK(*unpack_row(pack(Row{})) == Row{});
  Pull pull = *unpack_pull(pack(some_pull()));
  CHECK(std::make_tuple(pull.sink, pull.epoch, pull.n, pull.items.size()) == std::make_tuple(id<SinkId>(9), 5u, 6u, 2u));
  CHECK(pull.items[0].action == id<ActionKey>(1));
  CHECK(pull.items[0].from == std::vector<LogPosition>{{1, 2}, {3, 4}});
  CHECK(pull.items[0].window == 65536);
  CHECK(pull.items[0].row_version == Version{7, 8});
  CHECK(pull.items[1].from.empty());
  Ask ask = *unpack_ask(pack(Ask{id<SinkId>(1), 2, id<ActionKey>(3)}));
  CHECK(ask.sink == id<SinkId>(1));
  CHECK(ask.n == 2);
  CHECK(ask.action == id<ActionKey>(3));
  CHECK(!unpack_ask(pack(Ask{id<SinkId>(1), 2, {}}))->action);
  auto relay = [](const RelayRecord& x) {
    return std::tie(x.relay, x.instance, x.n, x.issued, x.expires, x.name, x.segment, x.neighbours, x.known, x.online,
                    x.boot_nonce, x.enroller, x.software);
  };
  RelayRecord r = *unpack_relay_record(pack(some_relay_record())), expected = some_relay_record();
  CHECK(relay(r) == relay(expected));
  SinkRecord s{id<SinkId>(1), 2, 3, id<NodeId>(4), 5, 6}, s2 = *unpack_sink_record(pack(s));
  auto sink = [](const SinkRecord& x) { return std::tie(x.sink, x.epoch, x.n, x.relay, x.issued, x.expires); };
  CHECK(sink(s2) == sink(s));
  CHECK(all(*unpack_object(pack_object(some_object()))) == all(some_object()));
}

TEST_CASE("writing what was read gives the same octets") {
  for (const Message& message : some_of_each()) CHECK(encode(*decode(encode(message))) == encode(message));
  for (const Routed& routed : some_of_each_routed())
    CHECK(encode_routed(*decode_routed(encode_routed(routed))) == encode_routed(routed));
}

TEST_CASE("every message has a name of its own") {
  std::set<std::string_view> names;
  for (const Message& message : some_of_each()) names.insert(name_of(message));
  CHECK(names.size() == 13);
  CHECK(name_of(Unknown{}) == "UNKNOWN");
  CHECK(to_text(ByeCode::shutdown) == "shutdown");
  CHECK(to_text(ByeCode::rebalance) == "rebalance");
  CHECK(to_text(static_cast<ByeCode>(99)) == "unknown");
}

TEST_CASE("a board key is the kind and sixteen octets, for the roster the kind alone") {
  CHECK(board_key(ObjectKind::action, Bytes(32, 'x')) == "\x01" + Bytes(16, 'x'));
  CHECK(board_key(ObjectKind::stop, Bytes(16, 'y')) == "\x06" + Bytes(16, 'y'));
  CHECK(board_key(ObjectKind::roster, "whatever") == "\x05");
}

TEST_CASE("a type nobody knows is reported, not refused") {
  auto message = decode(frame(99, Bytes("\x80", 1)));
  REQUIRE(message);
  CHECK(std::get<Unknown>(*message).type == 99);
  auto routed = decode_routed(frame(99, Bytes("\x80", 1)));
  REQUIRE(!routed);
  CHECK(routed.error().code == Code::unsupported);
}

TEST_CASE("unknown keys are skipped, whatever they hold") {
  // 9: {7: [nil, -1, 1.0]}, 200: "later", 31: extension
  Bytes later("\x09\x81\x07\x93\xc0\xff\xca\x3f\x80\x00\x00\xcc\xc8\xa5later\x1f\xd4\x01\x01", 23);
  auto message = decode(frame(4, beat_map(6) + later));
  INFO((message ? "" : message.error().text));
  REQUIRE(message);
  CHECK(std::get<Beat>(*message).consumed == 7);
}

TEST_CASE("objects and keys of kinds nobody knows are dropped, the others stay") {
  Object future = some_object();
  future.kind = static_cast<ObjectKind>(9);
  CHECK(through<Put>(Put{{future, some_notice()}}).objects.size() == 1);
  CHECK(!unpack_object(pack_object(future)));
  CHECK(unpack_object(pack_object(future)).error().code == Code::unsupported);
  BoardKey known = board_key(ObjectKind::stop, Bytes(16, 'y'));
  CHECK(through<Want>(Want{{"\x09" + Bytes(16, 'x'), known, "\x01", ""}}).keys == std::vector<BoardKey>{known});
  CHECK(through<Sync>(Sync{1, {{"\x09" + Bytes(16, 'x'), {}}, {known, {}}}, true}).digests.size() == 1);
}

TEST_CASE("a frame that is not exactly one array of number and map is refused") {
  CHECK(why("") == "frame: cut off");
  CHECK(why(Bytes("\x92\x04", 2)) == "frame: cut off");
  CHECK(why(Bytes("\xc1", 1)) == "frame: not msgpack");
  CHECK(why(Bytes("\x05", 1)) == "frame: expected an array of number and map");
  CHECK(why(Bytes("\x91\x04", 2)) == "frame: expected an array of number and map");
  CHECK(why(Bytes("\x92\xff\x80", 3)) == "frame: number: expected an integer 0..4294967295");
  CHECK(why(frame(4, Bytes("\x90", 1))) == "BEAT: expected a map");
  CHECK(why(frame(4, beat_map()) + "x") == "frame: bytes follow the end");
  CHECK(why(frame(4, beat_map())) == "accepted as BEAT");
}

TEST_CASE("missing, repeated and strange keys are refused") {
  CHECK(why(frame(4, Bytes("\x82\x01\x05\x02\x06", 5))) == "BEAT: consumed is missing");
  CHECK(why(frame(4, beat_map(4) + Bytes("\x03\x08", 2))) == "BEAT: key 3 stands there twice");
  CHECK(why(frame(4, beat_map(4) + Bytes("\xa1x\x08", 3))) == "BEAT: a key is no small integer");
  CHECK(why(frame(4, beat_map(4) + Bytes("\x90\x08", 2))) == "BEAT: a key is no small integer");
}

TEST_CASE("wrong types and values out of range are refused") {
  CHECK(why(frame(4, Bytes("\x83\x01\xa1x\x02\x06\x03\x07", 8))) == "BEAT: n: expected an integer 0..18446744073709551615");
  CHECK(why(frame(4, Bytes("\x83\x01\xff\x02\x06\x03\x07", 7))) == "BEAT: n: expected an integer 0..18446744073709551615");
  CHECK(why(frame(4, Bytes("\x83\x01\x05\x02\xff\x03\x07", 7))) == "BEAT: now: expected an integer 0..253402300799999");
  CHECK(why(frame(4, Bytes("\x83\x01\x05\x02\xcb\x3f\xf0\0\0\0\0\0\0\x03\x07", 15))) ==
        "BEAT: now: expected an integer 0..253402300799999");
  CHECK(why(frame(4, beat_map(4) + Bytes("\x04\xc4\x02xx", 5))) == "BEAT: root: 2 octets, expected 32..32");
  CHECK(why(frame(4, beat_map(4) + Bytes("\x04\xa2xx", 4))) == "BEAT: root: expected octets (bin)");
  CHECK(why(frame(3, Bytes("\x81\x01\x0f", 3))) == "BYE: code: expected an integer 1..14");
  CHECK(why(frame(3, Bytes("\x81\x01\x00", 3))) == "BYE: code: expected an integer 1..14");
  CHECK(why(frame(3, Bytes("\x82\x01\x01\x05\xc4\x01x", 7))) == "BYE: text: expected text (str)");
  CHECK(why(frame(3, Bytes("\x82\x01\x01\x04\x91\x05", 6))) == "BYE: alternatives: [0] expected text (str)");
  CHECK(why(frame(6, Bytes("\x83\x01\x01\x02\x91\x91\x01\x03\xc3", 9))) ==
        "SYNC: digests: [0] expected an array of 2, found 1");
  CHECK(why(frame(6, Bytes("\x83\x01\x01\x02\x90\x03\x01", 7))) == "SYNC: last: expected true or false");
}

TEST_CASE("text is UTF-8 without control characters, and the writer sees to it") {
  auto bye = [](Bytes text) {
    return why(frame(3, Bytes("\x82\x01\x01\x05", 4) + static_cast<char>(0xa0 + text.size()) + text));
  };
  CHECK(bye("gr\xc3\xbc\xc3\x9f") == "accepted as BYE");
  std::string refused = "BYE: text: text must be UTF-8 without control characters";
  for (Bytes bad : {"\x1b[31m", "a\nb", "\x7f", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xc2\x9b" "31m", "\xf5\x80\x80\x80",
                    "\xe0\x80\xaf", "\xff"})
    CHECK(bye(bad) == refused);
  CHECK(bye(Bytes(1, '\0')) == refused);
  Bye dirty;
  dirty.text = "a\nb\xff" + std::string(limits::text_bytes, 'x');
  std::string clean = through<Bye>(dirty).text;
  CHECK(clean.size() == limits::text_bytes);
  CHECK(clean.substr(0, 5) == "a?b?x");
  dirty.text = std::string(limits::text_bytes - 1, 'x') + "ü";  // is cut before the letter, not in it
  CHECK(through<Bye>(dirty).text.size() == limits::text_bytes - 1);
}

TEST_CASE("what is over a bound is refused") {
  Hello hello = some_hello();
  hello.maybe_at.resize(limits::maybe_at + 1);
  CHECK(why(encode(hello)) == "HELLO: maybe_at: 33 entries, at most 32 are allowed");
  hello = some_hello();
  hello.attributes.resize(limits::attributes_bytes + 1);
  CHECK(why(encode(hello)) == "HELLO: attributes: 2049 octets, expected 0..2048");
  hello = some_hello();
  hello.protocol_low = 4;
  CHECK(why(encode(hello)) == "HELLO: protocol_low is above protocol_high");
  Object object = some_object();
  object.signatures.resize(limits::signatures + 1, "s");
  CHECK(why(encode(Put{{object}})) == "PUT: objects: [0] signatures: 9 entries, at most 8 are allowed");
  object.signatures = {Bytes(limits::signature_bytes + 1, 's')};
  CHECK(why(encode(Put{{object}})) == "PUT: objects: [0] signatures: [0] 1025 octets, expected 0..1024");
  Bytes large = encode(Route{id<NodeId>(1), {}, 16, Bytes(limits::frame_bytes, 'x'), {}});
  CHECK(decode(large).error().code == Code::too_large);
  CHECK(why(encode(Route{id<NodeId>(1), {}, 17, "x", {}})) == "ROUTE: ttl is above 16");
  RelayRecord record = some_relay_record();
  record.neighbours[0].second = 0;
  CHECK(unpack_relay_record(pack(record)).error().text == "relay record: a neighbour's cost must be 1..1000000");
  CHECK(why(encode(ResultFrame{})) == "RESULT: a reply holds a header and a signature of 64 octets");
  CHECK(why(encode(ResultFrame{{"h", sig, ""}, true, id<ActionKey>(1)})) == "RESULT: a progress note holds an action and no reply");
}

TEST_CASE("a frame cannot claim more than it brings") {
  // An array of 2^32-1 elements, a map of 2^31, strings of 4 GiB: refused without memory being taken.
  CHECK(why(Bytes("\x92\x05\x81\x01\xdd\xff\xff\xff\xff", 9)) == "frame: claims more values than it has octets");
  CHECK(why(Bytes("\x92\x05\xdf\x7f\xff\xff\xff", 7)) == "frame: claims more values than it has octets");
  CHECK(why(Bytes("\x92\x05\xdf\xff\xff\xff\xff", 7)) == "frame: claims more values than it has octets");
  CHECK(why(Bytes("\x92\x05\x81\x01\xc6\xff\xff\xff\xff", 9)) == "frame: cut off");
  CHECK(why(Bytes("\x92\x05\x81\x01\xdb\xff\xff\xff\xff", 9)) == "frame: cut off");
  CHECK(why(Bytes("\x92\x05", 2) + Bytes(100, '\x91') + "\x01") == "frame: nested too deeply");
  Bytes many("\x92\x05\x81\x01\xdc\xff\xff", 7);
  CHECK(why(many + Bytes(0xffff, '\x01')) == "frame: too many values");
}

TEST_CASE("the largest things we promise to carry fit into one frame") {
  Object roster{ObjectKind::roster, Bytes(limits::roster_bytes, 'r'),
                std::vector<Bytes>(limits::signatures, Bytes(limits::signature_bytes, 's')), ""};
  CHECK(through<Put>(Put{{roster}}).objects.size() == 1);
  Reply reply{Bytes(limits::reply_header_bytes, 'h'), sig, Bytes(limits::reply_part_bytes, 'b')};
  through<ResultFrame>(ResultFrame{reply, false, {}});
  Bytes payload = encode_routed(Replies{{}, {}, {}, {{reply, Bytes(limits::certificate_bytes, 'c')}}});
  through<Route>(Route{id<NodeId>(1), id<SinkId>(1), 16, payload, {}});
  payload = encode_routed(EnrolledRouted{1, {Bytes(limits::enrol_answer_bytes + limits::seal_bytes, 'e')}});
  through<Route>(Route{id<NodeId>(1), {}, 16, payload, {}});
  Sync sync;
  sync.digests.resize(limits::digests, {board_key(ObjectKind::action, Bytes(32, 'a')), {std::uint64_t(-1), std::uint64_t(-1)}});
  CHECK(through<Sync>(sync).digests.size() == limits::digests);
  Hello hello = some_hello();
  hello.held.resize(limits::held, {id<ActionKey>(1), Journal::done});
  CHECK(through<Hello>(hello).held.size() == limits::held);
}

TEST_CASE("ten thousand mutated and truncated frames never do harm") {
  std::vector<Bytes> valid, routed;
  for (const Message& message : some_of_each()) valid.push_back(encode(message));
  for (const Routed& r : some_of_each_routed()) routed.push_back(encode_routed(r));
  Random random(id<Seed>(1));
  int refused = 0;
  for (int round = 0; round < 10'000; ++round) {
    bool inner = round % 2;
    const auto& pool = inner ? routed : valid;
    Bytes bytes = pool[random.below(pool.size())];
    for (auto flips = random.below(4); flips > 0; --flips) bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    if (random.below(3) == 0) bytes.resize(random.below(bytes.size() + 1));
    if (random.below(8) == 0) bytes.insert(random.below(bytes.size() + 1), random.bytes(random.below(9)));
    if (inner) {
      auto back = decode_routed(bytes);
      refused += !back;
      if (back) CHECK(decode_routed(encode_routed(*back)));
    } else {
      auto back = decode(bytes);
      refused += !back;
      if (back) CHECK(decode(encode(*back)));
    }
    (void)unpack_row(bytes), (void)unpack_pull(bytes), (void)unpack_object(bytes), (void)unpack_relay_record(bytes);
  }
  CHECK(refused > 3'000);
  CHECK(refused < 10'000);
}
