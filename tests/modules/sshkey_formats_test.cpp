// Every kind and format of key that ssh-keygen and openssl write, told as ssh-keygen tells it.
#include <unistd.h>
#include <catch2/catch.hpp>

#include "sshkey_machine.h"

using namespace mig;
using namespace mig::test::keys;
namespace sshkey = mig::modules::sshkey;

TEST_CASE("every kind and format that ssh-keygen writes is told as ssh-keygen tells it", "[sshkey]") {
  if (no_keygen()) return;
  struct Made {
    const char *how, *format, *kind;
    int bits;
    bool encrypted;
  };
  const std::vector<Made> all = {
      {"-t rsa -b 1024 -N ''", "openssh", "RSA", 1024, false},
      {"-t rsa -b 2048 -N secret", "openssh", "RSA", 2048, true},
      {"-t rsa -b 1024 -m PEM -N ''", "pem", "RSA", 1024, false},
      {"-t rsa -b 1024 -m PEM -N secret", "pem", "RSA", 0, true},
      {"-t rsa -b 1024 -m PKCS8 -N ''", "pkcs8", "RSA", 1024, false},
      {"-t rsa -b 1024 -m PKCS8 -N secret", "pkcs8", "", 0, true},
      {"-t dsa -N ''", "openssh", "DSA", 1024, false},
      {"-t dsa -m PEM -N ''", "pem", "DSA", 1024, false},
      {"-t dsa -m PKCS8 -N ''", "pkcs8", "DSA", 1024, false},
      {"-t ecdsa -b 256 -N ''", "openssh", "ECDSA", 256, false},
      {"-t ecdsa -b 384 -m PEM -N ''", "pem", "ECDSA", 384, false},
      {"-t ecdsa -b 521 -m PEM -N ''", "pem", "ECDSA", 521, false},
      {"-t ecdsa -b 256 -m PKCS8 -N ''", "pkcs8", "ECDSA", 256, false},
      {"-t ecdsa -b 521 -m PKCS8 -N ''", "pkcs8", "ECDSA", 521, false},
      {"-t ecdsa -b 256 -m PEM -N secret", "pem", "ECDSA", 0, true},
      {"-t ed25519 -N ''", "openssh", "ED25519", 256, false},
      {"-t ed25519 -N secret", "openssh", "ED25519", 256, true},
  };
  const Machine machine;
  Json wanted = Json::array();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string path = fmt::format("/home/me/{:02}", i);
    if (!machine.keygen(path, all[i].how)) {
      WARN("left out: this ssh-keygen does not make " << all[i].how);
      continue;
    }
    wanted.push_back(generated_row(machine, path, all[i].format, all[i].kind, all[i].bits, all[i].encrypted));
  }
  REQUIRE(wanted.size() > 10);
  for (const Json& row : wanted) unlink((machine.root.path(row["path"].get<std::string>() + ".pub")).c_str());
  CHECK(machine.answer() == whole(wanted));
}

TEST_CASE("a private key without its public half gets it computed, and a curve unknown to SSH is only named",
          "[sshkey]") {
  if (no_keygen() || shell("command -v openssl").empty()) return;
  const Machine machine;
  REQUIRE(machine.keygen("/home/me/ec", "-t ecdsa -b 384 -m PEM -N ''"));
  REQUIRE(machine.keygen("/home/me/ed", "-t ed25519 -N ''"));
  const std::string home = machine.root.path("/home/me/");
  shell(fmt::format("openssl ec -in {0}ec -no_public -out {0}bare; rm {0}ec", home));
  shell(fmt::format("openssl ecparam -name secp256k1 -genkey -noout -out {}other", home));
  shell(fmt::format(
      "openssl genpkey -algorithm ed25519 -out {0}seed; openssl genpkey -algorithm x25519 -out {0}xchange",
      home));
  const std::string der = shell(fmt::format("openssl pkey -in {}seed -pubout -outform DER", home));
  REQUIRE(der.size() == 44);
  machine.root.file("/home/me/seed.pub",
                    "ssh-ed25519 " + core::to_base64(wire({"ssh-ed25519", der.substr(12)})) + "\n");
  Json bare = generated_row(machine, "/home/me/ec", "pem", "ECDSA", 384, false),
       seed = generated_row(machine, "/home/me/seed", "pkcs8", "ED25519", 256, false);
  bare["path"] = "/home/me/bare";
  const Json ed = generated_row(machine, "/home/me/ed", "openssh", "ED25519", 256, false);
  const Json other = generated_row(machine, "/home/me/other", "pem", "ECDSA", 0, false),
             exchange = generated_row(machine, "/home/me/xchange", "pkcs8", "", 0, false);
  for (const char* name : {"ec.pub", "ed.pub", "seed.pub"}) unlink((home + name).c_str());
  CHECK(machine.answer() == whole({bare, ed, other, seed, exchange}));
}

