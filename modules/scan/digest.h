// Several hashes of one sequence of bytes, made in one pass.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "node/core/bytes.h"

struct evp_md_ctx_st;

namespace mig::modules::scan {

enum class HashKind { md5, sha1, sha256, sha384, sha512, sha3_224, sha3_256, sha3_384, sha3_512 };
constexpr std::size_t hash_kinds = 9;
/// Bit of a kind in a set of kinds.
constexpr unsigned bit(HashKind kind) { return 1U << static_cast<unsigned>(kind); }

/// One a thread; it serves any number of files.
class Digests {
 public:
  Digests();
  ~Digests();
  Digests(const Digests&) = delete;

  void begin(unsigned kinds);
  void update(std::string_view bytes);
  void finish();
  /// Valid after finish() for the kinds that were begun; else empty.
  std::string_view operator[](HashKind kind) const { return sums_[static_cast<std::size_t>(kind)]; }

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  unsigned kinds_ = 0;
  std::array<std::unique_ptr<evp_md_ctx_st, Free>, hash_kinds> contexts_;
  std::array<core::Bytes, hash_kinds> sums_;
};

}  // namespace mig::modules::scan
