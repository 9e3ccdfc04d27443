// Module process on a made-up machine and against ps.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <set>
#include <sstream>

#include "modules/module.h"
#include "tests/modules/child.h"
#include "tests/modules/made_up_root.h"

using namespace mig;
using core::Json;
using Lines = std::vector<std::string>;

namespace {

modules::Answer run(const Json& parameters, const modules::Host& host = {}) {
  modules::Budget budget(60, 0);
  return modules::run("process", parameters, host, budget);
}

/// init, a web server with a shell below it, a program that is gone, one from memory, a kernel thread, a zombie.
class Machine {
 public:
  Machine() {
    root.file("/etc/passwd", "root:x:0:0::/:/bin/sh\nwww-data:x:33:33::/:/bin/false\n");
    root.file("/proc/stat", "cpu 1 2 3\nbtime 1700000000\nprocesses 9\n");
    root.file("/usr/sbin/nginx", "abc");
    add({1, 0, "systemd", "/usr/lib/systemd/systemd", {"/sbin/init", "splash"}, 0, 0x1ff});
    add({2, 0, "kthreadd", "", {}, 0, 0x1ff});
    add({10, 1, "nginx", "/usr/sbin/nginx", {"nginx: worker (1) of 2"}, 33, 0x400});
    add({11, 10, "sh", "/bin/dash", {"sh", "-c", "id; ls"}, 33, 0});
    add({12, 11, "a) b (c", "/tmp/.x (deleted)", {"./.x"}, 1234, 0});
    add({13, 11, "loader", "/memfd:payload (deleted)", {"[kworker/0:1]"}, 33, 0});
    add({14, 1, "gone", "", {}, 33, 0, 'Z'});
    CHECK(symlink("/var/log/nginx/access.log", root.path("/proc/10/fd/1").c_str()) == 0);
    CHECK(symlink("socket:[77]", root.path("/proc/10/fd/2").c_str()) == 0);
    CHECK(symlink("socket:[77]", root.path("/proc/10/fd/3").c_str()) == 0);
    for (const auto& [who, net] : std::vector<std::pair<std::string, int>>{{"self", 1}, {"10", 1}, {"11", 2}}) {
      root.folder("/proc/" + who + "/ns");
      CHECK(symlink(fmt::format("net:[402653{}]", net).c_str(), root.path("/proc/" + who + "/ns/net").c_str()) == 0);
    }
    root.file("/proc/99/stat", "99 (torn");
    host = {root.path(), root.path("/proc")};
  }
  Json document(const Json& parameters) const {
    Json out = *core::parse_json(run(parameters, host).to_json(), 1 << 20);
    if (out["statistics"].is_object()) out["statistics"]["exectime"] = "*";
    return out;
  }
  /// Which processes fit this one value.
  std::set<int> pids(const char* key, const char* value) const {
    std::set<int> out;
    const Json seen = document({{"searches", {{"s", {{key, {value}}}}}}});
    for (const Json& one : seen["elements"]["s"])
      if (one["process"]["pid"] != 0) out.insert(one["process"]["pid"].get<int>());
    return out;
  }
  test::MadeUpRoot root;
  modules::Host host;

 private:
  struct Facts {
    int pid, parent;
    std::string name, path;
    Lines cmdline;
    int uid;
    unsigned capabilities;
    char state = 'S';
  };
  void add(const Facts& it) {
    const std::string folder = fmt::format("/proc/{}", it.pid);
    root.folder(folder + "/fd");
    root.file(folder + "/stat", fmt::format("{} ({}) {} {} 1 1 0 -1 4194304 102 0 0 0 0 0 0 0 20 0 1 0 {} 3133440 399\n", it.pid, it.name, it.state, it.parent, it.pid * 100));
    root.file(folder + "/status", fmt::format("Name:\tx\nUid:\t0\t{}\t0\t0\nCapPrm:\tffff\nCapEff:\t{:016x}\n", it.uid, it.capabilities));
    std::string cmdline;
    for (const std::string& one : it.cmdline) cmdline += one + '\0';
    root.file(folder + "/cmdline", cmdline);
    if (!it.path.empty()) CHECK(symlink(it.path.c_str(), root.path(folder + "/exe").c_str()) == 0);
  }
};

Json nginx() {
  return {{"pid", 10}, {"ppid", 1}, {"name", "nginx"}, {"path", "/usr/sbin/nginx"}, {"cmdline", {"nginx: worker (1) of 2"}}, {"uid", 33}, {"user", "www-data"}, {"started", "2023-11-14T22:13:30Z"}};
}
Json answer(Json elements, int hits) {
  return {{"foundanything", hits > 0}, {"success", true}, {"elements", std::move(elements)}, {"errors", nullptr}, {"statistics", {{"processcount", 7}, {"totalhits", hits}, {"exectime", "*"}}}};
}
Json failed(const std::string& error) {
  return {{"foundanything", false}, {"success", false}, {"elements", nullptr}, {"statistics", nullptr}, {"errors", {error}}};
}
constexpr const char* abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

}  // namespace

