#include "node/destroy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "modules/agentdestroy/agentdestroy.h"
#include "modules/host_files.h"

namespace mig::node {
namespace {

using core::Json;
using modules::Answer;
using Clock = std::chrono::steady_clock;

constexpr auto patience = std::chrono::seconds(5);
constexpr std::string_view called = "mig-agent";

struct Descriptor {
  int fd = -1;
  explicit Descriptor(int given = -1) : fd(given) {}
  Descriptor(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

int ms_until(Clock::time_point end) {
  return static_cast<int>(std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count()));
}

bool readable_by(int fd, Clock::time_point end) {
  pollfd one{fd, POLLIN, 0};
  return poll(&one, 1, ms_until(end)) > 0;
}

std::string status_of(pid_t pid) {
  auto text = modules::read_file({}, fmt::format("/proc/{}/status", pid), 1 << 16);
  return text ? *text : "";
}

/// The first number behind "Uid:"; -1 if there is none.
long number_behind(const std::string& status, const std::string& word) {
  const auto at = status.find("\n" + word + ":");
  return at == std::string::npos ? -1 : std::strtol(status.c_str() + at + word.size() + 2, nullptr, 10);
}

/// The agent's parents, up to the first process.
bool is_parent_of(pid_t candidate, pid_t agent) {
  for (pid_t at = agent; at > 1;) {
    const long parent = number_behind(status_of(at), "PPid");
    if (parent == candidate) return true;
    if (parent <= 0 || parent == at) break;
    at = static_cast<pid_t>(parent);
  }
  return false;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

struct Target {
  pid_t pid;
  int handle;      // pidfd
  int executable;  // O_PATH
  struct stat file;
  std::string path;
  uid_t user;
  gid_t group;

  bool lives() const {
    pollfd one{handle, POLLIN, 0};
    return poll(&one, 1, 0) == 0;
  }
  /// It may have become another program while it was looked at.
  bool still_runs() const {
    struct stat now {};
    return lives() && stat(fmt::format("/proc/{}/exe", pid).c_str(), &now) == 0 && same_file(now, file);
  }
};

[[noreturn]] void become_it(const Target& target, int out) {
  const int nothing = open("/dev/null", O_RDWR);
  if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(out, 1) < 0 || dup2(nothing, 2) < 0 || chdir("/") != 0)
    _exit(126);
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit seconds{5, 5}, none{0, 0};
  setrlimit(RLIMIT_CPU, &seconds);
  setrlimit(RLIMIT_FSIZE, &none);
  setrlimit(RLIMIT_CORE, &none);
  if (geteuid() == 0 && setgroups(0, nullptr) != 0) _exit(126);
  if (setresgid(target.group, target.group, target.group) != 0 ||
      setresuid(target.user, target.user, target.user) != 0)
    _exit(126);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(126);
  char name[] = "mig-agent", question[] = "-V", path[] = "PATH=/usr/bin:/bin";
  char* words[] = {name, question, nullptr};
  char* environment[] = {path, nullptr};
  syscall(SYS_execveat, target.executable, "", words, environment, AT_EMPTY_PATH);
  _exit(126);
}

/// What the executable prints when it is asked for its version, as the process's user. Empty: nothing in
/// time.
std::string ask_version(const Target& target) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return "";
  Descriptor in(ends[0]), out(ends[1]);
  const pid_t child = fork();  // a job has one thread and little memory
  if (child < 0) return "";
  if (child == 0) become_it(target, out.fd);
  close(std::exchange(out.fd, -1));
  std::string said;
  const auto end = Clock::now() + patience;
  char block[256];
  while (said.size() < 4096 && readable_by(in.fd, end)) {
    const ssize_t got = read(in.fd, block, sizeof block);
    if (got <= 0) break;
    said.append(block, static_cast<std::size_t>(got));
  }
  kill(-child, SIGKILL);
  kill(child, SIGKILL);  // before its setsid() it has no group of its own
  waitpid(child, nullptr, 0);
  return said.substr(0, said.find('\n'));
}

/// "mig-agent 1.0.0", and MIG's agents said the version alone.
bool says(const std::string& line, const std::string& version) {
  return line == version || line == fmt::format("{} {}", called, version);
}

/// Removes the file the process runs; errors say why it stays. No link on the way is followed: the folder may
/// be anybody's.
std::string remove_file(const Target& target) {
  const auto slash = target.path.rfind('/');
  const std::string folder = target.path.substr(0, slash + 1), name = target.path.substr(slash + 1);
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  Descriptor in(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, folder.c_str(), &how, sizeof how)));
  if (in.fd < 0) return std::strerror(errno);
  struct stat now {};
  if (fstatat(in.fd, name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0) return std::strerror(errno);
  if (!same_file(now, target.file)) return "another file stands there";
  return unlinkat(in.fd, name.c_str(), 0) == 0 ? "" : std::strerror(errno);
}

Answer refused(pid_t pid, const std::string& why) {
  return Answer::failure(fmt::format("pid {}: {}", pid, why));
}

Answer done(std::string sentence, bool self) {
  Answer out;
  out.found_anything = true;
  out.elements = std::move(sentence);
  out.statistics = {{"self", self}};
  return out;
}

Answer destroy_self(pid_t agent, const std::string& version) {
  if (version != MIG_VERSION)
    return refused(agent, fmt::format("this agent's version is '{}', not '{}'", MIG_VERSION, version));
  return done(fmt::format("PID {} from agent {} ends itself once this answer is stored", agent, version),
              true);
}

Answer destroy_other(Target& target, const std::string& version) {
  const std::string link = fmt::format("/proc/{}/exe", target.pid);
  Descriptor executable(open(link.c_str(), O_PATH | O_CLOEXEC));
  std::string path(4096, '\0');
  const ssize_t length = readlink(link.c_str(), path.data(), path.size());
  if (executable.fd < 0 || length <= 0 || fstat(executable.fd, &target.file) != 0)
    return refused(target.pid, fmt::format("its executable cannot be seen: {}", std::strerror(errno)));
  target.executable = executable.fd;
  target.path = path.substr(0, static_cast<std::size_t>(length));
  if (!std::string_view(target.path).substr(target.path.rfind('/') + 1).starts_with(called))
    return refused(target.pid, fmt::format("runs {}, which is not called {}", target.path, called));
  const std::string status = status_of(target.pid);
  const long user = number_behind(status, "Uid"), group = number_behind(status, "Gid");
  if (user < 0 || group < 0 || !target.lives()) return refused(target.pid, "has ended");
  target.user = static_cast<uid_t>(user);
  target.group = static_cast<gid_t>(group);
  if (geteuid() != 0 && geteuid() != target.user)
    return refused(target.pid, "belongs to another user; only root's agent ends it");
  struct stat own {};
  const bool copy = stat("/proc/self/exe", &own) != 0 || !same_file(own, target.file);
  const std::string line = copy ? ask_version(target) : MIG_VERSION;
  if (!says(line, version))
    return refused(target.pid, fmt::format("says '{}' when it is asked for its version, not '{}'",
                                           core::readable_utf8(line), version));
  if (!target.still_runs()) return refused(target.pid, "has ended, or become another program");
  const bool has_file = copy && target.file.st_nlink > 0;
  const std::string kept = has_file ? remove_file(target) : "";
  if (syscall(SYS_pidfd_send_signal, target.handle, SIGKILL, nullptr, 0) != 0)
    return refused(target.pid, std::strerror(errno));
  if (!readable_by(target.handle, Clock::now() + patience))
    return refused(target.pid, "does not end; it was sent SIGKILL");
  Answer out = done(fmt::format("PID {} from agent {} has been killed", target.pid, version), false);
  if (has_file && kept.empty())
    out.elements = out.elements.get<std::string>() + " and its executable removed from " +
                   core::readable_utf8(target.path);
  if (!kept.empty()) out.errors.push_back(fmt::format("{}: stays: {}", target.path, kept));
  return out;
}

}  // namespace

Answer destroy(const Json& asked, pid_t agent) {
  const auto parameters = core::check_document(modules::agentdestroy::module().parameters(), asked);
  if (!parameters) return Answer::failure(parameters.error().text);
  const std::string version = parameters->at("version").get<std::string>();
  const pid_t pid = parameters->value("pid", agent);
  if (pid == agent) return destroy_self(agent, version);
  Descriptor handle(
      static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));  // from here on the number means this process
  if (handle.fd < 0 && errno == ENOSYS)
    return Answer::failure("unsupported: this kernel cannot hold a process (pidfd_open, 5.3 or later)");
  if (handle.fd < 0) return refused(pid, errno == ESRCH ? "there is no such process" : std::strerror(errno));
  if (pid == getpid() || is_parent_of(pid, agent))
    return refused(pid, "carries this order out, or is a parent of the agent that does");
  Target target{
      .pid = pid, .handle = handle.fd, .executable = -1, .file = {}, .path = "", .user = 0, .group = 0};
  return destroy_other(target, version);
}

}  // namespace mig::node
