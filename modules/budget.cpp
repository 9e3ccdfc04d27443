#include "modules/budget.h"

#include <fmt/format.h>

namespace mig::modules {

namespace {
constexpr unsigned asks_between_clock_reads = 16;
}

Budget::Budget(double seconds, std::size_t bytes)
    : deadline_(std::chrono::steady_clock::now() +
                std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds))),
      seconds_(seconds),
      bytes_max_(bytes) {}

bool Budget::spent() {
  if (timed_out_.load(std::memory_order_relaxed) || stopped_.load(std::memory_order_relaxed)) return true;
  if (bytes_max_ != 0 && bytes_used_ > bytes_max_) return true;
  if (seconds_ > 0 && asked_.fetch_add(1, std::memory_order_relaxed) % asks_between_clock_reads == 0 && std::chrono::steady_clock::now() >= deadline_) timed_out_ = true;
  return timed_out_.load(std::memory_order_relaxed);
}

Budget::Limit Budget::limit() const {
  if (timed_out_) return Limit::time;
  if (bytes_max_ != 0 && bytes_used_ > bytes_max_) return Limit::size;
  return stopped_.load(std::memory_order_relaxed) ? Limit::stopped : Limit::none;
}

std::string Budget::limit_hit() const {
  switch (limit()) {
    case Limit::time: return fmt::format("stopped after {:g}s (time limit)", seconds_);
    case Limit::size: return fmt::format("stopped at {} bytes of result (size limit)", bytes_max_);
    case Limit::stopped: return "stopped on request";
    case Limit::none: break;
  }
  return "";
}

}  // namespace mig::modules
