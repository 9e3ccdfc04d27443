// Landlock by its raw system calls: Debian 12's headers know version 3 only, and the C library knows none.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "node/wall.h"

namespace mig::node {
namespace {

constexpr long create_ruleset = 444, add_rule = 445,
               restrict_self = 446;  // the same number on every architecture
constexpr std::uint32_t version_asked = 1, rule_path_beneath = 1;
constexpr std::uint64_t read_file = 1 << 2, read_directory = 1 << 3, truncate_file = 1 << 14;
constexpr std::uint64_t bind_tcp = 1 << 0, connect_tcp = 1 << 1;
constexpr std::uint64_t abstract_sockets = 1 << 0, signals = 1 << 1;

struct Ruleset {
  std::uint64_t files, network, scopes;
};
struct [[gnu::packed]] PathRule {
  std::uint64_t allowed;
  std::int32_t parent;
};

/// Every right over files that this version can take away.
std::uint64_t all_file_rights(int version) {
  int bits = 13;                // execute .. make_sym
  if (version >= 2) bits = 14;  // refer
  if (version >= 3) bits = 15;  // truncate
  if (version >= 5) bits = 16;  // ioctl on devices
  return (std::uint64_t{1} << bits) - 1;
}

std::size_t known_bytes(int version) { return version >= 6 ? 24 : version >= 4 ? 16 : 8; }

core::Error trouble(const std::string& what) {
  return {core::Code::world, fmt::format("wall: Landlock: {}: {}", what, std::strerror(errno))};
}

/// A path that is not there grants nothing.
core::Status allow(int ruleset, const std::string& path) {
  const int fd = open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) return core::Done{};
  struct stat info {};
  fstat(fd, &info);
  const PathRule rule{S_ISDIR(info.st_mode) ? read_file | read_directory : read_file, fd};
  const bool done = syscall(add_rule, ruleset, rule_path_beneath, &rule, 0) == 0;
  const int code = errno;
  close(fd);
  errno = code;
  return done ? core::Status(core::Done{}) : core::Status(trouble(path));
}

}  // namespace

int landlock_version() {
  const long version = syscall(create_ruleset, nullptr, 0, version_asked);
  return version > 0 ? static_cast<int>(version) : 0;
}

core::Status close_files(const std::vector<std::string>& readable, bool network) {
  const int version = landlock_version();
  // Where everything may be read, reading is not asked about: the kernel would look at every directory above whatever is
  // opened, a tenth of a sweep. Nor is truncating, which needs a file open for writing or a call that is not on the list.
  const std::uint64_t files = all_file_rights(version) & ~(readable.empty() ? read_file | read_directory | truncate_file : 0);
  const Ruleset wanted{files, network ? bind_tcp : bind_tcp | connect_tcp,
                       abstract_sockets | signals};
  const int ruleset = static_cast<int>(syscall(create_ruleset, &wanted, known_bytes(version), 0));
  if (ruleset < 0) return trouble("no rules can be made");
  core::Status done = core::Done{};
  if (!readable.empty()) {
    for (const auto& path : readable)
      if (done) done = allow(ruleset, path);
    // What the C library needs to know times and names, and the job to watch its own memory.
    for (const char* path : {"/etc/localtime", "/usr/share/zoneinfo", "/etc/nsswitch.conf",
                             "/etc/resolv.conf", "/etc/hosts", "/lib", "/lib64", "/usr/lib", "/proc/self"})
      if (done && (network || std::strncmp(path, "/proc", 5) == 0 || std::strstr(path, "time") ||
                   std::strstr(path, "zone")))
        done = allow(ruleset, path);
  }
  if (done && syscall(restrict_self, ruleset, 0) != 0) done = trouble("the rules cannot be put in force");
  close(ruleset);
  return done;
}

}  // namespace mig::node
