#include "node/wire/promises.h"

#include <iterator>
#include <utility>

namespace mig::wire {

using namespace core;

Effects Promises::commit(Instant now) {
  if (!store_) return std::exchange(open_, {});
  if (under_way_) return {};
  if (retry_at_ != Instant::never() && now < retry_at_) return {};
  retry_at_ = Instant::never();
  const std::uint64_t closed = store_->commit();
  if (store_->batch() == closed) return std::exchange(open_, {});  // nothing was written: durable at once
  under_way_ = true;
  going_batch_ = closed;
  going_ = std::exchange(open_, {});
  return {};
}

std::vector<Promises::Settled> Promises::settled(Instant now) {
  std::vector<Settled> out;
  if (!store_) return out;
  for (const store::Outcome& outcome : store_->outcomes()) {
    Settled one{{outcome.batch, outcome.ok}, {}};
    if (under_way_ && outcome.batch == going_batch_) {
      under_way_ = false;
      one.promises = std::exchange(going_, {});
      if (!outcome.ok) one.promises.clear();
    }
    if (!outcome.ok) retry_at_ = now + retry;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace mig::wire