TEST_CASE("public keys are told in every form ssh-keygen exports", "[sshkey]") {
  if (no_keygen()) return;
  const Machine machine;
  REQUIRE(machine.keygen("/home/me/rsa", "-t rsa -b 1024 -N ''"));
  const std::string home = machine.root.path("/home/me/");
  for (const char* form : {"PEM", "PKCS8", "RFC4716"})
    std::system(fmt::format("ssh-keygen -e -m {0} -f {1}rsa.pub > {1}{0}", form, home).c_str());
  unlink((home + "rsa").c_str());
  Json row = generated_row(machine, "/home/me/rsa", "line", "RSA", 1024, false);
  row["type"] = "public";
  Json wanted = Json::array();
  for (auto [name, format] :
       {std::pair("PEM", "pem"), {"PKCS8", "pkcs8"}, {"RFC4716", "rfc4716"}, {"rsa.pub", "line"}}) {
    row["path"] = std::string("/home/me/") + name;
    row["format"] = format;
    row.erase("comment");
    if (row["format"] == "line") row["comment"] = "me@here";
    wanted.push_back(row);
  }
  Json got = machine.answer();
  // Who converted it, and where, stands in RFC 4716's comment.
  CHECK(got["elements"]["keys"][2]["comment"].get<std::string>().starts_with("1024-bit RSA, converted by "));
  got["elements"]["keys"][2].erase("comment");
  CHECK(got == whole(wanted));
}

TEST_CASE("certificates tell whom they hold for, and the fingerprint is that of the key in them",
          "[sshkey]") {
  if (no_keygen()) return;
  const Machine machine;
  REQUIRE(machine.keygen("/root/ca", "-t ed25519 -N ''"));
  for (const char* kind : {"rsa", "ecdsa", "ed25519"})
    REQUIRE(machine.keygen(fmt::format("/home/me/{}", kind), fmt::format("-t {} -N ''", kind)));
  const std::string sign = "ssh-keygen -q -s " + machine.root.path("/root/ca"),
                    home = machine.root.path("/home/me/");
  REQUIRE(std::system(
              fmt::format(
                  "{0} -I 'the rsa' -n alice,bob -z 18446744073709551615 -V 20200101120000Z:20300101120000Z "
                  "-O clear -O permit-pty -O force-command=/bin/true {1}rsa.pub 2>/dev/null",
                  sign, home)
                  .c_str()) == 0);
  REQUIRE(
      std::system(fmt::format("{0} -h -I host {1}ecdsa.pub; {0} -I ed -O clear {1}ed25519.pub", sign, home)
                      .c_str()) == 0);
  const std::string signer = keygens(machine.root.path("/root/ca.pub"), "sha256");
  const auto row = [&](const std::string& name, const std::string& kind, int bits, Json certificate) {
    Json out = generated_row(machine, "/home/me/" + name, "line", kind, bits, false);
    out["path"] = "/home/me/" + name + "-cert.pub";
    out["type"] = "public";
    out["comment"] = "me@here";
    certificate["signer_sha256"] = signer;
    out["certificate"] = std::move(certificate);
    return out;
  };
  const Json rsa = row("rsa", "RSA", 3072,
                       {{"for", "user"},
                        {"id", "the rsa"},
                        {"serial", "18446744073709551615"},
                        {"principals", {"alice", "bob"}},
                        {"validafter", "2020-01-01T12:00:00Z"},
                        {"validbefore", "2030-01-01T12:00:00Z"},
                        {"criticaloptions", {"force-command=/bin/true"}},
                        {"extensions", {"permit-pty"}}});
  const Json ecdsa = row("ecdsa", "ECDSA", 256, {{"for", "host"}, {"id", "host"}, {"serial", "0"}}),
             ed = row("ed25519", "ED25519", 256, {{"for", "user"}, {"id", "ed"}, {"serial", "0"}});
  std::system(fmt::format("cd {} && rm rsa ecdsa ed25519 rsa.pub ecdsa.pub ed25519.pub", home).c_str());
  CHECK(machine.answer({{"paths", {"/home"}}}) == whole({ecdsa, ed, rsa}));
}
