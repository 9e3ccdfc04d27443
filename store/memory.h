// A store in memory for simulations and tests: its disk can be slow or full, it can crash, be lost or go back
// in time.
//
// Crash: go on with after_crash(). Rollback: go on with an after_crash() taken earlier. Lost: go on with a
// new one. No threads, no clock: a test says when a batch reaches the disk.
#pragma once

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "store/store.h"
#include "store/writes.h"

namespace mig::store {

class MemoryStore : public Store {
 public:
  std::optional<core::Bytes> get(core::BytesView key) const override;
  void put(core::BytesView key, core::BytesView value) override;
  void erase(core::BytesView key) override;
  void scan(core::BytesView prefix,
            const std::function<bool(core::BytesView, core::BytesView)>& visit) const override;
  std::uint64_t batch() const override { return batch_; }
  std::uint64_t commit() override;
  std::vector<Outcome> outcomes() override;
  std::size_t backlog() const override;

  /// While slow, batches wait for finish(); else commit() settles them, their outcomes are there at once.
  /// Turned off, what waits settles.
  void slow(bool on);
  /// The oldest waiting batch becomes durable; if the disk is full it fails, and all that wait with it.
  void finish();
  /// Settles the waiting batches up to this one.
  void finish(std::uint64_t batch);
  std::size_t waiting() const { return waiting_.size(); }  ///< batches on their way
  void full(bool on) { full_ = on; }
  /// What another process would find: only what was durable. Counts batches anew from 1; its disk is fast and
  /// free.
  MemoryStore after_crash() const;
  /// What is on the disk now, for whoever looks at it from outside.
  const std::map<core::Bytes, core::Bytes>& durable() const { return durable_; }

 private:
  void fail_all();
  std::map<core::Bytes, core::Bytes> seen_, durable_;
  Writes open_;
  std::deque<std::pair<std::uint64_t, Writes>> waiting_;
  std::vector<Outcome> outcomes_;
  std::uint64_t batch_ = 1;
  bool slow_ = false, full_ = false;
};

}  // namespace mig::store
