// Plain memory for the buffers of CURVE handshakes, in place of libsodium's guarded pages.
#pragma once

#include <cstddef>

namespace mig::wire {

/// How many buffers the replacement has handed out in this process: 0 after a handshake means that it is not in use.
std::size_t plain_handshake_memory();

}  // namespace mig::wire