TEST_CASE("process: every key finds what it says, and ! what it does not say") {
  const Machine machine;
  using Pids = std::set<int>;
  CHECK(machine.pids("names", "^(nginx|dash)$") == Pids{10, 11});  // dash: of its path
  CHECK(machine.pids("names", "!^[a-z]+$") == Pids{12});
  CHECK(machine.pids("names", R"(^a\) b \(c$)") == Pids{12});
  CHECK(machine.pids("parents", "^sh$") == Pids{12, 13});
  CHECK(machine.pids("parents", "/systemd$") == Pids{10, 14});
  CHECK(machine.pids("parents", "!.") == Pids{1, 2});
  CHECK(machine.pids("users", "^www-data$") == Pids{10, 11, 13, 14});
  CHECK(machine.pids("users", "^1234$") == Pids{12});
  CHECK(machine.pids("cmdlines", "^sh -c id; ls$") == Pids{11});
  CHECK(machine.pids("cmdlines", "!.") == Pids{2, 14});
  CHECK(machine.pids("paths", "^/tmp/.x$") == Pids{12});
  CHECK(machine.pids("paths", "!/") == Pids{2, 14});
  CHECK(machine.pids("traits", "deleted") == Pids{12, 13});
  CHECK(machine.pids("traits", "memfd") == Pids{13});
  CHECK(machine.pids("traits", "kernel") == Pids{2, 14});
  CHECK(machine.pids("traits", "!kernel") == Pids{1, 10, 11, 12, 13});
  CHECK(machine.pids("traits", "capable") == Pids{10});
  CHECK(machine.pids("traits", "namespaced") == Pids{11});
  CHECK(machine.pids("traits", "!namespaced") == Pids{10});  // of the others it is not known
  CHECK(machine.pids("sha256", abc) == Pids{10});
  CHECK(machine.pids("sha256", "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD") == Pids{10});
  CHECK(machine.pids("files", "access.log$") == Pids{10});
  CHECK(machine.pids("files", "!access.log$") == Pids{1, 2, 11, 12, 13, 14});
  CHECK(machine.pids("names", "no such") == Pids{});
}

TEST_CASE("process: matchall wants every value, otherwise each is told by itself, also that none fits") {
  const Machine machine;
  const Json all = {{"searches", {{"web", {{"names", {"nginx"}}, {"users", {"www", "!root"}}, {"description", "d"}, {"options", {{"matchall", true}}}}}}}};
  const Json asked = {{"names", {"nginx"}}, {"users", {"www", "!root"}}, {"description", "d"}, {"options", {{"matchall", true}, {"matchlimit", 1000}}}};
  CHECK(machine.document(all) == answer({{"web", {{{"process", nginx()}, {"search", asked}}}}}, 1));
  Json none = all, none_asked = asked;
  none["searches"]["web"]["users"] = none_asked["users"] = {"root"};
  CHECK(machine.document(none) == answer({{"web", {{{"process", {{"name", ""}, {"pid", 0}}}, {"search", none_asked}}}}}, 0));
  const auto one = [](const char* key, const char* value, Json process) {
    return Json{{"process", std::move(process)}, {"search", {{key, {value}}, {"options", {{"matchall", false}, {"matchlimit", 1000}}}}}};
  };
  CHECK(machine.document({{"searches", {{"any", {{"names", {"nginx", "apache"}}, {"paths", {"sbin/nginx"}}}}}}}) ==
        answer({{"any", {one("names", "nginx", nginx()), one("names", "apache", {{"name", ""}, {"pid", 0}}), one("paths", "sbin/nginx", nginx())}}}, 2));
  CHECK(machine.document({{"searches", {{"s", {{"names", {"."}}, {"options", {{"matchlimit", 3}}}}}}}})["statistics"]["totalhits"] == 3);
  CHECK(machine.document({{"searches", {{"s", {{"names", {"."}}, {"options", {{"matchlimit", 0}}}}}}}})["statistics"]["totalhits"] == 7);
}

