// A strict reader of one OpenPGP v4 signature packet, and the check of it against a known raw key.
//
// Agents and relays run no gpg and see no certificate: their keys are raw values out of a verified roster. What is
// left of OpenPGP is a packet header, six octets, a subpacket list and the integers; this reads exactly that and
// refuses everything else (armor, several packets, v3, text mode, SHA-1, unknown critical subpackets, ...).
#pragma once

#include <string>
#include <vector>

#include "node/core/ids.h"
#include "node/core/time.h"

namespace mig::core {

/// A raw signing key as it stands in a roster.
struct SigningKey {
  enum class Algorithm { ed25519, rsa } algorithm = Algorithm::ed25519;
  Fingerprint fingerprint;        ///< of this key itself (a subkey has its own)
  Bytes material;                 ///< ed25519: 32 octets; rsa: modulus, big-endian
  Bytes exponent;                 ///< rsa only
  WallMs not_before = 0;          ///< its creation time
  WallMs not_after = 0;           ///< 0: does not expire
  bool operator==(const SigningKey&) const = default;
};

/// What a packet says of itself; nothing of it is proven.
struct SignaturePacket {
  Fingerprint issuer;             ///< from the issuer-fingerprint subpacket; packets without it are refused
  int public_key_algorithm = 0, hash_algorithm = 0;
  WallMs created = 0, expires = 0;///< expires 0: never
  Bytes hashed_part;              ///< version .. end of hashed subpackets, as the trailer needs it
  Bytes left16;                   ///< the two check octets
  std::vector<Bytes> integers;    ///< without leading zeros
};

/// REQUIRES nothing of `packet`: any bytes. Errors name what is wrong ("signature: made with SHA-1 ...").
Result<SignaturePacket> read_signature(BytesView packet);

/// Does `packet` sign `text` (binary document signature) with `key`, at wall time `now`? Checks key and signature
/// validity windows, creation not in the future beyond limits::clock_skew_ms, algorithm match, then the mathematics.
/// Cost: 52 us Ed25519, 20..65 us more for RSA.
Status verify_signature(const SignaturePacket& packet, BytesView text, const SigningKey& key, WallMs now);

}  // namespace mig::core
