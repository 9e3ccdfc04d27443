#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "investigator/key_packets.h"
#include "node/core/limits.h"
#include "tests/investigator/gpg_home.h"

using namespace mig;
using namespace mig::investigator;
using Catch::Matchers::Contains;
using tests::GpgHome;

namespace {

core::WallMs after(const core::SignaturePacket& packet) { return packet.created + 1000; }

/// Does one of the person's raw keys hold this signature good, as an agent would see it?
bool agents_accept(const core::Bytes& packet, const core::Bytes& text, const std::vector<core::SigningKey>& keys) {
  auto read = core::read_signature(packet);
  REQUIRE(read);
  for (const core::SigningKey& key : keys)
    if (key.fingerprint == read->issuer) return static_cast<bool>(core::verify_signature(*read, text, key, after(*read)));
  return false;
}

void write(const std::string& path, const core::Bytes& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

}  // namespace

TEST_CASE("a signature made through gpg verifies with the raw key and with gpg itself") {
  GpgHome home;
  std::string kind = GENERATE(as<std::string>(), "ed25519", "rsa2048");
  core::Fingerprint ada = home.key("Ada <ada@example.org>", kind, "sign");
  Gpg gpg = home.gpg();
  auto keys = gpg.signing_keys(ada);
  REQUIRE(keys);
  REQUIRE(keys->size() == 1);
  CHECK(keys->front().fingerprint == ada);
  CHECK(keys->front().not_after == 0);

  core::Bytes text("MIG Mesh action 3\n{\"a\":\"\0\"}\r\n ", 32);
  auto packet = gpg.sign(text, ada);
  REQUIRE(packet);
  CHECK(packet->size() <= core::limits::signature_bytes);
  CHECK(agents_accept(*packet, text, *keys));
  CHECK_FALSE(agents_accept(*packet, text + " ", *keys));

  write(home.path() + "/text", text);
  write(home.path() + "/text.sig", *packet);
  CHECK(home.run({"--verify", home.path() + "/text.sig", home.path() + "/text"}) == 0);
  write(home.path() + "/text", text + " ");
  CHECK(home.run({"--verify", home.path() + "/text.sig", home.path() + "/text"}) != 0);
}

TEST_CASE("a person signs with her signing subkey, and all her signing keys are known") {
  GpgHome home;
  core::Fingerprint ada = home.key("Ada <ada@example.org>", "ed25519", "sign");
  REQUIRE(home.run({"--quick-add-key", ada, "ed25519", "sign", "1y"}) == 0);
  REQUIRE(home.run({"--quick-add-key", ada, "ed25519", "auth", "never"}) == 0);
  REQUIRE(home.run({"--quick-add-key", ada, "cv25519", "encr", "never"}) == 0);
  Gpg gpg = home.gpg();
  auto keys = gpg.signing_keys(ada);
  REQUIRE(keys);
  REQUIRE(keys->size() == 2);  // neither the authentication nor the encryption subkey
  CHECK((*keys)[0].fingerprint == ada);
  CHECK((*keys)[1].not_after > (*keys)[1].not_before);
  auto packet = gpg.sign("text", ada);
  REQUIRE(packet);
  CHECK(core::read_signature(*packet)->issuer == (*keys)[1].fingerprint);
  CHECK(agents_accept(*packet, "text", *keys));
}

TEST_CASE("a subkey does not outlive its primary key") {
  GpgHome home;
  core::Fingerprint ada = home.key("Ada <ada@example.org>", "ed25519", "sign", "2y");
  REQUIRE(home.run({"--quick-add-key", ada, "ed25519", "sign", "never"}) == 0);
  auto keys = home.gpg().signing_keys(ada);
  REQUIRE(keys);
  REQUIRE(keys->size() == 2);
  CHECK((*keys)[1].not_after == (*keys)[0].not_after);
  CHECK((*keys)[1].not_after > 0);
}

TEST_CASE("keys agents cannot check are refused with what would be right") {
  GpgHome home;
  std::string kind = GENERATE(as<std::string>(), "nistp256", "dsa2048", "rsa1024");
  core::Fingerprint ada = home.key("Ada <ada@example.org>", kind, "sign");
  auto keys = home.gpg().signing_keys(ada);
  REQUIRE_FALSE(keys);
  if (kind != "rsa1024") CHECK_THAT(keys.error().text, Contains("use Ed25519 or RSA"));
}

TEST_CASE("a subkey that has run out is not listed") {
  GpgHome home;
  core::Fingerprint ada = home.key("Ada <ada@example.org>", "ed25519", "sign");
  REQUIRE(home.run({"--quick-add-key", ada, "ed25519", "sign", "seconds=1"}) == 0);
  Gpg gpg = home.gpg();
  for (int i = 0; i < 200; ++i) {  // the subkey runs out by gpg's clock: that is the event to wait for
    auto keys = gpg.signing_keys(ada);
    REQUIRE(keys);
    if (keys->size() == 1) break;
  }
  auto keys = gpg.signing_keys(ada);
  REQUIRE(keys->size() == 1);
  CHECK(keys->front().fingerprint == ada);
}

TEST_CASE("a signature with SHA-1 does not leave the door") {
  GpgHome home;
  core::Fingerprint ada = home.key("Ada <ada@example.org>", "rsa2048", "sign");
  write(home.path() + "/gpg.conf", "digest-algo SHA1\ncert-digest-algo SHA256\n");
  auto packet = home.gpg().sign("text", ada);
  REQUIRE_FALSE(packet);
  CHECK_THAT(packet.error().text, Contains("gpg.conf"));
}

TEST_CASE("a key that is not there is answered with those that are") {
  GpgHome home;
  core::Fingerprint ada = home.key("Ada <ada@example.org>", "ed25519", "sign");
  core::Fingerprint eve = home.key("Eve <eve@example.org>", "ed25519", "sign");
  Gpg gpg = home.gpg();
  auto missing = gpg.secret_key("bob");
  REQUIRE_FALSE(missing);
  CHECK_THAT(missing.error().text, Contains(ada) && Contains("Eve <eve@example.org>"));
  auto several = gpg.secret_key("example.org");
  REQUIRE_FALSE(several);
  CHECK_THAT(several.error().text, Contains("several"));
  std::string spaced = eve.substr(0, 20) + " " + eve.substr(20);
  CHECK(gpg.secret_key(spaced)->fingerprint == eve);
  CHECK(gpg.secret_key("ADA@")->fingerprint == ada);
  auto unsigned_ = gpg.sign("text", std::string(40, 'A'));
  REQUIRE_FALSE(unsigned_);
  CHECK_THAT(unsigned_.error().text, Contains(ada));
}

TEST_CASE("a home without keys says how to make one") {
  GpgHome home;
  auto missing = home.gpg().secret_key("ada");
  REQUIRE_FALSE(missing);
  CHECK_THAT(missing.error().text, Contains("--quick-gen-key"));
  auto nowhere = Gpg::open(home.path() + "/nowhere");
  REQUIRE_FALSE(nowhere);
  CHECK_THAT(nowhere.error().text, Contains("no such directory"));
}

TEST_CASE("a secret comes back to its readers only") {
  GpgHome home, other;
  auto ada = home.gpg().make_key("Ada <ada@example.org>");
  REQUIRE(ada);
  REQUIRE(other.gpg().make_key("Eve <eve@example.org>"));
  core::Bytes secret("\x00\x01 32 octets of something secret", 32);
  auto wrapped = home.gpg().encrypt(secret, {*ada});
  REQUIRE(wrapped);
  CHECK(wrapped->find("something") == core::Bytes::npos);
  auto back = home.gpg().decrypt(*wrapped);
  REQUIRE(back);
  CHECK(*back == secret);
  auto foreign = other.gpg().decrypt(*wrapped);
  REQUIRE_FALSE(foreign);
  CHECK_THAT(foreign.error().text, Contains("reader"));
  CHECK_FALSE(home.gpg().decrypt("no message"));
}

TEST_CASE("a reader without an encryption key is named, with the remedy") {
  GpgHome home;
  core::Fingerprint ada = home.key("Ada <ada@example.org>", "ed25519", "sign");
  auto wrapped = home.gpg().encrypt("secret", {ada});
  REQUIRE_FALSE(wrapped);
  CHECK_THAT(wrapped.error().text, Contains(ada) && Contains("cv25519 encr"));
  auto unknown = home.gpg().encrypt("secret", {std::string(40, 'B')});
  REQUIRE_FALSE(unknown);
  CHECK_THAT(unknown.error().text, Contains("--import"));
}

TEST_CASE("gpg's own check tells good from bad and names the person") {
  GpgHome home;
  core::Fingerprint ada = home.key("Ada <ada@example.org>", "ed25519", "sign");
  auto packet = home.gpg().sign("text", ada);
  REQUIRE(packet);
  auto good = home.gpg().check("text", *packet);
  REQUIRE(good);
  CHECK(good->valid);
  CHECK(good->primary == ada);
  CHECK(good->user == "Ada <ada@example.org>");
  auto bad = home.gpg().check("another text", *packet);
  REQUIRE(bad);
  CHECK_FALSE(bad->valid);
  CHECK_FALSE(bad->why.empty());
  CHECK_FALSE(home.gpg().check("text", "junk")->valid);
}

TEST_CASE("the reader of key packets takes any octets") {
  CHECK_FALSE(read_key_packets("junk"));
  CHECK_FALSE(read_key_packets(core::Bytes("\xc6\x20\x04", 3)));   // ends inside
  CHECK_FALSE(read_key_packets(core::Bytes("\x9b\x04\x00", 3)));   // indeterminate length
  auto none = read_key_packets("");
  REQUIRE(none);
  CHECK(none->empty());
  auto version3 = read_key_packets(core::Bytes("\x98\x01\x03", 3));
  REQUIRE(version3);
  CHECK(version3->empty());
}
