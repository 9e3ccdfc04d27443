#include "node/core/seal.h"

#include <zstd.h>

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <tuple>

#include "node/core/identity_fields.h"
#include "node/core/limits.h"
#include "node/core/sodium.h"

using namespace mig::core;

namespace {

Seed seed(unsigned char fill) {
  Seed out;
  out.octets.fill(fill);
  return out;
}
struct World {
  Keys agent{seed(1)};
  Random random{seed(2)};
  ReplyKeys keys = make_reply_keys(random);
  ActionId action = action_id_of("{}");

  ReplyHeader header() const {
    ReplyHeader h;
    h.action = action, h.agent = agent.id(), h.started = 1'800'000'000'000, h.finished = h.started + 250;
    return h;
  }
  ReplyBody body(std::string results) const { return {action, agent.id(), State::found, "", std::move(results)}; }
  Reply reply(std::string results) { return make_reply(header(), body(std::move(results)), keys.key, agent, random); }
  Result<ReplyBody> opened(const Reply& reply) const {
    auto verified = verify_reply(reply, agent.sign_public());
    if (!verified) return verified.error();
    return open_reply(reply, *verified, keys.key, keys.secret);
  }
  /// A reply whose signature holds around a body of our choosing.
  Reply signed_around(Bytes sealed) const {
    ReplyHeader h = header();
    h.body = hash_of(sealed), h.body_bytes = static_cast<std::uint32_t>(sealed.size());
    Bytes packed = codec::pack(h);
    return {packed, agent.sign(domain::reply, packed), sealed};
  }
  Bytes padded(Bytes plain, std::size_t size) const {
    std::size_t used = plain.size(), out = 0;
    plain.resize(size, '\0');
    sodium_pad(&out, raw(plain), used, size, size);
    return plain;
  }
  Bytes zipped(const Bytes& plain) const {
    Bytes out(ZSTD_compressBound(plain.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 3));
    return out;
  }
};
template <class T>
std::string why(const Result<T>& result) {
  return result ? "accepted" : result.error().text;
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("what is sealed opens with the one key it was sealed to") {
  World w;
  Bytes sealed = seal("a secret", w.keys.key, w.random);
  CHECK(sealed.size() == 8 + limits::seal_bytes);
  CHECK(*open(sealed, w.keys.key, w.keys.secret) == "a secret");
  ReplyKeys other = make_reply_keys(w.random);
  CHECK(!open(sealed, other.key, other.secret));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes bad = sealed;
    bad[i] ^= 1;
    CHECK(!open(bad, w.keys.key, w.keys.secret));
    CHECK(!open(sealed.substr(0, i), w.keys.key, w.keys.secret));
  }
  CHECK(*open(seal("", w.keys.key, w.random), w.keys.key, w.keys.secret) == "");
}

TEST_CASE("sealing the same twice looks different, and is replayable from the seed") {
  World w, again;
  Bytes first = seal("a secret", w.keys.key, w.random), second = seal("a secret", w.keys.key, w.random);
  CHECK(first != second);
  CHECK(seal("a secret", again.keys.key, again.random) == first);
}

TEST_CASE("sealing to a key that is none gives nothing instead of something readable") {
  World w;
  CHECK(seal("a secret", LinkPublic{}, w.random).empty());
}

TEST_CASE("an enroller opens what was sealed to its signing key") {
  World w;
  auto to = link_public_of(Keys(seed(7)).sign_public());
  REQUIRE(to);
  CHECK(*open(seal("request", *to, w.random), *to, link_secret_of_seed(seed(7))) == "request");
  SignPublic junk;
  junk.octets.fill(0xff);
  CHECK(!link_public_of(junk));
}

TEST_CASE("every state has one name, and four are open") {
  std::set<std::string_view> names;
  int open_states = 0;
  for (int i = 1; i <= 13; ++i) {
    names.insert(to_text(static_cast<State>(i)));
    open_states += is_open(static_cast<State>(i));
  }
  CHECK(names.size() == 13);
  CHECK(open_states == 4);
  CHECK(to_text(State::queued) == "queued");
  CHECK(to_text(State::expired) == "expired");
  CHECK(to_text(State::unknown) == "unknown");
  CHECK(!is_open(State::answered));
}

TEST_CASE("a reply is verified by anyone and opened by readers only") {
  World w;
  ReplyHeader in = w.header();
  in.part = 2, in.parts = 7, in.state = State::found;
  ReplyBody body = w.body("[{\"foundanything\":true}]");
  body.state = State::failed, body.trouble = "timeout: after 300 s";
  Reply reply = make_reply(in, body, w.keys.key, w.agent, w.random);
  auto header = verify_reply(reply, w.agent.sign_public());
  INFO(why(header));
  REQUIRE(header);
  auto all = [](const ReplyHeader& h) {
    return std::tie(h.action, h.agent, h.part, h.parts, h.state, h.reason, h.started, h.finished);
  };
  CHECK(all(*header) == all(in));
  CHECK(header->body == hash_of(reply.body));
  CHECK(header->body_bytes == reply.body.size());
  CHECK(reply.header.size() <= limits::reply_header_bytes);
  CHECK(all(*read_reply_header(reply.header)) == all(in));
  auto opened = open_reply(reply, *header, w.keys.key, w.keys.secret);
  REQUIRE(opened);
  CHECK(std::tie(opened->action, opened->agent, opened->state, opened->trouble, opened->results) ==
        std::tie(body.action, body.agent, body.state, body.trouble, body.results));
  ReplyKeys other = make_reply_keys(w.random);
  CHECK(!open_reply(reply, *header, other.key, other.secret));
}

TEST_CASE("an agent that has nothing to tell sends a header only") {
  World w;
  ReplyHeader in = w.header();
  in.state = State::refused, in.reason = "weight 1 of 2 for file\nand more";
  Reply reply = make_reply(in, {}, w.keys.key, w.agent, w.random);
  CHECK(reply.body.empty());
  auto header = verify_reply(reply, w.agent.sign_public());
  REQUIRE(header);
  CHECK(header->reason == "weight 1 of 2 for file?and more");
  CHECK(header->body == hash_of(""));
  CHECK(open_reply(reply, *header, w.keys.key, w.keys.secret).error().code == Code::not_found);
}

TEST_CASE("no octet of a reply can be changed unseen") {
  World w;
  Reply reply = w.reply("[]");
  auto refuses = [&](const Reply& bad) { return !verify_reply(bad, w.agent.sign_public()); };
  for (std::size_t i = 0; i < reply.header.size(); ++i) {
    Reply bad = reply;
    bad.header[i] ^= 1;
    CHECK(refuses(bad));
  }
  for (std::size_t i = 0; i < reply.body.size(); i += 7) {
    Reply bad = reply;
    bad.body[i] ^= 1;
    CHECK(refuses(bad));
  }
  CHECK(refuses({reply.header, reply.signature, ""}));
  CHECK(refuses({reply.header, reply.signature, reply.body + "x"}));
  CHECK(refuses({reply.header, "", reply.body}));
  CHECK(!verify_reply(reply, Keys(seed(9)).sign_public()));
}

TEST_CASE("a body signed anew by another agent does not pass as its answer") {
  World w;
  Reply reply = w.reply("[]");
  Keys thief(seed(9));
  ReplyHeader header = w.header();
  header.agent = thief.id(), header.body = hash_of(reply.body), header.body_bytes = reply.body.size();
  Bytes packed = codec::pack(header);
  Reply stolen{packed, thief.sign(domain::reply, packed), reply.body};
  auto verified = verify_reply(stolen, thief.sign_public());
  REQUIRE(verified);
  CHECK(why(open_reply(stolen, *verified, w.keys.key, w.keys.secret)) == "reply: the body belongs to another reply");
  // Nor can it name the victim as the agent.
  header.agent = w.agent.id();
  packed = codec::pack(header);
  CHECK(has(why(verify_reply({packed, thief.sign(domain::reply, packed), reply.body}, thief.sign_public())), "another agent"));
}

TEST_CASE("a body of another action does not pass") {
  World w;
  ReplyBody body = w.body("[]");
  body.action = action_id_of("{\"other\":1}");
  CHECK(why(w.opened(make_reply(w.header(), body, w.keys.key, w.agent, w.random))) == "reply: the body belongs to another reply");
}

TEST_CASE("the length of a body says little about what is in it") {
  World w;
  CHECK(w.reply("").body.size() == 512 + limits::seal_bytes);
  CHECK(w.reply("[{\"foundanything\":false}]").body.size() == w.reply("[{\"foundanything\":true}]").body.size());
  std::set<std::size_t> sizes;
  for (std::size_t n : {0u, 100u, 600u, 1500u, 3000u, 20'000u, 100'000u, 150'000u}) {
    Reply reply = w.reply(w.random.bytes(n));
    sizes.insert(reply.body.size() - limits::seal_bytes);
    CHECK(w.opened(reply)->results.size() == n);
  }
  CHECK(sizes == std::set<std::size_t>{512, 2048, 8192, 32768, 131072, limits::reply_part_bytes - limits::seal_bytes});
}

TEST_CASE("large results travel in parts that fit and join again") {
  World w;
  auto joined = [&](const std::string& results) {
    ReplyHeader in = w.header();
    auto replies = make_replies(in, w.body(results), w.keys.key, w.agent, w.random);
    std::string out;
    for (std::size_t i = 0; i < replies.size(); ++i) {
      auto header = verify_reply(replies[i], w.agent.sign_public());
      REQUIRE(header);
      CHECK(header->part == i);
      CHECK(header->parts == replies.size());
      CHECK(replies[i].body.size() <= limits::reply_part_bytes);
      auto body = w.opened(replies[i]);
      INFO(why(body));
      REQUIRE(body);
      CHECK(body->state == State::found);
      out += body->results;
    }
    CHECK(out == results);
    return replies.size();
  };
  CHECK(joined("") == 1);
  CHECK(joined("[{}]") == 1);
  CHECK(joined(std::string(900'000, 'x')) == 1);         // compresses well
  CHECK(joined(w.random.bytes(200'000)) == 2);           // not at all
  CHECK(joined(std::string(3'000'000, 'x')) == 3);       // bounded by what one part may unpack to
  CHECK(joined(w.random.bytes(limits::job_output_bytes)) <= limits::reply_parts);
}

TEST_CASE("results that need too many parts become a failure in words") {
  World w;
  auto replies = make_replies(w.header(), w.body(w.random.bytes(13'000'000)), w.keys.key, w.agent, w.random);
  REQUIRE(replies.size() == 1);
  auto body = w.opened(replies[0]);
  REQUIRE(body);
  CHECK(body->state == State::failed);
  CHECK(has(body->trouble, "more than 64 parts"));
}

TEST_CASE("without a body there is one part") {
  World w;
  CHECK(make_replies(w.header(), {}, w.keys.key, w.agent, w.random).size() == 1);
}

TEST_CASE("what an agent seals is not trusted to unpack") {
  World w;
  auto answer = [&](const Bytes& inside) { return why(w.opened(w.signed_around(seal(inside, w.keys.key, w.random)))); };
  Bytes good = w.zipped(codec::pack(w.body("[]")));
  CHECK(answer(w.padded(good, 512)) == "accepted");
  CHECK(has(answer(""), "padding"));
  CHECK(has(answer(Bytes(512, '\0')), "padding"));
  CHECK(has(answer(w.padded("not compressed", 512)), "not compressed as agreed"));
  CHECK(has(answer(w.padded(w.zipped("not msgpack"), 512)), "reply body"));
  CHECK(has(answer(w.padded(good.substr(0, good.size() - 3), 512)), "damaged"));
  CHECK(has(answer(w.padded(good + "tail", 512)), "damaged"));
  Bytes bomb = w.zipped(Bytes(64 * 1024 * 1024, '\0'));  // a few KB that claim 64 MiB
  CHECK(has(answer(w.padded(bomb, limits::reply_part_bytes - limits::seal_bytes)), "at most 1048576 are allowed"));
}

TEST_CASE("a header an agent must not write is refused though signed") {
  World w;
  auto answer = [&](ReplyHeader header) {
    header.body = hash_of("");
    Bytes packed = codec::pack(header);
    return why(verify_reply({packed, w.agent.sign(domain::reply, packed), ""}, w.agent.sign_public()));
  };
  CHECK(answer(w.header()) == "accepted");
  ReplyHeader bad = w.header();
  bad.state = State::running;
  CHECK(has(answer(bad), "state"));
  bad = w.header(), bad.part = 1;
  CHECK(has(answer(bad), "part"));
  bad = w.header(), bad.parts = 65;
  CHECK(has(answer(bad), "part"));
}
