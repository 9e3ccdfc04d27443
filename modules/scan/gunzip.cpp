#include "modules/scan/gunzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>

#include "node/core/check.h"

namespace mig::modules::scan {

struct Gunzip::Inside {
  z_stream stream{};
  std::array<unsigned char, 64 * 1024> out{};
};

Gunzip::Gunzip(Sink sink) : inside_(std::make_unique<Inside>()), sink_(std::move(sink)) {
  constexpr int only_gzip = 16 + MAX_WBITS;
  MIG_CHECK(inflateInit2(&inside_->stream, only_gzip) == Z_OK, "zlib has memory to begin");
}

Gunzip::~Gunzip() { inflateEnd(&inside_->stream); }

bool Gunzip::fail(const std::string& what) {
  if (trouble_.empty()) trouble_ = fmt::format("gzip: {} at byte {}", what, taken_);
  return false;
}

/// Between members: skips padding, begins the next one if there is one.
bool Gunzip::next_member(std::string_view& packed) {
  if (packed.front() == '\0') padding_ = true;
  if (padding_) {
    std::size_t other = packed.find_first_not_of('\0');
    taken_ += std::min(other, packed.size());
    packed.remove_prefix(std::min(other, packed.size()));
    return packed.empty() || fail("there is something else behind its end");
  }
  between_ = false;
  inflateReset(&inside_->stream);
  return true;
}

bool Gunzip::feed(std::string_view packed, const More& more) {
  z_stream& stream = inside_->stream;
  bool pending = false;  // zlib may hold back output when our piece of memory was full
  while ((!packed.empty() || pending) && trouble_.empty() && more()) {
    if (between_) {
      if (!next_member(packed)) return false;
      continue;
    }
    stream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<unsigned>(packed.size());
    stream.next_out = inside_->out.data();
    stream.avail_out = static_cast<unsigned>(inside_->out.size());
    int code = inflate(&stream, Z_NO_FLUSH);
    std::size_t used = packed.size() - stream.avail_in, made = inside_->out.size() - stream.avail_out;
    taken_ += used;
    packed.remove_prefix(used);
    if (made > 0) sink_({reinterpret_cast<const char*>(inside_->out.data()), made});
    pending = code == Z_OK && stream.avail_out == 0;
    if (code == Z_STREAM_END)
      between_ = true;
    else if (code == Z_BUF_ERROR && !packed.empty() && used == 0 && made == 0)
      return fail("it does not go on");
    else if (code != Z_OK && code != Z_BUF_ERROR)
      return fail(stream.msg != nullptr ? stream.msg : "corrupt data");
  }
  return trouble_.empty();
}

bool Gunzip::finish() {
  if (trouble_.empty() && !between_) fail("the file ends in the middle");
  return trouble_.empty();
}

}  // namespace mig::modules::scan
