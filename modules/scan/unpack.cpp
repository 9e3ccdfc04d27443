#include "modules/scan/unpack.h"

#include <fmt/format.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "modules/scan/gunzip.h"

namespace mig::modules::scan {
namespace {

constexpr std::size_t piece_bytes = 64 * 1024;
constexpr std::uint64_t memory_most = 96 * 1024 * 1024;  // xz -9 asks for 65 MB

class Xz final : public Unpacker {
 public:
  explicit Xz(Sink sink) : sink_(std::move(sink)) {
    if (lzma_stream_decoder(&stream_, memory_most, LZMA_CONCATENATED) != LZMA_OK)
      trouble_ = "xz: no memory to begin";
  }
  ~Xz() override { lzma_end(&stream_); }

  bool feed(std::string_view packed, const More& more) override {
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
    stream_.avail_in = packed.size();
    return run(LZMA_RUN, more);
  }
  bool finish() override {
    stream_.avail_in = 0;
    if (!run(LZMA_FINISH, [] { return true; })) return false;
    if (!ended_) trouble_ = "xz: the file ends in the middle";
    return ended_;
  }

 private:
  bool run(lzma_action action, const More& more) {
    while (trouble_.empty() && !ended_ && more()) {
      stream_.next_out = out_.data();
      stream_.avail_out = out_.size();
      const lzma_ret code = lzma_code(&stream_, action);
      if (const std::size_t made = out_.size() - stream_.avail_out; made > 0)
        sink_({reinterpret_cast<const char*>(out_.data()), made});
      ended_ = code == LZMA_STREAM_END;
      if (code == LZMA_BUF_ERROR && action == LZMA_RUN) break;  // it wants more of the file
      if (code == LZMA_BUF_ERROR)
        trouble_ = "xz: the file ends in the middle";
      else if (code != LZMA_OK && !ended_)
        trouble_ = fmt::format("xz: {} at byte {}",
                               code == LZMA_MEMLIMIT_ERROR ? "it needs too much memory" : "corrupt data",
                               stream_.total_in);
      if (action == LZMA_RUN && stream_.avail_in == 0 && stream_.avail_out > 0) break;
    }
    return trouble_.empty();
  }

  Sink sink_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  std::array<std::uint8_t, piece_bytes> out_{};
  bool ended_ = false;
};

class Zstd final : public Unpacker {
 public:
  explicit Zstd(Sink sink) : sink_(std::move(sink)), stream_(ZSTD_createDStream()) {
    if (!stream_) trouble_ = "zstd: no memory to begin";
  }
  ~Zstd() override { ZSTD_freeDStream(stream_); }

  bool feed(std::string_view packed, const More& more) override {
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    bool full = false;  // there may be more to come out without anything going in
    while ((in.pos < in.size || full) && trouble_.empty() && more()) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      const std::size_t before = in.pos;
      left_ = ZSTD_decompressStream(stream_, &out, &in);
      taken_ += in.pos - before;
      if (ZSTD_isError(left_))
        trouble_ = fmt::format("zstd: {} at byte {}", ZSTD_getErrorName(left_), taken_);
      else if (out.pos > 0)
        sink_({out_.data(), out.pos});
      full = out.pos == out.size;
      if (!full && in.pos == before && out.pos == 0) break;
    }
    return trouble_.empty();
  }
  bool finish() override {
    if (trouble_.empty() && left_ != 0) trouble_ = "zstd: the file ends in the middle";
    return trouble_.empty();
  }

 private:
  Sink sink_;
  ZSTD_DStream* stream_;
  std::array<char, piece_bytes> out_{};
  std::size_t left_ = 1;
  std::uint64_t taken_ = 0;
};

/// Member after member from the front, as it is written; the directory at the end is not needed.
class Zip final : public Unpacker {
 public:
  explicit Zip(Sink sink) : sink_(std::move(sink)) {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK) trouble_ = "zip: no memory to begin";
  }
  ~Zip() override { inflateEnd(&stream_); }

  bool feed(std::string_view packed, const More& more) override {
    while (!packed.empty() && trouble_.empty() && where_ != Where::directory && more()) {
      const std::size_t before = packed.size();
      if (where_ == Where::header)
        header(packed);
      else if (where_ == Where::stored)
        stored(packed);
      else
        deflated(packed);
      taken_ += before - packed.size();
    }
    return trouble_.empty();
  }
  bool finish() override {
    if (trouble_.empty() && where_ != Where::directory) fail("the file ends in the middle");
    return trouble_.empty();
  }

