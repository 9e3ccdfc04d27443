// Orders to end a process, against real ones.
#include "node/destroy.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>

using namespace mig;
namespace fs = std::filesystem;
using core::Json;

namespace {

const std::string agent_file = MIG_BIN_DIR "/mig-agent";

/// A process that waits for its input, from a file of its own in a folder of its own.
class Stray {
 public:
  Stray(const std::string& program, std::vector<std::string> words, const std::string& called,
        uid_t user = 0) {
    char name[] = "/tmp/mig-stray-XXXXXX";
    folder_ = mkdtemp(name);
    chmod(folder_.c_str(), 0755);
    fs::copy_file(program, file(called));
    chmod(file(called).c_str(), 0755);
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    words.insert(words.begin(), file(called));
    std::vector<char*> raw;
    for (auto& word : words) raw.push_back(word.data());
    raw.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[0], 0);
      close(ends[1]);
      if (user != 0 && setresuid(user, user, user) != 0) _exit(1);
      execv(raw[0], raw.data());
      _exit(1);
    }
    close(ends[0]);
    close(ready[1]);
    char nothing;
    while (read(ready[0], &nothing, 1) > 0) {
    }  // ends when exec has happened
    close(ready[0]);
    input_ = ends[1];
  }
  ~Stray() {
    close(input_);
    if (!reaped_) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    fs::remove_all(folder_);
  }
  pid_t pid() const { return pid_; }
  std::string file(const std::string& called) const { return folder_ + "/" + called; }
  bool killed() {
    int status = 0;
    reaped_ = waitpid(pid_, &status, WNOHANG) == pid_;
    return reaped_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

 private:
  std::string folder_;
  pid_t pid_ = 0;
  int input_ = -1;
  bool reaped_ = false;
};

Json obeyed(const Json& parameters, pid_t agent = getpid()) {
  return Json::parse(node::destroy(parameters, agent).to_json());
}

Json refusal(const std::string& why) {
  return {{"foundanything", false},
          {"success", false},
          {"elements", nullptr},
          {"statistics", nullptr},
          {"errors", {why}}};
}

Json success(const std::string& sentence, Json errors = nullptr) {
  return {{"foundanything", true},
          {"success", true},
          {"elements", sentence},
          {"statistics", {{"self", false}}},
          {"errors", std::move(errors)}};
}

const std::string version = MIG_VERSION_TEXT;

}  // namespace

TEST_CASE("a stray copy is asked for its version, loses its file and is killed", "[destroy]") {
  Stray stray(agent_file, {"-m", "file"}, "mig-agent-old");
  const std::string pid = std::to_string(stray.pid()), file = stray.file("mig-agent-old");
  CHECK(
      obeyed({{"pid", stray.pid()}, {"version", "0"}}) ==
      refusal("pid " + pid + ": says 'mig-agent " + version + "' when it is asked for its version, not '0'"));
  CHECK_FALSE(stray.killed());
  CHECK(obeyed({{"pid", stray.pid()}, {"version", version}}) ==
        success("PID " + pid + " from agent " + version +
                " has been killed and its executable removed from " + file));
  CHECK(stray.killed());
  CHECK_FALSE(fs::exists(file));
}

TEST_CASE(
    "a stray copy whose file is gone or replaced is asked through the process, and no other file is touched",
    "[destroy]") {
  Stray gone(agent_file, {"-m", "file"}, "mig-agent"), replaced(agent_file, {"-m", "file"}, "mig-agent");
  fs::remove(gone.file("mig-agent"));
  fs::rename(replaced.file("mig-agent"), replaced.file("elsewhere"));
  fs::create_symlink("elsewhere", replaced.file("mig-agent"));
  CHECK(obeyed({{"pid", gone.pid()}, {"version", version}}) ==
        success("PID " + std::to_string(gone.pid()) + " from agent " + version + " has been killed"));
  CHECK(gone.killed());
  const std::string pid = std::to_string(replaced.pid());
  CHECK(obeyed({{"pid", replaced.pid()}, {"version", version}}) ==
        refusal("pid " + pid + ": runs " + replaced.file("elsewhere") + ", which is not called mig-agent"));
  CHECK(fs::exists(replaced.file("elsewhere")));
  CHECK_FALSE(replaced.killed());
}

TEST_CASE("what is no agent is left alone", "[destroy]") {
  Stray other("/bin/cat", {}, "cat"), liar("/bin/cat", {}, "mig-agent");
  CHECK(obeyed({{"pid", other.pid()}, {"version", "1"}}) ==
        refusal("pid " + std::to_string(other.pid()) + ": runs " + other.file("cat") +
                ", which is not called mig-agent"));
  CHECK(obeyed({{"pid", liar.pid()}, {"version", "1"}}) ==
        refusal("pid " + std::to_string(liar.pid()) + ": says '' when it is asked for its version, not '1'"));
  CHECK_FALSE(other.killed());
  CHECK_FALSE(liar.killed());
  CHECK(fs::exists(liar.file("mig-agent")));
}

TEST_CASE("the agent's parents and the job itself are refused, and a number without a process", "[destroy]") {
  const std::string self = std::to_string(getpid()), parent = std::to_string(getppid());
  const std::string kin = ": carries this order out, or is a parent of the agent that does";
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  if (getppid() > 1)
    CHECK(obeyed({{"pid", getppid()}, {"version", version}}, child) == refusal("pid " + parent + kin));
  CHECK(obeyed({{"pid", getpid()}, {"version", version}}, child) == refusal("pid " + self + kin));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK(obeyed({{"pid", child}, {"version", version}}) ==
        refusal("pid " + std::to_string(child) + ": there is no such process"));
  CHECK(obeyed({{"pid", 1}, {"version", version}})["success"] == false);
  CHECK(obeyed({{"pid", 4711}})["success"] == false);
}

TEST_CASE("an order about the agent itself only says so", "[destroy]") {
  const std::string pid = std::to_string(getpid());
  const Json ends = {
      {"foundanything", true},
      {"success", true},
      {"elements", "PID " + pid + " from agent " + version + " ends itself once this answer is stored"},
      {"statistics", {{"self", true}}},
      {"errors", nullptr}};
  CHECK(obeyed({{"version", version}}) == ends);
  CHECK(obeyed({{"pid", getpid()}, {"version", version}}) == ends);
  CHECK(obeyed({{"version", "0"}}) ==
        refusal("pid " + pid + ": this agent's version is '" + version + "', not '0'"));
}

TEST_CASE("another user's process is asked as that user, and only root's agent ends it", "[destroy]") {
  if (geteuid() != 0) {
    WARN("left out: needs root");
    return;
  }
  Stray stray(agent_file, {"-m", "file"}, "mig-agent", 65534);
  const std::string pid = std::to_string(stray.pid());
  const pid_t child = fork();
  if (child == 0) {
    bool ok = setresuid(65533, 65533, 65533) == 0 &&
              obeyed({{"pid", stray.pid()}, {"version", version}})["success"] == false;
    _exit(ok ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK_FALSE(stray.killed());
  CHECK(obeyed({{"pid", stray.pid()}, {"version", version}})["success"] == true);
  CHECK(stray.killed());
}
