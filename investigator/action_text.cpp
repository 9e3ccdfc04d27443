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

namespace {

/// A draft may come from somebody else: it names files that stand beside it, and no others of this machine.
core::Status enclose_named(core::ActionFile& file, const std::string& directory) {
  for (core::Operation& operation : file.draft.operations) {
    core::Status ok = core::each_reference(operation.parameters, [&](core::Json&, const core::Reference& reference) -> core::Status {
      for (const core::Enclosed& one : file.enclosed)
        if (one.attachment.name == reference.name) return core::Done{};
      if (reference.name.find('/') != std::string::npos)
        return core::refused(fmt::format("attachment '{}': a draft names files beside it alone, without '/'", reference.name));
      auto content = read_file(directory + reference.name);
      if (!content) return content.error();
      file.enclosed.push_back(core::enclose(reference.name, *content));
      return core::Done{};
    });
    if (!ok) return ok;
  }
  return core::Done{};
}

}  // namespace

core::Result<core::ActionFile> load_action(const std::string& path) {
  auto text = read_named(path);
  if (!text) return text.error();
  auto file = core::read_action_file(*text);
  if (!file) return core::Error{file.error().code, fmt::format("{}: {}", path, file.error().text)};
  if (file->canonical.empty())
    if (core::Status ok = enclose_named(*file, path.substr(0, path.rfind('/') + 1)); !ok) return core::Error{ok.error().code, fmt::format("{}: {}", path, ok.error().text)};
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
