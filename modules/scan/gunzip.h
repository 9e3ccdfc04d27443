// Unpacks gzip as it is read: any number of members one behind the other, in bounded memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mig::modules::scan {

class Gunzip {
 public:
  using Sink = std::function<void(std::string_view)>;
  /// `sink` takes the unpacked bytes, in pieces.
  explicit Gunzip(Sink sink);
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  static bool is_gzip(std::string_view start) {
    return start.size() >= 2 && start[0] == '\x1f' && start[1] == '\x8b';
  }

  /// `more()` is asked between pieces: false stops early, which is no error. False if the data is corrupt.
  bool feed(std::string_view packed, const std::function<bool()>& more);
  /// At the end of the file. False if the last member is not whole.
  bool finish();
  /// What is wrong and where: "gzip: incorrect data check at byte 1042". Empty if nothing.
  const std::string& trouble() const { return trouble_; }

 private:
  bool next_member(std::string_view& packed);
  bool fail(const std::string& what);

  struct Inside;
  std::unique_ptr<Inside> inside_;
  Sink sink_;
  std::string trouble_;
  std::uint64_t taken_ = 0;  ///< packed bytes used so far
  bool between_ = false;     ///< a member has ended; another may follow
  bool padding_ = false;     ///< zeros behind the last member, which gzip allows
};

}  // namespace mig::modules::scan
