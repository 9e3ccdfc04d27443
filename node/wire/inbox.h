// Facts on their way to the machine, in order, and which links are open.
//
// RCVHWM must be 0 (see router.cpp), so every waiting frame is taken out of libzmq and waits here, where it can be bounded.
// A peer that keeps to its credit never comes near the bounds; one that passes them is not keeping to it and is cut off.
#pragma once

#include <deque>
#include <map>
#include <optional>

#include "node/core/machine.h"

namespace mig::wire {

class Inbox {
 public:
  /// Of one link: four times the widest window, for the weight of many small frames.
  static constexpr std::size_t link_bytes = 16 * 1024 * 1024;
  /// Of all links together: above it the link with the most goes.
  static constexpr std::size_t all_bytes = 96 * 1024 * 1024;
  /// What a waiting frame costs beside its octets, about.
  static constexpr std::size_t frame_overhead = 128;

  /// A link is being dialled: known, nothing to tell yet.
  void dialled(core::Linked linked);
  /// A link came up.
  void opened(core::Linked linked);
  /// A frame came. Gives the link that must be cut off because a bound is passed.
  std::optional<core::LinkId> heard(core::LinkId link, core::Bytes frame);
  /// The link has gone: told after its waiting frames, or, if `at_once`, in their place.
  void lost(core::LinkId link, bool at_once = false);
  /// The machine closed it: nothing of it is told any more.
  void closed(core::LinkId link) { links_.erase(link); }
  void post(core::Input input) { waiting_.push_back({0, std::move(input)}); }

  /// The next fact for the machine; none if nothing waits.
  std::optional<core::Input> next();
  bool empty() const { return waiting_.empty(); }
  /// Frames may be sent to it: neither closed nor lost.
  bool open(core::LinkId link) const;
  std::size_t bytes() const { return bytes_; }
  const core::Linked* linked(core::LinkId link) const;

 private:
  struct Link {
    core::Linked linked;
    std::size_t bytes = 0;
    bool lost = false, deaf = false;
  };
  struct Waiting {
    core::LinkId link = 0;  ///< 0: not about a link
    core::Input input;
  };
  std::map<core::LinkId, Link> links_;
  std::deque<Waiting> waiting_;
  std::size_t bytes_ = 0;
};

}  // namespace mig::wire
