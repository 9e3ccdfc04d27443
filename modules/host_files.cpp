#include "modules/host_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace mig::modules {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

core::Error trouble(const std::string& path) {
  const int code = errno;
  const bool absent = code == ENOENT || code == ENOTDIR;
  return {absent ? core::Code::not_found : core::Code::world, fmt::format("{}: {}", path, std::strerror(code))};
}

}  // namespace

std::string place_of(const Host& host, const std::string& path) {
  struct stat info {};
  const std::string shadow = host.root + path;
  return !host.root.empty() && path.starts_with("/") && lstat(shadow.c_str(), &info) == 0 ? shadow : path;
}

core::Result<std::string> read_file(const Host& host, const std::string& path, std::size_t bytes_max) {
  // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
  Descriptor file{open(place_of(host, path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (file.fd < 0) return trouble(path);
  struct stat info {};
  if (fstat(file.fd, &info) != 0) return trouble(path);
  if (!S_ISREG(info.st_mode)) return core::Error{core::Code::world, path + ": is not a regular file"};
  const std::size_t likely = std::max<std::size_t>(4095, static_cast<std::size_t>(info.st_size));  // files of /proc say 0
  std::string out(std::min(bytes_max, likely) + 1, '\0');
  std::size_t size = 0;
  for (;;) {  // to the end, not to st_size
    if (size == out.size()) out.resize(std::min(bytes_max + 1, out.size() * 2));
    const ssize_t got = read(file.fd, out.data() + size, out.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return trouble(path);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    if (size > bytes_max)
      return core::Error{core::Code::too_large, fmt::format("{}: is longer than {} bytes", path, bytes_max)};
  }
  out.resize(size);
  return out;
}

std::vector<std::string> names_in(const Host& host, const std::string& directory) {
  std::vector<std::string> out;
  std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(place_of(host, directory).c_str()), closedir);
  if (!stream) return out;
  while (const dirent* entry = readdir(stream.get()))
    if (std::string_view name = entry->d_name; name != "." && name != "..") out.emplace_back(name);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace mig::modules
