// The door to zstd: one frame that states its size.
#pragma once

#include "node/core/bytes.h"

namespace mig::core {

Bytes compress(BytesView plain);
/// The size stands in the frame's header: without one, or over the bound (too_large), nothing is unpacked.
Result<Bytes> decompress(BytesView packed, std::size_t size_max);

}  // namespace mig::core
