// Drives one machine over ZeroMQ: the only place that includes zmq.
//
// One thread moves frames and steps the machine; nothing in it may block. Every waiting input is taken, then the
// batch is committed, then effects without promise go out, then, when the disk has answered, the promises.
// Inbound: one ROUTER (CURVE server). Outbound: one fresh DEALER a link, closed for good when the link dies.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "node/core/machine.h"
#include "store/store.h"

namespace mig::wire {

/// "HOST:PORT" of a SOCKS5 proxy (an IPv6 address in brackets), or nothing.
core::Status check_proxy(std::string_view text);

struct Setting {
  core::LinkPublic key;
  core::LinkSecret secret;
  std::vector<std::string> listen;        ///< "tcp://0.0.0.0:7447"; port 0 or * picks a free one; empty: no listener
  std::string socks_proxy;                ///< for outbound links, as check_proxy wants it
  int io_threads = 1;                     ///< of the process; what its first driver says counts
};

/// What the driver cannot do itself. All are called on the driver's thread, between steps.
struct Doors {
  std::function<void(const core::Event&)> tell;
  std::function<void(const std::vector<core::Record>&)> keep;   ///< records of one step, before its Sends
  std::function<void(const core::Start&)> start;
  std::function<void(core::JobId)> stop;
  /// For a door with times of its own (running jobs): when it wants `woke` next, asked every round. May be empty.
  std::function<core::Instant()> wake;
  std::function<void()> woke;
};

class Driver {
 public:
  /// `store` may be null for a machine that writes nothing.
  Driver(core::Machine& machine, store::Store* store, Setting setting, Doors doors);
  ~Driver();
  /// Binds; gives the addresses with real ports. Errors name the address and the trouble.
  core::Result<std::vector<std::string>> listen();
  /// Calls `ready` on the driver's thread whenever `fd` is readable.
  void watch(int fd, std::function<void()> ready);
  void unwatch(int fd);
  /// A fact from a door (a job, a person); stepped in order with the others. From any thread.
  void post(core::Input input);
  /// Runs until `done` (asked after every round) says so, or `stop()` is called. False if stopped or past `deadline`.
  bool run(const std::function<bool()>& done = {}, core::Instant deadline = core::Instant::never());
  /// From a signal handler or another thread: run() returns soon.
  void stop();
  core::Now now() const;

 private:
  class Inside;
  std::unique_ptr<Inside> inside_;
};

/// 32 octets from the kernel.
core::Seed random_seed();

}  // namespace mig::wire
