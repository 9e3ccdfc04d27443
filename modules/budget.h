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
  ~Budget();
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;
  /// Counts bytes of result about to be added.
  void add_bytes(std::size_t bytes) { bytes_used_.fetch_add(bytes, std::memory_order_relaxed); }
  enum class Limit { none, time, size, stopped, cpu, memory };
  /// From a signal handler or another thread; the first reason stays.
  void stop(Limit why = Limit::stopped) {
    Limit none = Limit::none;
    stopped_.compare_exchange_strong(none, why, std::memory_order_relaxed);
  }
  /// Also spent once this process holds more than `bytes` of data, so that a module can still give what it has; the
  /// kernel's own bound lies above. For a job's child process alone.
  void watch_memory(std::size_t bytes);
  /// Which limit made spent() true.
  Limit limit() const;
  /// Names the limit that was hit: "stopped after 5s (time limit)"; empty if none.
  std::string limit_hit() const;

 private:
  std::chrono::steady_clock::time_point deadline_;
  double seconds_;
  std::size_t bytes_max_, memory_max_ = 0;
  int statm_ = -1;  // /proc/self/statm, opened before it is needed
  std::atomic<std::chrono::steady_clock::duration> memory_read_at_{};  // since the clock's beginning
  std::atomic<std::size_t> bytes_used_{0};
  std::atomic<Limit> stopped_{Limit::none};
  std::atomic<bool> timed_out_{false};
  std::atomic<unsigned> asked_{0};

  bool holds_too_much() const;
};

}  // namespace mig::modules
