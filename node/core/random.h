// Randomness as an argument: a generator that is seeded by whoever makes a machine.
#pragma once

#include <cstdint>

#include "node/core/bytes.h"
#include "node/core/ids.h"

namespace mig::core {

/// ChaCha20 keyed by the seed: unpredictable when the seed is (the programs take it from the kernel), replayable
/// when the seed is known (the simulator).
class Random {
 public:
  explicit Random(const Seed& seed) : seed_(seed) {}
  Bytes bytes(std::size_t size);
  std::uint64_t u64();
  /// Uniform in [0, bound). REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound);
  template <class T>
  T id() {
    return *T::from(bytes(T::size));
  }

 private:
  Seed seed_;
  std::uint64_t block_ = 0;
};

}  // namespace mig::core
