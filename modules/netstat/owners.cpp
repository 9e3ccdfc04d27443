#include "modules/netstat/owners.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <unordered_map>

#include "modules/processes.h"

namespace mig::modules::netstat {
namespace {

/// N of "socket:[N]"; 0 for anything else.
std::uint64_t inode_of_link(std::string_view link) {
  constexpr std::string_view head = "socket:[";
  std::uint64_t out = 0;
  if (link.starts_with(head)) std::from_chars(link.data() + head.size(), link.data() + link.size(), out);
  return out;
}

Owner owner_of(const std::string& folder, int pid) {
  Owner out{pid, read_proc(folder + "/comm", 64).value_or(""), link_of(folder + "/exe").value_or("")};
  if (!out.name.empty() && out.name.back() == '\n') out.name.pop_back();
  return out;
}

}  // namespace

void Owners::find(const Host& host, Budget& budget) {
  of.erase(0);  // of no process
  if (of.empty()) return;
  std::unordered_map<std::uint64_t, std::vector<Owner>*> wanted;  // asked for every descriptor of the machine
  wanted.reserve(of.size());
  for (auto& [inode, owners] : of) wanted.emplace(inode, &owners);
  for (const int pid : process_numbers(host)) {
    const std::string folder = host.proc + "/" + std::to_string(pid);
    std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir((folder + "/fd").c_str()), closedir);
    if (!stream) {
      unreadable += errno == EACCES || errno == EPERM;
      continue;
    }
    Owner owner;
    const int at = dirfd(stream.get());
    while (const dirent* entry = readdir(stream.get())) {
      if (budget.spent()) return;
      char link[64];
      const ssize_t size = readlinkat(at, entry->d_name, link, sizeof link);
      const std::uint64_t inode = size > 0 ? inode_of_link({link, static_cast<std::size_t>(size)}) : 0;
      if (inode == 0) continue;
      const auto found = wanted.find(inode);
      if (found == wanted.end()) continue;
      if (owner.pid == 0) owner = owner_of(folder, pid);
      if (found->second->empty() || found->second->back().pid != pid) found->second->push_back(owner);
    }
  }
}

}  // namespace mig::modules::netstat
