#include "node/wire/context.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "node/core/check.h"
#include "node/wire/driver.h"
#include "node/wire/handshake_memory.h"

namespace mig::wire {
namespace {

// An outbound link takes three sockets (itself and both ends of its monitor); a relay with a thousand dials still fits.
// libzmq keeps a table of this size, eight octets a slot.
constexpr int sockets_max = 8192;

}  // namespace

zmq::context_t& context(int io_threads) {
  static zmq::context_t* const made = [&] {
    plain_handshake_memory();  // a reference, so that the linker takes that object file out of the library
    auto* fresh = new zmq::context_t(io_threads);
    fresh->set(zmq::ctxopt::max_sockets, sockets_max);
    return fresh;
  }();
  return *made;
}

core::Seed random_seed() {
  core::Seed seed;
  for (std::size_t have = 0; have < seed.octets.size();) {
    const ssize_t got = ::getrandom(seed.octets.data() + have, seed.octets.size() - have, 0);
    MIG_CHECK(got > 0 || errno == EINTR, "the kernel must give random octets");
    if (got > 0) have += static_cast<std::size_t>(got);
  }
  return seed;
}

}  // namespace mig::wire
