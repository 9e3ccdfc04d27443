// Our own broken promise ends the process, in release too. Never used on foreign bytes.
#pragma once

namespace mig::core {
[[noreturn]] void check_failed(const char* condition, const char* why, const char* file, int line);
}

#define MIG_CHECK(condition, why) \
  ((condition) ? void(0) : ::mig::core::check_failed(#condition, why, __FILE__, __LINE__))