 private:
  enum class Where { header, stored, deflated, directory };
  static constexpr std::size_t fixed_bytes = 30, descriptor_bytes = 24;

  void fail(const std::string& what) { trouble_ = fmt::format("zip: {} at byte {}", what, taken_); }
  std::uint32_t number(std::size_t at, int bytes) const {
    std::uint32_t out = 0;
    for (int i = bytes; i-- > 0;)
      out = out << 8 | static_cast<unsigned char>(head_[at + static_cast<std::size_t>(i)]);
    return out;
  }

  /// Gathers bytes until a member's whole header, or the directory's beginning, stands at the front of head_.
  void header(std::string_view& packed) {
    head_ += packed.front();
    packed.remove_prefix(1);
    if (head_.size() < 4) return;
    if (head_.starts_with("PK\1\2") || head_.starts_with("PK\5\6")) {
      where_ = Where::directory;
    } else if (!head_.starts_with("PK\3\4")) {
      // Sizes and a checksum may follow a member.
      if (++skipped_ > descriptor_bytes) return fail("no member follows");
      head_.erase(0, 1);
    } else if (head_.size() >= fixed_bytes && head_.size() == fixed_bytes + number(26, 2) + number(28, 2)) {
      begin_member();
    }
  }
  void begin_member() {
    const unsigned flags = number(6, 2), method = number(8, 2);
    left_ = number(18, 4);
    skipped_ = 0;
    const bool size_follows = (flags & 8) != 0 || left_ == 0xffffffff;
    if ((flags & 1) != 0) return fail("a member is encrypted");
    if (method == 8) {
      inflateReset(&stream_);
      where_ = Where::deflated;
    } else if (method == 0 && !size_follows) {
      where_ = left_ > 0 ? Where::stored : Where::header;
    } else {
      return fail(method == 0 ? "the size of a member is not told"
                              : fmt::format("a member is packed in an unknown way ({})", method));
    }
    head_.clear();
  }
  void stored(std::string_view& packed) {
    const std::string_view part = packed.substr(0, left_);
    sink_(part);
    packed.remove_prefix(part.size());
    left_ -= static_cast<std::uint32_t>(part.size());
    if (left_ == 0) where_ = Where::header;
  }
  void deflated(std::string_view& packed) {
    stream_.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<unsigned>(packed.size());
    int code = Z_OK;
    do {
      stream_.next_out = out_.data();
      stream_.avail_out = static_cast<unsigned>(out_.size());
      code = inflate(&stream_, Z_NO_FLUSH);
      if (const std::size_t made = out_.size() - stream_.avail_out; made > 0)
        sink_({reinterpret_cast<const char*>(out_.data()), made});
    } while (code == Z_OK && stream_.avail_out == 0);
    const bool stuck = code == Z_BUF_ERROR && stream_.avail_in == packed.size();
    packed.remove_prefix(packed.size() - stream_.avail_in);
    if (code == Z_STREAM_END)
      where_ = Where::header;
    else if ((code != Z_OK && code != Z_BUF_ERROR) || stuck)
      fail(stream_.msg ? stream_.msg : "corrupt data");
  }

  Sink sink_;
  z_stream stream_{};
  std::array<unsigned char, piece_bytes> out_{};
  Where where_ = Where::header;
  std::string head_;
  std::size_t skipped_ = 0;
  std::uint32_t left_ = 0;
  std::uint64_t taken_ = 0;
};

}  // namespace

std::unique_ptr<Unpacker> unpacker_for(std::string_view start, Unpacker::Sink sink) {
  using namespace std::string_view_literals;
  if (Gunzip::is_gzip(start)) return std::make_unique<Gunzip>(std::move(sink));
  if (start.starts_with("\xfd"
                        "7zXZ\0"sv))
    return std::make_unique<Xz>(std::move(sink));
  if (start.starts_with("\x28\xb5\x2f\xfd"sv)) return std::make_unique<Zstd>(std::move(sink));
  if (start.starts_with("PK\3\4"sv)) return std::make_unique<Zip>(std::move(sink));
  return nullptr;
}

}  // namespace mig::modules::scan
