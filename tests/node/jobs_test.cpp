// Jobs against a module that turns on its machine: it is stopped, what was found before is kept, and the next
// job runs.
#include "node/jobs.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "node/wall.h"

using namespace mig;
using core::Json;
namespace fs = std::filesystem;

namespace {

struct Outcome {
  std::vector<Json> answers;  // by operation; null: none
  std::string trouble;
};

Json answer_json(const modules::Answer& answer) { return *core::parse_json(answer.to_json(), 1 << 20); }

/// Until the job's last part has come.
Outcome finish(node::Jobs& jobs, std::size_t operations) {
  Outcome out{std::vector<Json>(operations), ""};
  while (jobs.running() > 0) {
    std::vector<pollfd> polled;
    for (int fd : jobs.fds()) polled.push_back({fd, POLLIN, 0});
    poll(polled.data(), polled.size(), jobs.wait_ms().value_or(-1));
    for (const auto& part : jobs.collect()) {
      if (part.index) out.answers.at(*part.index) = answer_json(part.answer);
      if (part.last) out.trouble = part.trouble;
    }
  }
  return out;
}

Json operation(const std::string& does, Json more = Json::object(), const std::string& module = "hostile") {
  more["does"] = does;
  return {{"module", module}, {"parameters", more}};
}

class Prison {
 public:
  Prison() {
    char name[] = "/tmp/mig-jobs-XXXXXX";
    place_ = mkdtemp(name);
    chmod(place_.c_str(), 0777);
  }
  ~Prison() { fs::remove_all(place_); }
  Outcome run(Json operations, const std::function<void(node::JobSpec&)>& with = {}) {
    node::JobSpec spec;
    spec.id = ++last_;
    const std::size_t count = operations.size();
    spec.operations = std::move(operations);
    spec.seconds = 30;
    spec.polite = false;
    if (with) with(spec);
    const auto started = jobs_.start(spec);
    REQUIRE(started);
    return finish(jobs_, count);
  }
  /// What the kernel said to one attempt of `module`.
  std::string attempt(const std::string& does, Json more = Json::object(),
                      const std::string& module = "hostile") {
    auto outcome = run(Json::array({operation(does, std::move(more), module)}));
    CHECK(outcome.trouble == "");
    return outcome.answers[0].is_null()
               ? "no answer"
               : outcome.answers[0].value("elements", Json("nothing")).get<std::string>();
  }
  std::string file(const std::string& name, const std::string& text = "kept") {
    std::ofstream(place_ + "/" + name) << text;
    chmod((place_ + "/" + name).c_str(), 0666);
    return place_ + "/" + name;
  }
  std::string place() const { return place_; }
  node::Jobs& jobs() { return jobs_; }

 private:
  std::string place_;
  node::Jobs jobs_{MIG_BIN_DIR "/hostile"};
  std::uint64_t last_ = 0;
};

/// Whatever the second operation does, the first one's answer stands, and the next job runs as if nothing had
/// been.
void check_contained(Prison& prison, const std::string& does, const std::string& trouble,
                     const std::function<void(node::JobSpec&)>& with = {}) {
  const auto outcome =
      prison.run(Json::array({operation("nothing"), operation(does, {{"path", "/bin/true"}})}), with);
  CHECK(outcome.trouble == trouble);
  CHECK(outcome.answers[0].value("elements", "") == "done");
  CHECK(outcome.answers[1].is_null());
  CHECK(prison.attempt("nothing") == "done");
}

const std::string denied = "Operation not permitted";

}  // namespace

TEST_CASE("a job cannot start processes", "[wall]") {
  Prison prison;
  CHECK(prison.attempt("fork") == denied);
  CHECK(prison.attempt("group") == denied);
  check_contained(prison, "exec",
                  "forbidden: a module asked the kernel for what its wall forbids, and was ended for it");
}

