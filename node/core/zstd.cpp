#include "node/core/zstd.h"

#include <fmt/format.h>
#include <zstd.h>

#include "node/core/check.h"

namespace mig::core {

namespace {
constexpr int level = 3;
}

Bytes compress(BytesView plain) {
  Bytes out(ZSTD_compressBound(plain.size()), '\0');
  std::size_t size = ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), level);
  MIG_CHECK(!ZSTD_isError(size), "zstd has room for the worst case");
  out.resize(size);
  return out;
}

Result<Bytes> decompress(BytesView packed, std::size_t size_max) {
  unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) return invalid("not compressed as agreed");
  if (size > size_max) return Error{Code::too_large, fmt::format("unpacks to {} octets, at most {} are allowed", size, size_max)};
  Bytes out(size, '\0');
  std::size_t done = ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
  if (ZSTD_isError(done) || done != size) return invalid("damaged");
  return out;
}

}  // namespace mig::core
