// What a module that turned against its machine would try. This program is an agent's job process (jobs.h) with one more
// module in it, `hostile`: {"does": WHAT, "path": ..}. Tests hand it to node::Jobs in place of mig-agent; with node/main.cpp
// it is a whole agent (mig-agent-hostile).
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "modules/example/example.h"
#include "modules/file/file.h"
#include "modules/module.h"
#include "node/jobs.h"

namespace mig::modules {
namespace {

using core::Json;

/// "done", or what the kernel said.
std::string outcome(long code) { return code < 0 ? std::strerror(errno) : "done"; }

std::string try_fork() {
  const pid_t pid = fork();
  if (pid < 0) return std::strerror(errno);
  if (pid > 0) return "done";
  setsid();  // out of the process group, to outlive the job
  for (;;) pause();
}

std::string try_exec(const std::string& path) {
  char* arguments[] = {const_cast<char*>(path.c_str()), nullptr};
  return outcome(execv(path.c_str(), arguments));
}

std::string try_write(const std::string& path) { return outcome(open(path.c_str(), O_WRONLY | O_CREAT, 0666)); }

std::string try_connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return std::strerror(errno);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return outcome(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to));
}

std::string try_listen() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return std::strerror(errno);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  if (bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) return std::strerror(errno);
  return outcome(listen(fd, 1));
}

std::string try_writable_code() {
  void* at = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return outcome(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

/// Touches what it takes, and keeps it.
void eat(std::vector<std::vector<char>>& eaten) { eaten.emplace_back(1 << 20, 'x'); }

[[noreturn]] void spin_deaf() {
  signal(SIGTERM, SIG_IGN);
  signal(SIGXCPU, SIG_IGN);
  for (volatile unsigned spins = 0;;) spins = spins + 1;
}

[[noreturn]] void sleep_deaf() {
  signal(SIGTERM, SIG_IGN);
  for (;;) pause();
}

/// Past every promise of the protocol: right into the pipe.
void print_a_gigabyte() {
  const std::vector<char> block(1 << 20, 'x');
  for (int megabyte = 0; megabyte < 1024; ++megabyte)
    if (write(STDOUT_FILENO, block.data(), block.size()) < 0) return;
}

class Hostile final : public Module {
 public:
  const core::Schema& parameters() const override { return parameters_; }
  const core::Schema& row() const override { return row_; }
  Disclosure disclosure() const override { return Disclosure::count; }
  std::string_view cost() const override { return "Everything."; }
  std::string_view needs() const override { return "A wall."; }
  std::vector<std::string> print(const Answer&, bool) const override { return {}; }
  void mask(Answer&) const override {}

  Answer run(const Json& asked, const Host&, Budget& budget) const override {
    const std::string what = asked["does"], path = asked.value("path", "");
    Answer answer;
    std::string said = "unknown";
    if (what == "nothing") said = "done";
    if (what == "fork") said = try_fork();
    if (what == "exec") said = try_exec(path);
    if (what == "write") said = try_write(path);
    if (what == "append") said = outcome(open(path.c_str(), O_WRONLY | O_APPEND));
    if (what == "unlink") said = outcome(unlink(path.c_str()));
    if (what == "chmod") said = outcome(chmod(path.c_str(), 0777));
    if (what == "read") said = outcome(open(path.c_str(), O_RDONLY));
    if (what == "connect") said = try_connect(asked["port"]);
    if (what == "listen") said = try_listen();
    if (what == "unix") said = outcome(socket(AF_UNIX, SOCK_STREAM, 0));
    if (what == "kill-agent") said = outcome(kill(getppid(), SIGKILL));
    if (what == "priority") said = outcome(syscall(SYS_setpriority, 0, 0, -20));
    if (what == "policy") {
      std::string word, nice;
      for (std::ifstream file("/proc/self/autogroup"); file >> word;) nice = " " + word;
      said = std::to_string(sched_getscheduler(0)) + nice;
    }
    if (what == "group") said = outcome(setsid());
    if (what == "code") said = try_writable_code();
    if (what == "user") said = fmt::format("{} {}", getuid(), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    if (what == "ptrace") said = outcome(syscall(SYS_ptrace, 16, getppid(), 0, 0));
    if (what == "handle") said = outcome(syscall(SYS_open_by_handle_at, -1, nullptr, 0));
    if (what == "eat" || what == "eat-politely") {
      std::vector<std::vector<char>> eaten;
      while (what == "eat" || !budget.spent()) eat(eaten);
      answer.errors.push_back(budget.limit_hit());
      said = "it found something before";
    }
    if (what == "spin") {
      while (!budget.spent()) {
      }
      answer.errors.push_back(budget.limit_hit());
      said = "it found something before";
    }
    if (what == "spin-deaf") spin_deaf();
    if (what == "sleep-deaf") sleep_deaf();
    if (what == "print") print_a_gigabyte();
    answer.elements = said;
    return answer;
  }

 private:
  core::Schema parameters_{"hostile", "Turns against its machine.",
                           {{.name = "does", .type = core::Type::text, .help = "what it tries"},
                            {.name = "path", .type = core::Type::text, .help = "on which file"},
                            {.name = "port", .type = core::Type::integer, .help = "at which port"}}, {}};
  core::Schema row_{"hostile", "What the kernel said.", {}, {}};
};

/// The same with what a module may ask for.
class Demanding : public Module {
 public:
  explicit Demanding(const char* name, Demands demands, const Module& does)
      : demands_(demands), does_(does), parameters_{name, "As hostile, with demands.", does.parameters().fields, {}} {}
  const core::Schema& parameters() const override { return parameters_; }
  const core::Schema& row() const override { return does_.row(); }
  Disclosure disclosure() const override { return does_.disclosure(); }
  std::string_view cost() const override { return does_.cost(); }
  std::string_view needs() const override { return does_.needs(); }
  Demands demands() const override { return demands_; }
  std::vector<std::string> print(const Answer&, bool) const override { return {}; }
  void mask(Answer&) const override {}
  Answer run(const Json& asked, const Host& host, Budget& budget) const override { return does_.run(asked, host, budget); }

 private:
  Demands demands_;
  const Module& does_;
  core::Schema parameters_;
};

}  // namespace

/// In place of list.cpp, which the linker leaves out then.
const std::vector<const Module*>& all() {
  static const Hostile hostile;
  static const Demanding networked("networked", {.network = true}, hostile), seeing("seeing", {.processes = true}, hostile);
  static const std::vector<const Module*> modules = {&example::module(), &file::module(), &hostile, &networked, &seeing};
  return modules;
}

}  // namespace mig::modules

#ifndef MIG_HOSTILE_AGENT  // a whole agent has a main of its own
int main() { _exit(mig::node::job_main()); }
#endif