TEST_CASE("a job cannot write, remove or change files", "[wall]") {
  Prison prison;
  const auto file = prison.file("theirs");
  CHECK(prison.attempt("write", {{"path", prison.place() + "/new"}}) == denied);
  CHECK(!fs::exists(prison.place() + "/new"));
  for (const char* does : {"write", "append", "unlink", "chmod"})
    CHECK(prison.attempt(does, {{"path", file}}) == denied);
  CHECK(fs::file_size(file) == 4);
  CHECK(prison.attempt("read", {{"path", file}}) == "done");
}

TEST_CASE("a job that looks into other processes cannot write files either", "[wall]") {
  Prison prison;
  const auto file = prison.file("theirs");
  for (const char* does : {"write", "append", "unlink"})
    CHECK(prison.attempt(does, {{"path", file}}, "seeing") == denied);
  CHECK(prison.attempt("read", {{"path", "/proc/" + std::to_string(getpid()) + "/maps"}}, "seeing") ==
        "done");
}

TEST_CASE("a job cannot look into processes unless its module says that it needs to", "[wall]") {
  if (node::landlock_version() == 0 && geteuid() != 0) {
    WARN("skipped: without Landlock a user's own processes stay open to that user");
    return;
  }
  Prison prison;
  CHECK(prison.attempt("read", {{"path", "/proc/" + std::to_string(getpid()) + "/mem"}}) != "done");
}

TEST_CASE("a job cannot open sockets unless its module says so, and never listens", "[wall]") {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  REQUIRE(listen(listener, 8) == 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size);
  const Json port{{"port", ntohs(at.sin_port)}};
  Prison prison;
  CHECK(prison.attempt("connect", port) == denied);
  CHECK(prison.attempt("connect", port, "networked") == "done");
  CHECK(prison.attempt("listen", {}, "networked") != "done");
  CHECK(prison.attempt("unix", {}, "networked") == denied);
  close(listener);
}

TEST_CASE("a job cannot hurt the agent or make itself more important", "[wall]") {
  Prison prison;
  CHECK(prison.attempt("kill-agent") == denied);
  CHECK(prison.attempt("priority") == denied);
  CHECK(prison.attempt("code") == denied);
  check_contained(prison, "ptrace",
                  "forbidden: a module asked the kernel for what its wall forbids, and was ended for it");
  check_contained(prison, "handle",
                  "forbidden: a module asked the kernel for what its wall forbids, and was ended for it");
}

TEST_CASE("a job takes only what the processor has to spare", "[wall]") {
  Prison prison;
  const auto outcome =
      prison.run(Json::array({operation("policy")}), [](node::JobSpec& spec) { spec.polite = true; });
  const bool sessions = access("/proc/self/autogroup", F_OK) == 0;  // they share processors where the kernel has this
  CHECK(outcome.answers[0]["elements"] == std::to_string(SCHED_IDLE) + (sessions ? " 19" : ""));
}

TEST_CASE("a job of root runs as an unprivileged user, and none can gain privileges", "[wall]") {
  Prison prison;
  const std::string user = prison.attempt("user");
  CHECK(user.ends_with(" 1"));
  if (geteuid() == 0 && user != "65534 1")
    WARN("this user namespace has no user 65534: jobs stay root without capabilities");
  if (geteuid() != 0) CHECK(user == std::to_string(geteuid()) + " 1");
}

TEST_CASE("a job of root still reads what only root may", "[wall]") {
  if (geteuid() != 0) return;
  Prison prison;
  const auto file = prison.file("secret");
  chmod(file.c_str(), 0600);
  chmod(prison.place().c_str(), 0700);
  CHECK(prison.attempt("read", {{"path", file}}) == "done");
  const Json search{
      {"searches", {{"s", {{"paths", {"/made-up"}}, {"names", {"^secret$"}}, {"contents", {"kept"}}}}}}};
  fs::create_directory(prison.place() + "/made-up");
  fs::rename(file, prison.place() + "/made-up/secret");
  const auto outcome = prison.run(Json::array({Json{{"module", "file"}, {"parameters", search}}}),
                                  [&](node::JobSpec& spec) { spec.host.root = prison.place(); });
  CHECK(outcome.answers[0]["foundanything"] == true);
}

