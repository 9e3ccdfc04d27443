#include <catch2/catch.hpp>

#include "investigator/commands/command.h"
#include "investigator/join.h"
#include "investigator/mesh_init.h"
#include "tests/investigator/gpg_home.h"

using namespace mig;
using namespace mig::investigator;
using Catch::Matchers::Contains;
using tests::GpgHome;
using tests::TempDir;

namespace {

Home make_home(const GpgHome& gnupg, const TempDir& dir) {
  REQUIRE(gnupg.gpg().make_key("Ada <ada@example.org>"));
  auto made = make_mesh(dir.path() + "/home", {"demo", "ada@", gnupg.path()});
  REQUIRE(made);
  return *made;
}

struct Mesh {
  GpgHome gnupg;
  TempDir dir;
  Home home = make_home(gnupg, dir);
};

}  // namespace

TEST_CASE("the first relay is invited with the keys that make it the enroller") {
  Mesh mesh;
  auto join = invite_first_relay(mesh.home, {"relay-1", "tcp://relay.example.org:7447"});
  REQUIRE(join);
  auto read = core::join_from_text(core::to_text(*join));
  REQUIRE(read);
  REQUIRE(read->enroller_seed);
  REQUIRE(read->node_seed);
  REQUIRE(read->roster);
  CHECK(core::verify_roster(*read->roster, read->trust, wall_now()));
  REQUIRE(mesh.home.relays().size() == 1);
  CHECK(mesh.home.relays()[0].endpoint.key == core::Keys(*read->node_seed).link_public());
}

TEST_CASE("an agent's join string proves itself to the enroller, and holds none of its secrets") {
  Mesh mesh;
  REQUIRE(invite_first_relay(mesh.home, {"relay-1", "tcp://relay.example.org:7447"}));
  Guest guest;
  guest.tags["role"] = "web";
  guest.segment = "plant-a";
  guest.uses = 3;
  guest.not_after = wall_now() + 60'000;
  auto join = invite(mesh.home, guest);
  REQUIRE(join);
  auto read = core::join_from_text(core::to_text(*join));
  REQUIRE(read);
  CHECK_FALSE(read->enroller_seed);
  CHECK_FALSE(read->node_seed);
  CHECK(read->role == core::Role::agent);
  CHECK(read->relays == std::vector{mesh.home.relays()[0].endpoint});
  auto permission = core::verify_invite(read->invite, read->enroller, wall_now());
  REQUIRE(permission);
  CHECK(permission->tags == guest.tags);
  CHECK(permission->segment == "plant-a");
  CHECK(permission->uses == 3);
  REQUIRE(read->invite_secret);
  core::Keys node(fresh_seed());
  core::Bytes request = core::write_enrol_request({read->invite, node.sign_public(), node.link_public(), "web-1", "", {}},
                                                  *read->invite_secret, node);
  CHECK(core::read_enrol_request(request));
  CHECK_FALSE(core::verify_invite(read->invite, read->enroller, guest.not_after + 1));
}

TEST_CASE("invitations say what is missing") {
  Mesh mesh;
  auto lonely = invite(mesh.home, {});
  REQUIRE_FALSE(lonely);
  CHECK_THAT(lonely.error().text, Contains("--role enroller"));
  for (const char* address : {"relay:7447", "tcp://relay", "tcp://relay:0", "tcp://*:7447", "tcp://0.0.0.0:7447", "tcp://:1"}) {
    INFO(address);
    CHECK_FALSE(invite_first_relay(mesh.home, {"", address}));
  }
  CHECK(mesh.home.relays().empty());
  REQUIRE(invite_first_relay(mesh.home, {"relay-1", "tcp://relay.example.org:7447"}));
  Guest guest;
  guest.via = {"relay-7"};
  auto strange = invite(mesh.home, guest);
  REQUIRE_FALSE(strange);
  CHECK_THAT(strange.error().text, Contains("relay-7") && Contains("relay-1"));
}

TEST_CASE("the invite command refuses words that have no meaning together") {
  Mesh mesh;
  Globals globals;
  globals.home = mesh.home.dir();
  CHECK(invite_command().run({"--role", "enroller"}, globals) == 2);
  CHECK(invite_command().run({"--role", "enroller", "--endpoint", "tcp://a:1", "--tag", "a=b"}, globals) == 2);
  CHECK(invite_command().run({"--endpoint", "tcp://a:1"}, globals) == 2);
  CHECK(invite_command().run({"--role", "king"}, globals) == 2);
  CHECK(invite_command().run({"--tag", "role"}, globals) == 2);
  CHECK(invite_command().run({"--expires", "-1h"}, globals) == 2);
  CHECK(mesh.home.relays().empty());
}
