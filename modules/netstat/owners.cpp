#include "modules/netstat/owners.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <unordered_set>

#include "modules/processes.h"
#include "modules/scan/workers.h"

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

/// What one thread has found.
struct Share {
  std::vector<std::pair<std::uint64_t, Owner>> found;
  std::size_t unreadable = 0;
};

using Wanted = std::unordered_set<std::uint64_t>;  // asked for every descriptor of the machine

void look_at(const std::string& folder, int pid, const Wanted& wanted, Budget& budget, Share& share) {
  std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir((folder + "/fd").c_str()), closedir);
  if (!stream) {
    share.unreadable += errno == EACCES || errno == EPERM;
    return;
  }
  Owner owner;
  const int at = dirfd(stream.get());
  while (const dirent* entry = readdir(stream.get())) {
    if (budget.spent()) return;
    char link[64];
    const ssize_t size = readlinkat(at, entry->d_name, link, sizeof link);
    const std::uint64_t inode = size > 0 ? inode_of_link({link, static_cast<std::size_t>(size)}) : 0;
    if (inode == 0 || !wanted.contains(inode)) continue;
    if (owner.pid == 0) owner = owner_of(folder, pid);
    share.found.emplace_back(inode, owner);
  }
}

}  // namespace

void Owners::find(const Host& host, Budget& budget) {
  of.erase(0);  // of no process
  if (of.empty()) return;
  Wanted wanted;
  for (const auto& [inode, owners] : of) wanted.insert(inode);
  scan::Workers workers(scan::Pace{}, budget);
  std::vector<Share> shares(workers.threads());
  for (const int pid : process_numbers(host))
    workers.add(0, [&, pid](std::size_t worker) { look_at(host.proc + "/" + std::to_string(pid), pid, wanted, budget, shares[worker]); });
  workers.run();
  for (Share& share : shares) {
    unreadable += share.unreadable;
    for (auto& [inode, owner] : share.found) of[inode].push_back(std::move(owner));
  }
  for (auto& [inode, owners] : of) {  // a process may hold a socket more than once
    std::sort(owners.begin(), owners.end());
    owners.erase(std::unique(owners.begin(), owners.end()), owners.end());
  }
}

}  // namespace mig::modules::netstat