TEST_CASE("a job that eats memory is stopped, and gives what it has", "[wall]") {
#if defined(__SANITIZE_ADDRESS__)
  WARN("skipped: the address sanitizer has no use for a bound on memory");
  return;
#endif
  Prison prison;
  const auto little = [](node::JobSpec& spec) { spec.memory_bytes = 256 << 20; };
  const auto polite = prison.run(Json::array({operation("nothing"), operation("eat-politely")}), little);
  CHECK(polite.trouble == "limit: memory");
  CHECK(polite.answers[1]["elements"] == "it found something before");
  CHECK(polite.answers[1]["errors"] == Json::array({"stopped at 234881024 bytes of memory (memory limit)"}));
  const auto greedy = prison.run(Json::array({operation("nothing"), operation("eat")}), little);
  CHECK(greedy.trouble == "limit: memory");
  CHECK(greedy.answers[0]["elements"] == "done");
  CHECK(greedy.answers[1]["errors"] ==
        Json::array({"module 'hostile' stopped: it asked for more memory than it may have (memory limit)"}));
  CHECK(prison.attempt("nothing") == "done");
}

TEST_CASE("a job that burns its processor time is stopped, and gives what it has", "[wall]") {
  Prison prison;
  const auto brief = [](node::JobSpec& spec) { spec.cpu_seconds = 1, spec.seconds = 600; };
  const auto outcome = prison.run(Json::array({operation("nothing"), operation("spin")}), brief);
  CHECK(outcome.trouble == "limit: cpu");
  CHECK(outcome.answers[1]["elements"] == "it found something before");
  CHECK(outcome.answers[1]["errors"] ==
        Json::array({"stopped: its time on the processor is used up (cpu limit)"}));
  check_contained(prison, "spin-deaf", "limit: cpu", brief);
}

TEST_CASE("a job that ignores SIGTERM is killed when its time is over", "[wall]") {
  Prison prison;
  check_contained(prison, "sleep-deaf", "timeout", [](node::JobSpec& spec) { spec.seconds = 0.2; });
}

