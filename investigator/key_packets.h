// A strict reader of the public-key packets in what gpg exports: raw key values, nothing else.
//
// GPGME says which keys are good but gives no key values; gpg's export has the values. The two are matched by
// fingerprint, so the self-signatures in the export need not be read here: gpg has judged them.
#pragma once

#include <vector>

#include "node/core/signature.h"

namespace mig::investigator {

/// One primary key or subkey as it stands in a packet.
struct KeyPacket {
  core::Fingerprint fingerprint;     ///< SHA-1 over the packet, RFC 4880 section 12.2
  int algorithm = 0;                 ///< OpenPGP's number: 1 RSA, 17 DSA, 19 ECDSA, 22 EdDSA ...
  core::WallMs created = 0;
  core::Bytes curve;                 ///< object identifier, for 18, 19 and 22 only
  std::vector<core::Bytes> integers; ///< without leading zeros; the rest of an algorithm we do not know is left out
};

/// All public keys and subkeys of version 4, in order; other packets and versions are passed over.
/// Errors: not OpenPGP, cut short, partial lengths.
core::Result<std::vector<KeyPacket>> read_key_packets(core::BytesView exported);

/// Does its algorithm make signatures agents can check? Error: what it is and what would be right.
core::Result<core::SigningKey> signing_key_of(const KeyPacket& packet);

}  // namespace mig::investigator
