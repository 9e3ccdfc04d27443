// Everything inbound: one ROUTER socket as CURVE server, and which link each of its connections is.
//
// A ROUTER knows connections by routing ids and never says that one has gone. Its monitor does, but by descriptor. The
// two meet in ZMQ_SRCFD of a frame, so a lost connection is known at once; should that ever fail, liveness in the machine
// and ROUTER_MANDATORY on the next send find out later.
// A ROUTER cannot drop a connection either: a forgotten one stays until its other end goes, its frames are thrown away.
// 1. A link begins with its first whole frame, not with its connection.
// 2. Frames that came before a disconnect are given out before it.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>
#include <zmq.hpp>

#include "node/core/machine.h"
#include "node/wire/driver.h"
#include "node/wire/monitor.h"
#include "node/wire/receive.h"
#include "node/wire/zap.h"

namespace mig::wire {

class Router {
 public:
  /// Throws zmq::error_t.
  explicit Router(const Setting& setting);
  /// Gives the address with the port that was taken. Errors name the address.
  core::Result<std::string> bind(const std::string& address);

  int fd() const { return socket_.get(zmq::sockopt::fd); }
  int monitor_fd() const { return monitor_.fd(); }

  struct Arrival {
    core::LinkId link = 0;             ///< 0: nothing that may reach the machine, `why` says why
    std::optional<core::Linked> opened;///< on the first frame of a link
    core::Bytes frame;
    const char* why = nullptr;         ///< "parts", "empty", "no_key"; null for frames of forgotten links
  };
  /// The next waiting message; none if nothing waits.
  std::optional<Arrival> take();

  /// Reads the monitor; true if connections of links have gone: their last frames may still wait in take().
  bool look();
  /// Links whose connection has gone, each once. REQUIRES: take() gave none since look().
  std::vector<core::LinkId> departed(core::Instant now);

  Sent send(core::LinkId link, zmq::message_t& frame);
  /// Nothing of this link is given out or sent any more.
  void forget(core::LinkId link);

  std::uint64_t failed_handshakes() const { return failed_handshakes_ + zap_.turned_away(); }
  std::size_t connections() const { return open_.size(); }

 private:
  struct Peer {
    core::LinkId link = 0;
    int fd = -1;
    bool forgotten = false;
  };
  Arrival drop_rest(zmq::message_t& part, const char* why);
  void arrived(Peer& peer, const std::string& routing, zmq::message_t& first);
  void mark_departed(int fd);

  ZapDomain zap_;                      ///< before the socket: bound before any bind
  zmq::socket_t socket_;
  Monitor monitor_;
  std::unordered_map<std::string, Peer> peers_;       ///< by routing id
  std::map<core::LinkId, std::string> routing_;       ///< of links not forgotten
  std::map<int, std::string> by_fd_;
  std::set<int> open_;                                ///< accepted and not disconnected
  std::vector<std::string> departing_;                ///< routing ids
  std::deque<std::pair<core::Instant, std::string>> graves_;  ///< forgotten and disconnected, kept for a while
  core::LinkId next_ = core::first_inbound_link;
  std::uint64_t failed_handshakes_ = 0;
};

}  // namespace mig::wire