TEST_CASE("process: what more is told on request, of living, deleted, in-memory and dead ones") {
  const Machine machine;
  const auto row = [&](int pid) {
    const Json seen = machine.document({{"searches", {{"s", {{"names", {"."}}, {"options", {{"returntree", true}, {"returnfiles", true}, {"returncapabilities", true}, {"returnnamespaces", true}, {"returnsha256", true}}}}}}}});
    for (const Json& one : seen["elements"]["s"])
      if (one["process"]["pid"] == pid) return one["process"];
    return Json();
  };
  Json web = nginx();
  web.update({{"capabilities", {"cap_net_bind_service"}}, {"namespaces", {{"net", "4026531"}}}, {"files", {"/var/log/nginx/access.log", "socket:[77]"}}, {"sha256", abc},
              {"ancestors", {{{"pid", 1}, {"name", "systemd"}}}}, {"children", {{{"pid", 11}, {"name", "sh"}}}}});
  CHECK(row(10) == web);
  CHECK(row(12) == Json{{"pid", 12}, {"ppid", 11}, {"name", "a) b (c"}, {"path", "/tmp/.x"}, {"deleted", true}, {"cmdline", {"./.x"}}, {"uid", 1234}, {"user", "1234"}, {"started", "2023-11-14T22:13:32Z"},
                        {"capabilities", Json::array()}, {"namespaces", Json::object()}, {"files", Json::array()}, {"children", Json::array()},
                        {"ancestors", {{{"pid", 11}, {"name", "sh"}}, {{"pid", 10}, {"name", "nginx"}}, {{"pid", 1}, {"name", "systemd"}}}}});
  CHECK(row(13)["memfd"] == true);
  CHECK(row(13)["path"] == "/memfd:payload");
  CHECK(row(14) == Json{{"pid", 14}, {"ppid", 1}, {"name", "gone"}, {"path", ""}, {"dead", true}, {"cmdline", Json::array()}, {"uid", 33}, {"user", "www-data"}, {"started", "2023-11-14T22:13:34Z"},
                        {"capabilities", Json::array()}, {"namespaces", Json::object()}, {"files", Json::array()}, {"children", Json::array()}, {"ancestors", {{{"pid", 1}, {"name", "systemd"}}}}});
}

TEST_CASE("process prints lines and masks what is private") {
  const Machine machine;
  const auto* module = modules::find("process");
  modules::Answer answer = run({{"searches", {{"a", {{"names", {"^sh$", "none"}}, {"options", {{"returntree", true}}}}}, {"b", {{"traits", {"deleted"}}, {"names", {"c$"}}, {"options", {{"matchall", true}}}}}}}}, machine.host);
  answer.statistics["exectime"] = "1ms";
  const Lines found = {"/bin/dash [pid:11, ppid:10, user:www-data, started:2023-11-14T22:13:31Z] < nginx[10] < systemd[1] in search 'a' on checks name='^sh$'",
                       "/tmp/.x (deleted) [pid:12, ppid:11, user:1234, started:2023-11-14T22:13:32Z] in search 'b'"};
  CHECK(module->print(answer, true) == found);
  CHECK(module->print(answer, false) == Lines{found[0], "0 match found in search 'a' on checks name='none'", found[1], "Statistics: 7 processes checked, 2 matched, ran in 1ms."});
  module->mask(answer);
  CHECK(answer.elements["a"][0]["process"] == Json{{"pid", 11}, {"ppid", 10}, {"name", "masked"}, {"path", "masked"}, {"cmdline", {"masked", "masked", "masked"}}, {"uid", 33}, {"user", "masked"},
                                                   {"started", "2023-11-14T22:13:31Z"}, {"ancestors", {{{"pid", 10}, {"name", "masked"}}, {{"pid", 1}, {"name", "masked"}}}},
                                                   {"children", {{{"pid", 12}, {"name", "masked"}}, {{"pid", 13}, {"name", "masked"}}}}});
  CHECK(module->print(modules::Answer::failure("why"), false) == Lines{"why"});
}

