#include "modules/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <memory>

#include "modules/host_files.h"

namespace mig::modules {
namespace {

constexpr std::size_t passwd_bytes_max = 16 << 20;

template <class T>
std::optional<T> number_of_text(std::string_view text) {
  T out{};
  const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (trouble != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

}  // namespace

std::vector<int> process_numbers(const Host& host) {
  std::vector<int> out;
  std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(host.proc.c_str()), closedir);
  if (!stream) return out;
  while (const dirent* entry = readdir(stream.get()))
    if (const auto number = number_of_text<int>(entry->d_name); number && *number > 0) out.push_back(*number);
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<std::string> read_proc(const std::string& path, std::size_t bytes_max) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return std::nullopt;
  std::string out(std::min<std::size_t>(bytes_max, 4096), '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  while ((got = read(fd, out.data() + size, out.size() - size)) > 0 || (got < 0 && errno == EINTR)) {
    if (got > 0) size += static_cast<std::size_t>(got);
    if (size == bytes_max) break;
    if (size == out.size()) out.resize(std::min(bytes_max, size * 4));
  }
  close(fd);
  if (got < 0) return std::nullopt;
  out.resize(size);
  return out;
}

std::optional<std::string> link_of(const std::string& path) {
  char text[PATH_MAX];
  const ssize_t size = readlink(path.c_str(), text, sizeof text);
  if (size < 0) return std::nullopt;
  return std::string(text, static_cast<std::size_t>(size));
}

Users::Users(const Host& host) {
  const auto text = read_file(host, "/etc/passwd", passwd_bytes_max);
  if (!text) return;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::size_t name = line.find(':'), password = line.find(':', name + 1), end = line.find(':', password + 1);
    if (name == line.npos || password == line.npos || name == 0) continue;
    if (const auto uid = number_of_text<std::uint32_t>(line.substr(password + 1, end - password - 1))) names_.emplace(*uid, line.substr(0, name));
  }
}

std::string Users::name_of(std::uint32_t uid) const {
  const auto at = names_.find(uid);
  return at == names_.end() ? "" : at->second;
}

std::optional<std::uint32_t> Users::number_of(const std::string& name) const {
  for (const auto& [uid, its_name] : names_)
    if (its_name == name) return uid;
  return std::nullopt;
}

}  // namespace mig::modules
