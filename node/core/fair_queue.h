// A queue that many flows share fairly: deficit round robin by bytes, so that a greedy flow delays itself alone.
#pragma once

#include <deque>
#include <map>

#include "node/core/bytes.h"

namespace mig::core {

class FairQueue {
 public:
  /// `most`: bytes it may hold. Should `frame` not fit, the longest flow loses its newest frames (possibly this one)
  /// until it does. Returns how many frames were lost.
  std::size_t push(BytesView flow, Bytes frame, std::size_t most);
  bool empty() const { return flows_.empty(); }
  std::size_t bytes() const { return bytes_; }
  /// Whose turn it is; the same until pop(). REQUIRES: !empty().
  const Bytes& front();
  Bytes pop();

 private:
  struct Flow {
    std::deque<Bytes> frames;
    std::size_t bytes = 0, credit = 0;
  };
  void select();
  std::map<Bytes, Flow> flows_;      ///< no empty ones
  std::deque<Bytes> turns_;          ///< every flow once; the first has its turn
  std::size_t bytes_ = 0;
};

}  // namespace mig::core
