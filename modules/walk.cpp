#include "modules/walk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "modules/host_files.h"

namespace mig::modules {
namespace {

struct Folder {
  std::string path;
  int depth;
  dev_t device;
};

/// names_in() says the same of a folder that is empty and of one that may not be read. access(2) would ask for
/// other rights than those this process reads with.
bool opens(const std::string& place) {
  const int fd = open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/// Reading such files may wait for events or change something.
bool is_kernels_own(const std::string& place) {
  struct statfs info {};
  if (statfs(place.c_str(), &info) != 0) return false;
  for (long magic : {long{PROC_SUPER_MAGIC}, long{SYSFS_MAGIC}, long{DEBUGFS_MAGIC}, long{TRACEFS_MAGIC},
                     long{CGROUP_SUPER_MAGIC}, long{CGROUP2_SUPER_MAGIC}, long{SECURITYFS_MAGIC}})
    if (info.f_type == magic) return true;
  return false;
}

}  // namespace

bool Walk::run(const std::string& path, int depth) {
  struct stat info {};
  const auto wanted = [&] {
    return S_ISREG(info.st_mode) && info.st_size > 0 && static_cast<std::size_t>(info.st_size) <= size_max;
  };
  const auto failed = [&](const std::string& at) {
    trouble(fmt::format("{}: {}", at, std::strerror(errno)));
  };
  if (stat(place_of(host, path).c_str(), &info) != 0) {
    failed(path);
    return true;
  }
  if (wanted()) return file(path);
  if (!S_ISDIR(info.st_mode) || is_kernels_own(place_of(host, path))) return true;
  std::vector<Folder> open{{path, depth, info.st_dev}};
  while (!open.empty()) {
    const Folder folder = std::move(open.back());
    open.pop_back();
    const std::vector<std::string> names = names_in(host, folder.path);
    if (names.empty() && !opens(place_of(host, folder.path))) failed(folder.path);
    const std::size_t before = open.size();
    for (const std::string& name : names) {
      if (budget.spent()) return false;
      const std::string at = folder.path + (folder.path.ends_with('/') ? "" : "/") + name,
                        place = place_of(host, at);
      if (lstat(place.c_str(), &info) != 0) {
        if (errno != ENOENT) failed(at);
        continue;
      }
      if (S_ISDIR(info.st_mode)) {
        const bool other = info.st_dev != folder.device && is_kernels_own(place);
        if (folder.depth > 1 && !other) open.push_back({at, folder.depth - 1, info.st_dev});
        continue;
      }
      if (S_ISLNK(info.st_mode) && stat(place.c_str(), &info) != 0) continue;
      if (wanted() && !file(at)) return false;
    }
    std::reverse(open.begin() + static_cast<std::ptrdiff_t>(before), open.end());
  }
  return true;
}

}  // namespace mig::modules
