#include "modules/sshkey/numbers.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <sodium.h>

#include <array>
#include <memory>

namespace mig::modules::sshkey {
namespace {

using core::Bytes;
using core::BytesView;

const unsigned char* octets_of(BytesView bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

using Number = std::unique_ptr<BIGNUM, decltype(&BN_clear_free)>;
Number number(BytesView bytes) {
  return {BN_bin2bn(octets_of(bytes), static_cast<int>(bytes.size()), nullptr), BN_clear_free};
}

}  // namespace

Bytes ed25519_public(BytesView seed) {
  if (seed.size() != crypto_sign_SEEDBYTES) return "";
  Bytes out(crypto_sign_PUBLICKEYBYTES, '\0');
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret{};
  crypto_sign_seed_keypair(reinterpret_cast<unsigned char*>(out.data()), secret.data(), octets_of(seed));
  sodium_memzero(secret.data(), secret.size());
  return out;
}

Bytes power(BytesView base, BytesView exponent, BytesView modulus) {
  // A stranger's file could hold a modulus that takes hours; 10,240 bits take a second or less.
  for (BytesView each : {base, exponent, modulus})
    if (each.empty() || each.size() > 1280) return "";
  const Number b = number(base), e = number(exponent), m = number(modulus), out = number("");
  std::unique_ptr<BN_CTX, decltype(&BN_CTX_free)> scratch(BN_CTX_new(), BN_CTX_free);
  if (!BN_is_odd(m.get()) || BN_is_one(m.get())) return "";
  if (BN_mod_exp(out.get(), b.get(), e.get(), m.get(), scratch.get()) != 1) return "";
  Bytes bytes(static_cast<std::size_t>(BN_num_bytes(out.get())), '\0');
  BN_bn2bin(out.get(), reinterpret_cast<unsigned char*>(bytes.data()));
  return bytes;
}

Bytes ecdsa_public(int bits, BytesView secret) {
  if (secret.empty() || secret.size() > 66) return "";
  const int curve = bits == 256 ? NID_X9_62_prime256v1 : bits == 384 ? NID_secp384r1 : NID_secp521r1;
  std::unique_ptr<EC_GROUP, decltype(&EC_GROUP_free)> group(EC_GROUP_new_by_curve_name(curve), EC_GROUP_free);
  if (!group) return "";
  std::unique_ptr<EC_POINT, decltype(&EC_POINT_free)> point(EC_POINT_new(group.get()), EC_POINT_free);
  const Number factor = number(secret);
  if (EC_POINT_mul(group.get(), point.get(), factor.get(), nullptr, nullptr, nullptr) != 1) return "";
  std::array<unsigned char, 1 + 2 * 66> octets{};
  const std::size_t size = EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED,
                                              octets.data(), octets.size(), nullptr);
  return size < 65 ? Bytes()
                   : Bytes(reinterpret_cast<const char*>(octets.data()), size);  // 1: the point at infinity
}

}  // namespace mig::modules::sshkey
