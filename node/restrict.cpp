#include "node/restrict.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "modules/module.h"
#include "node/core/limits.h"
#include "node/wall.h"

namespace mig::node {
namespace {

using namespace core;

constexpr std::size_t file_bytes_max = 64 * 1024;
constexpr std::size_t kilo = 1024, mega = 1024 * 1024;
constexpr double number_max = 1e9;

/// Of two bounds of which 0 is none.
template <typename T>
void lower(T& bound, T other) {
  if (other > 0 && (bound <= 0 || other < bound)) bound = other;
}

Result<std::vector<std::string>> texts(const Json& value, const std::string& key) {
  std::vector<std::string> out;
  if (!value.is_array()) return invalid(key + ": not a list of texts");
  for (const Json& one : value) {
    if (!one.is_string()) return invalid(key + ": not a list of texts");
    out.push_back(one.get<std::string>());
  }
  return out;
}

Result<double> positive(const Json& value, const std::string& key) {
  if (!value.is_number() || value.get<double>() <= 0 || value.get<double>() > number_max) return invalid(key + ": not a number above 0");
  return value.get<double>();
}

bool below(const std::string& path, const std::string& other) {
  return path == other || other == "/" || path.starts_with(other + "/");
}

std::string list(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "none" : out;
}

Status take_paths(Restrictions& out, std::vector<std::string> paths) {
  for (auto& path : paths) {
    while (path.size() > 1 && path.ends_with("/")) path.pop_back();
    if (!path.starts_with("/") || path.find("/../") != path.npos || path.ends_with("/..")) return invalid("paths: '" + path + "' is not an absolute path");
  }
  out.paths = std::move(paths);
  return Done{};
}

Status take_number(Restrictions& out, const std::string& key, double number) {
  if (key == "seconds") out.seconds = number;
  else if (key == "cpu_seconds") out.cpu_seconds = number;
  else if (key == "memory_mb") out.memory_bytes = static_cast<std::size_t>(number * mega);
  else if (key == "output_kb") out.output_bytes = static_cast<std::size_t>(number * kilo);
  else return invalid("'" + key + "' is not known; there are: modules, paths, seconds, cpu_seconds, memory_mb, output_kb, privacy");
  return Done{};
}

Status take_one(Restrictions& out, const std::string& key, const Json& value) {
  if (key == "modules") {
    auto names = texts(value, key);
    if (!names) return names.error();
    for (const auto& name : *names)
      if (modules::find(name) == nullptr) return invalid("modules: there is no module '" + name + "' in this build");
    out.modules = std::set<std::string>(names->begin(), names->end());
    return Done{};
  }
  if (key == "paths") {
    auto paths = texts(value, key);
    return paths ? take_paths(out, std::move(*paths)) : Status(paths.error());
  }
  if (key == "privacy") {
    if (!value.is_boolean()) return invalid("privacy: neither true nor false");
    out.privacy = value.get<bool>();
    return Done{};
  }
  if (auto known = take_number(out, key, 1); !known) return known;
  auto number = positive(value, key);
  return number ? take_number(out, key, *number) : Status(number.error());
}

}  // namespace

void Restrictions::add(const Restrictions& other) {
  if (other.modules) {
    if (!modules) modules = other.modules;
    std::erase_if(*modules, [&](const std::string& name) { return !other.modules->contains(name); });
  }
  if (other.paths) {
    std::vector<std::string> both;  // of two that lie in one another, the inner one
    if (!paths) both = *other.paths;
    for (const auto& mine : paths.value_or(std::vector<std::string>{}))
      for (const auto& theirs : *other.paths) {
        if (below(mine, theirs)) both.push_back(mine);
        else if (below(theirs, mine)) both.push_back(theirs);
      }
    paths = std::move(both);
  }
  lower(seconds, other.seconds);
  lower(cpu_seconds, other.cpu_seconds);
  lower(memory_bytes, other.memory_bytes);
  lower(output_bytes, other.output_bytes);
  privacy = privacy || other.privacy;
}

void Restrictions::apply(JobSpec& spec) const {
  lower(spec.seconds, seconds);
  lower(spec.cpu_seconds, cpu_seconds);
  lower(spec.bytes_max, std::min(output_bytes, limits::job_output_bytes));
  lower(spec.memory_bytes, std::min(memory_bytes, limits::job_memory_bytes));
  spec.privacy = spec.privacy || privacy;
  if (!paths) return;
  spec.readable = *paths;
  if (spec.readable.empty()) spec.readable = {"/proc/self"};  // an empty list would mean everything
  if (!spec.host.root.empty())
    for (const auto& path : *paths) spec.readable.push_back(spec.host.root + path);
}

std::map<std::string, std::string> Restrictions::refusals() const {
  std::map<std::string, std::string> out;
  for (const auto* module : modules::all()) {
    const std::string& name = module->parameters().name;
    const auto demands = module->demands();
    if (modules && !modules->contains(name)) out[name] = "module '" + name + "' is not allowed on this machine";
    else if (paths && landlock_version() == 0) out[name] = "only some paths may be read on this machine, which its kernel cannot keep (it has no Landlock)";
    else if (paths && (demands.processes || demands.namespaces || demands.root)) out[name] = "only some paths may be read on this machine, and module '" + name + "' cannot be held to that";
  }
  return out;
}

std::vector<std::string> Restrictions::in_words() const {
  std::vector<std::string> out;
  if (modules) out.push_back("modules: " + list({modules->begin(), modules->end()}));
  if (paths) out.push_back("paths: " + list(*paths));
  if (seconds > 0) out.push_back(fmt::format("seconds: {:g}", seconds));
  if (cpu_seconds > 0) out.push_back(fmt::format("cpu_seconds: {:g}", cpu_seconds));
  if (memory_bytes > 0) out.push_back(fmt::format("memory_mb: {:g}", static_cast<double>(memory_bytes) / mega));
  if (output_bytes > 0) out.push_back(fmt::format("output_kb: {:g}", static_cast<double>(output_bytes) / kilo));
  if (privacy) out.push_back("privacy: paths, names and addresses are masked");
  return out;
}

Result<Restrictions> parse_restrictions(const std::string& text) {
  auto json = parse_json(text, file_bytes_max);
  if (!json) return json.error();
  if (!json->is_object()) return invalid("not a JSON object");
  Restrictions out;
  for (const auto& item : json->items())
    if (auto taken = take_one(out, item.key(), item.value()); !taken) return taken.error();
  return out;
}

Result<Restrictions> read_restrictions(const std::vector<std::string>& files) {
  Restrictions out;
  for (const auto& path : files) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) continue;
    if (fd < 0) return Error{Code::world, fmt::format("{}: {}; the agent does not start without what restricts it", path, std::strerror(errno))};
    std::string text(file_bytes_max + 1, '\0');
    const ssize_t got = ::read(fd, text.data(), text.size());
    ::close(fd);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    auto one = parse_restrictions(text);
    if (!one) return Error{Code::invalid, fmt::format("{}: {}; the agent does not start without what restricts it", path, one.error().text)};
    out.add(*one);
  }
  return out;
}

}  // namespace mig::node
