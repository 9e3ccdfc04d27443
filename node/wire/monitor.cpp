#include "node/wire/monitor.h"

#include <atomic>
#include <cstring>

#include "node/wire/context.h"

namespace mig::wire {

Monitor::Monitor(zmq::socket_t& watched, int events) : watched_(watched), events_(context(), zmq::socket_type::pair) {
  static std::atomic<std::uint64_t> number{1};
  const std::string address = "inproc://mig-monitor-" + std::to_string(number++);
  if (zmq_socket_monitor(watched.handle(), address.c_str(), events) != 0) throw zmq::error_t();
  // No bound: libzmq's I/O thread would wait for us when the pipe is full.
  events_.set(zmq::sockopt::rcvhwm, 0);
  events_.set(zmq::sockopt::linger, 0);
  events_.connect(address);
}

Monitor::~Monitor() { zmq_socket_monitor(watched_.handle(), nullptr, 0); }

int Monitor::fd() const { return events_.get(zmq::sockopt::fd); }

std::optional<Monitor::Happening> Monitor::next() {
  zmq::message_t head, address;
  if (!events_.recv(head, zmq::recv_flags::dontwait)) return {};
  while (head.more() && !events_.recv(address)) {
  }
  Happening out;
  if (head.size() >= sizeof out.what + sizeof out.value) {
    std::memcpy(&out.what, head.data(), sizeof out.what);
    std::memcpy(&out.value, head.data<char>() + sizeof out.what, sizeof out.value);
  }
  out.address = address.to_string();
  return out;
}

}  // namespace mig::wire
