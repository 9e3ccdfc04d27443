#include "modules/ping/probe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/icmp6.h>
#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace mig::modules::ping {
namespace {

using Clock = std::chrono::steady_clock;
using Outcome = Try::Outcome;

class Watch {
 public:
  explicit Watch(double seconds)
      : began_(Clock::now()), deadline_(began_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds))) {}
  Clock::time_point deadline() const { return deadline_; }
  /// Never 0, which means trouble.
  Try answered() const {
    const std::chrono::duration<double, std::milli> took = Clock::now() - began_;
    return {Outcome::answered, std::max(0.001, std::round(took.count() * 1000) / 1000), ""};
  }

 private:
  Clock::time_point began_, deadline_;
};

Try failed(int code) {
  switch (code) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN: return {Outcome::unreachable, 0, ""};
    case ETIMEDOUT: return {Outcome::timeout, 0, ""};
    default: return {Outcome::error, 0, std::strerror(code)};
  }
}

Try gave_up(Waited why) { return {why == Waited::spent ? Outcome::spent : Outcome::timeout, 0, ""}; }

/// A loopback answer comes so fast that a clock read before the call matters: the watch starts in the caller.
Socket connected(const Address& to, int type, int protocol, int& code) {
  Socket out(::socket(to.family(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  code = !out || connect(out.get(), to.get(), to.size) != 0 ? errno : 0;
  return out;
}

std::uint16_t internet_checksum(const unsigned char* at, std::size_t size) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < size; i += 2) sum += static_cast<std::uint32_t>(at[i] << 8 | at[i + 1]);
  if (size % 2 != 0) sum += static_cast<std::uint32_t>(at[size - 1] << 8);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

/// Type, code, checksum, identifier, number: the head that ICMP and ICMPv6 echo share; then what only we know.
using EchoPacket = std::array<unsigned char, 8 + 32>;
constexpr std::size_t checksum_at = 2, identifier_at = 4, number_at = 6, secret_at = 8;

core::Result<EchoPacket> echo_packet(bool six, std::uint16_t number) {
  EchoPacket out{};
  out[0] = six ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
  const auto pid = static_cast<unsigned>(getpid());
  out[identifier_at] = static_cast<unsigned char>(pid >> 8);
  out[identifier_at + 1] = static_cast<unsigned char>(pid);
  out[number_at] = static_cast<unsigned char>(number >> 8);
  out[number_at + 1] = static_cast<unsigned char>(number);
  if (getrandom(out.data() + secret_at, out.size() - secret_at, 0) != static_cast<ssize_t>(out.size() - secret_at))
    return core::Error{core::Code::world, "the kernel gave no random numbers"};
  if (six) return out;  // the kernel sums ICMPv6, whose checksum covers the addresses
  const std::uint16_t sum = internet_checksum(out.data(), out.size());
  out[checksum_at] = static_cast<unsigned char>(sum >> 8);
  out[checksum_at + 1] = static_cast<unsigned char>(sum);
  return out;
}

/// Ping sockets put their own identifier in and check it, so only number and secret are compared.
bool answers(const unsigned char* at, std::size_t size, const EchoPacket& asked, bool raw, bool six) {
  if (raw && !six) {  // only here the IP header comes along
    if (size < sizeof(iphdr)) return false;
    const std::size_t header = std::size_t{at[0] & 0xfu} * 4;
    if (size < header) return false;
    at += header;
    size -= header;
  }
  return size == asked.size() && at[0] == (six ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) &&
         std::memcmp(at + number_at, asked.data() + number_at, asked.size() - number_at) == 0;
}

}  // namespace

Try try_tcp(const Address& to, double seconds, Budget& budget) {
  const Watch watch(seconds);
  int code = 0;
  const Socket socket = connected(to, SOCK_STREAM, IPPROTO_TCP, code);
  if (code == EINPROGRESS) {
    if (const Waited how = wait_for(socket.get(), POLLOUT, watch.deadline(), budget); how != Waited::ready) return gave_up(how);
    socklen_t size = sizeof code;
    if (getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
  }
  return code == 0 ? watch.answered() : failed(code);
}

Try try_udp(const Address& to, double seconds, Budget& budget) {
  const Watch watch(seconds);
  int code = 0;
  const Socket socket = connected(to, SOCK_DGRAM, IPPROTO_UDP, code);
  if (code != 0) return failed(code);
  if (send(socket.get(), "mig ping", 8, MSG_NOSIGNAL) < 0) return failed(errno);
  for (;;) {
    if (const Waited how = wait_for(socket.get(), POLLIN, watch.deadline(), budget); how != Waited::ready) return gave_up(how);
    char block[1];
    if (recv(socket.get(), block, sizeof block, MSG_DONTWAIT) >= 0) return watch.answered();
    if (errno != EAGAIN && errno != EINTR) return failed(errno);
  }
}

core::Result<Echo> Echo::open(const Address& to) {
  const bool six = to.family() == AF_INET6;
  const int protocol = six ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
  int code = 0;
  for (int type : {SOCK_DGRAM, SOCK_RAW}) {
    Socket socket(::socket(to.family(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
    if (!socket) {
      code = errno;
      continue;
    }
    // So that a router's "there is no way" comes to us as an error and not as silence.
    const int on = 1;
    if (six) setsockopt(socket.get(), IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    else setsockopt(socket.get(), IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    if (connect(socket.get(), to.get(), to.size) == 0) return Echo(std::move(socket), type == SOCK_RAW, six);
    const int trouble = errno;
    return core::Error{failed(trouble).outcome == Outcome::unreachable ? core::Code::world : core::Code::invalid, std::strerror(trouble)};
  }
  if (code != EACCES && code != EPERM && code != EPROTONOSUPPORT && code != EAFNOSUPPORT) return core::Error{core::Code::world, std::strerror(code)};
  return core::Error{core::Code::unsupported,
                     fmt::format("unsupported: icmp needs a group of net.ipv4.ping_group_range or CAP_NET_RAW, and the agent has neither ({}); "
                                 "tcp and udp need no privilege", std::strerror(code))};
}

Try Echo::try_once(std::uint16_t number, double seconds, Budget& budget) {
  auto asked = echo_packet(six_, number);
  if (!asked) return {Outcome::error, 0, asked.error().text};
  const Watch watch(seconds);
  if (send(socket_.get(), asked->data(), asked->size(), MSG_NOSIGNAL) < 0) return failed(errno);
  for (;;) {
    if (const Waited how = wait_for(socket_.get(), POLLIN, watch.deadline(), budget); how != Waited::ready) return gave_up(how);
    unsigned char block[2048];
    const ssize_t got = recv(socket_.get(), block, sizeof block, MSG_DONTWAIT);
    if (got < 0 && errno != EAGAIN && errno != EINTR) return failed(errno);
    if (got > 0 && answers(block, static_cast<std::size_t>(got), *asked, raw_, six_)) return watch.answered();
  }
}

}  // namespace mig::modules::ping
