#include "investigator/action_text.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "investigator/files.h"

namespace mig::investigator {

core::Result<core::Bytes> read_named(const std::string& path) {
  return read_file(path == "-" ? "/dev/stdin" : path);
}

core::Result<core::ActionFile> load_action(const std::string& path) {
  auto text = read_named(path);
  if (!text) return text.error();
  auto file = core::read_action_file(*text);
  if (!file) return core::Error{file.error().code, fmt::format("{}: {}", path, file.error().text)};
  return file;
}

core::Status write_named(const std::string& path, const std::string& text) {
  if (path.empty() || path == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (std::fflush(stdout) == 0) return core::Done{};
    return core::Error{core::Code::world, fmt::format("stdout: {}", std::strerror(errno))};
  }
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (out) return core::Done{};
  return core::Error{core::Code::world, fmt::format("{}: cannot be written: {}", path, std::strerror(errno))};
}

}  // namespace mig::investigator
