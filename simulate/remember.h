// A simulated mesh asks once for the verdict on a signature over the same octets by the same key.
#pragma once

#include <cstdint>

namespace mig::simulate {

/// Verdicts given again since the program began. To name it links the memory in.
std::uint64_t verdicts_remembered();

}  // namespace mig::simulate