TEST_CASE("process answers parameters of any shape with one well-formed refusal") {
  const std::vector<std::pair<Json, std::string>> cases = {
      {nullptr, ""},
      {{{"searches", Json::object()}}, ""},
      {{{"searches", {{"a b", {{"names", {"x"}}}}}}}, ""},
      {{{"searches", {{"a", Json::object()}}}}, "searches.a: nothing is asked; give a name (-name sshd), or . for every process"},
      {{{"searches", {{"a", {{"names", {"("}}}}}}}, ""},
      {{{"searches", {{"a", {{"names", {""}}}}}}}, ""},
      {{{"searches", {{"a", {{"traits", {"evil"}}}}}}}, "searches.a.traits: 'evil' is none; write capable, deleted, kernel, memfd or namespaced, or ! and one of them"},
      {{{"searches", {{"a", {{"sha256", {"abc"}}}}}}}, "searches.a.sha256: 'abc' is no SHA-256; write its 64 hexadecimal digits"},
      {{{"searches", {{"a", {{"names", 5}}}}}}, ""},
      {{{"searches", {{"a", {{"names", {"x"}}, {"options", {{"matchlimit", -1}}}}}}}}, ""},
      {"x", ""},
  };
  for (const auto& [parameters, error] : cases) {
    INFO(parameters);
    const Json seen = *core::parse_json(run(parameters).to_json(), 1 << 20);
    REQUIRE(seen["errors"].size() == 1);
    if (!error.empty()) CHECK(seen == failed(error));
    CHECK(seen == failed(seen["errors"][0]));
  }
  const auto flags = core::from_flags(modules::find("process")->parameters(), {"-name", "sshd", "-trait", "!kernel", "-user", "root", "-returntree"});
  REQUIRE(flags);
  CHECK((*flags)["searches"]["s1"]["options"]["matchall"] == true);
  CHECK(run({{"searches", {{"a", {{"names", {"."}}}}}}}, {"", "/nonexistent"}).errors == Lines{"unsupported: there is no /proc, or it shows no process"});
}

TEST_CASE("process keeps what it found when its budget is spent") {
  modules::Budget small(60, 500);
  const auto seen = modules::run("process", {{"searches", {{"a", {{"names", {"."}}}}}}}, Machine().host, small);
  CHECK(!seen.success);
  CHECK(seen.errors == Lines{"stopped at 500 bytes of result (size limit)"});
  CHECK(seen.statistics["totalhits"] > 0);
  CHECK(seen.statistics["totalhits"] < 7);
}

TEST_CASE("process agrees with ps on this machine; what only one of them saw lived no longer than the look") {
  if (std::system("command -v ps >/dev/null 2>&1") != 0) {
    WARN("skipped: there is no ps here");
    return;
  }
  // A worker of the kernel is named after what it does at the moment: two looks may differ.
  const auto lasting = [](const std::string& name) { return name.starts_with("kworker/") ? std::string("kworker") : name; };
  const auto ps = [&] {
    std::map<int, std::string> out;
    FILE* pipe = popen("ps -e -o pid=,ppid=,euid=,comm= 2>/dev/null", "r");
    char line[1024];
    while (pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr) {
      std::istringstream in(line);
      int pid, parent;
      long uid;
      std::string name;
      in >> pid >> parent >> uid;
      std::getline(in >> std::ws, name);
      if (const auto dead = name.find(" <defunct>"); dead != name.npos) name.erase(dead);
      out[pid] = fmt::format("{} {} {}", parent, uid, lasting(name));
    }
    if (pipe != nullptr) pclose(pipe);
    return out;
  };
  const auto ours = [&] {
    std::map<int, std::string> out;
    const modules::Answer seen = run({{"searches", {{"a", {{"names", {".", "^$"}}, {"options", {{"matchlimit", 0}}}}}}}});
    for (const Json& one : seen.elements["a"])
      if (const Json& process = one["process"]; process["pid"] != 0) out[process["pid"].get<int>()] = fmt::format("{} {} {}", process.value("ppid", 0), process.value("uid", 0L), lasting(process["name"].get<std::string>()));
    return out;
  };
  const auto before = ps(), seen = ours(), after = ps(), again = ours();
  REQUIRE(before.size() > 1);
  std::size_t compared = 0;
  for (const auto& [pid, facts] : before) {
    const auto later = after.find(pid);
    if (later == after.end() || later->second != facts) continue;
    INFO("ps: " << pid << " " << facts);
    REQUIRE(seen.contains(pid));
    CHECK(seen.at(pid) == facts);
    ++compared;
  }
  for (const auto& [pid, facts] : seen) {
    INFO("process: " << pid << " " << facts);
    if (const auto later = again.find(pid); later != again.end() && later->second == facts) CHECK((before.contains(pid) || after.contains(pid)));
  }
  CHECK(compared > 1);
}

