// The door to zlib: MIG packed large parameters with gzip.
#pragma once

#include "node/core/bytes.h"

namespace mig::core {

/// One gzip member, whole and with nothing behind it, of at most `size_max` octets unpacked (else too_large).
Result<Bytes> gunzip(BytesView packed, std::size_t size_max);

}  // namespace mig::core
