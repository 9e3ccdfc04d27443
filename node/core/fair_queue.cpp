#include "node/core/fair_queue.h"

#include <algorithm>

#include "node/core/check.h"

namespace mig::core {

namespace {
constexpr std::size_t quantum = 32 * 1024;  // one bundle of replies a turn
}

std::size_t FairQueue::push(BytesView flow, Bytes frame, std::size_t most) {
  Flow& mine = flows_[Bytes(flow)];
  if (mine.frames.empty()) turns_.push_back(Bytes(flow));
  mine.bytes += frame.size();
  bytes_ += frame.size();
  mine.frames.push_back(std::move(frame));
  std::size_t lost = 0;
  while (bytes_ > most) {
    auto longest = std::max_element(flows_.begin(), flows_.end(), [](const auto& a, const auto& b) { return a.second.bytes < b.second.bytes; });
    const std::size_t size = longest->second.frames.back().size();
    longest->second.frames.pop_back();
    longest->second.bytes -= size;
    bytes_ -= size;
    ++lost;
    if (longest->second.frames.empty()) {
      std::erase(turns_, longest->first);
      flows_.erase(longest);
    }
  }
  return lost;
}

/// Turns go round until the first flow has credit for its first frame.
void FairQueue::select() {
  MIG_CHECK(!turns_.empty(), "an empty queue has no front");
  for (;;) {
    Flow& flow = flows_.at(turns_.front());
    if (flow.credit >= flow.frames.front().size()) return;
    flow.credit += quantum;
    if (flow.credit >= flow.frames.front().size()) return;
    std::rotate(turns_.begin(), turns_.begin() + 1, turns_.end());
  }
}

const Bytes& FairQueue::front() {
  select();
  return flows_.at(turns_.front()).frames.front();
}

Bytes FairQueue::pop() {
  select();
  const Bytes name = turns_.front();
  Flow& flow = flows_.at(name);
  Bytes frame = std::move(flow.frames.front());
  flow.frames.pop_front();
  flow.bytes -= frame.size();
  flow.credit -= frame.size();
  bytes_ -= frame.size();
  if (flow.frames.empty()) {
    flows_.erase(name);
    turns_.pop_front();
  } else if (flow.credit < flow.frames.front().size()) {
    std::rotate(turns_.begin(), turns_.begin() + 1, turns_.end());
  }
  return frame;
}

}  // namespace mig::core
