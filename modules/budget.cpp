#include "modules/budget.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace mig::modules {

namespace {
constexpr unsigned asks_between_clock_reads = 16;
constexpr std::chrono::milliseconds between_memory_reads{1};
}

Budget::Budget(double seconds, std::size_t bytes)
    : deadline_(std::chrono::steady_clock::now() +
                std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds))),
      seconds_(seconds),
      bytes_max_(bytes) {}

Budget::~Budget() {
  if (statm_ >= 0) close(statm_);
}

void Budget::watch_memory(std::size_t bytes) {
  memory_max_ = bytes;
  if (statm_ < 0) statm_ = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

bool Budget::holds_too_much() const {
  char text[128];
  const ssize_t got = pread(statm_, text, sizeof text - 1, 0);
  if (got <= 0) return false;
  text[got] = '\0';
  char* at = text;
  for (int skipped = 0; skipped < 5; ++skipped) std::strtoull(at, &at, 10);  // the sixth number: data and stack, in pages
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return std::strtoull(at, nullptr, 10) * page > memory_max_;
}

bool Budget::spent() {
  if (timed_out_.load(std::memory_order_relaxed) || stopped_.load(std::memory_order_relaxed) != Limit::none) return true;
  if (bytes_max_ != 0 && bytes_used_ > bytes_max_) return true;
  if (asked_.fetch_add(1, std::memory_order_relaxed) % asks_between_clock_reads != 0 || (seconds_ <= 0 && statm_ < 0)) return false;
  const auto now = std::chrono::steady_clock::now();
  if (statm_ >= 0 && now.time_since_epoch() >= memory_read_at_.load(std::memory_order_relaxed)) {
    memory_read_at_.store(now.time_since_epoch() + between_memory_reads, std::memory_order_relaxed);
    if (holds_too_much()) stop(Limit::memory);
  }
  if (seconds_ > 0 && now >= deadline_) timed_out_ = true;
  return timed_out_.load(std::memory_order_relaxed) || stopped_.load(std::memory_order_relaxed) != Limit::none;
}

Budget::Limit Budget::limit() const {
  if (timed_out_) return Limit::time;
  if (bytes_max_ != 0 && bytes_used_ > bytes_max_) return Limit::size;
  return stopped_.load(std::memory_order_relaxed);
}

std::string Budget::limit_hit() const {
  switch (limit()) {
    case Limit::time: return fmt::format("stopped after {:g}s (time limit)", seconds_);
    case Limit::size: return fmt::format("stopped at {} bytes of result (size limit)", bytes_max_);
    case Limit::stopped: return "stopped on request";
    case Limit::cpu: return "stopped: its time on the processor is used up (cpu limit)";
    case Limit::memory: return fmt::format("stopped at {} bytes of memory (memory limit)", memory_max_);
    case Limit::none: break;
  }
  return "";
}

}  // namespace mig::modules
