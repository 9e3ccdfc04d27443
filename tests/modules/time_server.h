// A time server of our own on loopback, that can be early, late, mute, rude or a liar.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <thread>

namespace mig::test {

class TimeServer {
 public:
  using Octets = std::string;
  /// `ahead`: of this machine's clock. `bend` may spoil each 48-octet answer; an empty one is not sent.
  explicit TimeServer(std::chrono::nanoseconds ahead = {}, std::function<void(Octets&)> bend = {})
      : ahead_(ahead), bend_(std::move(bend)) {
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    end_ = eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { serve(); });
  }
  ~TimeServer() {
    const std::uint64_t one = 1;
    (void)!write(end_, &one, sizeof one);
    thread_.join();
    close(fd_);
    close(end_);
  }
  TimeServer(const TimeServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string name() const { return "127.0.0.1:" + std::to_string(port_); }
  int asked() const { return asked_; }

 private:
  static void put_time(Octets& packet, std::size_t at, std::chrono::nanoseconds since_1970) {
    const std::uint64_t ns = static_cast<std::uint64_t>(since_1970.count());
    const std::uint64_t stamp = (ns / 1'000'000'000 + 2'208'988'800) << 32 | ((ns % 1'000'000'000) << 32) / 1'000'000'000;
    for (std::size_t i = 0; i < 8; ++i) packet[at + i] = static_cast<char>(stamp >> (56 - 8 * i));
  }

  void serve() {
    for (;;) {
      pollfd both[] = {{fd_, POLLIN, 0}, {end_, POLLIN, 0}};
      poll(both, 2, -1);
      if (both[1].revents != 0) return;
      char block[512];
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const ssize_t got = recvfrom(fd_, block, sizeof block, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 48) continue;
      ++asked_;
      Octets answer(48, '\0');
      answer[0] = 4 << 3 | 4;  // version 4, server
      answer[1] = 2;           // stratum
      std::memcpy(answer.data() + 24, block + 40, 8);
      const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
      put_time(answer, 32, now + ahead_);
      put_time(answer, 40, now + ahead_);
      if (bend_) bend_(answer);
      if (!answer.empty()) sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }

  std::chrono::nanoseconds ahead_;
  std::function<void(Octets&)> bend_;
  int fd_ = -1, end_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> asked_{0};
  std::thread thread_;
};

/// A UDP port of 127.0.0.1 at which nothing listens.
inline std::string deaf_port() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

}  // namespace mig::test
