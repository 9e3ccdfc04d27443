// Netlink messages taken apart. Every length comes from outside and is checked against what is there.
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "modules/netstat/kernel.h"

namespace mig::modules::netstat {
namespace {

using core::BytesView;

/// Messages need not be aligned in a block from outside: copied, never cast.
template <class T>
bool take(BytesView bytes, T& out) {
  if (bytes.size() < sizeof out) return false;
  std::memcpy(&out, bytes.data(), sizeof out);
  return true;
}

std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

/// The first attribute of that type in what follows the head of a message.
template <class Head>
std::optional<BytesView> attribute(BytesView payload, unsigned short type) {
  payload.remove_prefix(std::min(payload.size(), padded(sizeof(Head))));
  rtattr head;
  while (take(payload, head)) {
    if (head.rta_len < sizeof head || head.rta_len > payload.size()) break;
    if ((head.rta_type & NLA_TYPE_MASK) == type) return payload.substr(sizeof head, head.rta_len - sizeof head);
    payload.remove_prefix(std::min(payload.size(), padded(head.rta_len)));
  }
  return std::nullopt;
}

std::optional<Ip> ip_of(const std::optional<BytesView>& octets, int family) {
  if (!octets || octets->size() != (family == AF_INET6 ? 16u : 4u)) return std::nullopt;
  return Ip::from(*octets);
}

}  // namespace

std::string mac_text(BytesView octets) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : octets) {
    if (!out.empty()) out += ':';
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

Block each_message(BytesView block, int& error, const std::function<void(BytesView)>& use) {
  nlmsghdr head;
  while (take(block, head)) {
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > block.size()) break;
    const BytesView payload = block.substr(sizeof head, head.nlmsg_len - sizeof head);
    if (head.nlmsg_type == NLMSG_DONE) {
      int code = 0;  // what stopped a dump half-way
      if (take(payload, code) && code < 0 && code != std::numeric_limits<int>::min()) return error = -code, Block::refused;
      return Block::done;
    }
    if (head.nlmsg_type == NLMSG_ERROR) {
      nlmsgerr told{};
      error = take(payload, told) && told.error < 0 && told.error != std::numeric_limits<int>::min() ? -told.error : EPROTO;
      return Block::refused;
    }
    if (head.nlmsg_type >= NLMSG_MIN_TYPE) use(payload);
    block.remove_prefix(std::min(block.size(), padded(head.nlmsg_len)));
  }
  return Block::more;
}

std::optional<SocketInfo> socket_of(BytesView payload, int protocol) {
  inet_diag_msg told;
  if (!take(payload, told) || (told.idiag_family != AF_INET && told.idiag_family != AF_INET6)) return std::nullopt;
  SocketInfo out;
  out.protocol = protocol;
  out.six = told.idiag_family == AF_INET6;
  out.state = told.idiag_state;
  const std::size_t size = out.six ? 16 : 4;
  out.local = Ip::from({reinterpret_cast<const char*>(told.id.idiag_src), size});
  out.remote = Ip::from({reinterpret_cast<const char*>(told.id.idiag_dst), size});
  out.local_port = ntohs(told.id.idiag_sport);
  out.remote_port = ntohs(told.id.idiag_dport);
  out.uid = told.idiag_uid;
  out.inode = told.idiag_inode;
  return out;
}

std::optional<Neighbour> neighbour_of(BytesView payload) {
  ndmsg told;
  if (!take(payload, told) || (told.ndm_family != AF_INET && told.ndm_family != AF_INET6)) return std::nullopt;
  // Loopback and groups are no neighbours, and MIG's source does not list them.
  if ((told.ndm_state & NUD_NOARP) != 0 || told.ndm_state == NUD_NONE) return std::nullopt;
  const auto ip = ip_of(attribute<ndmsg>(payload, NDA_DST), told.ndm_family);
  if (!ip) return std::nullopt;
  const auto mac = attribute<ndmsg>(payload, NDA_LLADDR);
  return Neighbour{*ip, mac ? mac_text(*mac) : "00:00:00:00:00:00", told.ndm_state};
}

std::optional<Interface> interface_of(BytesView payload) {
  ifinfomsg told;
  if (!take(payload, told)) return std::nullopt;
  Interface out;
  if (const auto name = attribute<ifinfomsg>(payload, IFLA_IFNAME)) out.name = name->substr(0, name->find('\0'));
  const auto mac = attribute<ifinfomsg>(payload, IFLA_ADDRESS);
  // A tunnel's "address" is an IP, loopback's is zeros: neither is a MAC.
  const bool tunnel = told.ifi_type == ARPHRD_TUNNEL || told.ifi_type == ARPHRD_TUNNEL6 || told.ifi_type == ARPHRD_SIT || told.ifi_type == ARPHRD_IPGRE || told.ifi_type == ARPHRD_IP6GRE;
  if (mac && !tunnel && mac->find_first_not_of('\0') != mac->npos) out.mac = mac_text(*mac);
  return out;
}

std::optional<Ip> address_of(BytesView payload) {
  ifaddrmsg told;
  if (!take(payload, told) || (told.ifa_family != AF_INET && told.ifa_family != AF_INET6)) return std::nullopt;
  // On a point-to-point link IFA_ADDRESS is the other end.
  if (const auto local = ip_of(attribute<ifaddrmsg>(payload, IFA_LOCAL), told.ifa_family)) return local;
  return ip_of(attribute<ifaddrmsg>(payload, IFA_ADDRESS), told.ifa_family);
}

}  // namespace mig::modules::netstat
