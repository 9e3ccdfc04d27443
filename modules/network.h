// Asking other machines under a budget: names, descriptors and waits that all end in time.
//
// getaddrinfo() may wait minutes for a name server that is gone, and no signal ends it. Here a question is given up
// when its time is over.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "modules/budget.h"
#include "node/core/result.h"

namespace mig::modules {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  std::string text;  ///< "192.0.2.7", "2001:db8::1", "fe80::1%eth0"
  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// What `host` (a name or an address) resolves to, in the order in which the machine would try it.
/// Errors: "host: trouble", also when `seconds` are over or the budget is spent.
core::Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port, double seconds, Budget& budget);

/// A descriptor that closes itself.
class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  ~Socket();
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

enum class Waited { ready, overdue, spent };
/// Until poll(2) reports one of `events` (or trouble) on `fd`, `deadline` has come, or the budget is spent.
Waited wait_for(int fd, short events, std::chrono::steady_clock::time_point deadline, Budget& budget);

/// A host name, an IPv4 or an IPv6 address, by its letters alone.
core::Status check_host(std::string_view text);

}  // namespace mig::modules
