// All searches of one or more operations in one walk.
#pragma once

#include "modules/file/judge.h"

namespace mig::modules::file {

struct Sweep {
  std::vector<Tally> tallies;  ///< one an operation
};

/// Where hits are kept: in the searches. `plan` must have its searches; the rest is made here.
Sweep sweep(Plan& plan, const Host& host, Budget& budget);

}  // namespace mig::modules::file
