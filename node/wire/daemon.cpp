#include "node/wire/daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "node/core/limits.h"

namespace mig::wire {

using namespace core;

namespace {

Driver* running = nullptr;  // for the signal handler

Error trouble(const std::string& path, int code) {
  return {Code::world, fmt::format("state directory {}: {}; give it to the user this runs as, or name another with --state", path, std::strerror(code))};
}

}  // namespace

Result<StateDirectory> StateDirectory::open(const std::string& path) {
  std::error_code code;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), code);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return trouble(path, errno);
  if (::chmod(path.c_str(), 0700) != 0 || ::access(path.c_str(), R_OK | W_OK | X_OK) != 0) return trouble(path, errno);
  StateDirectory directory;
  directory.path_ = std::filesystem::absolute(path).string();
  return directory;
}

std::optional<std::string> StateDirectory::read(const std::string& name) const {
  std::ifstream file(path_ + "/" + name, std::ios::binary);
  if (!file) return {};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Whole or not at all: a crash leaves the old file.
Status StateDirectory::write(const std::string& name, const std::string& content) const {
  const std::string target = path_ + "/" + name, fresh = target + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return trouble(path_, errno);
  const bool ok = ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()) && ::fsync(fd) == 0;
  const int code = errno;
  ::close(fd);
  if (!ok) return trouble(path_, code);
  if (::rename(fresh.c_str(), target.c_str()) != 0) return trouble(path_, errno);
  return Done{};
}

Result<Seed> StateDirectory::seed(const std::optional<Seed>& given) {
  if (auto stored = read("seed")) {
    if (auto seed = Seed::from(*stored)) return *seed;
    return Error{Code::world, fmt::format("state directory {}: the file seed is damaged; without it this node is nobody: move the directory away and join anew", path_)};
  }
  const Seed seed = given ? *given : random_seed();
  if (auto ok = write("seed", seed.bytes()); !ok) return ok.error();
  return seed;
}

Result<JoinString> StateDirectory::join(const std::string& given) {
  std::string text = given;
  if (text.empty()) {
    auto stored = read("join");
    if (!stored) return invalid("no mesh is known here yet: give --join with what `mig invite` prints");
    text = *stored;
  }
  auto join = join_from_text(text);
  if (!join) return join.error();
  auto own = baked();
  if (!own) return own.error();
  if (*own) {
    if ((*own)->trust.mesh != join->trust.mesh)
      return refused(fmt::format("this program belongs to mesh {} {} and joins no other; the join string is of {} {}", (*own)->trust.name, (*own)->trust.mesh.brief(), join->trust.name, join->trust.mesh.brief()));
    join->relays.insert(join->relays.end(), (*own)->relays.begin(), (*own)->relays.end());
  }
  if (!given.empty())
    if (auto ok = write("join", given); !ok) return ok.error();
  return join;
}

Result<Json> StateDirectory::settings(const Json& given) {
  Json settings = Json::object();
  if (auto stored = read("settings.json"))
    if (auto json = parse_json(*stored, 1 << 20); json && json->is_object()) settings = *json;
  for (const auto& [key, value] : given.items())
    if (!(value.empty() || value == "")) settings[key] = value;  // a JSON string is never empty()
  if (auto ok = write("settings.json", pretty_json(settings)); !ok) return ok.error();
  return settings;
}

std::string proxy_of(const Json& settings) {
  const std::string proxy = settings.value("socks", std::string());
  return proxy == no_proxy ? "" : proxy;
}

void log_event(const Event& event) {
  if (event.level == Level::debug) return;
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  fmt::print(stderr, "{} {}\n", to_rfc3339(now), to_line(event));
  std::fflush(stderr);
}

void prepare_process(Driver& driver) {
  running = &driver;
  struct sigaction action {};
  action.sa_handler = [](int) { running->stop(); };
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
}

int fail(const char* program, const std::string& text) {
  fmt::print(stderr, "{}: {}\n", program, text);
  return 2;
}

}  // namespace mig::wire
