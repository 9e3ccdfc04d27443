// One part of a message, if it waits.
#pragma once

#include <cerrno>
#include <zmq.hpp>

namespace mig::wire {

/// False if nothing waits; then the socket's descriptor tells of the next one (libzmq has looked through its commands).
inline bool receive(zmq::socket_t& socket, zmq::message_t& part) {
  while (zmq_msg_recv(part.handle(), socket.handle(), ZMQ_DONTWAIT) < 0)
    if (zmq_errno() != EINTR) return false;
  return true;
}

enum class Sent { sent, full, gone };

/// Never waits. On anything but `sent` the part still belongs to the caller.
inline Sent transmit(zmq::socket_t& socket, zmq::message_t& part, int flags = 0) {
  bool asked = false;
  while (zmq_msg_send(part.handle(), socket.handle(), flags | ZMQ_DONTWAIT) < 0) {
    const int trouble = zmq_errno();
    if (trouble == EINTR) continue;
    if (trouble != EAGAIN) return Sent::gone;  // EHOSTUNREACH of a ROUTER
    // A send looks at libzmq's commands only now and then: room or a connection it has not heard of yet would read as
    // "full". Asking for events makes it look.
    if (asked) return Sent::full;
    asked = true;
    (void)socket.get(zmq::sockopt::events);
  }
  return Sent::sent;
}

}  // namespace mig::wire
