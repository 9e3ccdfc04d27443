#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "investigator/files.h"
#include "investigator/mesh_init.h"
#include "tests/investigator/gpg_home.h"

using namespace mig;
using namespace mig::investigator;
using Catch::Matchers::Contains;
using tests::GpgHome;
using tests::TempDir;

namespace {

struct Mesh {
  GpgHome gnupg;
  TempDir dir;
  std::string path = dir.path() + "/home";
  core::Fingerprint ada;

  Mesh() {
    auto key = gnupg.gpg().make_key("Ada <ada@example.org>");
    REQUIRE(key);
    ada = *key;
  }
  Home make() {
    auto home = make_mesh(path, {"demo", "ada@", gnupg.path()});
    INFO((home ? "" : home.error().text));
    REQUIRE(home);
    return *home;
  }
};

unsigned mode_of(const std::string& path) {
  struct stat found {};
  REQUIRE(stat(path.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

void append(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::app) << text; }

core::Endpoint endpoint(const std::string& address, unsigned char octet) {
  core::Endpoint out{address, {}};
  out.key.octets.fill(octet);
  return out;
}

}  // namespace

TEST_CASE("a directory without a mesh says how to make one") {
  TempDir dir;
  auto home = Home::open(dir.path());
  REQUIRE_FALSE(home);
  CHECK(home.error().code == core::Code::not_found);
  CHECK_THAT(home.error().text, Contains("mig mesh init") && Contains("MIG_HOME") && Contains(dir.path()));
}

TEST_CASE("a new mesh is one that its own home trusts, and nobody else may read") {
  Mesh mesh;
  Home made = mesh.make();
  auto home = Home::open(mesh.path);
  REQUIRE(home);
  CHECK(home->trust().mesh == made.trust().mesh);
  CHECK(home->config().key == mesh.ada);
  CHECK(home->roster().version == 1);
  REQUIRE(home->roster().by_fingerprint(mesh.ada) != nullptr);
  CHECK(home->roster().access.at("default").minimum_weight == 1);
  CHECK(home->roster().access.at("default").weights.at(mesh.ada) == 1);
  REQUIRE(home->enroller_seed());
  CHECK(home->roster().enrollers == std::vector{core::Keys(*home->enroller_seed()).sign_public()});
  CHECK(core::verify_roster(home->signed_roster(), home->trust(), wall_now()));
  CHECK(mode_of(mesh.path) == 0700);
  for (const auto& entry : std::filesystem::directory_iterator(mesh.path)) CHECK(mode_of(entry.path()) == 0600);
}

TEST_CASE("a mesh is never overwritten") {
  Mesh mesh;
  Home first = mesh.make();
  auto again = make_mesh(mesh.path, {"other", "ada@", mesh.gnupg.path()});
  REQUIRE_FALSE(again);
  CHECK_THAT(again.error().text, Contains("there is a mesh already"));
  CHECK(Home::open(mesh.path)->trust().name == "demo");
}

TEST_CASE("a mesh needs a key that can also be written to") {
  Mesh mesh;
  mesh.gnupg.key("Bob <bob@example.org>", "ed25519", "sign");
  auto home = make_mesh(mesh.path, {"demo", "bob@", mesh.gnupg.path()});
  REQUIRE_FALSE(home);
  CHECK_THAT(home.error().text, Contains("cv25519 encr"));
  auto unnamed = make_mesh(mesh.path, {"de mo", "ada@", mesh.gnupg.path()});
  REQUIRE_FALSE(unnamed);
  CHECK_THAT(unnamed.error().text, Contains("de mo"));
  CHECK_FALSE(std::filesystem::exists(mesh.path));
}

TEST_CASE("a roster that was changed by hand is refused") {
  Mesh mesh;
  mesh.make();
  std::string path = mesh.path + "/roster.json";
  auto text = read_file(path);
  REQUIRE(text);
  std::size_t at = text->find("\"minimumweight\": 1");
  REQUIRE(at != std::string::npos);
  (*text)[at + 17] = '0';
  REQUIRE(write_private(path, *text));
  auto home = Home::open(mesh.path);
  REQUIRE_FALSE(home);
  CHECK_THAT(home.error().text, Contains("roster.json"));
}

TEST_CASE("the config names its file and what it does not know") {
  Mesh mesh;
  mesh.make();
  std::string path = mesh.path + "/config.toml";
  SECTION("macros are targets") {
    append(path, "web = \"tags->>'role'='web'\"\n");
    auto home = Home::open(mesh.path);
    REQUIRE(home);
    CHECK(home->target_of("web") == "tags->>'role'='web'");
    CHECK(home->target_of("status='online'") == "status='online'");
  }
  SECTION("unknown keys") {
    auto text = read_file(path);
    REQUIRE(write_private(path, "gnupghome = \"/x\"\n" + *text));
    auto home = Home::open(mesh.path);
    REQUIRE_FALSE(home);
    CHECK_THAT(home.error().text, Contains("config.toml") && Contains("gnupg_home"));
  }
  SECTION("no TOML") {
    append(path, "= nothing\n");
    auto home = Home::open(mesh.path);
    REQUIRE_FALSE(home);
    CHECK_THAT(home.error().text, Contains("config.toml") && Contains("line"));
  }
}

TEST_CASE("an enroller key that others may read is refused") {
  Mesh mesh;
  mesh.make();
  std::filesystem::permissions(mesh.path + "/enroller.seed", std::filesystem::perms(0640));
  auto home = Home::open(mesh.path);
  REQUIRE_FALSE(home);
  CHECK_THAT(home.error().text, Contains("chmod 600"));
}

TEST_CASE("relays are kept, renamed and moved") {
  Mesh mesh;
  Home home = mesh.make();
  REQUIRE(home.add_relay({"", endpoint("tcp://a:1", 1)}));
  REQUIRE(home.add_relay({"relay-1", endpoint("tcp://a:1", 1)}));
  REQUIRE(home.add_relay({"relay-2", endpoint("tcp://b:1", 2)}));
  REQUIRE(home.add_relay({"relay-2", endpoint("tcp://b:2", 2)}));
  auto again = Home::open(mesh.path);
  REQUIRE(again);
  REQUIRE(again->relays().size() == 2);
  CHECK(again->relays()[0].name == "relay-1");
  CHECK(again->relays()[1].endpoint == endpoint("tcp://b:2", 2));
}

TEST_CASE("a session is signed once and used again without gpg") {
  Mesh mesh;
  Home home = mesh.make();
  core::Bytes packed;
  core::SinkId sink;
  {
    auto slot = home.session();
    REQUIRE(slot);
    packed = (*slot)->packed;
    sink = (*slot)->sink;
    auto verified = core::verify_session(packed, home.roster(), wall_now());
    REQUIRE(verified);
    CHECK(verified->session.investigator == mesh.ada);
    CHECK(verified->session.sink == sink);
    CHECK(verified->session.link_key == core::Keys((*slot)->seed).link_public());
    CHECK(verified->session.not_after <= wall_now() + session_life_ms);
    CHECK(mode_of(mesh.path + "/session.1") == 0600);
  }
  std::filesystem::remove_all(mesh.gnupg.path() + "/private-keys-v1.d");
  auto again = home.session();
  REQUIRE(again);
  CHECK((*again)->packed == packed);
  CHECK((*again)->sink == sink);
  CHECK_FALSE(home.session());  // a second slot has no document yet, and nobody can sign it now
}

TEST_CASE("a torn session file is an empty slot") {
  Mesh mesh;
  Home home = mesh.make();
  REQUIRE(home.session());
  REQUIRE(write_private(mesh.path + "/session.1", "{\"sink\": \"00"));
  auto slot = home.session();
  REQUIRE(slot);
  CHECK((*slot)->number() == 1);
  CHECK(core::verify_session((*slot)->packed, home.roster(), wall_now()));
}

TEST_CASE("two programs never share a sink") {
  Mesh mesh;
  Home home = mesh.make();
  int told[2], go[2];
  REQUIRE(pipe(told) == 0);
  REQUIRE(pipe(go) == 0);
  pid_t other = fork();
  REQUIRE(other >= 0);
  if (other == 0) {  // holds its slot until told to go
    auto mine = home.session();
    core::Bytes sink = mine ? (*mine)->sink.bytes() : core::Bytes(16, '\0');
    bool ok = write(told[1], sink.data(), sink.size()) == 16;
    char byte = 0;
    ok = read(go[0], &byte, 1) == 1 && ok;
    _exit(ok ? 0 : 1);
  }
  char octets[16];
  REQUIRE(read(told[0], octets, sizeof octets) == sizeof octets);
  core::SinkId theirs = *core::SinkId::from({octets, sizeof octets});
  CHECK_FALSE(theirs.empty());
  {
    auto slot = home.session();
    REQUIRE(slot);
    CHECK((*slot)->number() == 2);
    CHECK((*slot)->sink != theirs);
  }
  CHECK(write(go[1], "x", 1) == 1);
  int status = -1;
  REQUIRE(waitpid(other, &status, 0) == other);
  CHECK(status == 0);
  auto slot = home.session();
  REQUIRE(slot);
  CHECK((*slot)->number() == 1);  // the lock died with its holder, the sink lives on
  CHECK((*slot)->sink == theirs);
  for (int fd : {told[0], told[1], go[0], go[1]}) close(fd);
}

TEST_CASE("a home has eight slots and says so when all are taken") {
  Mesh mesh;
  Home home = mesh.make();
  std::vector<std::unique_ptr<SessionSlot>> held;
  for (int i = 0; i < session_slots; ++i) {
    auto slot = home.session();
    REQUIRE(slot);
    held.push_back(std::move(*slot));
  }
  auto one_more = home.session();
  REQUIRE_FALSE(one_more);
  CHECK(one_more.error().code == core::Code::later);
  CHECK_THAT(one_more.error().text, Contains("8 programs"));
}

TEST_CASE("what a machine is made of comes from the home, and a strange relay is answered with the known ones") {
  Mesh mesh;
  Home home = mesh.make();
  auto ledger = home.ledger();
  REQUIRE(ledger);
  auto slot = home.session();
  REQUIRE(slot);
  auto none = home.investigator_setting(**slot, **ledger);
  REQUIRE_FALSE(none);
  CHECK_THAT(none.error().text, Contains("mig relays add"));
  REQUIRE(home.add_relay({"relay-1", endpoint("tcp://a:1", 1)}));
  REQUIRE(home.add_relay({"relay-2", endpoint("tcp://b:1", 2)}));
  auto all = home.investigator_setting(**slot, **ledger);
  REQUIRE(all);
  CHECK(all->relays.size() == 2);
  CHECK(all->session == (*slot)->packed);
  CHECK(all->sink == (*slot)->sink);
  CHECK(all->roster == home.signed_roster());
  for (const char* word : {"relay-2", "tcp://b:1"}) {
    auto one = home.investigator_setting(**slot, **ledger, word);
    REQUIRE(one);
    CHECK(one->relays == std::vector{endpoint("tcp://b:1", 2)});
  }
  auto strange = home.investigator_setting(**slot, **ledger, "relay-9");
  REQUIRE_FALSE(strange);
  CHECK(strange.error().code == core::Code::not_found);
  CHECK_THAT(strange.error().text, Contains("relay-9") && Contains("relay-1") && Contains("relay-2"));
}
