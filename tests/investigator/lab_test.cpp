// The lab with stand-ins for the programs: scripts that say in their log what the real ones say. The real ones are
// brought up in tests/real.
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "investigator/commands/command.h"
#include "investigator/files.h"
#include "investigator/lab.h"
#include "investigator/lab_node.h"
#include "investigator/lab_root.h"
#include "tests/investigator/gpg_home.h"

using namespace mig;
using namespace mig::investigator;
using Catch::Matchers::Contains;
using tests::TempDir;

namespace {

// Waits on a pipe nobody writes to, so that the script stays one process of its own name.
constexpr const char* stand_in = R"(#!/bin/sh
state= listen=
while [ $# -gt 0 ]; do
  case $1 in --state) state=$2;; --listen) listen=$2;; esac
  shift
done
test -e "$state/../broken" && { echo "error cannot_start why=broken"; exit 1; }
case $listen in
  *:0) echo "tcp://127.0.0.1:$((1024 + $$ % 60000))#aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" > "$state/endpoint";;
  ?*) echo "$listen#aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" > "$state/endpoint";;
esac
EVENT
test -p "$state/nobody" || mkfifo "$state/nobody"
read line < "$state/nobody"
)";

void write_stand_in(const std::string& path, const std::string& event) {
  std::string text = stand_in;
  text.replace(text.find("EVENT"), 5, event);
  std::ofstream(path) << text;
  std::filesystem::permissions(path, std::filesystem::perms(0755));
}

struct Ground {
  TempDir temp;
  LabPlan plan;

  Ground() {
    plan.dir = temp.path() + "/lab";
    plan.programs = temp.path() + "/bin";
    plan.relays = 4;
    plan.agents = 5;
    plan.ask_mesh = false;
    std::filesystem::create_directories(plan.programs);
    write_stand_in(plan.programs + "/mig-relay", "echo 'info link_up peer=relay-1'");
    write_stand_in(plan.programs + "/mig-agent", "echo 'info attached relay=relay-1'");
  }
  ~Ground() { (void)lab_down(plan.dir); }

  core::Result<Lab> up() {
    return lab_up(plan, [](const std::string&) {});
  }
};

std::size_t running(const Lab& lab) {
  std::size_t count = 0;
  for (const ProcessId& process : lab.processes()) count += runs(process);
  return count;
}

std::string value_of(const LabNode& node, const std::string& option) {
  auto at = std::find(node.words.begin(), node.words.end(), option);
  REQUIRE(at != node.words.end());
  return *(at + 1);
}

core::JoinString join_of(const LabNode& node) {
  auto join = core::join_from_text(value_of(node, "--join"));
  REQUIRE(join);
  return *join;
}

}  // namespace

TEST_CASE("a lab comes up with a mesh of its own and goes down again") {
  Ground ground;
  auto lab = ground.up();
  INFO((lab ? "" : lab.error().text));
  REQUIRE(lab);
  CHECK(running(*lab) == 9);
  auto home = Home::open(lab->mig_home());
  REQUIRE(home);
  CHECK(home->relays().size() == 4);
  CHECK(home->session());  // gpg-agent of the lab signs without asking
  auto again = ground.up();
  REQUIRE_FALSE(again);
  CHECK_THAT(again.error().text, Contains("mig lab down"));
  REQUIRE(lab_down(ground.plan.dir));
  CHECK(running(*lab) == 0);
  CHECK(lab_down(ground.plan.dir));
  CHECK(lab_down(ground.temp.path() + "/nothing"));
  auto anew = ground.up();  // nothing runs, so the old lab makes room
  REQUIRE(anew);
  CHECK(running(*anew) == 9);
}

TEST_CASE("relays of a lab form a tree of two segments, agents know their own relay first") {
  Ground ground;
  auto lab = ground.up();
  REQUIRE(lab);
  auto home = Home::open(lab->mig_home());
  REQUIRE(home);
  auto endpoint_of = [&](std::size_t relay) { return home->relays()[relay - 1].endpoint; };
  CHECK(join_of(lab->nodes[0]).enroller_seed);
  CHECK(lab->nodes[0].segment == "hq");
  CHECK(lab->nodes[1].segment == "plant-a");
  CHECK(join_of(lab->nodes[1]).relays == std::vector{endpoint_of(1)});
  CHECK(join_of(lab->nodes[2]).relays == std::vector{endpoint_of(2)});
  CHECK(join_of(lab->nodes[3]).relays == std::vector{endpoint_of(2)});
  CHECK(value_of(lab->nodes[2], "--listen") == endpoint_of(3).address);  // started again it keeps its port
  const LabNode& second = lab->nodes[5];
  CHECK(second.name == "db-1");
  CHECK(join_of(second).relays == std::vector{endpoint_of(2), endpoint_of(3), endpoint_of(4), endpoint_of(1)});
  auto permission = core::verify_invite(join_of(second).invite, join_of(second).enroller, wall_now());
  REQUIRE(permission);
  CHECK(permission->tags.at("role") == "db");
}

TEST_CASE("one node of a lab is ended as by a crash and comes back with its state") {
  Ground ground;
  auto lab = ground.up();
  REQUIRE(lab);
  REQUIRE(lab_kill(ground.plan.dir, "relay-2"));
  CHECK(running(*lab) == 8);
  CHECK_FALSE(runs(lab->nodes[1].process));
  CHECK_FALSE(lab_kill(ground.plan.dir, "relay-2"));
  auto stranger = lab_kill(ground.plan.dir, "relay-9");
  REQUIRE_FALSE(stranger);
  CHECK_THAT(stranger.error().text, Contains("relay-1") && Contains("web-1"));
  REQUIRE(lab_start(ground.plan.dir, "relay-2", 20));
  CHECK_FALSE(lab_start(ground.plan.dir, "relay-2", 20));
  auto now = read_lab(ground.plan.dir);
  REQUIRE(now);
  CHECK(running(*now) == 9);
}

