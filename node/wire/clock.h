// The two clocks of this process. Included by drivers and daemons only.
#pragma once

#include "node/core/time.h"

namespace mig::wire {

/// Monotonic microseconds and wall-clock milliseconds.
core::Now clock_now();

}  // namespace mig::wire
