// The one port of a machine: ordered octets that survive the process.
//
// Reads see at once what was written before, committed or not. Writes collect in the open batch; commit() closes it
// and starts making it durable without waiting. A batch is durable as a whole or not at all, batches in order.
// Back ends: memory (simulator: crash, rollback, slow and full disks) and LMDB (programs).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "node/core/bytes.h"

namespace mig::store {

struct Outcome {
  std::uint64_t batch = 0;
  bool ok = true;
};

class Store {
 public:
  virtual ~Store() = default;
  virtual std::optional<core::Bytes> get(core::BytesView key) const = 0;
  /// Key 1..511 octets (LMDB's bound), value at most 1 MiB.
  virtual void put(core::BytesView key, core::BytesView value) = 0;
  virtual void erase(core::BytesView key) = 0;
  /// All keys that begin with `prefix`, ascending, until `visit` returns false. The views live for the call only;
  /// `visit` must not write.
  virtual void scan(core::BytesView prefix,
                    const std::function<bool(core::BytesView key, core::BytesView value)>& visit) const = 0;

  /// Number of the open batch: what a step has written belongs to it.
  virtual std::uint64_t batch() const = 0;
  /// Closes the open batch and starts to make it durable; returns its number. An empty batch is durable at once.
  virtual std::uint64_t commit() = 0;
  /// Outcomes since the last call, in order. A failed batch stays readable and its writes join the open batch.
  virtual std::vector<Outcome> outcomes() = 0;
  /// A descriptor that becomes readable when outcomes() has something to give; -1 if outcomes come at once.
  virtual int fd() const { return -1; }
};

}  // namespace mig::store
