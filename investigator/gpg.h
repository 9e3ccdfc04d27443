// The only door to gpg: people's keys, their signatures, and secrets wrapped to readers.
//
// Everything goes through GPGME, so agents, smartcards and pinentry work as people have set them up. What leaves
// here is raw: one signature packet, raw key values. No other file knows about certificates or armor.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "node/core/roster.h"

namespace mig::investigator {

/// A secret key that can sign.
struct PersonKey {
  core::Fingerprint fingerprint;  ///< of the primary key
  std::string user;               ///< first user id: "Ada <ada@example.org>"
};

class Gpg {
 public:
  /// `gnupg_home` empty: GNUPGHOME, else gpg's own. Errors: gpg missing or older than 2.1, no such directory.
  static core::Result<Gpg> open(const std::string& gnupg_home = "");

  /// Secret keys that can sign now (neither expired, revoked nor disabled).
  core::Result<std::vector<PersonKey>> secret_keys() const;
  /// The one secret key `word` means: a fingerprint (blanks allowed, 16 or more digits) or part of a user id.
  /// Errors: none or several, and which ones there are.
  core::Result<PersonKey> secret_key(const std::string& word) const;

  /// The person (by primary key) that `word` means among the public keys gpg holds: a fingerprint or part of a user id.
  core::Result<PersonKey> person(const std::string& word) const;
  /// Takes the keys of a file (armored or binary) into gpg's keyring; gives the primary fingerprints in it.
  core::Result<std::vector<core::Fingerprint>> import(core::BytesView keys) const;

  /// All keys that sign for a person: valid, not revoked, able to sign; primary first.
  /// Errors: no such key, or keys of a kind that agents cannot check (DSA, ECDSA ...) and what would be right.
  core::Result<std::vector<core::SigningKey>> signing_keys(const core::Fingerprint& primary) const;

  /// One detached binary-class signature packet over exactly `text`, by a signing key of that person.
  /// Errors: no secret key, pinentry cancelled, a packet that agents would refuse (SHA-1 set in gpg.conf ...).
  core::Result<core::Bytes> sign(core::BytesView text, const core::Fingerprint& primary) const;

  /// One binary OpenPGP message that each of `readers` can open. Errors name the reader without an encryption key.
  core::Result<core::Bytes> encrypt(core::BytesView secret, const std::vector<core::Fingerprint>& readers) const;
  /// Errors: encrypted to keys that are not here, pinentry cancelled, not a message.
  core::Result<core::Bytes> decrypt(core::BytesView message) const;

  /// Makes an Ed25519 key with an encryption subkey and without passphrase: for labs and tests, not for people.
  core::Result<core::Fingerprint> make_key(const std::string& user) const;

  struct Checked {
    bool valid = false;
    core::Fingerprint primary;    ///< of the signer; empty when the key is unknown
    std::string user, why;        ///< why it is not valid
  };
  /// Checks a detached signature (binary packet or armor) as gpg does, by the public keys gpg holds.
  core::Result<Checked> check(core::BytesView text, core::BytesView signature) const;

  const std::string& home() const { return home_; }

 private:
  explicit Gpg(std::string home) : home_(std::move(home)) {}
  std::string home_;              ///< empty: gpg's default
};

}  // namespace mig::investigator
