#include "node/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace mig::node {
namespace {

constexpr int threads_max = 256;  ///< of one job: two scan with, names are resolved in some more

bool write_to(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return done;
}

std::string read_from(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Where the unified hierarchy is mounted, and which part of it; from a line of mountinfo.
bool unified_mount(std::string& mount, std::string& root) {
  std::istringstream lines(read_from("/proc/self/mountinfo"));
  std::string line;
  while (std::getline(lines, line)) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream words(line);
    std::string id, parent, device;
    return static_cast<bool>(words >> id >> parent >> device >> root >> mount);
  }
  return false;
}

/// The directory of this process's group; empty if there is no unified hierarchy.
std::string own_group() {
  std::string mount, root, line;
  if (!unified_mount(mount, root)) return "";
  std::istringstream lines(read_from("/proc/self/cgroup"));
  while (std::getline(lines, line)) {
    if (!line.starts_with("0::/")) continue;
    std::string path = line.substr(3);
    if (root != "/" && path.starts_with(root)) path.erase(0, root.size());
    while (path.ends_with("/")) path.pop_back();
    return mount + path;
  }
  return "";
}

/// systemd writes it on what it gives away.
bool delegated(const std::string& group) {
  char value[8] = "";
  for (const char* name : {"user.delegate", "trusted.delegate"})
    if (getxattr(group.c_str(), name, value, sizeof value - 1) > 0 && value[0] == '1') return true;
  return false;
}

}  // namespace

Cgroups Cgroups::find() {
  Cgroups out;
  std::string group = own_group();
  if (group.empty()) {
    out.words_ = "control groups: this machine has no version 2; jobs have their rlimits alone";
    return out;
  }
  if (group.ends_with("/agent") && delegated(group.substr(0, group.rfind('/')))) group.erase(group.rfind('/'));
  if (!delegated(group)) {
    out.words_ = "control groups: none was given to the agent (systemd: Delegate=yes); jobs have their rlimits alone";
    return out;
  }
  // A group with processes of its own may not have groups with controllers below it.
  mkdir((group + "/agent").c_str(), 0755);
  if (!write_to(group + "/agent/cgroup.procs", "0") || !write_to(group + "/cgroup.subtree_control", "+memory +pids")) {
    out.words_ = "control groups: the one given to the agent has no memory and pids controllers; jobs have their rlimits alone";
    return out;
  }
  out.base_ = group;
  out.words_ = fmt::format("control groups: one a job below {}, with bounds on memory and threads", group);
  return out;
}

std::string Cgroups::make(std::uint64_t job, std::size_t memory_bytes) {
  if (base_.empty()) return "";
  const std::string group = fmt::format("{}/job-{}", base_, job);
  rmdir(group.c_str());  // of an agent that crashed
  if (mkdir(group.c_str(), 0755) != 0) return "";
  write_to(group + "/memory.max", std::to_string(memory_bytes + memory_bytes / 4));  // what it maps of files is counted too
  write_to(group + "/memory.swap.max", "0");
  write_to(group + "/pids.max", std::to_string(threads_max));
  write_to(group + "/cpu.idle", "1");
  return group;
}

bool Cgroups::join(const std::string& group) { return write_to(group + "/cgroup.procs", "0"); }

bool Cgroups::out_of_memory(const std::string& group) {
  std::istringstream words(group.empty() ? "" : read_from(group + "/memory.events"));
  std::string name;
  for (std::uint64_t count = 0; words >> name >> count;)
    if (name == "oom_kill" && count > 0) return true;
  return false;
}

void Cgroups::end(const std::string& group) {
  if (group.empty()) return;
  write_to(group + "/cgroup.kill", "1");  // Linux 5.14; before, the process group is what is ended
  rmdir(group.c_str());                   // fails while the last of it is dying: the next job of this number tries again
}

}  // namespace mig::node
