// What was found, as MIG's elements and as lines for a terminal.
#pragma once

#include "modules/module.h"
#include "modules/netstat/kernel.h"
#include "modules/netstat/owners.h"
#include "modules/netstat/question.h"
#include "modules/processes.h"

namespace mig::modules::netstat {

// Rows of one kind; `space` is the namespace they are in.
core::Json row_of(const Interface& interface, const std::string& space);
core::Json row_of(const Neighbour& neighbour, const std::string& space);
core::Json row_of(const Ip& ip, const std::string& space);

/// Who holds sockets, in JSON; nothing is told if nobody asked.
struct Who {
  const Owners* owners = nullptr;
  const Users* users = nullptr;
};
/// One row a socket.
void add_connections(core::Json& rows, const std::vector<SocketInfo>& sockets, const std::string& space, const Who& who);
/// One row for all sockets that differ only in their other end, which it does not tell.
void add_ports(core::Json& rows, const std::vector<SocketInfo>& sockets, const std::string& space, const Who& who);

std::vector<std::string> lines_of(const Answer& answer, bool found_only);

}  // namespace mig::modules::netstat
