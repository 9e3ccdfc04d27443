#include "investigator/lab_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>

#include "investigator/files.h"

extern char** environ;

namespace mig::investigator {
namespace {

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

struct Stat {
  std::string name;
  char state = '?';
  std::uint64_t started = 0;
};

/// /proc/PID/stat: the name stands in parentheses and may hold anything; what is wanted comes behind the last one.
std::optional<Stat> stat_of(int pid) {
  auto text = read_file(fmt::format("/proc/{}/stat", pid));
  if (!text) return std::nullopt;
  std::size_t open = text->find('('), shut = text->rfind(')');
  if (open == std::string::npos || shut == std::string::npos || shut < open) return std::nullopt;
  Stat stat;
  stat.name = text->substr(open + 1, shut - open - 1);
  std::istringstream rest(text->substr(shut + 1));
  rest >> stat.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) rest >> skipped;
  rest >> stat.started;
  return stat;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Starts with stdin from nothing and both outputs to `log`.
int spawn(const std::vector<std::string>& words, const std::string& log, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::vector<char*> argv = pointers(words);
  int error = posix_spawnp(&pid, words[0].c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/// Waits until the process is gone; false after `ms`.
bool gone_within(const ProcessId& process, int ms) {
  if (!runs(process)) return true;
  Descriptor handle{static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0))};
  if (handle.fd < 0) return !runs(process);
  pollfd event{handle.fd, POLLIN, 0};
  poll(&event, 1, ms);
  return !runs(process);
}

}  // namespace

core::Result<ProcessId> start_process(const std::vector<std::string>& words, const std::string& log) {
  pid_t pid = 0;
  if (int error = spawn(words, log, pid); error != 0)
    return core::Error{core::Code::world, fmt::format("{}: cannot be started: {}", words[0], std::strerror(error))};
  ProcessId process{pid, std::filesystem::path(words[0]).filename().string(), 0};
  if (auto stat = stat_of(pid)) process.started = stat->started;
  return process;
}

int run_process(const std::vector<std::string>& words) {
  pid_t pid = 0;
  if (spawn(words, "/dev/null", pid) != 0) return 127;
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

bool runs(const ProcessId& process) {
  if (process.pid <= 1) return false;
  waitpid(process.pid, nullptr, WNOHANG);
  auto stat = stat_of(process.pid);
  // The kernel cuts names to 15 octets.
  return stat && stat->state != 'Z' && stat->state != 'X' && stat->started == process.started &&
         stat->name == process.name.substr(0, 15);
}

void end_processes(const std::vector<ProcessId>& processes, int signal, double seconds) {
  auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (const ProcessId& process : processes)
    if (runs(process)) kill(process.pid, signal);
  for (const ProcessId& process : processes) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (gone_within(process, std::max<int>(0, static_cast<int>(left.count())))) continue;
    kill(process.pid, SIGKILL);
    gone_within(process, 5000);  // a process the kernel cannot end soon is not worth hanging for
  }
}

std::string program_dir() {
  std::error_code error;
  auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "." : self.parent_path().string();
}

core::Result<int> free_port() {
  Descriptor socket_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (socket_.fd < 0 || bind(socket_.fd, raw, size) != 0 || getsockname(socket_.fd, raw, &size) != 0)
    return core::Error{core::Code::world, fmt::format("no free port: {}", std::strerror(errno))};
  return ntohs(address.sin_port);
}

}  // namespace mig::investigator
