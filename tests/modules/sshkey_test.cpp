// sshkey on made-up machines: lines, paths, limits, printing.
#include <unistd.h>
#include <catch2/catch.hpp>

#include "child.h"
#include "sshkey_machine.h"

using namespace mig;
using namespace mig::test::keys;
namespace sshkey = mig::modules::sshkey;

TEST_CASE("security keys are told with what they were made for, as line, private key and certificate",
          "[sshkey]") {
  const Machine machine;
  const std::string ed = wire({"sk-ssh-ed25519@openssh.com", std::string(32, 'k'), "ssh:"});
  const std::string ec =
      wire({"sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", "\x04" + std::string(64, 'p'), "ssh:work"});
  std::string certificate =
      wire({"sk-ssh-ed25519-cert-v01@openssh.com", "nonce", std::string(32, 'k'), "ssh:"});
  certificate += std::string(8, '\0') + std::string("\0\0\0\1", 4) + wire({"id", ""}) + std::string(8, '\0') +
                 std::string(8, '\xff') + wire({"", "", "", ed, "signature"});
  machine.root.file("/home/1.pub", "sk-ssh-ed25519@openssh.com " + core::to_base64(ed) + " me@here\n");
  machine.root.file("/home/2.pub", "sk-ecdsa-sha2-nistp256@openssh.com " + core::to_base64(ec) + "\n");
  machine.root.file("/home/3", armoured("OPENSSH PRIVATE KEY",
                                        std::string("openssh-key-v1\0", 15) + wire({"none", "none", ""}) +
                                            std::string("\0\0\0\1", 4) + wire({ec, "not looked at"})));
  machine.root.file("/home/4.pub",
                    "sk-ssh-ed25519-cert-v01@openssh.com " + core::to_base64(certificate) + "\n");
  const auto row = [](const char* path, const char* kind, const std::string& blob, const char* application) {
    return Json{{"path", path},
                {"line", 1},
                {"type", "public"},
                {"format", "line"},
                {"kind", kind},
                {"bits", 256},
                {"encrypted", false},
                {"application", application},
                {"fingerprint_md5", sshkey::md5_fingerprint(blob)},
                {"fingerprint_sha256", sshkey::sha256_fingerprint(blob)}};
  };
  Json one = row("/home/1.pub", "ED25519-SK", ed, "ssh:"),
       two = row("/home/2.pub", "ECDSA-SK", ec, "ssh:work"),
       three = row("/home/3", "ECDSA-SK", ec, "ssh:work"),
       four = row("/home/4.pub", "ED25519-SK", ed, "ssh:");
  one["comment"] = "me@here";
  three["type"] = "private";
  three["format"] = "openssh";
  four["certificate"] = {
      {"for", "user"}, {"id", "id"}, {"serial", "0"}, {"signer_sha256", sshkey::sha256_fingerprint(ed)}};
  CHECK(machine.answer() == whole({one, two, three, four}));
}

TEST_CASE("authorized_keys gives its options as they are written, and one error for all its bad lines",
          "[sshkey]") {
  const Machine machine;
  const std::string command = R"(command="/bin/x, \"y z\" # no",no-pty,from="10.0.0.0/8,!10.1.0.0/16" )";
  machine.root.file("/root/.ssh/authorized_keys",
                    "# who may come in\n\n" + command + alice +
                        "\tbackup of alice \r\nrubbish\nssh-ed25519 AAAA\ncert-authority,future-option=1 " +
                        alice + "\n" + alice);
  Json first = alice_row("/root/.ssh/authorized_keys", 3, "authorizedkeys"), second = first, third = first;
  first["options"] = {R"(command="/bin/x, \"y z\" # no")", "no-pty", R"(from="10.0.0.0/8,!10.1.0.0/16")"};
  first["comment"] = "backup of alice";
  second["line"] = 6;
  second["options"] = {"cert-authority", "future-option=1"};
  third["line"] = 7;
  CHECK(machine.answer() ==
        whole({first, second, third},
              {"/root/.ssh/authorized_keys contained unparsable data (line 4: there is no key in it)"}));
}

TEST_CASE("keys are found under any name, in the order of paths, and what only looks like one is left alone",
          "[sshkey]") {
  const Machine machine;
  machine.root.file("/home/me/notes.txt",
                    "hello\n" + alice + " in a note\nno-pty " + alice + "\nsome ssh-ed25519 AAAA text\n");
  machine.root.file("/home/me/.ssh/known_hosts", "example.net " + alice + "\n");
  machine.root.file("/home/me/.ssh/authorized_keys2", alice + "\n");
  machine.root.file("/home/me/certificate.pem", armoured("CERTIFICATE", "no key"));
  machine.root.file("/home/me/program", std::string("\0", 1) + "\n" + alice + "\n");
  machine.root.file("/home/me/large", alice + "\n" + std::string(1 << 20, '\n'));
  Json noted = alice_row("/home/me/notes.txt", 2), restricted = alice_row("/home/me/notes.txt", 3);
  noted["comment"] = "in a note";
  restricted["options"] = {"no-pty"};
  CHECK(machine.answer() ==
        whole({noted, restricted, alice_row("/home/me/.ssh/authorized_keys2", 1, "authorizedkeys")}));
}

