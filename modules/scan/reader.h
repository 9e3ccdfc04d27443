// Reads whole files in large pieces, and leaves the page cache as it was behind large ones.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "modules/scan/workers.h"

namespace mig::modules::scan {

/// One a thread.
class Reader {
 public:
  Reader(Workers& workers, std::size_t worker);
  enum class End { whole, stopped, failed, spent };
  /// Returns false when it needs no more. `last`: these are certainly the last bytes; the empty last piece of
  /// an empty file is handed over too.
  using Take = std::function<bool(std::string_view bytes, bool last)>;
  /// `plain`: as Mount::plain. On `failed` errno tells why.
  End read(int fd, bool plain, const Take& take);
  /// Whether the disk had to be asked for most of the last files: then asking early for the next ones pays.
  bool cold() const { return cold_ > 8; }

  static constexpr std::size_t piece_bytes = 256 * 1024;
  /// Files of this size leave nothing in the page cache that was not there before, but for what a kernel before 6.14 reads
  /// ahead when it is asked what is there.
  static constexpr std::int64_t large_bytes = 1024 * 1024;

 private:
  Workers& workers_;
  std::size_t worker_;
  std::vector<char> buffer_;
  int cold_ = 0, dropless_ = 0;
};

}  // namespace mig::modules::scan