TEST_CASE("process finds a program from memory and one whose file is gone, with their sums") {
  test::MadeUpRoot place;
  std::vector<pid_t> children;
  int hold[2];
  REQUIRE(pipe2(hold, O_CLOEXEC) == 0);
  const auto start = [&](int program) {
    const pid_t pid = fork();
    if (pid == 0) {
      dup2(hold[0], 0);  // cat waits for it
      char name[] = "cat", *arguments[] = {name, nullptr}, *nothing[] = {nullptr};
      fexecve(program, arguments, nothing);
      _exit(1);
    }
    children.push_back(pid);
  };
  const auto copy = [](int into) {
    const int from = open("/bin/cat", O_RDONLY | O_CLOEXEC);
    char block[65536];
    for (ssize_t got; (got = read(from, block, sizeof block)) > 0;) (void)!write(into, block, static_cast<std::size_t>(got));
    close(from);
  };
  const int memory = memfd_create("payload", MFD_CLOEXEC);
  copy(memory);
  start(memory);
  const std::string path = place.path("/dropped");
  const int file = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
  copy(file);
  close(file);
  const int program = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  start(program);
  // Once it runs the program, /proc says so; then its file may go.
  const auto runs = [](pid_t pid, const std::string& wanted) {
    char text[512];
    for (int i = 0; i < 5000; ++i) {
      const ssize_t size = readlink(fmt::format("/proc/{}/exe", pid).c_str(), text, sizeof text);
      if (size > 0 && std::string_view(text, static_cast<std::size_t>(size)).starts_with(wanted)) return true;
      usleep(1000);
    }
    return false;
  };
  CHECK(runs(children[0], "/memfd:payload"));
  CHECK(runs(children[1], path));
  unlink(path.c_str());
  const Json seen = run({{"searches", {{"gone", {{"traits", {"deleted"}}, {"names", {"^(dropped|payload|memfd:payload)$"}}, {"options", {{"matchall", true}, {"returnsha256", true}}}}}}}}).elements["gone"];
  const Json cat = run({{"searches", {{"s", {{"names", {"^modules_test$"}}, {"options", {{"returnsha256", true}}}}}}}}).elements["s"];
  CHECK(cat[0]["process"].value("sha256", "").size() == 64);
  std::map<int, Json> by_pid;
  for (const Json& one : seen) by_pid[one["process"]["pid"].get<int>()] = one["process"];
  REQUIRE(by_pid.contains(children[0]));
  REQUIRE(by_pid.contains(children[1]));
  CHECK(by_pid[children[0]].value("path", "") == "/memfd:payload");
  CHECK(by_pid[children[0]].value("memfd", false));
  CHECK(by_pid[children[1]].value("path", "") == path);
  CHECK(!by_pid[children[1]].contains("memfd"));
  CHECK(by_pid[children[0]].value("sha256", "0") == by_pid[children[1]].value("sha256", "1"));  // both are the same program
  close(hold[1]);
  close(hold[0]);
  close(memory);
  close(program);
  for (const pid_t pid : children) waitpid(pid, nullptr, 0);
}
