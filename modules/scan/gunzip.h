// Unpacks gzip as it is read: any number of members one behind the other, in bounded memory.
#pragma once

#include <cstdint>
#include <memory>

#include "modules/scan/unpack.h"

namespace mig::modules::scan {

class Gunzip final : public Unpacker {
 public:
  /// `sink` takes the unpacked bytes, in pieces.
  explicit Gunzip(Sink sink);
  ~Gunzip() override;

  static bool is_gzip(std::string_view start) {
    return start.size() >= 2 && start[0] == '\x1f' && start[1] == '\x8b';
  }
  bool feed(std::string_view packed, const More& more) override;
  bool finish() override;

 private:
  bool next_member(std::string_view& packed);
  bool fail(const std::string& what);

  struct Inside;
  std::unique_ptr<Inside> inside_;
  Sink sink_;
  std::uint64_t taken_ = 0;  ///< packed bytes used so far
  bool between_ = false;     ///< a member has ended; another may follow
  bool padding_ = false;     ///< zeros behind the last member, which gzip allows
};

}  // namespace mig::modules::scan
