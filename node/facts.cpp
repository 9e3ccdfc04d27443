#include "node/facts.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bitset>
#include <chrono>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

namespace mig::node {
namespace {

// A machine's own identity files are short; what is longer is not one.
constexpr std::size_t file_max = 64 * 1024;

class Tree {
 public:
  explicit Tree(std::string root) : root_(std::move(root)) {}

  std::string where(const std::string& path) const {
    struct stat info {};
    std::string shadow = root_ + path;
    return !root_.empty() && stat(shadow.c_str(), &info) == 0 ? shadow : path;
  }
  std::optional<std::string> text(const std::string& path) const {
    std::string at = where(path);
    struct stat info {};
    // A pipe or a device in this place would make the agent wait for ever.
    if (stat(at.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
    std::ifstream file(at, std::ios::binary);
    std::string out(file_max, '\0');
    file.read(out.data(), static_cast<std::streamsize>(out.size()));
    out.resize(static_cast<std::size_t>(file.gcount()));
    return core::readable_utf8(out);
  }
  bool exists(const std::string& path) const {
    struct stat info {};
    return stat(where(path).c_str(), &info) == 0;
  }

 private:
  std::string root_;
};

std::string trimmed(const std::string& text) {
  std::size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// One value of an os-release file: shell assignments, with or without quotes (os-release(5)).
std::string release_value(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    line = trimmed(line);
    if (line.rfind(key + "=", 0) != 0) continue;
    std::string value = trimmed(line.substr(key.size() + 1)), out;
    char quote = !value.empty() && (value[0] == '"' || value[0] == '\'') ? value[0] : '\0';
    for (std::size_t i = quote != '\0' ? 1 : 0; i < value.size() && (quote == '\0' || value[i] != quote); ++i) {
      if (value[i] == '\\' && quote != '\'' && i + 1 < value.size()) ++i;
      out += value[i];
    }
    return trimmed(out);
  }
  return "";
}

// The first line of /etc/issue without what getty fills in (\n, \l).
std::string issue_line(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == '\\')
      ++i;
    else
      out += text[i];
  }
  return trimmed(out);
}

std::string ident_of(const Tree& tree, const utsname& kernel) {
  for (const char* path : {"/etc/os-release", "/usr/lib/os-release"}) {
    std::optional<std::string> text = tree.text(path);
    if (!text) continue;
    std::string pretty = release_value(*text, "PRETTY_NAME");
    if (pretty.empty()) pretty = trimmed(release_value(*text, "NAME") + " " + release_value(*text, "VERSION"));
    if (!pretty.empty()) return pretty;
  }
  if (std::optional<std::string> text = tree.text("/etc/issue"))
    if (std::string line = issue_line(*text); line.size() > 3) return line;
  return fmt::format("{} {}", kernel.sysname, kernel.release);
}

std::string init_of(const Tree& tree) {
  std::string first = trimmed(tree.text("/proc/1/comm").value_or(""));
  if (first == "systemd" || tree.exists("/run/systemd/system")) return "systemd";
  if (first == "init") return tree.exists("/usr/share/upstart") ? "upstart" : "sysvinit";
  return first.empty() ? "sysvinit-fallback" : first;  // a container's first program says more than a guess
}

// The kernel's name; without a dot, the full name that /etc/hosts gives it. Asking DNS could hang, and tells others.
std::string host_name(const Tree& tree, const utsname& kernel) {
  std::string name = kernel.nodename;
  if (name.find('.') != std::string::npos) return name;
  std::istringstream lines(tree.text("/etc/hosts").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word, full;
    bool ours = false;
    words >> word;  // the address
    while (words >> word) {
      ours = ours || word == name;
      if (full.empty() && word.rfind(name + ".", 0) == 0) full = word;
    }
    if (ours && !full.empty()) return full;
  }
  return name;
}

std::string cidr(const sockaddr* address, const sockaddr* mask) {
  char text[INET6_ADDRSTRLEN] = {};
  auto bits = [](const void* octets, std::size_t size) {
    std::size_t out = 0;
    for (std::size_t i = 0; i < size; ++i) out += std::bitset<8>(static_cast<const unsigned char*>(octets)[i]).count();
    return out;
  };
  if (address->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
    return fmt::format("{}/{}", text, mask ? bits(&reinterpret_cast<const sockaddr_in*>(mask)->sin_addr, 4) : 32);
  }
  inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text, sizeof text);
  return fmt::format("{}/{}", text, mask ? bits(&reinterpret_cast<const sockaddr_in6*>(mask)->sin6_addr, 16) : 128);
}

std::set<std::string> addresses() {
  std::set<std::string> out;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return out;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_LOOPBACK) != 0) continue;
    if (at->ifa_addr->sa_family == AF_INET || at->ifa_addr->sa_family == AF_INET6)
      out.insert(cidr(at->ifa_addr, at->ifa_netmask));
  }
  freeifaddrs(list);
  return out;
}

}  // namespace

std::string go_arch(const std::string& machine) {
  static constexpr std::pair<const char*, const char*> names[] = {
      {"x86_64", "amd64"}, {"aarch64", "arm64"}, {"i386", "386"},       {"i486", "386"},   {"i586", "386"},
      {"i686", "386"},     {"mips64", "mips64"}, {"loongarch64", "loong64"}};
  for (const auto& known : names)
    if (machine == known.first) return known.second;
  return machine.rfind("armv", 0) == 0 ? "arm" : machine;  // ppc64le, s390x and riscv64 are called alike
}

core::AgentFacts gather(const std::string& name_override, const std::map<std::string, std::string>& tags,
                        const std::string& root) {
  Tree tree(root);
  utsname kernel{};
  uname(&kernel);
  core::AgentFacts facts;
  facts.name = name_override.empty() ? host_name(tree, kernel) : name_override;
  facts.mode = "daemon";
  facts.version = software_version;
  facts.pid = getpid();
  auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  facts.starttime = std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
  facts.refreshtime = facts.starttime;
  facts.destructiontime = core::never_destroyed;
  facts.environment = {{"init", init_of(tree)}, {"ident", ident_of(tree, kernel)}, {"os", "linux"},
                       {"arch", go_arch(kernel.machine)}, {"isproxied", false}, {"proxy", ""}, {"addresses", addresses()}};
  facts.tags = tags;
  return facts;
}

}  // namespace mig::node
