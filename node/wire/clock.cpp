#include "node/wire/clock.h"

#include <ctime>

namespace mig::wire {

core::Now clock_now() {
  timespec steady{}, wall{};
  ::clock_gettime(CLOCK_MONOTONIC, &steady);
  ::clock_gettime(CLOCK_REALTIME, &wall);
  return {core::Instant{steady.tv_sec * std::int64_t{1'000'000} + steady.tv_nsec / 1000},
          wall.tv_sec * core::WallMs{1000} + wall.tv_nsec / 1'000'000};
}

}  // namespace mig::wire
