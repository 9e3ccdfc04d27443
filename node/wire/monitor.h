// What happens to a socket's connections: libzmq's socket monitor, read without blocking.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <zmq.hpp>

namespace mig::wire {

class Monitor {
 public:
  struct Happening {
    std::uint16_t what = 0;    ///< ZMQ_EVENT_*
    std::int32_t value = 0;    ///< a descriptor, an errno or a ZAP status, as zmq_socket_monitor(3) says
    std::string address;
  };

  /// REQUIRES: `watched` outlives this. Throws zmq::error_t.
  Monitor(zmq::socket_t& watched, int events);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  int fd() const;
  /// The next event, if one waits. When it gives none, fd() tells of the next one.
  std::optional<Happening> next();

 private:
  zmq::socket_t& watched_;
  zmq::socket_t events_;
};

}  // namespace mig::wire
