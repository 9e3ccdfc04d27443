#include "node/wall.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "node/core/limits.h"

namespace mig::node {
namespace {

constexpr rlim_t files_open_max = 1024;
constexpr rlim_t cpu_mercy_seconds = 2;  ///< between SIGXCPU and the end

#if defined(__SANITIZE_ADDRESS__)
constexpr bool shadowed = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool shadowed = true;
#else
constexpr bool shadowed = false;
#endif
#else
constexpr bool shadowed = false;
#endif

// As in linux/ioprio.h, which newer kernel headers do not let C++ include.
constexpr int io_of_process = 1, io_class_idle = 3, io_class_shift = 13;

/// Nothing depends on these: a machine that refuses them (containers do) runs the job at normal priority.
void be_polite() {
  sched_param none{};
  sched_setscheduler(0, SCHED_IDLE, &none);
  syscall(SYS_ioprio_set, io_of_process, 0, io_class_idle << io_class_shift);
  // Where the kernel shares processors among sessions first (sched_autogroup), the idle class counts only within one.
  if (getsid(0) != getpid()) return;  // it is somebody else's as well
  if (const int fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC); fd >= 0) {
    (void)!write(fd, "19", 2);
    close(fd);
  }
}

/// Lowers, never raises: what the agent itself was given stays the upper bound.
core::Status bound(int what, const char* name, rlim_t soft, rlim_t hard) {
  rlimit now{};
  getrlimit(static_cast<__rlimit_resource>(what), &now);
  const rlimit wanted{std::min(soft, now.rlim_max), std::min(hard, now.rlim_max)};
  if (setrlimit(static_cast<__rlimit_resource>(what), &wanted) == 0) return core::Done{};
  return core::Error{core::Code::world,
                     fmt::format("wall: {} cannot be bounded: {}", name, std::strerror(errno))};
}

core::Status set_budgets(const WallLimits& limits) {
  struct {
    int what;
    const char* name;
    rlim_t soft, hard;
  } bounds[] = {
      {RLIMIT_CORE, "core files", 0, 0},  // a core would leave what was read on the disk
      {RLIMIT_MEMLOCK, "locked memory", 0, 0},
      {RLIMIT_MSGQUEUE, "message queues", 0, 0},
      {RLIMIT_NOFILE, "open files", files_open_max, files_open_max},
  };
  for (const auto& one : bounds)
    if (auto done = bound(one.what, one.name, one.soft, one.hard); !done) return done;
  struct stat output {};  // a person may have sent it to a file; a job's is a pipe
  if (fstat(STDOUT_FILENO, &output) != 0 || !S_ISREG(output.st_mode))
    if (auto done = bound(RLIMIT_FSIZE, "file size", 0, 0); !done) return done;
  if (limits.cpu_seconds > 0) {
    const auto seconds = static_cast<rlim_t>(std::ceil(limits.cpu_seconds));
    if (auto done = bound(RLIMIT_CPU, "processor time", seconds, seconds + cpu_mercy_seconds); !done)
      return done;
  }
  if (shadowed) return core::Done{};  // the address sanitizer maps terabytes that nobody uses
  const rlim_t bytes = limits.memory_bytes == 0 ? core::limits::job_memory_bytes : limits.memory_bytes;
  return bound(RLIMIT_DATA, "memory", bytes, bytes);
}

}  // namespace

std::size_t watched_memory(const WallLimits& limits) {
  const std::size_t bytes = limits.memory_bytes == 0 ? core::limits::job_memory_bytes : limits.memory_bytes;
  return shadowed ? 0 : bytes - bytes / 8;
}

core::Status raise_wall(const modules::Demands& demands, const WallLimits& limits) {
  if (limits.polite) be_polite();
  if (auto done = set_budgets(limits); !done) return done;
  if (auto done = drop_privileges(demands); !done) return done;
  if (limits.parent != 0) {  // a change of user has made the kernel forget an earlier wish
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != limits.parent) return core::Error{core::Code::world, "wall: the agent has gone"};
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return core::Error{core::Code::world,
                       "wall: this kernel cannot forbid new privileges (it is older than 3.5)"};
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // no one of the same user may look into what was read
  const bool looks_into_others = demands.processes || demands.namespaces;
  if (!limits.readable.empty() && looks_into_others)
    return core::Error{core::Code::refused,
                       "wall: only some paths may be read here, which cannot be kept for a module that looks "
                       "into processes"};
  if (!looks_into_others) {
    if (landlock_version() > 0) {
      if (auto done = close_files(limits.readable, demands.network || demands.raw_packets); !done)
        return done;
    } else if (!limits.readable.empty()) {
      return core::Error{core::Code::refused,
                         "wall: only some paths may be read here, and this kernel has no Landlock to keep "
                         "that (5.13 and newer have)"};
    }
  }
  return close_calls(demands);
}

std::vector<std::string> wall_facts() {
  std::vector<std::string> out;
  out.push_back("system calls: a list of those allowed (seccomp); all others fail or end the job");
  const int version = landlock_version();
  out.push_back(version > 0 ? fmt::format("files: read only{} (Landlock version {})",
                                          version >= 4 ? ", no TCP ports to listen at" : "", version)
                            : "files: read only by the list of system calls alone; this kernel has no "
                              "Landlock (5.13 and newer have)");
  out.push_back(
      geteuid() == 0
          ? "privileges: an unprivileged user that may read any file; more where a module says so"
          : fmt::format("privileges: those of user {}, no capabilities: the agent does not run as root",
                        geteuid()));
  return out;
}

}  // namespace mig::node
