// One outbound link: a fresh DEALER that connects once and is closed for good when its connection dies.
//
// Never reconnecting in place means that nothing queued for one session can be delivered into the next. A monitor tells
// at once whether the other end proved its key, refused, or went away.
#pragma once

#include <optional>
#include <zmq.hpp>

#include "node/core/machine.h"
#include "node/wire/driver.h"
#include "node/wire/monitor.h"
#include "node/wire/receive.h"

namespace mig::wire {

class Dealer {
 public:
  enum class State { dialling, up, down };
  /// Connect and handshake have 5 s each; whatever libzmq may fail to report ends here.
  static constexpr core::Duration patience = core::Duration::seconds(12);

  /// Starts to connect. Throws zmq::error_t (an address that libzmq cannot read, no descriptors left).
  Dealer(const Setting& setting, const core::Endpoint& to, core::Instant now);
  ~Dealer();

  int fd() const { return socket_.get(zmq::sockopt::fd); }
  int monitor_fd() const { return monitor_.fd(); }

  /// Reads the monitor. While `down`, frames that came before still wait in take().
  State look(core::Instant now);
  State state() const { return state_; }
  const char* why() const { return why_; }  ///< it is down
  core::Instant give_up() const { return state_ == State::dialling ? give_up_ : core::Instant::never(); }

  struct Arrival {
    core::Bytes frame;
    const char* why = nullptr;  ///< not a frame: "parts", "empty"
  };
  std::optional<Arrival> take();
  Sent send(zmq::message_t& frame);
  /// What was sent last (a BYE) may still go out after this object is gone, for a moment.
  void part_gently();

 private:
  zmq::socket_t socket_;
  Monitor monitor_;
  core::Instant give_up_;
  State state_ = State::dialling;
  const char* why_ = "";
};

}  // namespace mig::wire
