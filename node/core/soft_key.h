// An OpenPGP Ed25519 signing key held in memory: for labs and the simulator, where people are made up.
//
// People sign through gpg; no program reads a person's secret key. What this writes is what gpg 2.2 writes, so that
// simulated agents check the same packets as real ones.
#pragma once

#include <array>

#include "node/core/signature.h"

namespace mig::core {

class SoftKey {
 public:
  /// `created` counts in whole seconds; it is part of the fingerprint.
  SoftKey(const Seed& seed, WallMs created);
  const SigningKey& public_key() const { return public_key_; }
  const Fingerprint& fingerprint() const { return public_key_.fingerprint; }
  /// One binary signature packet (SHA-256) over `signing_text`, which begins with its domain line.
  /// `lifetime_ms` 0: never expires.
  Bytes sign(BytesView signing_text, WallMs at, WallMs lifetime_ms = 0) const;

 private:
  SigningKey public_key_;
  std::array<unsigned char, 64> secret_{};
};

}  // namespace mig::core
