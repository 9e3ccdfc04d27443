#include "node/core/signature.h"

#include <catch2/catch.hpp>
#include <chrono>

#include "node/core/limits.h"
#include "node/core/random.h"
#include "node/core/soft_key.h"
#include "tests/core/gpg_fixtures.h"

using namespace mig::core;
namespace fixtures = mig::core::fixtures;
using Catch::Contains;

namespace {

const SoftKey& soft_key() {
  static const SoftKey key(Random(Seed{}).id<Seed>(), 1'700'000'000'000);
  return key;
}
constexpr WallMs signed_at = 1'700'000'100'000, asked_at = 1'700'000'200'000;
const std::string text = "MIG Mesh action 3\n{}";

Bytes number(std::size_t value, int octets) {
  Bytes out;
  for (int i = octets - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

/// The body of a packet with an old-format header of one length octet.
Bytes body_of(const Bytes& packet) { return packet.substr(2); }

Bytes with_body(const Bytes& body) { return "\x89" + number(body.size(), 2) + body; }

/// Why `packet` is refused as a signature on `text`; empty when it is good.
std::string refusal(const Bytes& packet, const SigningKey& key = soft_key().public_key(), WallMs at = asked_at) {
  Status checked = fixtures::check(packet, text, key, at);
  return checked ? "" : checked.error().text;
}

/// The same signature with `extra` at the end of the area that is not signed.
Bytes unhashed_with(const Bytes& packet, const Bytes& extra) {
  Bytes body = body_of(packet);
  std::size_t hashed = static_cast<unsigned char>(body[4]) * 256 + static_cast<unsigned char>(body[5]);
  std::size_t at = 6 + hashed;
  std::size_t size = static_cast<unsigned char>(body[at]) * 256 + static_cast<unsigned char>(body[at + 1]);
  return with_body(body.substr(0, at) + number(size + extra.size(), 2) + body.substr(at + 2, size) + extra +
                   body.substr(at + 2 + size));
}

}  // namespace

TEST_CASE("every signature made by a real gpg gets the verdict written beside it") {
  REQUIRE(fixtures::manifest()["cases"].size() >= 30);
  for (const Json& c : fixtures::manifest()["cases"]) {
    std::string file = c["file"], wanted = c["verdict"], what = c["what"];
    DYNAMIC_SECTION(what) {
      Status got = fixtures::check(fixtures::packet(file), fixtures::signing_text(), fixtures::key(c["key"]),
                                   fixtures::now());
      std::string said = got ? "good" : got.error().text;
      INFO(file);
      if (wanted == "good")
        CHECK(said == "good");
      else
        CHECK_THAT(said, Contains(wanted));
    }
  }
}

TEST_CASE("where a signature by a key that may sign is accepted, gpg accepts it too") {
  for (const Json& c : fixtures::manifest()["cases"]) {
    std::string key = c["key"];
    if (key == "alice-authentication" || key == "alice-encryption") continue;  // the roster keeps these out
    Status got = fixtures::check(fixtures::packet(c["file"]), fixtures::signing_text(), fixtures::key(key),
                                 fixtures::now());
    INFO(c["file"]);
    if (got) CHECK(c["gpg"] == "good");
  }
}

TEST_CASE("a signature speaks for one text only, to the last bit") {
  Bytes altered = fixtures::signing_text();
  Result<SignaturePacket> packet = read_signature(fixtures::packet("alice-SHA256.sig"));
  REQUIRE(packet);
  for (std::size_t i = 0; i < altered.size(); ++i) {
    altered[i] = static_cast<char>(altered[i] ^ 1 << (i % 8));
    Status got = verify_signature(*packet, altered, fixtures::key("alice"), fixtures::now());
    REQUIRE_FALSE(got);
    altered[i] = static_cast<char>(altered[i] ^ 1 << (i % 8));
  }
  CHECK(verify_signature(*packet, altered, fixtures::key("alice"), fixtures::now()));
}

TEST_CASE("altering any octet of a packet's signed or signing part breaks it") {
  for (std::string who : {"alice-SHA256.sig", "bob.sig"}) {
    Bytes packet = fixtures::packet(who);
    SigningKey key = fixtures::key(who == "bob.sig" ? "bob" : "alice");
    std::size_t header = static_cast<unsigned char>(packet[0]) == 0x88 ? 2 : 3;
    std::size_t unhashed = header + read_signature(packet)->hashed_part.size() + 2, unhashed_size = 10;
    for (std::size_t i = 0; i < packet.size(); ++i) {
      if (i >= unhashed && i < unhashed + unhashed_size) continue;
      for (int bit = 0; bit < 8; ++bit) {
        Bytes altered = packet;
        altered[i] = static_cast<char>(altered[i] ^ 1 << bit);
        INFO(who << " octet " << i << " bit " << bit);
        Status got = fixtures::check(altered, fixtures::signing_text(), key, fixtures::now());
        // Bit counts of integers may claim leading zeros that are there; the value stays what it was.
        Result<SignaturePacket> read = read_signature(altered);
        bool same = read && read->integers == read_signature(packet)->integers &&
                    read->hashed_part == read_signature(packet)->hashed_part &&
                    read->left16 == read_signature(packet)->left16;
        REQUIRE((same || !got));
      }
    }
  }
}

TEST_CASE("random damage never crashes the reader and never makes another signature good") {
  Random random(*Seed::from(Bytes(32, '\x07')));
  std::vector<Bytes> packets;
  for (const Json& c : fixtures::manifest()["cases"]) packets.push_back(fixtures::packet(c["file"]));
  SigningKey key = fixtures::key("alice");
  Bytes other = fixtures::signing_text() + " ";  // nobody signed this: every verdict on it must be no
  int read_well = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes packet = packets[random.below(packets.size())];
    for (std::uint64_t n = random.below(4); n > 0 && !packet.empty(); --n) {
      std::size_t at = random.below(packet.size());
      switch (random.below(4)) {
        case 0: packet[at] = static_cast<char>(random.below(256)); break;
        case 1: packet.erase(at, random.below(8)); break;
        case 2: packet.insert(at, random.bytes(random.below(8))); break;
        default: packet.resize(at); break;
      }
    }
    Result<SignaturePacket> read = read_signature(packet);
    if (!read) continue;
    ++read_well;
    REQUIRE_FALSE(verify_signature(*read, other, key, fixtures::now()));
  }
  CHECK(read_well > 1000);
}

TEST_CASE("pure noise is refused in words") {
  Random random(*Seed::from(Bytes(32, '\x08')));
  for (int round = 0; round < 5000; ++round) {
    Result<SignaturePacket> read = read_signature(random.bytes(random.below(300)));
    REQUIRE_FALSE(read);
    REQUIRE_THAT(read.error().text, Catch::StartsWith("signature: "));
  }
  CHECK(read_signature("").error().text == "signature: empty");
  CHECK(read_signature("hello").error().text == "signature: not an OpenPGP packet");
}

TEST_CASE("a key made in memory signs as gpg does") {
  Bytes packet = soft_key().sign(text, signed_at);
  CHECK(refusal(packet) == "");
  CHECK(read_signature(packet)->created == signed_at);
  CHECK_THAT(refusal(soft_key().sign(text, signed_at, 60'000)), Contains("its own validity ended"));
  CHECK(refusal(soft_key().sign(text, signed_at, 600'000)) == "");
  CHECK_THAT(refusal(soft_key().sign(text + " ", signed_at)), Contains("does not fit the text"));
}

TEST_CASE("one signature in 128 begins with a zero and verifies all the same") {
  int short_ones = 0;
  for (int i = 0; i < 2000; ++i) {
    Bytes packet = soft_key().sign(text, signed_at + i * 1000);
    Result<SignaturePacket> read = read_signature(packet);
    REQUIRE(read);
    short_ones += read->integers[0].size() < 32 || read->integers[1].size() < 32;
    REQUIRE(verify_signature(*read, text, soft_key().public_key(), signed_at + 3'600'000));
  }
  CHECK(short_ones > 0);
}

TEST_CASE("integers that count their leading zeros mean the same number") {
  Bytes packet = fixtures::packet("zero-r.sig");
  Result<SignaturePacket> read = read_signature(packet);
  REQUIRE(read);
  REQUIRE(read->integers[0].size() == 31);
  std::size_t integers = packet.size() - (2 + 31) - (2 + read->integers[1].size());
  Bytes padded = packet.substr(2, integers - 2) + number(256, 2) + Bytes(1, '\0') + packet.substr(integers + 2);
  CHECK(fixtures::check(with_body(padded), fixtures::signing_text(), fixtures::key("alice"), fixtures::now()));
}

TEST_CASE("all definite forms of a packet's length are read, the others refused") {
  Bytes body = body_of(soft_key().sign(text, signed_at));
  REQUIRE(body.size() < 192);
  CHECK(refusal("\x88" + number(body.size(), 1) + body) == "");
  CHECK(refusal("\x89" + number(body.size(), 2) + body) == "");
  CHECK(refusal("\x8a" + number(body.size(), 4) + body) == "");
  CHECK_THAT(refusal("\x8b" + body), Contains("indeterminate length"));
  CHECK(refusal("\xc2" + number(body.size(), 1) + body) == "");
  CHECK(refusal("\xc2\xff" + number(body.size(), 4) + body) == "");
  CHECK_THAT(refusal("\xc2\xe6" + body), Contains("in parts"));
  CHECK_THAT(refusal("\xc2"), Contains("length is cut"));
  CHECK_THAT(refusal("\xc2\xff" + number(0xffffffff, 4) + body), Contains("ends too early"));
  CHECK_THAT(refusal("\x89" + number(body.size() - 1, 2) + body), Contains("something follows"));

  // Two octets of new-format length begin at 192: make room in the unhashed area.
  Bytes filler = number(101, 1) + "\x65" + Bytes(100, 'x');  // a private subpacket
  Bytes longer = unhashed_with(soft_key().sign(text, signed_at), filler).substr(3);
  REQUIRE(longer.size() >= 192);
  CHECK(refusal("\xc2" + number(192 + (longer.size() - 192) / 256, 1) + number((longer.size() - 192) % 256, 1) +
                longer) == "");
}

TEST_CASE("what stands in the area that is not signed cannot vouch for anything") {
  Bytes packet = soft_key().sign(text, signed_at);
  CHECK(refusal(unhashed_with(packet, "")) == "");
  Bytes later = number(5, 1) + "\x03" + number(1, 4);  // an expiry: ignored here
  CHECK(refusal(unhashed_with(packet, later)) == "");
  CHECK_THAT(refusal(unhashed_with(packet, number(1, 1) + "\xe5")), Contains("subpacket 101 is marked critical"));
  CHECK_THAT(refusal(unhashed_with(packet, number(9, 1) + "\x10" + Bytes(8, 'x'))), Contains("names two issuers"));
  CHECK_THAT(refusal(unhashed_with(packet, number(0, 1))), Contains("cut or empty"));
  CHECK_THAT(refusal(unhashed_with(packet, number(9, 1) + "\x20")), Contains("cut or empty"));

  // The issuer moved from the signed to the unsigned area: then nothing signed names the key.
  Bytes body = body_of(packet);
  Bytes moved = body.substr(0, 4) + number(6, 2) + body.substr(6 + 23, 6) + number(23 + 10, 2) + body.substr(6, 23) +
                body.substr(6 + 29 + 2);
  CHECK_THAT(refusal(with_body(moved)), Contains("does not name its key by fingerprint"));
}

TEST_CASE("a packet must be whole, version 4 and on a binary document") {
  Bytes body = body_of(soft_key().sign(text, signed_at));
  for (std::size_t size = 0; size < body.size(); ++size) REQUIRE(refusal(with_body(body.substr(0, size))) != "");
  auto with_octet = [&](std::size_t at, int value) {
    Bytes changed = body;
    changed[at] = static_cast<char>(value);
    return with_body(changed);
  };
  CHECK_THAT(refusal(with_octet(0, 3)), Contains("version 3; version 4 is needed"));
  CHECK_THAT(refusal(with_octet(0, 6)), Contains("version 6"));
  CHECK_THAT(refusal(with_octet(1, 0x01)), Contains("text mode"));
  CHECK_THAT(refusal(with_octet(1, 0x13)), Contains("class 0x13"));
  CHECK_THAT(refusal(with_octet(2, 17)), Contains("made with DSA"));
  CHECK_THAT(refusal(with_octet(2, 27)), Contains("made with algorithm 27"));
  CHECK_THAT(refusal(with_octet(3, 1)), Contains("made with MD5"));
  CHECK_THAT(refusal(with_octet(3, 2)), Contains("made with SHA-1; SHA-256 or better is needed"));
  CHECK_THAT(refusal(with_octet(2, 1)), Contains("octets left over"));
  CHECK_THAT(refusal(with_body(body + "x")), Contains("octets left over"));
}

TEST_CASE("a signature is judged by the key it names, in that key's time") {
  Bytes packet = soft_key().sign(text, signed_at);
  SigningKey key = soft_key().public_key();
  CHECK(refusal(packet, key) == "");

  SigningKey stranger = SoftKey(*Seed::from(Bytes(32, 'x')), key.not_before).public_key();
  CHECK_THAT(refusal(packet, stranger), Contains("made by key " + key.fingerprint + ", not by"));
  stranger.fingerprint = key.fingerprint;
  CHECK_THAT(refusal(packet, stranger), Contains("false: key"));

  SigningKey younger = key;
  younger.not_before = signed_at + 1000;
  CHECK_THAT(refusal(packet, younger), Contains("before its key was made"));
  SigningKey expired = key;
  expired.not_after = asked_at;
  CHECK_THAT(refusal(packet, expired), Contains("expired"));
  expired.not_after = asked_at + 1;
  CHECK(refusal(packet, expired) == "");

  SigningKey rsa = fixtures::key("bob");
  rsa.fingerprint = key.fingerprint;
  CHECK_THAT(refusal(packet, rsa), Contains("made with EdDSA, which key"));
}

TEST_CASE("a clock may be ten minutes behind the signer's and no more") {
  Bytes packet = soft_key().sign(text, signed_at);
  CHECK(refusal(packet, soft_key().public_key(), signed_at - limits::clock_skew_ms) == "");
  CHECK_THAT(refusal(packet, soft_key().public_key(), signed_at - limits::clock_skew_ms - 1),
             Contains("in the future by this clock"));
}

TEST_CASE("a key and a signature made this minute by the gpg of this machine are read") {
  if (!fixtures::Gpg::present()) {
    WARN("skipped: there is no gpg on this machine");
    return;
  }
  fixtures::Gpg gpg;
  SigningKey key = gpg.make_key("zoe");
  REQUIRE(key.fingerprint.size() == 40);
  Bytes packet = gpg.sign("zoe", text);
  WallMs at = std::chrono::duration_cast<std::chrono::milliseconds>(
                  std::chrono::system_clock::now().time_since_epoch()).count();
  CHECK(refusal(packet, key, at) == "");
  CHECK_THAT(refusal(gpg.sign("zoe", text + "x"), key, at), Contains("does not fit the text"));
}

TEST_CASE("gpg and this reader agree about damaged packets") {
  if (!fixtures::Gpg::present()) {
    WARN("skipped: there is no gpg on this machine");
    return;
  }
  fixtures::Gpg gpg;
  gpg.run("--import " + (fixtures::folder() / "people.asc").string());
  std::string signed_text = gpg.write("signed", fixtures::signing_text()).string();
  Random random(*Seed::from(Bytes(32, '\x09')));
  for (int round = 0; round < 40; ++round) {
    Bytes packet = fixtures::packet(round % 2 == 0 ? "alice-SHA256.sig" : "bob.sig");
    SigningKey key = fixtures::key(round % 2 == 0 ? "alice" : "bob");
    if (round >= 2) packet[random.below(packet.size())] = static_cast<char>(random.below(256));
    bool ours = bool(fixtures::check(packet, fixtures::signing_text(), key, fixtures::now()));
    std::string file = gpg.write("packet.sig", packet).string();
    std::string said =
        gpg.run("--faked-system-time 20260301T120500! --status-fd 1 --verify " + file + " " + signed_text);
    INFO("round " << round << ": " << to_hex(packet) << "\n" << said);
    bool theirs = said.find("GOODSIG") != std::string::npos;
    CHECK((!ours || theirs));        // what we accept, gpg accepts
    CHECK((round >= 2 || ours));
  }
}
