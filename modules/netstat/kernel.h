// What the kernel says of its network, over netlink: sockets, neighbours, interfaces and their addresses.
//
// Messages are decoded apart from the asking, so that strange ones can be tried on the decoder.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "modules/budget.h"
#include "modules/netstat/address.h"

namespace mig::modules::netstat {

constexpr int tcp = 6, udp = 17;
constexpr unsigned state_established = 1, state_close = 7, state_listen = 10;  ///< also of UDP: connected or not

struct SocketInfo {
  int protocol = tcp;
  bool six = false;  ///< the socket's family; its addresses may be IPv4 all the same
  unsigned state = 0;
  Ip local, remote;
  std::uint16_t local_port = 0, remote_port = 0;
  std::uint32_t uid = 0;
  std::uint64_t inode = 0;  ///< 0: of no process any more
};
struct Neighbour {
  Ip ip;
  std::string mac;  ///< zeros while it is not known
  unsigned state = 0;  ///< NUD_ of linux/neighbour.h
};
struct Interface {
  std::string name, mac;  ///< mac empty if it has none
};

/// Lower-case hex with colons.
std::string mac_text(core::BytesView octets);

/// Which sockets the kernel hands over: those that any condition fits, all if there is none. At most
/// `conditions_max` conditions; more are better looked up here.
struct Filter {
  std::vector<Prefix> remote;
  std::vector<std::uint16_t> local_ports;
  std::uint32_t tcp_states = 0x1ffe, udp_states = 0x1ffe;  ///< bits 1 << state
  static constexpr std::size_t conditions_max = 32;
};
/// The filter as the kernel's bytecode; empty if it hands over all.
core::Bytes bytecode_of(const Filter& filter);

// One message's payload, decoded; none if it is too short or says nothing of use.
std::optional<SocketInfo> socket_of(core::BytesView payload, int protocol);
std::optional<Neighbour> neighbour_of(core::BytesView payload);
std::optional<Interface> interface_of(core::BytesView payload);
std::optional<Ip> address_of(core::BytesView payload);

enum class Block { more, done, refused };
/// Gives the payload of every message of one block to `take`. `error`: the errno of a refusal.
Block each_message(core::BytesView block, int& error, const std::function<void(core::BytesView)>& take);

/// Where to ask: sockets of the network namespace in which they were opened.
class Kernel {
 public:
  /// `space`: a path such as /proc/1/ns/net; empty: our own. What could not be opened is told by the questions.
  explicit Kernel(const std::string& space);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  bool entered() const { return trouble_.empty(); }
  const std::string& trouble() const { return trouble_; }  ///< why the namespace could not be entered

  // False if the kernel does not answer this question (no such module, not allowed): `take` may have seen some.
  // What is not complete because the budget is spent counts as answered.
  bool sockets(int protocol, const Filter& filter, Budget& budget, const std::function<void(const SocketInfo&)>& take);
  bool neighbours(Budget& budget, const std::function<void(const Neighbour&)>& take);
  bool interfaces(Budget& budget, const std::function<void(const Interface&)>& take);
  bool addresses(Budget& budget, const std::function<void(const Ip&)>& take);

 private:
  bool dump(int fd, const core::Bytes& request, Budget& budget, const std::function<void(core::BytesView)>& take);
  int diag_ = -1, route_ = -1;
  unsigned sequence_ = 0;
  std::string trouble_;
  core::Bytes buffer_;
};

}  // namespace mig::modules::netstat