TEST_CASE("a job that prints a gigabyte is stopped at its budget", "[wall]") {
  Prison prison;
  check_contained(prison, "print", "limit: output", [](node::JobSpec& spec) { spec.bytes_max = 100'000; });
}

TEST_CASE("a job reads only below the paths it is held to", "[wall]") {
  Prison prison;
  const auto open = prison.file("open");
  const auto held = [&](node::JobSpec& spec) { spec.readable = {prison.place()}; };
  const auto outcome = prison.run(
      Json::array({operation("read", {{"path", open}}), operation("read", {{"path", "/etc/passwd"}})}), held);
  if (node::landlock_version() == 0) {
    CHECK(outcome.trouble == "error: no wall");
    return;
  }
  CHECK(outcome.answers[0]["elements"] == "done");
  CHECK(outcome.answers[1]["elements"] == "Permission denied");
  const auto seeing = prison.run(Json::array({operation("read", {{"path", open}}, "seeing")}), held);
  CHECK(seeing.trouble == "error: no wall");
  CHECK(seeing.answers[0]["success"] == false);
}

TEST_CASE("a job that is told to stop gives what it has", "[wall]") {
  Prison prison;
  node::JobSpec spec;
  spec.id = 1000;
  spec.operations = Json::array({operation("nothing"), operation("spin")});
  spec.seconds = 600;
  spec.polite = false;
  REQUIRE(prison.jobs().start(spec));
  prison.jobs().stop(1000);
  const auto outcome = finish(prison.jobs(), 2);
  CHECK(outcome.trouble == "stopped");
}

TEST_CASE("a job runs in a control group of its own where there are any, and is ended with it", "[wall]") {
  std::string mount;
  std::ifstream mounts("/proc/self/mounts");
  for (std::string device, place, kind, rest; mounts >> device >> place >> kind && std::getline(mounts, rest);)
    if (kind == "cgroup2") mount = place;
  const std::string base = mount + "/mig-test-" + std::to_string(getpid());
  if (mount.empty() || mkdir(base.c_str(), 0755) != 0) {
    WARN("skipped: no control group may be made here");
    return;
  }
  {
    node::Jobs jobs(MIG_BIN_DIR "/hostile", node::Cgroups(base));
    node::JobSpec spec;
    spec.id = 7;
    spec.operations = Json::array({operation("nothing"), operation("sleep-deaf")});
    spec.seconds = 600;
    spec.polite = false;
    REQUIRE(jobs.start(spec));
    for (bool answered = false; !answered;) {  // then it has raised its wall
      std::vector<pollfd> polled;
      for (int fd : jobs.fds()) polled.push_back({fd, POLLIN, 0});
      poll(polled.data(), polled.size(), jobs.wait_ms().value_or(-1));
      for (const auto& part : jobs.collect()) answered |= part.index.has_value();
    }
    int inside = 0;
    std::ifstream(base + "/job-7/cgroup.procs") >> inside;
    CHECK(inside > 0);
    if (!fs::exists(base + "/job-7/cgroup.kill")) jobs.stop(7);  // before Linux 5.14 a group cannot be ended as a whole
    node::Cgroups::end(base + "/job-7");
    const auto outcome = finish(jobs, 2);
    CHECK(outcome.answers[1].is_null());
    CHECK(!fs::exists(base + "/job-7"));
  }
  CHECK(rmdir(base.c_str()) == 0);
}

TEST_CASE("where no control group was given to the agent it says so", "[wall]") {
  const auto groups = node::Cgroups::find();
  INFO(groups.in_words());
  CHECK(groups.in_words().starts_with("control groups: "));
}

TEST_CASE("the real modules run behind the wall", "[wall]") {
  Prison prison;
  prison.file("findme", "hay needle hay");
  const Json search{
      {"searches",
       {{"s", {{"paths", {prison.place()}}, {"names", {"^findme$"}}, {"contents", {"needle"}}}}}}};
  const auto outcome = prison.run(Json::array(
      {Json{{"module", "file"}, {"parameters", search}},
       Json{{"module", "example"},
            {"parameters", {{"gethostname", true}, {"getaddresses", true}, {"lookuphost", {"127.0.0.1"}}}}},
       Json{{"module", "nosuch"}, {"parameters", Json::object()}}}));
  CHECK(outcome.trouble == "");
  CHECK(outcome.answers[0]["foundanything"] == true);
  CHECK(outcome.answers[1]["errors"] == nullptr);
  CHECK(outcome.answers[1]["elements"]["lookeduphost"] == Json{{"127.0.0.1", {"127.0.0.1"}}});
  CHECK(outcome.answers[2]["errors"] == Json::array({"module 'nosuch' is not available"}));
}

TEST_CASE("the file searches of one action are one walk, and each is answered at its own place", "[wall]") {
  Prison prison;
  prison.file("one", "hay needle hay");
  prison.file("two", "hay");
  auto search = [&](const char* content) {
    return Json{{"searches",
                 {{"s",
                   {{"paths", {prison.place()}},
                    {"names", {"^(one|two)$"}},
                    {"contents", {content}},
                    {"options", {{"matchall", true}}}}}}}};
  };
  const auto outcome = prison.run(Json::array({Json{{"module", "file"}, {"parameters", search("needle")}},
                                               Json{{"module", "nosuch"}, {"parameters", Json::object()}},
                                               Json{{"module", "file"}, {"parameters", search("hay")}}}));
  CHECK(outcome.trouble == "");
  CHECK(outcome.answers[0]["elements"]["s"].size() == 1);
  CHECK(outcome.answers[1]["success"] == false);
  CHECK(outcome.answers[2]["elements"]["s"].size() == 2);
  // The time they took is that of the walk they share.
  CHECK(outcome.answers[0]["statistics"]["exectime"] == outcome.answers[2]["statistics"]["exectime"]);
}
