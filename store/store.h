// The one port of a machine: ordered octets that survive the process.
//
// Reads see at once what was written before, committed or not. Writes collect in the open batch; commit()
// closes it and starts making it durable without waiting. A batch is durable as a whole or not at all,
// batches in order: when one fails, those behind it on their way fail with it, so that no later write is ever
// on disk without an earlier one. Back ends: memory (simulator: crash, rollback, slow and full disks) and
// LMDB (programs).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "node/core/bytes.h"

namespace mig::store {

constexpr std::size_t key_bytes_max = 511;        ///< LMDB's bound
constexpr std::size_t value_bytes_max = 1 << 20;  ///< our largest record is a reply part of 192 KiB

struct Outcome {
  std::uint64_t batch = 0;
  bool ok = true;
};

class Store {
 public:
  virtual ~Store() = default;
  /// Nothing for a key that was never written, is empty or too long to have been written.
  virtual std::optional<core::Bytes> get(core::BytesView key) const = 0;
  /// REQUIRES: key of 1..key_bytes_max octets, value of at most value_bytes_max.
  virtual void put(core::BytesView key, core::BytesView value) = 0;
  virtual void erase(core::BytesView key) = 0;
  /// All keys that begin with `prefix` (all there are if it is empty), ascending by unsigned octets, until
  /// `visit` returns false. The views live for the call only; `visit` may read, but must not write or commit.
  virtual void scan(core::BytesView prefix,
                    const std::function<bool(core::BytesView key, core::BytesView value)>& visit) const = 0;

  /// Number of the open batch: what a step has written belongs to it.
  virtual std::uint64_t batch() const = 0;
  /// Closes the open batch and starts to make it durable; returns its number. An empty batch stays open
  /// (batch() does not change) and has no outcome: there is nothing to wait for but what is on its way
  /// already.
  virtual std::uint64_t commit() = 0;
  /// Outcomes since the last call, in order of their numbers. A failed batch stays readable; its writes
  /// belong to the open batch from then on (under what was written since) and are tried again with it.
  virtual std::vector<Outcome> outcomes() = 0;
  /// A descriptor that becomes readable when outcomes() has something to give; -1 if outcomes come at once.
  virtual int fd() const { return -1; }
  /// Octets written that are not on disk yet. While a disk refuses they pile up here: refuse work instead.
  virtual std::size_t backlog() const = 0;
};

}  // namespace mig::store
