// Waits for descriptors: epoll, level-triggered, with a bell that any thread or signal handler may ring.
//
// Level-triggered fits libzmq: ZMQ_FD stays readable until the socket's commands were read. What it cannot show is
// input whose notice a *send* has read along; drivers look at a socket again after they have sent on it.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "node/core/time.h"

namespace mig::wire {

class Poll {
 public:
  Poll();
  ~Poll();
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;

  /// REQUIRES: `fd` stays open until remove().
  void add(int fd, std::function<void()> ready);
  void remove(int fd);
  /// Waits at most `wait` (rounded up to milliseconds) and calls whose descriptors are readable; they may add and remove.
  void wait(core::Duration wait);
  /// Ends the present or the next wait(). Async-signal-safe.
  void ring() const;

 private:
  int epoll_, bell_;
  std::map<int, std::shared_ptr<std::function<void()>>> ready_;
};

}  // namespace mig::wire
