#include "node/core/public_key.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <sodium.h>

#include <memory>

#include "node/core/check.h"

namespace mig::core {
namespace {

const unsigned char* octets(BytesView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* held) const { Free(held); }
};
using Number = std::unique_ptr<BIGNUM, Freed<BN_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX_free>>;
using PublicKey = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

const EVP_MD* digest_method(int number) {
  switch (number) {
    case digest_sha256: return EVP_sha256();
    case digest_sha384: return EVP_sha384();
    case digest_sha512: return EVP_sha512();
    default: return nullptr;
  }
}

Bytes left_padded(const Bytes& number, std::size_t size) { return Bytes(size - number.size(), '\0') + number; }

std::size_t bits_of(BytesView number) {
  std::size_t first = number.find_first_not_of('\0');
  if (first == BytesView::npos) return 0;
  std::size_t bits = (number.size() - first) * 8;
  for (unsigned char top = octets(number)[first]; (top & 0x80) == 0; top = static_cast<unsigned char>(top << 1)) --bits;
  return bits;
}

bool ed25519_verifies(const SigningKey& key, BytesView digest, const std::vector<Bytes>& integers) {
  if (key.material.size() != 32 || integers.size() != 2 || integers[0].size() > 32 || integers[1].size() > 32)
    return false;
  // OpenPGP stores R and S as numbers and so drops their leading zero octets, one time in 128.
  Bytes signature = left_padded(integers[0], 32) + left_padded(integers[1], 32);
  return crypto_sign_verify_detached(octets(signature), octets(digest), digest.size(), octets(key.material)) == 0;
}

PublicKey rsa_key(const SigningKey& key) {
  Number n(BN_bin2bn(octets(key.material), static_cast<int>(key.material.size()), nullptr));
  Number e(BN_bin2bn(octets(key.exponent), static_cast<int>(key.exponent.size()), nullptr));
  ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!n || !e || !builder || !OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) ||
      !OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()))
    return nullptr;
  Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  Context context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* made = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) <= 0 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) <= 0)
    return nullptr;
  return PublicKey(made);
}

bool rsa_verifies(const SigningKey& key, int digest_number, BytesView digest, const std::vector<Bytes>& integers) {
  std::size_t size = (bits_of(key.material) + 7) / 8;
  if (integers.size() != 1 || integers[0].size() > size) return false;
  PublicKey made = rsa_key(key);
  if (!made) return false;
  Context context(EVP_PKEY_CTX_new_from_pkey(nullptr, made.get(), nullptr));
  Bytes signature = left_padded(integers[0], size);
  return context && EVP_PKEY_verify_init(context.get()) > 0 &&
         EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) > 0 &&
         EVP_PKEY_CTX_set_signature_md(context.get(), digest_method(digest_number)) > 0 &&
         EVP_PKEY_verify(context.get(), octets(signature), signature.size(), octets(digest), digest.size()) == 1;
}

}  // namespace

std::string digest_name(int openpgp_number) {
  switch (openpgp_number) {
    case 1: return "MD5";
    case 2: return "SHA-1";
    case 3: return "RIPEMD-160";
    case digest_sha256: return "SHA-256";
    case digest_sha384: return "SHA-384";
    case digest_sha512: return "SHA-512";
    case 11: return "SHA-224";
    default: return fmt::format("digest {}", openpgp_number);
  }
}

std::string algorithm_name(int openpgp_number) {
  switch (openpgp_number) {
    case 1: return "RSA";
    case 3: return "sign-only RSA";
    case 16: return "Elgamal";
    case 17: return "DSA";
    case 19: return "ECDSA";
    case 22: return "EdDSA";
    default: return fmt::format("algorithm {}", openpgp_number);
  }
}

Bytes digest_of(int openpgp_number, const std::vector<BytesView>& parts) {
  const EVP_MD* method = digest_method(openpgp_number);
  MIG_CHECK(method != nullptr, "the reader refuses every digest that is not hashed here");
  DigestContext context(EVP_MD_CTX_new());
  MIG_CHECK(context && EVP_DigestInit_ex(context.get(), method, nullptr) == 1, "SHA-2 is always there");
  for (BytesView part : parts) EVP_DigestUpdate(context.get(), part.data(), part.size());
  Bytes out(static_cast<std::size_t>(EVP_MD_get_size(method)), '\0');
  EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr);
  return out;
}

Status check_material(const SigningKey& key) {
  if (key.algorithm == SigningKey::Algorithm::ed25519) {
    if (key.material.size() != 32 || !key.exponent.empty())
      return invalid(fmt::format("key {}: an Ed25519 key is 32 octets and has no exponent", key.fingerprint));
    return Done{};
  }
  std::size_t bits = bits_of(key.material), exponent_bits = bits_of(key.exponent);
  if (bits < 2048 || bits > 8192)
    return invalid(fmt::format("key {}: RSA with {} bits; 2048 to 8192 are accepted", key.fingerprint, bits));
  if (exponent_bits < 2 || exponent_bits > 64 || (key.exponent.back() & 1) == 0)
    return invalid(fmt::format("key {}: the RSA exponent must be odd, 3 or more, and at most 64 bits long",
                               key.fingerprint));
  return Done{};
}

bool verifies(const SigningKey& key, int digest_number, BytesView digest, const std::vector<Bytes>& integers) {
  if (!check_material(key) || digest_method(digest_number) == nullptr) return false;
  if (key.algorithm == SigningKey::Algorithm::ed25519) return ed25519_verifies(key, digest, integers);
  return rsa_verifies(key, digest_number, digest, integers);
}

}  // namespace mig::core
