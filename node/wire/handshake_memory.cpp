// Problem: libzmq 4.3.4 takes about eleven buffers a CURVE handshake from sodium_allocarray, each an mmap, two or three
// mprotects, an mlock and a munmap with their shoot-downs of other cores' address caches. That is two thirds of the cost
// of a handshake: 10,000 agents that come back at once keep two cores busy for so long that their handshakes run out of
// time and start over.
// Choice: this file defines the same three names over malloc. A definition in the executable comes before the one in
// libsodium.so, for libzmq.so too, because the linker exports what a shared library on its line refers to.
// Price: those buffers, which hold handshake plaintexts and for microseconds a short-term key, lose their guard pages and
// the lock against swapping; they are still wiped when freed. Long-term keys never pass through them.
#include "node/wire/handshake_memory.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<std::size_t> handed_out{0};

// The size stands in front of the buffer, because free must know how much to wipe. 16 keeps malloc's alignment.
constexpr std::size_t header = 16;

}  // namespace

extern "C" {

void* sodium_malloc(std::size_t size) {
  if (size > SIZE_MAX - header) {
    errno = ENOMEM;
    return nullptr;
  }
  auto* block = static_cast<unsigned char*>(std::malloc(header + size));
  if (!block) return nullptr;
  handed_out.fetch_add(1, std::memory_order_relaxed);
  std::memcpy(block, &size, sizeof size);
  return block + header;
}

void* sodium_allocarray(std::size_t count, std::size_t size) {
  if (count != 0 && size > SIZE_MAX / count) {
    errno = ENOMEM;
    return nullptr;
  }
  return sodium_malloc(count * size);
}

void sodium_free(void* buffer) {
  if (!buffer) return;
  auto* block = static_cast<unsigned char*>(buffer) - header;
  std::size_t size = 0;
  std::memcpy(&size, block, sizeof size);
  ::explicit_bzero(block, header + size);
  std::free(block);
}

}  // extern "C"

namespace mig::wire {

std::size_t plain_handshake_memory() { return handed_out.load(std::memory_order_relaxed); }

}  // namespace mig::wire
