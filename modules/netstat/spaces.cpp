#include "modules/netstat/spaces.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>

#include "modules/host_files.h"
#include "modules/netstat/proc_net.h"
#include "modules/processes.h"

namespace mig::modules::netstat {
namespace {

bool is_real(const Host& host) { return host.proc == "/proc"; }

/// Whose parent has not asked for its end yet; it is in no namespace any more.
bool is_dead(const std::string& folder) {
  const std::string stat = read_proc(folder + "/stat").value_or(") Z");
  return stat.find(") Z") != stat.npos || stat.find(") X") != stat.npos;
}

/// Where namespaces are kept that no process is in.
constexpr std::array<const char*, 2> kept_in = {"/run/netns", "/run/docker/netns"};

constexpr std::size_t row_bytes = 160;  ///< about, in an answer

}  // namespace

std::vector<Space> spaces(const Host& host, bool all, std::vector<std::string>& errors) {
  std::vector<Space> out{{"default", "", host.proc + "/net"}};
  if (!all) return out;
  const std::string own = link_of(host.proc + "/self/ns/net").value_or("");
  std::map<std::string, Space> others;
  std::size_t closed = 0;
  for (const int pid : process_numbers(host)) {
    const std::string folder = fmt::format("{}/{}", host.proc, pid), link = folder + "/ns/net";
    const auto name = link_of(link);
    if (!name) closed += (errno == EACCES || errno == EPERM) && !is_dead(folder);
    else if (*name != own) others.try_emplace(*name, Space{*name, link, folder + "/net"});
  }
  if (is_real(host))
    for (const char* folder : kept_in)
      for (const std::string& file : names_in(host, folder)) {
        struct stat info {};
        const std::string path = fmt::format("{}/{}", folder, file);
        if (stat(path.c_str(), &info) != 0) continue;
        const std::string name = fmt::format("net:[{}]", info.st_ino);
        if (name != own) others.try_emplace(name, Space{name, path, ""});
      }
  if (closed > 0) errors.push_back(fmt::format("namespaces: of {} processes it cannot be told in which they are (root can)", closed));
  for (auto& [name, space] : others) out.push_back(std::move(space));
  return out;
}

Tables::Tables(const Host& host, const Space& space, std::vector<std::string>& errors) : host_(host), space_(space), errors_(errors) {
  if (is_real(host)) kernel_ = std::make_unique<Kernel>(space.link);
}

void Tables::trouble(const char* what, const std::string& why) {
  std::string line = space_.name == "default" ? fmt::format("{}: {}", what, why) : fmt::format("{}: {}: {}", what, space_.name, why);
  if (kernel_ && !kernel_->entered()) line += fmt::format(" (the namespace cannot be entered: {})", kernel_->trouble());
  errors_.push_back(std::move(line));
}

void Tables::sockets(const Filter& filter, Budget& budget, std::vector<SocketInfo>& out, const std::function<bool(const SocketInfo&)>& wanted) {
  for (const int protocol : {tcp, udp}) {
    const std::size_t before = out.size();
    const std::uint32_t states = protocol == tcp ? filter.tcp_states : filter.udp_states;
    const auto take = [&](const SocketInfo& socket) {
      ++examined;
      if (!wanted(socket)) return;
      out.push_back(socket);
      budget.add_bytes(row_bytes);
    };
    if (kernel_ && kernel_->sockets(protocol, filter, budget, take)) continue;
    out.resize(before);  // a dump that broke off would be listed twice
    bool any = false;
    for (const bool six : {false, true}) {
      const std::string path = fmt::format("{}/{}{}", space_.folder, protocol == tcp ? "tcp" : "udp", six ? "6" : "");
      any |= !space_.folder.empty() && each_line(path, budget, [&](std::string_view line) {
        const auto socket = socket_of_line(line, protocol, six);
        if (socket && socket->state < 32 && (states >> socket->state & 1) != 0) take(*socket);
      });
    }
    if (!any) trouble("sockets", fmt::format("the kernel tells none of {}", protocol == tcp ? "TCP" : "UDP"));
  }
}

std::vector<Neighbour> Tables::neighbours(Budget& budget) {
  std::vector<Neighbour> out;
  if (!kernel_ || !kernel_->neighbours(budget, [&](const Neighbour& one) { out.push_back(one); })) {
    out.clear();
    const bool read = !space_.folder.empty() && each_line(space_.folder + "/arp", budget, [&](std::string_view line) {
      if (auto one = neighbour_of_line(line)) out.push_back(std::move(*one));
    });
    trouble("neighbours", read ? "only those of IPv4 are known, from arp" : "the kernel tells none");
  }
  examined += out.size();
  return out;
}

std::vector<Interface> Tables::interfaces(Budget& budget) {
  std::vector<Interface> out;
  if (!kernel_ || !kernel_->interfaces(budget, [&](const Interface& one) { out.push_back(one); })) {
    out.clear();
    if (space_.name == "default")
      for (const std::string& name : names_in(host_, "/sys/class/net"))
        if (auto mac = read_file(host_, "/sys/class/net/" + name + "/address", 256)) {
          mac->erase(std::min(mac->find('\n'), mac->size()));
          const bool none = mac->find_first_not_of("0:") == mac->npos || mac->size() < 17;
          out.push_back({name, none ? "" : *mac});
        }
    if (out.empty()) trouble("localmac", "the kernel tells no interface");
  }
  examined += out.size();
  return out;
}

std::vector<Ip> Tables::addresses(Budget& budget) {
  std::vector<Ip> out;
  if (!kernel_ || !kernel_->addresses(budget, [&](const Ip& one) { out.push_back(one); })) {
    out.clear();
    const auto trie = space_.folder.empty() ? std::nullopt : read_proc(space_.folder + "/fib_trie", 16 << 20);
    if (trie) out = addresses_of_trie(*trie);
    const bool six = !space_.folder.empty() && each_line(space_.folder + "/if_inet6", budget, [&](std::string_view line) {
      if (const auto ip = address_of_line(line)) out.push_back(*ip);
    });
    if (!trie && !six) trouble("localip", "the kernel tells no address");
  }
  examined += out.size();
  return out;
}

}  // namespace mig::modules::netstat
