#include "store/memory.h"

namespace mig::store {

using namespace core;

std::optional<Bytes> MemoryStore::get(BytesView key) const {
  auto it = seen_.find(Bytes(key));
  return it == seen_.end() ? std::nullopt : std::optional(it->second);
}

void MemoryStore::put(BytesView key, BytesView value) {
  seen_[Bytes(key)] = Bytes(value);
  open_[Bytes(key)] = Bytes(value);
}

void MemoryStore::erase(BytesView key) {
  seen_.erase(Bytes(key));
  open_[Bytes(key)] = std::nullopt;
}

void MemoryStore::scan(BytesView prefix, const std::function<bool(BytesView, BytesView)>& visit) const {
  for (auto it = seen_.lower_bound(Bytes(prefix)); it != seen_.end() && it->first.starts_with(prefix); ++it)
    if (!visit(it->first, it->second)) return;
}

std::uint64_t MemoryStore::commit() {
  const std::uint64_t closed = batch_;
  if (open_.empty()) return closed;
  ++batch_;
  waiting_.emplace_back(closed, std::exchange(open_, {}));
  if (!slow_)
    while (!waiting_.empty()) finish();
  return closed;
}

void MemoryStore::finish() {
  if (waiting_.empty()) return;
  auto [batch, writes] = std::move(waiting_.front());
  waiting_.pop_front();
  settle(batch, std::move(writes));
}

void MemoryStore::settle(std::uint64_t batch, Writes writes) {
  if (full_) {
    // Later batches have been written over it already; what they say stands.
    Writes& heir = waiting_.empty() ? open_ : waiting_.front().second;
    heir.merge(writes);
    outcomes_.push_back({batch, false});
    return;
  }
  for (auto& [key, value] : writes) {
    if (value)
      durable_[key] = std::move(*value);
    else
      durable_.erase(key);
  }
  outcomes_.push_back({batch, true});
}

std::vector<Outcome> MemoryStore::outcomes() { return std::exchange(outcomes_, {}); }

MemoryStore MemoryStore::after_crash() const {
  MemoryStore out;
  out.seen_ = out.durable_ = durable_;
  return out;
}

}  // namespace mig::store
