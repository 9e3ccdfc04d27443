#include "node/wire/admission.h"

#include <algorithm>

namespace mig::wire {

using namespace core;

bool Admission::admit(Instant now, const LinkPublic& key) {
  if (seen_.contains(key)) return true;
  constexpr std::int64_t token = 1'000'000;
  // One microsecond fills `per_second` millionths of a token. The gap is capped first: no overflow after a long sleep.
  const std::int64_t gap = std::clamp<std::int64_t>((now - filled_at_).us, 0, std::int64_t{burst} * token / per_second);
  micro_tokens_ = std::min(micro_tokens_ + gap * per_second, burst * token);
  filled_at_ = std::max(filled_at_, now);
  if (micro_tokens_ < token) return false;
  micro_tokens_ -= token;
  if (order_.size() == remembered) {
    seen_.erase(order_.front());
    order_.pop_front();
  }
  seen_.insert(key);
  order_.push_back(key);
  return true;
}

}  // namespace mig::wire
