#include "store/memory.h"

#include "node/core/check.h"

namespace mig::store {

using namespace core;

std::optional<Bytes> MemoryStore::get(BytesView key) const {
  auto it = seen_.find(Bytes(key));
  return it == seen_.end() ? std::nullopt : std::optional(it->second);
}

void MemoryStore::put(BytesView key, BytesView value) {
  MIG_CHECK(!key.empty() && key.size() <= key_bytes_max, "a key has 1 to 511 octets");
  MIG_CHECK(value.size() <= value_bytes_max, "a value has at most 1 MiB");
  seen_[Bytes(key)] = Bytes(value);
  open_.set(key, Bytes(value));
}

void MemoryStore::erase(BytesView key) {
  MIG_CHECK(!key.empty() && key.size() <= key_bytes_max, "a key has 1 to 511 octets");
  seen_.erase(Bytes(key));
  open_.set(key, std::nullopt);
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
  if (!slow_) finish(closed);
  return closed;
}

void MemoryStore::slow(bool on) {
  slow_ = on;
  if (!on && !waiting_.empty()) finish(waiting_.back().first);
}

void MemoryStore::finish(std::uint64_t batch) {
  while (!waiting_.empty() && waiting_.front().first <= batch) finish();
}

void MemoryStore::finish() {
  if (waiting_.empty()) return;
  if (full_) return fail_all();
  auto settled = std::move(waiting_.front());
  waiting_.pop_front();
  for (const auto& [key, value] : settled.second.all()) {
    if (value)
      durable_[key] = *value;
    else
      durable_.erase(key);
  }
  outcomes_.push_back({settled.first, true});
}

void MemoryStore::fail_all() {
  for (const auto& waiting : waiting_) outcomes_.push_back({waiting.first, false});
  for (; !waiting_.empty(); waiting_.pop_back()) open_.lie_over(std::move(waiting_.back().second));
}

std::vector<Outcome> MemoryStore::outcomes() { return std::exchange(outcomes_, {}); }

std::size_t MemoryStore::backlog() const {
  std::size_t octets = open_.octets();
  for (const auto& waiting : waiting_) octets += waiting.second.octets();
  return octets;
}

MemoryStore MemoryStore::after_crash() const {
  MemoryStore out;
  out.seen_ = out.durable_ = durable_;
  return out;
}

}  // namespace mig::store
