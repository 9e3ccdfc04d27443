#include "modules/netstat/kernel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "modules/network.h"

namespace mig::modules::netstat {
namespace {

using core::Bytes;
using core::BytesView;

constexpr std::size_t block_size = 256 * 1024;
/// A dump is made while we read it; a kernel that says nothing for so long will not.
constexpr std::chrono::seconds patience{10};

template <class T>
void append(Bytes& to, const T& what) {
  to.append(reinterpret_cast<const char*>(&what), sizeof what);
}

template <class T>
Bytes request(std::uint16_t type, const T& body, const Bytes& bytecode = {}) {
  Bytes out;
  const std::size_t extra = bytecode.empty() ? 0 : sizeof(rtattr) + bytecode.size();
  append(out, nlmsghdr{static_cast<std::uint32_t>(sizeof(nlmsghdr) + sizeof body + extra), type, NLM_F_REQUEST | NLM_F_DUMP, 0, 0});
  append(out, body);
  if (!bytecode.empty()) {
    append(out, rtattr{static_cast<unsigned short>(sizeof(rtattr) + bytecode.size()), INET_DIAG_REQ_BYTECODE});
    out += bytecode;
  }
  return out;
}

Bytes condition(unsigned char code, int family, int bits, int port, BytesView octets) {
  Bytes out;
  const std::size_t size = sizeof(inet_diag_bc_op) + sizeof(inet_diag_hostcond) + octets.size();
  append(out, inet_diag_bc_op{code, static_cast<unsigned char>(size), static_cast<unsigned short>(size + sizeof(inet_diag_bc_op))});
  inet_diag_hostcond head{};
  head.family = static_cast<std::uint8_t>(family);
  head.prefix_len = static_cast<std::uint8_t>(bits);
  head.port = port;
  out.append(reinterpret_cast<const char*>(&head), sizeof head);
  out += octets;
  return out;
}

int open_netlink(int protocol) { return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol); }

}  // namespace

/// Condition, jump to the end, condition, jump to the end, .. condition. A condition that fails goes on behind the jump;
/// the last one goes past the end, which means no.
Bytes bytecode_of(const Filter& filter) {
  std::vector<Bytes> conditions;
  if (filter.remote.size() + filter.local_ports.size() > Filter::conditions_max) return {};
  for (const Prefix& prefix : filter.remote)
    conditions.push_back(condition(INET_DIAG_BC_D_COND, prefix.ip.six ? AF_INET6 : AF_INET, prefix.bits, -1,
                                   {reinterpret_cast<const char*>(prefix.ip.octets.data()), prefix.ip.six ? 16u : 4u}));
  for (const std::uint16_t port : filter.local_ports) conditions.push_back(condition(INET_DIAG_BC_S_COND, AF_UNSPEC, 0, port, {}));
  std::size_t left = 0;
  for (const Bytes& one : conditions) left += one.size() + sizeof(inet_diag_bc_op);
  Bytes out;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    out += conditions[i];
    left -= conditions[i].size() + sizeof(inet_diag_bc_op);
    if (i + 1 < conditions.size()) append(out, inet_diag_bc_op{INET_DIAG_BC_JMP, sizeof(inet_diag_bc_op), static_cast<unsigned short>(left)});
  }
  return out;
}

Kernel::Kernel(const std::string& space) {
  const auto open_both = [this] {
    diag_ = open_netlink(NETLINK_SOCK_DIAG);
    route_ = open_netlink(NETLINK_ROUTE);
  };
  if (space.empty()) {
    open_both();
    return;
  }
  const int fd = open(space.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    trouble_ = std::strerror(errno);
    return;
  }
  // Only the thread that enters a namespace is in it; the sockets it opens stay there when it has ended.
  std::thread([&] {
    if (setns(fd, CLONE_NEWNET) == 0) open_both();
    else trouble_ = std::strerror(errno);
  }).join();
  close(fd);
}

Kernel::~Kernel() {
  if (diag_ >= 0) close(diag_);
  if (route_ >= 0) close(route_);
}

bool Kernel::dump(int fd, const Bytes& asked, Budget& budget, const std::function<void(BytesView)>& take) {
  if (fd < 0) return false;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  Bytes message = asked;
  const std::uint32_t number = ++sequence_;
  std::memcpy(message.data() + offsetof(nlmsghdr, nlmsg_seq), &number, sizeof number);
  if (sendto(fd, message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) < 0) return false;
  if (buffer_.empty()) buffer_.resize(block_size);
  for (;;) {
    const ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      switch (wait_for(fd, POLLIN, std::chrono::steady_clock::now() + patience, budget)) {
        case Waited::ready: continue;
        case Waited::overdue: return false;
        case Waited::spent: return true;
      }
    }
    if (got < 0) return false;
    const BytesView block(buffer_.data(), static_cast<std::size_t>(got));
    std::uint32_t answers = 0;
    if (block.size() >= sizeof(nlmsghdr)) std::memcpy(&answers, block.data() + offsetof(nlmsghdr, nlmsg_seq), sizeof answers);
    if (answers != number) continue;  // the rest of a question that was given up
    int error = 0;
    const Block end = each_message(block, error, take);
    if (end != Block::more) return end == Block::done;
    if (budget.spent()) return true;
  }
}

bool Kernel::sockets(int protocol, const Filter& filter, Budget& budget, const std::function<void(const SocketInfo&)>& take) {
  const Bytes bytecode = bytecode_of(filter);
  const auto decode = [&](BytesView payload) {
    if (const auto socket = socket_of(payload, protocol)) take(*socket);
  };
  const std::uint32_t states = protocol == tcp ? filter.tcp_states : filter.udp_states;
  bool some = false;
  if (protocol == tcp) {
    // The older form of the question has both families in one walk over the kernel's table.
    inet_diag_req both{};
    both.idiag_states = states;
    if (dump(diag_, request(TCPDIAG_GETSOCK, both, bytecode), budget, [&](BytesView payload) { some = true, decode(payload); })) return true;
    if (some) return false;
  }
  for (const int family : {AF_INET, AF_INET6}) {
    inet_diag_req_v2 one{};
    one.sdiag_family = static_cast<std::uint8_t>(family);
    one.sdiag_protocol = static_cast<std::uint8_t>(protocol);
    one.idiag_states = states;
    if (!dump(diag_, request(SOCK_DIAG_BY_FAMILY, one, bytecode), budget, decode)) return false;
  }
  return true;
}

bool Kernel::neighbours(Budget& budget, const std::function<void(const Neighbour&)>& take) {
  return dump(route_, request(RTM_GETNEIGH, ndmsg{}), budget, [&](BytesView payload) {
    if (const auto neighbour = neighbour_of(payload)) take(*neighbour);
  });
}

bool Kernel::interfaces(Budget& budget, const std::function<void(const Interface&)>& take) {
  return dump(route_, request(RTM_GETLINK, ifinfomsg{}), budget, [&](BytesView payload) {
    if (const auto one = interface_of(payload)) take(*one);
  });
}

bool Kernel::addresses(Budget& budget, const std::function<void(const Ip&)>& take) {
  return dump(route_, request(RTM_GETADDR, ifaddrmsg{}), budget, [&](BytesView payload) {
    if (const auto ip = address_of(payload)) take(*ip);
  });
}

}  // namespace mig::modules::netstat
