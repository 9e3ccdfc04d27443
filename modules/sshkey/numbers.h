// Public halves that some formats leave out: computed from the secret, which goes nowhere.
#pragma once

#include "node/core/bytes.h"

namespace mig::modules::sshkey {

/// The 32 octets of the public key; empty if `seed` is none.
core::Bytes ed25519_public(core::BytesView seed);
/// base^exponent modulo p, for numbers of up to 1280 octets; empty if they make no sense.
core::Bytes power(core::BytesView base, core::BytesView exponent, core::BytesView modulus);
/// The uncompressed point of a secret number on NIST's curve of 256, 384 or 521 bits; empty if there is none.
core::Bytes ecdsa_public(int bits, core::BytesView secret);

}  // namespace mig::modules::sshkey
