// One try to reach an address, in each of the three ways.
#pragma once

#include <string>

#include "modules/network.h"

namespace mig::modules::ping {

struct Try {
  enum class Outcome { answered, timeout, unreachable, error, spent } outcome = Outcome::error;
  double ms = 0;        ///< until the answer; more than 0 if there was one
  std::string trouble;  ///< of `error`
};

/// Answered: the connection was made (and is closed at once). Unreachable: refused, or no way there.
Try try_tcp(const Address& to, double seconds, Budget& budget);
/// Answered: something came back. Unreachable: the port is closed. Timeout: open, or lost on the way; UDP cannot tell.
Try try_udp(const Address& to, double seconds, Budget& budget);

/// ICMP echo. An unprivileged "ping socket" where the kernel allows it (net.ipv4.ping_group_range), else a raw one.
class Echo {
 public:
  /// Errors: Code::unsupported, with what would have to be allowed.
  static core::Result<Echo> open(const Address& to);
  /// Only the answer to this very question counts, not any packet that comes in meanwhile.
  Try try_once(std::uint16_t number, double seconds, Budget& budget);

 private:
  Echo(Socket socket, bool raw, bool six) : socket_(std::move(socket)), raw_(raw), six_(six) {}
  Socket socket_;
  bool raw_, six_;
};

}  // namespace mig::modules::ping
