// How fast strangers may connect: a token bucket over keys that were not seen before.
//
// Problem: whoever can reach the port can make CURVE keys without end, and every connection that completes its handshake
// costs a session here and a greeting in the machine. Choice: any key is let in (the machine itself judges HELLO), but
// new keys only as fast as a real crowd comes; keys that were let in before pass at once, so that a flood of strangers
// does not keep a relay's own agents from coming back.
#pragma once

#include <deque>
#include <set>

#include "node/core/ids.h"
#include "node/core/time.h"

namespace mig::wire {

class Admission {
 public:
  static constexpr int burst = 400;        ///< a relay's usual 200 agents and as many again may come at once
  static constexpr int per_second = 50;    ///< a handshake costs 1 to 2 ms here: strangers get a tenth of a core at most
  static constexpr std::size_t remembered = 16'384;  ///< about 2 MB; the oldest is forgotten first

  explicit Admission(core::Instant now) : filled_at_(now) {}
  bool admit(core::Instant now, const core::LinkPublic& key);

 private:
  std::int64_t micro_tokens_ = burst * std::int64_t{1'000'000};
  core::Instant filled_at_;
  std::set<core::LinkPublic> seen_;
  std::deque<core::LinkPublic> order_;
};

}  // namespace mig::wire
