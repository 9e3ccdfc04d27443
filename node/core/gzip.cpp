#include "node/core/gzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <memory>

namespace mig::core {

Result<Bytes> gunzip(BytesView packed, std::size_t size_max) {
  constexpr int window_and_gzip_only = 15 + 16;
  z_stream stream{};
  if (inflateInit2(&stream, window_and_gzip_only) != Z_OK) return Error{Code::world, "gzip: no memory to unpack"};
  std::unique_ptr<z_stream, int (*)(z_stream*)> ends_it(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());

  Bytes out;
  int status = Z_OK;
  while (status == Z_OK) {
    if (out.size() > size_max)
      return Error{Code::too_large, fmt::format("gzip: unpacks to more than the {} bytes allowed here", size_max)};
    std::size_t had = out.size();
    out.resize(std::min(had + 16 * 1024, size_max + 1));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + had);
    stream.avail_out = static_cast<uInt>(out.size() - had);
    status = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
  }
  if (status != Z_STREAM_END || stream.avail_in != 0) return invalid("gzip: not one whole gzip file");
  if (out.size() > size_max)
    return Error{Code::too_large, fmt::format("gzip: unpacks to more than the {} bytes allowed here", size_max)};
  return out;
}

}  // namespace mig::core
