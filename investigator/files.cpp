#include "investigator/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "node/core/limits.h"

namespace mig::investigator {
namespace {

constexpr std::size_t file_bytes_max = core::limits::attached_file_bytes;

core::Error trouble(const std::string& path, int error) {
  auto code = error == ENOENT ? core::Code::not_found : core::Code::world;
  return {code, fmt::format("{}: {}", path, std::strerror(error))};
}

struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

core::Status write_all(int fd, core::BytesView bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return trouble(path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(fd) != 0) return trouble(path, errno);
  return core::Done{};
}

}  // namespace

core::Result<core::Bytes> read_file(const std::string& path) {
  Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return trouble(path, errno);
  core::Bytes out;
  char buffer[16384];
  for (;;) {
    ssize_t got = read(file.fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return trouble(path, errno);
    if (got == 0) return out;
    out.append(buffer, static_cast<std::size_t>(got));
    if (out.size() > file_bytes_max)
      return core::Error{core::Code::too_large, fmt::format("{}: larger than {} bytes", path, file_bytes_max)};
  }
}

core::Result<core::Bytes> read_secret(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return trouble(path, errno);
  if ((found.st_mode & 077) != 0)
    return core::refused(fmt::format("{}: others may read this secret; chmod 600 it", path));
  return read_file(path);
}

core::Status write_private(const std::string& path, core::BytesView bytes) {
  std::string fresh = path + ".XXXXXX";
  Descriptor file{mkostemp(fresh.data(), O_CLOEXEC)};  // mode 0600
  if (file.fd < 0) return trouble(path, errno);
  core::Status written = write_all(file.fd, bytes, path);
  if (written && rename(fresh.c_str(), path.c_str()) != 0) written = trouble(path, errno);
  if (!written) unlink(fresh.c_str());
  return written;
}

core::Status make_private_dir(const std::string& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) return core::Error{core::Code::world, fmt::format("{}: {}", dir, error.message())};
  if (chmod(dir.c_str(), 0700) != 0) return trouble(dir, errno);
  return core::Done{};
}

}  // namespace mig::investigator
