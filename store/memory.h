// A store in memory for simulations and tests: it can be slow, full, crash, and go back in time.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "store/store.h"

namespace mig::store {

class MemoryStore : public Store {
 public:
  std::optional<core::Bytes> get(core::BytesView key) const override;
  void put(core::BytesView key, core::BytesView value) override;
  void erase(core::BytesView key) override;
  void scan(core::BytesView prefix, const std::function<bool(core::BytesView, core::BytesView)>& visit) const override;
  std::uint64_t batch() const override { return batch_; }
  std::uint64_t commit() override;
  std::vector<Outcome> outcomes() override;

  /// While slow, batches wait for finish().
  void slow(bool on) { slow_ = on; }
  /// The oldest waiting batch becomes durable, or fails if the disk is full.
  void finish();
  void full(bool on) { full_ = on; }
  /// What another process would find: only what was durable.
  MemoryStore after_crash() const;

 private:
  using Writes = std::map<core::Bytes, std::optional<core::Bytes>>;
  void settle(std::uint64_t batch, Writes writes);
  std::map<core::Bytes, core::Bytes> seen_, durable_;
  Writes open_;
  std::deque<std::pair<std::uint64_t, Writes>> waiting_;
  std::vector<Outcome> outcomes_;
  std::uint64_t batch_ = 1;
  bool slow_ = false, full_ = false;
};

}  // namespace mig::store
