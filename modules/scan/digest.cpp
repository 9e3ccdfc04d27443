#include "modules/scan/digest.h"

#include <openssl/evp.h>

#include "node/core/check.h"

namespace mig::modules::scan {
namespace {

/// Looked up once: that takes longer than hashing a small file.
EVP_MD* algorithm(std::size_t kind) {
  static const std::array<EVP_MD*, hash_kinds> all = [] {
    constexpr std::array<const char*, hash_kinds> names = {
        "MD5", "SHA1", "SHA256", "SHA384", "SHA512", "SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512"};
    std::array<EVP_MD*, hash_kinds> out{};
    for (std::size_t i = 0; i < hash_kinds; ++i) out[i] = EVP_MD_fetch(nullptr, names[i], nullptr);
    return out;
  }();
  return all[kind];
}

}  // namespace

void Digests::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }
Digests::Digests() = default;
Digests::~Digests() = default;

void Digests::begin(unsigned kinds) {
  kinds_ = kinds;
  for (std::size_t i = 0; i < hash_kinds; ++i) {
    sums_[i].clear();
    if ((kinds >> i & 1) == 0) continue;
    if (!contexts_[i]) contexts_[i].reset(EVP_MD_CTX_new());
    MIG_CHECK(
        contexts_[i] && algorithm(i) && EVP_DigestInit_ex2(contexts_[i].get(), algorithm(i), nullptr) == 1,
        "libcrypto has this hash");
  }
}

void Digests::update(std::string_view bytes) {
  for (std::size_t i = 0; i < hash_kinds; ++i)
    if ((kinds_ >> i & 1) != 0)
      MIG_CHECK(EVP_DigestUpdate(contexts_[i].get(), bytes.data(), bytes.size()) == 1,
                "hashing memory cannot fail");
}

void Digests::finish() {
  for (std::size_t i = 0; i < hash_kinds; ++i) {
    if ((kinds_ >> i & 1) == 0) continue;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    MIG_CHECK(EVP_DigestFinal_ex(contexts_[i].get(), digest, &size) == 1, "hashing memory cannot fail");
    sums_[i] = core::Bytes(reinterpret_cast<const char*>(digest), size);
  }
}

}  // namespace mig::modules::scan
