#include "modules/file/digest.h"

#include <openssl/evp.h>

#include "node/core/check.h"

namespace mig::modules::file {
namespace {

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, Free>;

const EVP_MD* algorithm(HashKind kind) {
  switch (kind) {
    case HashKind::md5: return EVP_md5();
    case HashKind::sha1: return EVP_sha1();
    case HashKind::sha256: return EVP_sha256();
    case HashKind::sha384: return EVP_sha384();
    case HashKind::sha512: return EVP_sha512();
    case HashKind::sha3_224: return EVP_sha3_224();
    case HashKind::sha3_256: return EVP_sha3_256();
    case HashKind::sha3_384: return EVP_sha3_384();
    case HashKind::sha3_512: return EVP_sha3_512();
  }
  return nullptr;
}

}  // namespace

struct Digests::Inside {
  std::map<HashKind, Context> contexts;
};

Digests::Digests(const std::set<HashKind>& kinds) : inside_(std::make_unique<Inside>()) {
  for (HashKind kind : kinds) {
    Context context(EVP_MD_CTX_new());
    MIG_CHECK(context && EVP_DigestInit_ex(context.get(), algorithm(kind), nullptr) == 1, "libcrypto has this hash");
    inside_->contexts.emplace(kind, std::move(context));
  }
}
Digests::~Digests() = default;
Digests::Digests(Digests&&) noexcept = default;

void Digests::update(std::string_view bytes) {
  for (auto& [kind, context] : inside_->contexts)
    MIG_CHECK(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1, "hashing memory cannot fail");
}

std::map<HashKind, core::Bytes> Digests::finish() {
  std::map<HashKind, core::Bytes> out;
  for (auto& [kind, context] : inside_->contexts) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    MIG_CHECK(EVP_DigestFinal_ex(context.get(), digest, &size) == 1, "hashing memory cannot fail");
    out[kind] = core::Bytes(reinterpret_cast<const char*>(digest), size);
  }
  return out;
}

}  // namespace mig::modules::file
