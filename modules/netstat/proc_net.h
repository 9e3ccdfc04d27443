// The same from the text files of /proc/net: for kernels without the netlink modules, and for made-up machines.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/netstat/kernel.h"

namespace mig::modules::netstat {

// One line; none for a heading, or for what cannot be made sense of.
std::optional<SocketInfo> socket_of_line(std::string_view line, int protocol, bool six);
std::optional<Neighbour> neighbour_of_line(std::string_view line);
std::optional<Ip> address_of_line(std::string_view line);  ///< of if_inet6
/// Local addresses in the text of fib_trie.
std::vector<Ip> addresses_of_trie(std::string_view text);

/// Lines of any file, a block at a time. False if it cannot be read.
bool each_line(const std::string& path, Budget& budget, const std::function<void(std::string_view)>& take);

}  // namespace mig::modules::netstat