TEST_CASE("keys that do not parse are named with the reason, and nothing of them is told", "[sshkey]") {
  const Machine machine;
  const std::string begin = "-----BEGIN RSA PRIVATE KEY-----\n";
  machine.root.file("/home/1", begin + "AAAA");
  machine.root.file("/home/2", armoured("RSA PRIVATE KEY", "no DER"));
  machine.root.file("/home/3", armoured("OPENSSH PRIVATE KEY", "no mark"));
  machine.root.file("/home/4",
                    armoured("OPENSSH PRIVATE KEY", std::string("openssh-key-v1\0", 15) + "short"));
  machine.root.file("/home/5", begin + "?!\n-----END RSA PRIVATE KEY-----\n");
  machine.root.file("/home/6", "ssh-rsa " + core::to_base64(wire({"ssh-rsa", "\x01", "\x7f"})) + "\n");
  machine.root.file("/home/7", "ssh-rsa " + alice.substr(alice.find(' ') + 1) + "\n");
  machine.root.file("/home/8", "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n");
  machine.root.file("/home/9", armoured("ENCRYPTED PRIVATE KEY", "no DER"));
  const auto bad = [](int file, const char* why) {
    return fmt::format("/home/{} contained unparsable data (line 1: {})", file, why);
  };
  CHECK(machine.answer() ==
        whole(nullptr,
              {bad(1, "the key has no end"), bad(2, "the key in it does not parse"),
               bad(3, "OpenSSH's mark is missing"), bad(4, "the key is cut short"),
               bad(5, "what stands between the dashes is not base64"), bad(6, "the modulus is too short"),
               bad(7, "the key is of another kind than the line says"),
               bad(8, "its public half is not base64"), bad(9, "the key in it does not parse")}));
}

TEST_CASE("PuTTY's files are told by their public half", "[sshkey]") {
  const Machine machine;
  const std::string letters = alice.substr(alice.find(' ') + 1);
  machine.root.file("/home/k.ppk",
                    "PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: aes256-cbc\r\nComment: "
                    "alice's\r\nPublic-Lines: 2\r\n" +
                        letters.substr(0, 64) + "\r\n" + letters.substr(64) +
                        "\r\nPrivate-Lines: 1\r\nAAAA\r\n");
  Json row = alice_row("/home/k.ppk", 1, "private");
  row["format"] = "putty";
  row["encrypted"] = true;
  row["comment"] = "alice's";
  CHECK(machine.answer() == whole({row}));
}

TEST_CASE("paths may be files, folders and links; maxdepth counts levels of folders", "[sshkey]") {
  const Machine machine;
  for (const char* place : {"/srv/a", "/srv/one/a", "/srv/one/two/a"}) machine.root.file(place, alice + "\n");
  machine.root.file("/srv/1/2/3/4/5/6/7/a", alice + "\n");
  machine.root.file("/srv/1/2/3/4/5/6/7/8/a", alice + "\n");
  symlink("one", machine.root.path("/srv/link").c_str());
  symlink("one/a", machine.root.path("/srv/linked").c_str());
  const Json top = alice_row("/srv/a", 1), linked = alice_row("/srv/linked", 1),
             one = alice_row("/srv/one/a", 1), two = alice_row("/srv/one/two/a", 1),
             seven = alice_row("/srv/1/2/3/4/5/6/7/a", 1);
  CHECK(machine.answer({{"paths", {"/srv"}}, {"maxdepth", 1}}) == whole({top, linked}));
  CHECK(machine.answer({{"paths", {"/srv"}}, {"maxdepth", 2}}) == whole({top, linked, one}));
  CHECK(machine.answer({{"paths", {"/srv"}}, {"maxdepth", 0}}) == whole({top, linked, seven, one, two}));
  CHECK(machine.answer({{"paths", {"/srv"}}}) == machine.answer({{"paths", {"/srv"}}, {"maxdepth", 8}}));
  CHECK(machine.answer({{"paths", {"/srv/one/a", "/srv/one", "/srv/link/two/"}}, {"maxdepth", 1}}) ==
        whole({one, alice_row("/srv/link/two/a", 1)}));
  CHECK(machine.answer({{"paths", {"/nowhere/at/all"}}}) ==
        whole(nullptr, {"/nowhere/at/all: No such file or directory"}));
  CHECK(machine.answer({{"paths", Json::array()}}) == whole(nullptr));
  CHECK(machine.answer({{"paths", {"/proc/self"}}}) == whole(nullptr));
}

