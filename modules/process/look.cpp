#include "modules/process/look.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>

#include "modules/host_files.h"
#include "modules/network.h"
#include "modules/scan/digest.h"
#include "node/core/time.h"

namespace mig::modules::process {
namespace {

constexpr std::array<const char*, 8> namespace_names = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
constexpr std::size_t cmdline_bytes_max = 128 * 1024;

bool forbidden() { return errno == EACCES || errno == EPERM; }

std::map<std::string, std::string> namespaces_of(const std::string& folder) {
  std::map<std::string, std::string> out;
  for (const char* name : namespace_names)
    if (const auto link = link_of(folder + "/ns/" + name)) {  // net:[4026531840]
      const std::size_t open = link->find('['), close = link->find(']');
      if (open != link->npos && close != link->npos && close > open) out[name] = link->substr(open + 1, close - open - 1);
    }
  return out;
}

}  // namespace

Machine::Machine(const Host& the_host, Budget& the_budget) : host(the_host), budget(the_budget), users(the_host), namespaces(namespaces_of(the_host.proc + "/self")) {
  if (const auto text = read_proc(host.proc + "/stat", 1 << 20)) booted = parse_boot_time(*text).value_or(0);
}

std::string Process::folder() const { return machine_->host.proc + "/" + std::to_string(pid_); }

const std::optional<Status>& Process::status() {
  if (!status_) {
    const auto text = read_proc(folder() + "/status");
    status_ = text ? parse_status(*text) : std::nullopt;
  }
  return *status_;
}

const std::optional<Program>& Process::program() {
  if (program_) return *program_;
  constexpr std::string_view gone = " (deleted)";
  const std::string link = folder() + "/exe";
  auto path = link_of(link);
  if (!path) {
    if (errno == ENOENT) program_ = Program{};  // a kernel thread, or one that is ending
    else hidden = forbidden(), program_ = std::optional<Program>();
    return *program_;
  }
  Program out{*path, false, path->starts_with("/memfd:")};
  // A program may bear that ending by its own name: then its file is there.
  struct stat info {};
  if (path->ends_with(gone) && (::stat(link.c_str(), &info) != 0 || info.st_nlink == 0)) {
    out.deleted = true;
    out.path.resize(path->size() - gone.size());
  }
  program_ = std::move(out);
  return *program_;
}

const std::optional<std::vector<std::string>>& Process::cmdline() {
  if (!cmdline_) {
    const auto text = read_proc(folder() + "/cmdline", cmdline_bytes_max);
    cmdline_ = text ? std::optional(parse_cmdline(*text)) : std::nullopt;
  }
  return *cmdline_;
}

const std::optional<std::vector<std::string>>& Process::files() {
  if (files_) return *files_;
  std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir((folder() + "/fd").c_str()), closedir);
  if (!stream) {
    hidden = hidden || forbidden();
    files_ = std::optional<std::vector<std::string>>();
    return *files_;
  }
  std::vector<std::string> out;
  char text[PATH_MAX];
  while (const dirent* entry = readdir(stream.get())) {
    if (machine_->budget.spent()) break;
    const ssize_t size = readlinkat(dirfd(stream.get()), entry->d_name, text, sizeof text);
    if (size > 0) out.emplace_back(text, static_cast<std::size_t>(size));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  files_ = std::move(out);
  return *files_;
}

const std::optional<std::string>& Process::sha256() {
  if (!sha256_) sha256_ = sum_of_program();
  return *sha256_;
}

std::optional<std::string> Process::sum_of_program() {
  const auto& it = program();
  if (!it) return std::nullopt;
  if (it->path.empty()) return "";
  // The kernel's link leads to the very file that runs, though it may have been replaced or deleted.
  const std::string path = machine_->host.proc == "/proc" ? folder() + "/exe" : place_of(machine_->host, it->path);
  const Socket file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    hidden = hidden || forbidden();
    return std::nullopt;
  }
  std::string& known = machine_->sums[{info.st_dev, info.st_ino}];
  if (!known.empty()) return known;
  scan::Digests digests;
  digests.begin(scan::bit(scan::HashKind::sha256));
  std::string block(256 * 1024, '\0');
  for (;;) {
    if (machine_->budget.spent()) return std::nullopt;
    const ssize_t got = read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    digests.update({block.data(), static_cast<std::size_t>(got)});
  }
  digests.finish();
  return known = core::to_hex(digests[scan::HashKind::sha256]);
}

std::map<std::string, std::string> Process::namespaces() const { return namespaces_of(folder()); }

std::string Process::user() {
  const auto& it = status();
  if (!it) return "";
  const std::string name = machine_->users.name_of(it->uid);
  return name.empty() ? std::to_string(it->uid) : name;
}

std::string Process::started() const {
  static const long ticks = sysconf(_SC_CLK_TCK);
  if (machine_->booted == 0 || ticks <= 0) return "";
  // Whole seconds: the kernel says no more of the machine's own start.
  const std::uint64_t seconds = std::min<std::uint64_t>(stat_.started / static_cast<std::uint64_t>(ticks), 10'000'000'000);
  return core::to_rfc3339((machine_->booted + static_cast<std::int64_t>(seconds)) * 1000);
}

}  // namespace mig::modules::process
