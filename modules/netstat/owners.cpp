#include "modules/netstat/owners.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
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

/// Of one process, the descriptors from `first` on; more than `span` of them are left to who has nothing to do.
class Look {
 public:
  Look(const Host& host, const Wanted& wanted, Budget& budget, scan::Workers& workers, std::vector<Share>& shares)
      : host_(host), wanted_(wanted), budget_(budget), workers_(workers), shares_(shares) {}

  void add(std::size_t worker, int pid, int first) {
    workers_.add(worker, [this, pid, first](std::size_t one) { run(one, pid, first); });
  }

 private:
  static constexpr int span = 4096;

  void run(std::size_t worker, int pid, int first) {
    const std::string folder = host_.proc + "/" + std::to_string(pid);
    std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir((folder + "/fd").c_str()), closedir);
    Share& share = shares_[worker];
    if (!stream) {
      share.unreadable += first == 0 && (errno == EACCES || errno == EPERM);
      return;
    }
    const int at = dirfd(stream.get());
    const bool splits = host_.proc == "/proc";  // there a place in this folder is a descriptor's number and two
    if (splits && lseek(at, first + span + 2, SEEK_SET) > 0) {
      char entry[64];
      if (syscall(SYS_getdents64, at, entry, sizeof entry) > 0) add(worker, pid, first + span);
      lseek(at, first == 0 ? 0 : first + 2, SEEK_SET);
    }
    Owner owner;
    while (const dirent* entry = readdir(stream.get())) {
      if (budget_.spent() || (splits && std::atoi(entry->d_name) >= first + span)) return;
      char link[64];
      const ssize_t size = readlinkat(at, entry->d_name, link, sizeof link);
      const std::uint64_t inode = size > 0 ? inode_of_link({link, static_cast<std::size_t>(size)}) : 0;
      if (inode == 0 || !wanted_.contains(inode)) continue;
      if (owner.pid == 0) owner = owner_of(folder, pid);
      share.found.emplace_back(inode, owner);
    }
  }

  const Host& host_;
  const Wanted& wanted_;
  Budget& budget_;
  scan::Workers& workers_;
  std::vector<Share>& shares_;
};

}  // namespace

void Owners::find(const Host& host, Budget& budget) {
  of.erase(0);  // of no process
  if (of.empty()) return;
  Wanted wanted;
  for (const auto& [inode, owners] : of) wanted.insert(inode);
  scan::Workers workers(scan::Pace{}, budget);
  std::vector<Share> shares(workers.threads());
  Look look(host, wanted, budget, workers, shares);
  for (const int pid : process_numbers(host)) look.add(0, pid, 0);
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
