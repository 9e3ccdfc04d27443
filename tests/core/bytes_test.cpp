#include "node/core/bytes.h"

#include <catch2/catch.hpp>
#include <set>

#include "node/core/ids.h"
#include "node/core/random.h"

using namespace mig::core;

TEST_CASE("hex goes both ways and takes either case") {
  CHECK(to_hex(Bytes("\x00\xff\x7f", 3)) == "00ff7f");
  CHECK(*from_hex("00FF7f") == Bytes("\x00\xff\x7f", 3));
  CHECK(from_hex("")->empty());
  for (const char* bad : {"0", "0g", "0x00", " 00", "0 ", "\xff\xff"}) CHECK_FALSE(from_hex(bad));
}

TEST_CASE("base64 goes both ways for every length") {
  Bytes bytes;
  for (int i = 0; i < 70; ++i) {
    INFO(i);
    CHECK(*from_base64(to_base64(bytes)) == bytes);
    CHECK(*from_base64url(to_base64url(bytes)) == bytes);
    bytes += static_cast<char>(i * 37 + 200);
  }
  CHECK(to_base64("\xfb\xff") == "+/8=");
  CHECK(to_base64url("\xfb\xff") == "-_8");
}

TEST_CASE("base64 that is not exact is refused") {
  for (const char* bad : {"QQ", "QQ=", "QQ==\n", "Q Q==", "QR==", "QQ===", "-_8=", "Q", "QQ==QQ==", "QUI=Qg=="})
    CHECK_FALSE(from_base64(bad));
  for (const char* bad : {"QQ==", "+/8", "QR", "Q", "QQ\n"}) CHECK_FALSE(from_base64url(bad));
  CHECK_FALSE(from_base64(std::string("QQ==\0", 5)));
}

TEST_CASE("BLAKE2b is the published one") {
  CHECK(to_hex(blake2b("abc", 64)) ==
        "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
        "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
  CHECK(to_hex(blake2b("", 32)) == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  CHECK(blake2b("x", 1).size() == 1);
}

TEST_CASE("ids take their exact length") {
  CHECK(NodeId::from(Bytes(16, 'a')));
  CHECK_FALSE(NodeId::from(Bytes(15, 'a')));
  CHECK_FALSE(NodeId::from(Bytes(17, 'a')));
  CHECK(NodeId{}.empty());
  CHECK(NodeId::from(Bytes(16, '\xab'))->brief() == "abababab");
  ActionId id = action_id_of("{}");
  CHECK(key_of(id).hex() == id.hex().substr(0, 32));
}

TEST_CASE("a known seed replays, another one does not") {
  Seed seed, other;
  other.octets[0] = 1;
  Random a(seed), b(seed), c(other);
  CHECK(a.bytes(100) == b.bytes(100));
  CHECK(a.u64() == b.u64());
  CHECK(a.u64() != c.u64());
  std::set<std::uint64_t> drawn;
  for (int i = 0; i < 1000; ++i) drawn.insert(a.u64());
  CHECK(drawn.size() == 1000);
  CHECK(a.bytes(0).empty());
}

TEST_CASE("below() reaches all of its range and nothing else") {
  Random random(Seed{});
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 500; ++i) seen.insert(random.below(7));
  CHECK(seen == std::set<std::uint64_t>{0, 1, 2, 3, 4, 5, 6});
  CHECK(random.below(1) == 0);
  for (int i = 0; i < 100; ++i) CHECK(random.below(std::uint64_t{1} << 63) < (std::uint64_t{1} << 63));
}
