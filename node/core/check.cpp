#include "node/core/check.h"

#include <cstdio>
#include <cstdlib>

namespace mig::core {

void check_failed(const char* condition, const char* why, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: promise broken: %s (%s)\n", file, line, why, condition);
  std::abort();
}

}  // namespace mig::core
