#include "node/jobs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 forgot to declare it as C
}
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "node/core/limits.h"

namespace mig::node {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// The child's own budget ends first; the parent steps in only when it does not.
constexpr milliseconds overdue_after{1000};
/// Between SIGTERM and SIGKILL: enough to write down what was found.
constexpr milliseconds mercy{2000};
/// How often to look for a dead child on kernels without pidfd (before 5.3).
constexpr int blind_wait_ms = 50;
/// Keys, punctuation and a message or two around the results of one operation.
constexpr std::size_t frame_extra_bytes = 4096;

/// A descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

core::Error world(const char* what) {
  return {core::Code::world, fmt::format("job: {}: {}", what, std::strerror(errno))};
}

/// The document as a readable file without a name: unlike a pipe it takes any size without blocking us.
core::Result<Fd> as_file(const std::string& text) {
  Fd file(memfd_create("mig-job", MFD_CLOEXEC));
  if (!file) return world("no memory for its parameters");
  for (std::size_t done = 0; done < text.size();) {
    ssize_t wrote = write(file.get(), text.data() + done, text.size() - done);
    if (wrote < 0 && errno != EINTR) return world("no memory for its parameters");
    if (wrote > 0) done += static_cast<std::size_t>(wrote);
  }
  if (lseek(file.get(), 0, SEEK_SET) != 0) return world("its parameters cannot be rewound");
  return file;
}

std::string document_of(const JobSpec& spec, const std::string& group) {
  core::Json enclosed = core::Json::array();
  for (const auto& one : spec.enclosed) enclosed.push_back({{"name", one.attachment.name}, {"size", one.attachment.size}, {"packed", core::to_base64(one.packed)}});
  return core::compact_json({{"enclosed", std::move(enclosed)},
                             {"operations", spec.operations},
                             {"seconds", spec.seconds},
                             {"bytes", spec.bytes_max},
                             {"root", spec.host.root},
                             {"proc", spec.host.proc},
                             {"privacy", spec.privacy},
                             {"memory", spec.memory_bytes},
                             {"cpu", spec.cpu_seconds},
                             {"readable", spec.readable},
                             {"polite", spec.polite},
                             {"group", group},
                             {"parent", getpid()}});
}

/// posix_spawn's two objects, which need a farewell.
struct SpawnSetup {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  SpawnSetup() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

/// Errors in errno; the child leads a session of its own and inherits three descriptors and nothing else.
pid_t spawn(const std::string& executable, int in, int out) {
  SpawnSetup setup;
  posix_spawn_file_actions_adddup2(&setup.files, in, 0);
  posix_spawn_file_actions_adddup2(&setup.files, out, 1);
  posix_spawn_file_actions_addopen(&setup.files, 2, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(&setup.files, 3);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&setup.attributes, &none);
  posix_spawnattr_setsigdefault(&setup.attributes, &all);
  posix_spawnattr_setflags(&setup.attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string name = "mig-agent", word = "--job";
  char* arguments[] = {name.data(), word.data(), nullptr};
  pid_t pid = -1;
  errno = posix_spawn(&pid, executable.c_str(), &setup.files, &setup.attributes, arguments, environ);
  return errno == 0 ? pid : -1;
}

std::size_t little_endian_u32(const char* at) {
  const auto* octet = reinterpret_cast<const unsigned char*>(at);
  return octet[0] | std::size_t{octet[1]} << 8 | std::size_t{octet[2]} << 16 | std::size_t{octet[3]} << 24;
}

}  // namespace

struct Jobs::Child {
  std::uint64_t id = 0;
  pid_t pid = -1;
  Fd out, exit;                      // the read end of its standard output; readable once it has exited
  std::size_t operations = 0, answered = 0;
  std::size_t bytes_max = 0, bytes = 0;
  double cpu_seconds = 0;
  std::string received;              // whole frames are cut off its front
  std::string trouble;               // the first reason wins
  std::string group;                 // its control group; may be empty
  Clock::time_point overdue;         // when to ask it to end, then when to kill it
  bool asked = false, killed = false, over = false;

  void ask(const char* why) {
    if (trouble.empty()) trouble = why;
    if (asked) return;
    asked = true;
    overdue = Clock::now() + mercy;
    ::kill(pid, SIGTERM);  // to the child alone: it sees to its own children, or they are killed with the group
  }
  void kill(const char* why) {
    if (trouble.empty()) trouble = why;
    asked = killed = true;
    ::kill(-pid, SIGKILL);
  }

  void hang_up() {
    out = Fd();
    received.clear();
  }

