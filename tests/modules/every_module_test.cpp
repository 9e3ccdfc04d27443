// Every module of this build on one made-up machine, so that none of them looks at the real one instead.
#include <catch2/catch.hpp>

#include <unistd.h>

#include <set>

#include "made_up_root.h"
#include "modules/module.h"

using namespace mig;
using core::Json;

namespace {

constexpr const char* marker = "made-up-marker-5b1f";

/// Each thing that can be asked of it holds the marker once.
void furnish(const test::MadeUpRoot& root) {
  for (const char* folder : {"/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm", "/lib/apk/db", "/usr/lib/apk/db", "/usr/lib64", "/usr/local/lib64", "/usr/local/lib/node_modules", "/usr/lib/node_modules",
                             "/root", "/proc/net", "/proc/4000001/fd", "/sys/class/net"})
    root.folder(folder);
  root.file("/var/lib/dpkg/status", std::string("Package: ") + marker + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n");
  root.file("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
  root.file(std::string("/lab/") + marker, "version 7\nhello " + std::string(marker) + "\n");
  root.file("/home/authorized_keys", std::string("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGEhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh ") + marker + "\n");
  root.file("/proc/stat", "btime 1700000000\n");
  root.file("/proc/4000001/stat", "4000001 (" + std::string(marker).substr(0, 15) + ") S 0 1 1 0 -1 4194304 102 0 0 0 0 0 0 0 20 0 1 0 100 3133440 399\n");
  root.file("/proc/4000001/status", "Uid:\t0\t0\t0\t0\nCapEff:\t0000000000000000\n");
  root.file("/proc/4000001/cmdline", std::string(marker) + '\0');
  root.file("/proc/net/tcp", "  sl  local_address rem_address   st\n   0: 070200C0:01BB 09337BCB:C001 01 00000000:00000000 00:00000000 00000000     0        0 1002 1 0 20 4 30 10 -1\n");
  CHECK(symlink((std::string("/usr/bin/") + marker).c_str(), root.path("/proc/4000001/exe").c_str()) == 0);
}

struct Asked {
  Json parameters, elements;
};

/// Module to a question and the elements of its answer, or null where it is enough that the marker is in them.
std::map<std::string, Asked> questions() {
  const Json process = {{"pid", 4000001}, {"ppid", 0}, {"name", std::string(marker).substr(0, 15)}, {"path", std::string("/usr/bin/") + marker}, {"cmdline", {marker}}, {"uid", 0}, {"user", "root"},
                        {"started", "2023-11-14T22:13:21Z"}};
  const Json named = {{"names", {marker}}, {"options", {{"matchall", true}, {"matchlimit", 1000}}}};
  const Json test = {{"testid", "t"}, {"name", ""}, {"description", ""}, {"tags", Json::array()}, {"iserror", false}, {"error", ""}, {"masterresult", true}, {"hastrueresults", true},
                     {"results", {{{"result", true}, {"identifier", std::string("/lab/") + marker}}}}};
  return {
      {"agentdestroy", {{{"version", "1"}}, nullptr}},                                       // acts on real processes
      {"example", {{{"lookuphost", {"127.0.0.1"}}}, {{"lookeduphost", {{"127.0.0.1", {"127.0.0.1"}}}}}}},  // asks the kernel alone
      {"file", {{{"searches", {{"s", {{"paths", {"/lab"}}, {"contents", {marker}}}}}}}, nullptr}},
      {"memory", {{{"searches", {{"s", {{"names", {marker}}}}}}}, nullptr}},
      {"netstat", {{{"connectedip", {"203.123.51.9"}}}, {{"connectedip", {{"203.123.51.9", {{{"localaddr", "192.0.2.7"}, {"localport", 443}, {"namespace", "default"}, {"protocol", "tcp"},
                                                                                          {"remoteaddr", "203.123.51.9"}, {"remoteport", 49153}, {"state", "ESTABLISHED"}}}}}}}}},
      {"ping", {{{"destination", "127.0.0.1"}, {"protocol", "udp"}, {"destinationport", 9}, {"count", 1}, {"timeout", 0.01}},
                {{"latencies", {-1}}, {"protocol", "udp"}, {"resolvedhost", "127.0.0.1:9 (127.0.0.1)"}, {"failures", nullptr}}}},  // asks the network alone
      {"pkg", {{{"pkgmatch", {{"matches", {"."}}}}, {"types", {"dpkg", "rpm", "apk", "npm"}}}, {{"packages", {{{"name", marker}, {"version", "1"}, {"type", "dpkg"}, {"arch", "amd64"}}}}}}},
      {"process", {{{"searches", {{"s", {{"names", {marker}}, {"options", {{"matchall", true}}}}}}}}, {{"s", {{{"process", process}, {"search", named}}}}}}},
      {"scribe", {{{"scribedoc", {{"objects", {{{"object", "o"}, {"hasline", {{"path", "/lab"}, {"file", "."}, {"expression", "^version 7"}}}}}}, {"tests", {{{"test", "t"}, {"object", "o"}}}}}}},
                  {{"results", {test}}, {"humanoutput", false}, {"jsonoutput", false}}}},
      {"sshkey", {Json::object(), nullptr}},
      {"timedrift", {{{"drift", "5s"}, {"timeout", 0.05}, {"servers", {"127.0.0.1:9"}}}, {{"hascheckeddrift", false}, {"localtime", "*"}}}},
      {"yara", {{{"yara", std::string("rule r { strings: $a = \"hello ") + marker + "\" condition: $a }"}, {"filesearch", "-path /lab -name ."}}, nullptr}},
  };
}

}  // namespace

TEST_CASE("every module answers for the machine it is given, and what it finds there is told as whole JSON") {
  const test::MadeUpRoot root;
  furnish(root);
  std::set<std::string> asked;
  for (const auto& [name, question] : questions()) {
    INFO(name);
    asked.insert(name);
    modules::Budget budget(30, 0);
    Json answer = *core::parse_json(modules::run(name, question.parameters, {root.path(), root.path("/proc")}, budget).to_json(), 1 << 20);
    INFO(core::pretty_json(answer));
    CHECK(answer.size() == 5);
    const std::string text = answer.dump();
    CHECK(text.find(root.path()) == text.npos);  // where it really lies is nobody's business
    if (name == "timedrift") answer["elements"]["localtime"] = "*";
    if (!question.elements.is_null()) CHECK(answer["elements"] == question.elements);
    else if (name == "yara" && answer["success"] == false) WARN("libyara is not here: skipped");
    else CHECK((name == "agentdestroy" || text.find(marker) != text.npos));
  }
  std::set<std::string> built;
  for (const modules::Module* module : modules::all()) built.insert(module->parameters().name);
  CHECK(asked == built);
}
