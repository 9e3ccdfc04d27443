#include "node/core/random.h"

#include <sodium.h>

#include <cstring>

#include "node/core/check.h"

namespace mig::core {

Bytes Random::bytes(std::size_t size) {
  // Every call is one stream of its own: the nonce counts calls, so streams never overlap.
  unsigned char nonce[crypto_stream_chacha20_NONCEBYTES] = {};
  ++block_;
  std::memcpy(nonce, &block_, sizeof block_);
  Bytes out(size, '\0');
  crypto_stream_chacha20(reinterpret_cast<unsigned char*>(out.data()), size, nonce, seed_.octets.data());
  return out;
}

std::uint64_t Random::u64() {
  Bytes raw = bytes(8);
  std::uint64_t out = 0;
  std::memcpy(&out, raw.data(), 8);
  return out;
}

std::uint64_t Random::below(std::uint64_t bound) {
  MIG_CHECK(bound > 0, "below() needs a positive bound");
  const std::uint64_t limit = ~std::uint64_t{0} - ~std::uint64_t{0} % bound;  // rejection keeps it uniform
  std::uint64_t drawn = u64();
  while (drawn >= limit) drawn = u64();
  return drawn % bound;
}

}  // namespace mig::core