TEST_CASE("a lab that does not come up says who is missing and leaves nothing running") {
  Ground ground;
  write_stand_in(ground.plan.programs + "/mig-agent",
                 "case $state in */web-2/*) echo 'alarm enrolment_refused'; exit 1;; esac; echo 'info attached'");
  auto lab = ground.up();
  REQUIRE_FALSE(lab);
  CHECK_THAT(lab.error().text, Contains("8 of 9") && Contains("web-2: ended") && Contains("enrolment_refused"));
  auto left = read_lab(ground.plan.dir);
  REQUIRE(left);
  CHECK(running(*left) == 0);
}

TEST_CASE("an agent that does not attach is waited for no longer than asked") {
  TempDir temp;
  Lab lab{temp.path(), "", {{"web-1", false, "hq", {"sleep", "600"}, {}}}};
  LabNode& node = lab.nodes[0];
  REQUIRE(start_node(lab, node));
  std::ofstream(lab.log(node), std::ios::app) << "info detached relay=attached-not\n";  // neither is the event
  core::Status there = await_event(lab, node, "attached", std::chrono::steady_clock::now());
  REQUIRE_FALSE(there);
  CHECK_THAT(there.error().text, Contains("web-1: is not attached yet") && Contains("info detached"));
  std::ofstream(lab.log(node), std::ios::app) << "info attached relay=relay-1\n";
  CHECK(await_event(lab, node, "attached", std::chrono::steady_clock::now()));
  end_processes(lab.processes(), SIGTERM, 5);
}

TEST_CASE("a lab touches nothing that is not its own") {
  Ground ground;
  SECTION("a directory with something else in it") {
    std::filesystem::create_directories(ground.plan.dir);
    std::ofstream(ground.plan.dir + "/thesis.txt") << "years of work";
    auto lab = ground.up();
    REQUIRE_FALSE(lab);
    CHECK_THAT(lab.error().text, Contains("not empty"));
    CHECK(std::filesystem::exists(ground.plan.dir + "/thesis.txt"));
  }
  SECTION("a process that has the pid of an ended one") {
    auto other = start_process({"sleep", "600"}, "/dev/null");
    REQUIRE(other);
    ProcessId recycled = *other;
    recycled.started += 1;
    ProcessId renamed = *other;
    renamed.name = "mig-relay";
    CHECK_FALSE(runs(recycled));
    end_processes({recycled, renamed}, SIGTERM, 0);
    CHECK(runs(*other));
    end_processes({*other}, SIGTERM, 5);
    CHECK_FALSE(runs(*other));
  }
  SECTION("programs that are not there") {
    std::filesystem::remove(ground.plan.programs + "/mig-agent");
    auto lab = ground.up();
    REQUIRE_FALSE(lab);
    CHECK_THAT(lab.error().text, Contains("mig-agent"));
  }
}

TEST_CASE("a process that does not listen to SIGTERM is killed") {
  TempDir temp;
  auto deaf = start_process({"sh", "-c", "trap '' TERM; echo deaf; mkfifo " + temp.path() + "/f; read x < " + temp.path() + "/f"},
                            temp.path() + "/log");
  REQUIRE(deaf);
  while (!read_file(temp.path() + "/log") || read_file(temp.path() + "/log")->empty()) std::this_thread::yield();
  end_processes({*deaf}, SIGTERM, 0.1);
  CHECK_FALSE(runs(*deaf));
}

TEST_CASE("the lab's help tells the truth about the made-up files") {
  TempDir temp;
  std::size_t implanted = 0;
  std::string text = lab_root_text();
  for (int number = 1; number <= 12; ++number) {
    LabAgent agent{number};
    std::string root = temp.path() + "/" + agent.name();
    REQUIRE(write_lab_root(agent, root));
    CHECK(std::filesystem::exists(root + "/etc/passwd"));
    CHECK(std::filesystem::exists(root + "/srv/www/index.html") == (agent.role() == "web"));
    CHECK(std::filesystem::exists(root + "/srv/db/dump.sql") == (agent.role() == "db"));
    if (!std::filesystem::exists(root + "/usr/lib/mig-lab/.sysupd")) continue;
    ++implanted;
    if (number <= 10) CHECK_THAT(text, Contains(agent.name()));
    std::size_t sum = text.find_first_of("0123456789abcdef", text.find("its sha256 is") + 13);
    std::ofstream(temp.path() + "/sums") << text.substr(sum, 64) << "  " << root << "/usr/lib/mig-lab/.sysupd\n";
    CHECK(run_process({"sha256sum", "--status", "-c", temp.path() + "/sums"}) == 0);
  }
  CHECK(implanted == 4);
}

TEST_CASE("the lab command names orders and options it does not know") {
  Globals globals;
  auto run = lab_command().run;
  CHECK(run({}, globals) == 2);
  CHECK(run({"sideways", "--dir", "/tmp/x"}, globals) == 2);
  CHECK(run({"up"}, globals) == 2);
  CHECK(run({"up", "--dir", "/tmp/x", "--relays", "0"}, globals) == 2);
  CHECK(run({"kill", "--dir", "/nonexistent/lab", "relay-1"}, globals) == 2);
  CHECK(run({"status", "--dir", "/nonexistent/lab"}, globals) == 2);
  CHECK(run({"down", "--dir", "/nonexistent/lab"}, globals) == 0);
}