  void read_all(std::vector<JobPart>& parts);
  void cut_frames(std::vector<JobPart>& parts);
  bool take_frame(std::string_view json, std::vector<JobPart>& parts);
  bool has_exited() const;
  std::string word_for_signal(int number, const rusage& used) const;
  void bury();
};

void Jobs::Child::read_all(std::vector<JobPart>& parts) {
  char block[64 * 1024];
  while (out) {
    ssize_t got = read(out.get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;              // nothing for now
    if (got == 0) return hang_up();  // else the ended stream would stay readable for ever
    bytes += static_cast<std::size_t>(got);
    if (bytes > bytes_max + operations * frame_extra_bytes) {
      kill("limit: output");
      return hang_up();
    }
    received.append(block, static_cast<std::size_t>(got));
    cut_frames(parts);
  }
}

void Jobs::Child::cut_frames(std::vector<JobPart>& parts) {
  std::size_t at = 0;
  while (received.size() - at >= 4) {
    std::size_t size = little_endian_u32(received.data() + at);
    if (received.size() - at - 4 < size) break;
    if (!take_frame(std::string_view(received).substr(at + 4, size), parts)) {
      kill("error");
      return hang_up();
    }
    at += 4 + size;
  }
  received.erase(0, at);
}

bool Jobs::Child::take_frame(std::string_view json, std::vector<JobPart>& parts) {
  auto frame = core::parse_json(json, json.size());
  if (!frame || !frame->is_object()) return false;
  const core::Json index = frame->value("index", core::Json());
  auto answer = modules::Answer::from_json(frame->value("answer", core::Json()));
  if (!index.is_number_integer() || index.get<std::int64_t>() < 0 || !answer) return false;
  if (index.get<std::size_t>() >= operations) return false;
  const core::Json limit = frame->value("limit", core::Json());
  if (trouble.empty() && limit.is_string()) trouble = limit.get<std::string>();
  ++answered;
  parts.push_back({id, false, index.get<std::size_t>(), std::move(*answer), ""});
  return true;
}

bool Jobs::Child::has_exited() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/// The group dies before its leader is reaped: until then the kernel gives its number to nobody else.
void Jobs::Child::bury() {
  ::kill(-pid, SIGKILL);
  int status = 0;
  rusage used{};
  while (wait4(pid, &status, 0, &used) < 0 && errno == EINTR) {
  }
  over = true;
  const bool starved = Cgroups::out_of_memory(group);
  Cgroups::end(group);
  if (!trouble.empty()) return;
  if (starved) {
    trouble = "limit: memory";
    return;
  }
  if (WIFSIGNALED(status)) trouble = word_for_signal(WTERMSIG(status), used);
  else if (answered < operations) trouble = "error";
}

std::string Jobs::Child::word_for_signal(int number, const rusage& used) const {
  const double seconds = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  if (number == SIGSYS) return "forbidden: a module asked the kernel for what its wall forbids, and was ended for it";
  if (number == SIGXCPU || (number == SIGKILL && seconds >= cpu_seconds)) return "limit: cpu";
  if (number == SIGKILL) return "limit: memory";  // by the kernel, short of memory: nobody else kills a job
  return fmt::format("error: ended by signal {} ({})", number, strsignal(number));
}

Jobs::Jobs(std::string executable, Cgroups groups) : executable_(std::move(executable)), groups_(std::move(groups)) {}

Jobs::~Jobs() {
  for (auto& [id, child] : children_) child->bury();
}

core::Status Jobs::start(JobSpec spec) {
  if (children_.count(spec.id) != 0) return core::invalid(fmt::format("job {}: is running already", spec.id));
  if (!spec.operations.is_array()) return core::invalid(fmt::format("job {}: operations is not a list", spec.id));
  if (spec.seconds <= 0) spec.seconds = core::limits::job_seconds;
  if (spec.bytes_max == 0) spec.bytes_max = core::limits::job_output_bytes;
  if (spec.memory_bytes == 0) spec.memory_bytes = core::limits::job_memory_bytes;
  if (spec.cpu_seconds <= 0) spec.cpu_seconds = std::max(1.0, core::limits::job_cpu_share * spec.seconds);
  const std::string group = groups_.make(spec.id, spec.memory_bytes);
  auto document = as_file(document_of(spec, group));
  if (!document) return document.error();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return world("no pipe for its results");
  Fd read_end(ends[0]), write_end(ends[1]);
  fcntl(read_end.get(), F_SETFL, O_NONBLOCK);

  auto child = std::make_unique<Child>();
  child->pid = spawn(executable_, document->get(), write_end.get());
  if (child->pid < 0) {
    const auto error = world("the child cannot be started");
    Cgroups::end(group);
    return error;
  }
  child->id = spec.id;
  child->group = group;
  child->out = std::move(read_end);
  child->exit = Fd(pidfd_open(child->pid, 0));
  child->operations = spec.operations.size();
  child->bytes_max = spec.bytes_max;
  child->cpu_seconds = spec.cpu_seconds;
  child->overdue = Clock::now() + overdue_after + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(spec.seconds));
  children_.emplace(spec.id, std::move(child));
  return core::Done{};
}

void Jobs::stop(std::uint64_t id) {
  if (auto at = children_.find(id); at != children_.end()) at->second->ask("stopped");
}

std::vector<int> Jobs::fds() const {
  std::vector<int> out;
  for (const auto& [id, child] : children_) {
    if (child->out) out.push_back(child->out.get());
    if (child->exit) out.push_back(child->exit.get());
  }
  return out;
}

std::optional<int> Jobs::wait_ms() const {
  std::optional<int> out;
  for (const auto& [id, child] : children_) {
    int wait = child->exit ? -1 : blind_wait_ms;
    if (!child->killed) {
      auto left = std::chrono::ceil<milliseconds>(child->overdue - Clock::now()).count();
      int until = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
      wait = wait < 0 ? until : std::min(wait, until);
    }
    if (wait >= 0) out = std::min(out.value_or(wait), wait);
  }
  return out;
}

void Jobs::advance(Child& child, std::vector<JobPart>& out) {
  const bool exited = child.has_exited();  // asked before reading: all it wrote is in the pipe then
  child.read_all(out);
  if (exited) {
    child.bury();
    out.push_back({child.id, true, std::nullopt, {}, child.trouble});
  } else if (!child.killed && Clock::now() >= child.overdue) {
    if (child.asked) child.kill("timeout");
    else child.ask("timeout");
  }
}

std::vector<JobPart> Jobs::collect() {
  std::vector<JobPart> out;
  for (auto at = children_.begin(); at != children_.end();) {
    advance(*at->second, out);
    at = at->second->over ? children_.erase(at) : std::next(at);
  }
  return out;
}

}  // namespace mig::node
