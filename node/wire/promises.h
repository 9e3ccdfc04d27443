// Promises wait for the disk: effects that may go out only when what their step wrote is durable.
//
// One batch is on its way at a time; what is written meanwhile collects in the open one and goes next. So a slow disk
// makes batches larger instead of many, and holds up promises only.
#pragma once

#include <vector>

#include "node/core/machine.h"
#include "store/store.h"

namespace mig::wire {

class Promises {
 public:
  /// Null: nothing ever has to wait.
  explicit Promises(store::Store* store) : store_(store) {}

  /// A promise of the step that has just been taken.
  void hold(core::Effect promise) { open_.push_back(std::move(promise)); }
  /// Closes the open batch if its turn has come. Promises that need not wait are given back.
  core::Effects commit(core::Instant now);

  struct Settled {
    core::Committed outcome;
    core::Effects promises;  ///< to be carried out; empty if the disk refused
  };
  std::vector<Settled> settled(core::Instant now);

  int fd() const { return store_ ? store_->fd() : -1; }
  /// When commit() should be called again though nothing happens.
  core::Instant wake() const { return retry_at_; }

 private:
  /// A disk that has refused is not asked again sooner.
  static constexpr core::Duration retry = core::Duration::seconds(1);

  store::Store* store_;
  core::Effects open_;      ///< of the open batch
  core::Effects going_;     ///< of the batch on its way
  std::uint64_t going_batch_ = 0;
  bool under_way_ = false;
  core::Instant retry_at_ = core::Instant::never();
};

}  // namespace mig::wire
