#include "node/facts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "node/core/limits.h"
#include "node/core/target.h"

using namespace mig;
namespace fs = std::filesystem;

namespace {

// A made-up tree of files, gone at the end.
class MadeUp {
 public:
  MadeUp() {
    char name[] = "/tmp/mig-facts-XXXXXX";
    root_ = mkdtemp(name);
  }
  ~MadeUp() { fs::remove_all(root_); }
  void put(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  const std::string& root() const { return root_; }
  std::string environment(const char* key) const { return node::gather("", {}, root_).environment.at(key).get<std::string>(); }

 private:
  std::string root_;
};

std::string own_host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace

TEST_CASE("this machine tells what a target may ask") {
  core::AgentFacts facts = node::gather("", {{"team", "web"}}, "");
  CHECK(facts.name.rfind(own_host_name(), 0) == 0);
  CHECK(facts.pid == getpid());
  CHECK(facts.environment["os"] == "linux");
  CHECK(facts.environment["arch"] != "");
  CHECK(facts.environment["ident"] != "");
  CHECK(facts.environment["init"] != "");
  for (const core::Json& address : facts.environment["addresses"]) {
    std::string text = address.get<std::string>();
    INFO(text);
    CHECK(text.find('/') != std::string::npos);
    CHECK(text.rfind("127.", 0) != 0);
    CHECK(text != "::1/128");
  }
  auto target = core::Target::parse("environment->>'os'='linux' AND tags->>'team'='web' AND starttime > '2020-01-01'");
  REQUIRE(target);
  CHECK(target->matches(facts, facts.starttime, nullptr));
  CHECK(core::attributes_of(facts).size() <= core::limits::attributes_bytes);
}

TEST_CASE("a given name wins over the host's") { CHECK(node::gather("db7", {}, "").name == "db7"); }

TEST_CASE("ident is what os-release calls the system") {
  MadeUp tree;
  tree.put("/etc/os-release", "NAME=Rocky\n# PRETTY_NAME=no\nPRETTY_NAME=\"Rocky \\\"Linux\\\" 9.3 (Blue Onyx)\"\nVERSION=9\n");
  CHECK(tree.environment("ident") == "Rocky \"Linux\" 9.3 (Blue Onyx)");
  tree.put("/etc/os-release", "NAME='Alpine Linux'\nVERSION=3.19\r\n");
  CHECK(tree.environment("ident") == "Alpine Linux 3.19");
}

TEST_CASE("without os-release there is still an ident") {
  MadeUp tree;
  tree.put("/etc/os-release", "");
  tree.put("/usr/lib/os-release", "garbage without an equals sign\n");
  tree.put("/etc/issue", "Old Linux 7 \\n \\l\n\n");
  CHECK(tree.environment("ident") == "Old Linux 7");
  tree.put("/etc/issue", "\\S\n");
  CHECK(tree.environment("ident").rfind("Linux ", 0) == 0);
}

TEST_CASE("a pipe in place of a file does not hold the agent up") {
  MadeUp tree;
  tree.put("/usr/lib/os-release", "PRETTY_NAME=Fallback\n");
  fs::create_directories(tree.root() + "/etc");
  REQUIRE(mkfifo((tree.root() + "/etc/os-release").c_str(), 0600) == 0);
  CHECK(tree.environment("ident") == "Fallback");
}

TEST_CASE("bytes that are no text do not reach the wire") {
  MadeUp tree;
  tree.put("/etc/os-release", "PRETTY_NAME=\"Odd \xff\"\n");
  CHECK(tree.environment("ident") == "Odd \xEF\xBF\xBD");
}

TEST_CASE("init is told by the first process") {
  MadeUp tree;
  tree.put("/proc/1/comm", "systemd\n");
  CHECK(tree.environment("init") == "systemd");
  if (!fs::exists("/run/systemd/system")) {
    tree.put("/proc/1/comm", "tini\n");
    CHECK(tree.environment("init") == "tini");
    tree.put("/proc/1/comm", "init\n");
    CHECK(tree.environment("init") == (fs::exists("/usr/share/upstart") ? "upstart" : "sysvinit"));
  }
}

TEST_CASE("a short host name is made full from the hosts file") {
  std::string host = own_host_name();
  if (host.find('.') != std::string::npos) return;
  MadeUp tree;
  tree.put("/etc/hosts", "127.0.0.1 localhost\n# 10.0.0.1 " + host + ".wrong " + host + "\n10.0.0.1 " + host + ".example.net " +
                             host + " # us\n");
  CHECK(node::gather("", {}, tree.root()).name == host + ".example.net");
  tree.put("/etc/hosts", "127.0.0.1 localhost\n10.0.0.1 other.example.net other\n");
  CHECK(node::gather("", {}, tree.root()).name == host);
}

TEST_CASE("machines have Go's names") {
  CHECK(node::go_arch("x86_64") == "amd64");
  CHECK(node::go_arch("aarch64") == "arm64");
  CHECK(node::go_arch("armv7l") == "arm");
  CHECK(node::go_arch("i686") == "386");
  CHECK(node::go_arch("riscv64") == "riscv64");
}
