// Network namespaces, and what each says: over netlink where the kernel answers, else from /proc/net.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "modules/netstat/kernel.h"
#include "modules/module.h"

namespace mig::modules::netstat {

struct Space {
  std::string name;    ///< "default" (the one this program is in), "net:[4026531993]"
  std::string link;    ///< what to enter: /proc/PID/ns/net; empty: our own
  std::string folder;  ///< its text files: /proc/net, /proc/PID/net; empty if no process is in it
};
/// Our own alone, or also those of all processes, and those kept in /run/netns without any.
std::vector<Space> spaces(const Host& host, bool all, std::vector<std::string>& errors);

/// What was found and could not be found out; the same words whatever the source.
class Tables {
 public:
  Tables(const Host& host, const Space& space, std::vector<std::string>& errors);
  void sockets(const Filter& filter, Budget& budget, std::vector<SocketInfo>& out, const std::function<bool(const SocketInfo&)>& wanted);
  std::vector<Neighbour> neighbours(Budget& budget);
  std::vector<Interface> interfaces(Budget& budget);
  std::vector<Ip> addresses(Budget& budget);
  std::uint64_t examined = 0;

 private:
  void trouble(const char* what, const std::string& why);
  const Host& host_;
  const Space& space_;
  std::vector<std::string>& errors_;
  std::unique_ptr<Kernel> kernel_;  ///< none for a made-up machine
};

}  // namespace mig::modules::netstat