TEST_CASE("wrong parameters are refused before anything is read, with what would be right", "[sshkey]") {
  const Machine machine;
  const auto refused = [&](const Json& parameters) {
    const Answer answer = machine.ask(parameters);
    CHECK(!answer.success);
    return answer.errors.at(0);
  };
  CHECK(refused({{"paths", {"home"}}}) == "paths: 'home' is not a full path; write one like /home");
  CHECK_THAT(refused({{"maxdepth", 1001}}), Catch::Contains("maxdepth") && Catch::Contains("1000"));
  CHECK_THAT(refused({{"maxdepth", -1}}), Catch::Contains("maxdepth"));
  CHECK_THAT(refused({{"path", {"/home"}}}), Catch::Contains("paths"));
}

TEST_CASE("sshkey reads MIG's flags, of which -path may be repeated", "[sshkey]") {
  const auto flags = core::from_flags(sshkey::module().parameters(), {"-path", "/a", "-path=/b", "-maxdepth", "3"});
  REQUIRE(flags);
  CHECK(*flags == Json{{"paths", {"/a", "/b"}}, {"maxdepth", 3}});
  CHECK(*core::from_flags(sshkey::module().parameters(), {}) == Json{{"maxdepth", 8}});
}

TEST_CASE("what may not be read is named, and the rest is told", "[sshkey]") {
  const Machine machine;
  machine.root.file("/home/me/.ssh/id.pub", alice + "\n");
  machine.root.file("/home/other/key", alice + "\n", 0);
  machine.root.folder("/home/shut");
  chmod(machine.root.path("/home/shut").c_str(), 0);
  chmod(machine.root.path().c_str(), 0755);
  const std::string said = test::in_child([&] {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
      return std::string("cannot give up rights");
    return machine.answer({{"paths", {"/home"}}}).dump();
  });
  chmod(machine.root.path("/home/shut").c_str(), 0755);
  CHECK(Json::parse(said) == whole({alice_row("/home/me/.ssh/id.pub", 1)},
                                   {"/home/other/key: Permission denied", "/home/shut: Permission denied"}));
}

TEST_CASE("a spent budget leaves what was found, with the reason", "[sshkey]") {
  const Machine machine;
  for (int i = 0; i < 9; ++i) machine.root.file(fmt::format("/home/{}", i), alice + "\n");
  const Answer answer = machine.ask(Json::object(), 60, 500);
  CHECK(!answer.success);
  CHECK(answer.found_anything);
  CHECK(answer.elements["keys"].size() < 9);
  CHECK(answer.elements["keys"][0] == alice_row("/home/0", 1));
  CHECK_THAT(answer.errors.at(0), Catch::Contains("size limit"));
}

TEST_CASE("no more than a thousand files with keys are told", "[sshkey]") {
  const Machine machine;
  for (int i = 0; i < 1001; ++i) machine.root.file(fmt::format("/home/{:04}", i), alice + "\n");
  const Answer answer = machine.ask();
  CHECK(answer.success);
  CHECK(answer.elements["keys"].size() == 1000);
  CHECK(answer.errors ==
        std::vector<std::string>{
            "paths: more than 1000 files hold keys, and the rest is left out; name narrower paths"});
}

TEST_CASE("sshkey prints MIG's lines and masks names and paths", "[sshkey]") {
  const Machine machine;
  machine.root.file("/home/authorized_keys", "no-pty " + alice + " me@here\nrubbish\n");
  machine.root.file("/home/b.pub", alice + "\n");
  machine.root.file("/home/c",
                    fmt::format("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
                                "AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"));
  machine.root.file("/home/d.ppk", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPublic-Lines: 1\n" +
                                       alice.substr(alice.find(' ') + 1) + "\n");
  Answer answer = machine.ask();
  const std::string prints = " md5fp=" + alice_md5 + " sha256fp=" + alice_sha;
  std::vector<std::string> lines = {"/home/authorized_keys [authorizedkeys]" + prints,
                                    "/home/b.pub [public]" + prints,
                                    "/home/c [private] (encrypted=true) md5fp=unknown sha256fp=unknown",
                                    "/home/d.ppk [private] (encrypted=false)" + prints};
  CHECK(sshkey::module().print(answer, true) == lines);
  lines.push_back("/home/authorized_keys contained unparsable data (line 2: there is no key in it)");
  CHECK(sshkey::module().print(answer, false) == lines);
  sshkey::module().mask(answer);
  Json masked = alice_row("masked", 1, "authorizedkeys");
  masked["comment"] = "masked";
  CHECK(answer.elements["keys"][0] == masked);
  CHECK(answer.errors == std::vector<std::string>{"masked"});
}
