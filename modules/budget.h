// What one operation may spend. A module asks in every loop and stops with what it has found so far.
// Any number of threads may ask.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>

namespace mig::modules {

class Budget {
 public:
  /// `seconds` of wall clock from now, `bytes` of result. Zero means no bound.
  Budget(double seconds, std::size_t bytes);
  /// True once time is up, the result is too large, or stop() was called. Costs a few ns between clock reads.
  bool spent();
  /// Counts bytes of result about to be added.
  void add_bytes(std::size_t bytes) { bytes_used_.fetch_add(bytes, std::memory_order_relaxed); }
  /// From a signal handler or another thread.
  void stop() { stopped_.store(true, std::memory_order_relaxed); }
  enum class Limit { none, time, size, stopped };
  /// Which limit made spent() true.
  Limit limit() const;
  /// Names the limit that was hit: "stopped after 5s (time limit)"; empty if none.
  std::string limit_hit() const;

 private:
  std::chrono::steady_clock::time_point deadline_;
  double seconds_;
  std::size_t bytes_max_;
  std::atomic<std::size_t> bytes_used_{0};
  std::atomic<bool> stopped_{false};
  std::atomic<bool> timed_out_{false};
  std::atomic<unsigned> asked_{0};
};

}  // namespace mig::modules
