// The mathematics under an OpenPGP signature: digests, Ed25519 and RSA with raw keys. No packets, no times.
#pragma once

#include <string_view>
#include <vector>

#include "node/core/signature.h"

namespace mig::core {

/// OpenPGP's numbers (RFC 4880 §9.4) of the digests that are good enough; all others are refused.
constexpr int digest_sha256 = 8, digest_sha384 = 9, digest_sha512 = 10;
/// "SHA-1" for 2; unknown numbers as "digest 42".
std::string digest_name(int openpgp_number);
/// "DSA" for 17; unknown numbers as "algorithm 42".
std::string algorithm_name(int openpgp_number);

/// REQUIRES: one of the three numbers above. Hashes the concatenation of `parts`.
Bytes digest_of(int openpgp_number, const std::vector<BytesView>& parts);

/// Can `key` be used at all: an Ed25519 key of 32 octets, or an RSA modulus of 2048 to 8192 bits with an odd
/// exponent of 3 to 64 bits.
Status check_material(const SigningKey& key);

/// Does the signature made of `integers` (without leading zeros: R and S, or one RSA number) fit `digest`?
/// Unfit keys, wrong counts and numbers too long are false, never an error. Cost: 52 us Ed25519, 20..65 us RSA.
bool verifies(const SigningKey& key, int digest_number, BytesView digest, const std::vector<Bytes>& integers);

}  // namespace mig::core
