// A made-up machine for the tests of pkg, and databases to put on it.
#pragma once

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <array>
#include <cstdio>
#include <string>

#include "made_up_root.h"
#include "modules/module.h"

namespace mig::test::pkg {

using core::Json;
using modules::Answer;
using modules::Budget;
using modules::Host;

/// What a program prints, and nothing if it fails or is not there.
inline std::string shell(const std::string& command) {
  std::string out;
  FILE* pipe = popen(("exec 2>/dev/null </dev/null; " + command).c_str(), "r");
  std::array<char, 4096> block{};
  for (std::size_t got; (got = fread(block.data(), 1, block.size(), pipe)) > 0;) out.append(block.data(), got);
  return pclose(pipe) == 0 ? out : "";
}

inline bool missing(const std::string& program, const char* package) {
  if (!shell("command -v " + program).empty()) return false;
  WARN("left out: " << program << " is not installed (Debian: " << package << ")");
  return true;
}

/// A machine without packages: whatever pkg looks for stands in it, empty.
struct Machine {
  MadeUpRoot root;
  Machine() {
    for (const char* folder : {"/var/lib/dpkg", "/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm", "/lib/apk/db", "/usr/lib/apk/db",
                               "/usr/lib64", "/usr/local/lib/node_modules", "/usr/local/lib64", "/usr/lib/node_modules"})
      root.folder(folder);
  }
  Answer ask(const Json& parameters, double seconds = 60, std::size_t bytes = 0) const {
    Budget budget(seconds, bytes);
    return modules::run("pkg", parameters, Host{.root = root.path()}, budget);
  }
  /// Without the time it took, which must be there.
  Json answer(const Json& parameters) const {
    Json out = Json::parse(ask(parameters).to_json());
    CHECK(out["statistics"]["execruntime"].is_string());
    out.erase("statistics");
    return out;
  }
  Json find(const std::string& regex = "") const { return answer(named(regex)); }
  static Json named(const std::string& regex) { return {{"pkgmatch", {{"matches", {regex}}}}}; }
};

inline Json row(const char* name, const char* version, const char* type, const char* arch) {
  return {{"name", name}, {"version", version}, {"type", type}, {"arch", arch}};
}
inline Json tree_row(const char* name, const char* version, const char* type, const char* path) {
  return {{"name", name}, {"version", version}, {"type", type}, {"path", path}};
}
inline Json whole(Json rows, const Json& errors = nullptr) {
  if (rows.is_object()) rows = Json::array({rows});  // {one} is taken for one itself
  return {{"foundanything", !rows.empty()}, {"success", true}, {"elements", {{"packages", rows}}}, {"errors", errors}};
}

inline std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8), static_cast<char>(value)};
}

/// A header as rpm keeps it. An `epoch` below 0: none. `filler`: how long it is made; `late`: what the architecture is stands behind that.
inline std::string header(const std::string& name, const std::string& version, const std::string& release, int epoch = -1,
                          const std::string& arch = "x86_64", std::size_t filler = 0, bool late = false) {
  std::string index, store;
  std::uint32_t count = 0;
  const auto add = [&](std::uint32_t tag, std::uint32_t type, const std::string& bytes) {
    if (type == 4) store.resize((store.size() + 3) / 4 * 4);
    index += big_endian(tag) + big_endian(type) + big_endian(static_cast<std::uint32_t>(store.size())) + big_endian(1);
    store += bytes;
    ++count;
  };
  add(1000, 6, name + '\0');
  add(1001, 6, version + '\0');
  add(1002, 6, release + '\0');
  if (epoch >= 0) add(1003, 4, big_endian(static_cast<std::uint32_t>(epoch)));
  if (late) add(1004, 6, std::string(filler, 'x') + '\0');
  if (!arch.empty()) add(1022, 6, arch + '\0');
  if (!late) add(1080, 6, std::string(filler, 'x') + '\0');
  return big_endian(count) + big_endian(static_cast<std::uint32_t>(store.size())) + index + store;
}

}  // namespace mig::test::pkg
