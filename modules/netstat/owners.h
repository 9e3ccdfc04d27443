// Which processes hold a socket: the kernel tells only its inode, so descriptors have to be looked at one by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "modules/budget.h"
#include "modules/module.h"

namespace mig::modules::netstat {

struct Owner {
  int pid = 0;
  std::string name;  ///< as the kernel calls it; 15 octets at most
  std::string path;  ///< of its program; empty for a kernel thread or if it may not be read
  auto operator<=>(const Owner&) const = default;
};

struct Owners {
  std::map<std::uint64_t, std::vector<Owner>> of;  ///< by inode; the inodes asked for are its keys
  std::size_t unreadable = 0;  ///< processes whose descriptors may not be looked at

  /// Looks at every descriptor of every process: a socket may be shared.
  void find(const Host& host, Budget& budget);
};

}  // namespace mig::modules::netstat
