// The process's one ZeroMQ context, and what must be settled before its first socket.
#pragma once

#include <zmq.hpp>

namespace mig::wire {

/// Made at the first call, with this many I/O threads (later calls change nothing). It is never terminated: the programs
/// leave by _exit, and two contexts in one process share libsodium's random state, which the first to end closes.
zmq::context_t& context(int io_threads = 1);

}  // namespace mig::wire
