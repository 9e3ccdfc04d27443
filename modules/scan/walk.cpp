#include "modules/scan/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

namespace mig::modules::scan {
namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr std::size_t handles_most = 400;
std::atomic<std::size_t> handles{0};

/// As the kernel writes it.
struct KernelEntry {
  std::uint64_t inode;
  std::int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[1];
};

unsigned char type_of(int fd, const char* name) {
  struct stat info {};
  if (fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
  return S_ISDIR(info.st_mode)   ? DT_DIR
         : S_ISREG(info.st_mode) ? DT_REG
         : S_ISLNK(info.st_mode) ? DT_LNK
                                 : DT_UNKNOWN;
}

}  // namespace

Handle::Handle(int fd) : fd_(fd) { ++handles; }
Handle::~Handle() {
  close(fd_);
  --handles;
}
std::size_t Handle::open_ones() { return handles; }

std::string join(const std::string& directory, std::string_view name) {
  if (directory == ".") return std::string(name);
  std::string out;
  out.reserve(directory.size() + 1 + name.size());
  out = directory;
  if (out != "/") out += '/';
  return out += name;
}

void Walk::add_root(std::size_t worker, Directory root) {
  if (!visitors_[worker]->enter(root, false)) return;
  const std::string real = root.real;
  go_in(worker, nullptr, real, std::move(root));
}

void Walk::go_in(std::size_t worker, const std::shared_ptr<Handle>& parent, const std::string& name,
                 Directory directory) {
  if (!workers_.go_on(worker)) return;
  // A root may be a link to a directory; below it none is followed, whatever is swapped under us.
  const bool is_root = name == directory.real;
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (is_root ? 0 : O_NOFOLLOW);
  const int fd = parent ? openat(parent->fd(), name.c_str(), flags) : open(directory.real.c_str(), flags);
  if (fd < 0) {
    if (errno != ENOENT || is_root)
      visitors_[worker]->trouble(directory, "open",
                                 errno);  // what vanished since its parent was read is no error
    return;
  }
  directory.handle = std::make_shared<Handle>(fd);
  std::vector<std::string> below;
  read(worker, directory, below);
  std::sort(below.begin(), below.end(), std::greater<>());  // the last one added is walked first
  const auto handle = Handle::open_ones() < handles_most ? directory.handle : nullptr;
  for (auto& child_name : below) {
    Directory child{join(directory.path, child_name),
                    join(directory.real, child_name),
                    directory.root,
                    directory.mount,
                    nullptr,
                    nullptr};
    const Mount* mounted = mounts_.exactly_at(child.real);
    if (mounted) child.mount = mounted;
    if (!visitors_[worker]->enter(child, mounted != nullptr)) continue;
    workers_.add(worker, [this, handle, child = std::move(child), name = std::move(child_name)](
                             std::size_t who) mutable { go_in(who, handle, name, std::move(child)); });
  }
}

void Walk::read(std::size_t worker, Directory& directory, std::vector<std::string>& below) {
  thread_local std::vector<char> buffer(buffer_bytes);
  std::vector<Entry> entries;
  const int fd = directory.handle->fd();
  while (workers_.go_on(worker)) {
    const long got = syscall(SYS_getdents64, fd, buffer.data(), buffer.size());
    if (got < 0) visitors_[worker]->trouble(directory, "read", errno);
    if (got <= 0) return;
    entries.clear();
    for (long at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const KernelEntry*>(buffer.data() + at);
      at += entry->length;
      const std::string_view name = static_cast<const char*>(entry->name);
      if (name == "." || name == "..") continue;
      const unsigned char type = entry->type == DT_UNKNOWN ? type_of(fd, entry->name) : entry->type;
      if (type == DT_DIR) below.emplace_back(name);
      if (type == DT_REG || type == DT_LNK) entries.push_back({name, type == DT_LNK});
    }
    if (!entries.empty()) visitors_[worker]->files(directory, entries);
  }
}

}  // namespace mig::modules::scan
