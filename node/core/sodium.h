// How our octets meet libsodium: casts, and the one derivation of node keys from a seed.
#pragma once

#include <sodium.h>

#include "node/core/ids.h"

namespace mig::core {

inline const unsigned char* raw(BytesView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
inline unsigned char* raw(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

struct SignPair {
  SignPublic key;
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret{};
};
/// Ed25519 pair from subkey 1 of the seed.
SignPair sign_pair_of(const Seed& seed);
/// X25519 secret: subkey 2 of the seed.
LinkSecret link_secret_of(const Seed& seed);
LinkPublic public_of(const LinkSecret& secret);

}  // namespace mig::core
