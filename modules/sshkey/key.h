// One SSH key as it is told about: never the key itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/core/bytes.h"
#include "node/core/json.h"

namespace mig::modules::sshkey {

/// What a certificate says about the key in it (OpenSSH's PROTOCOL.certkeys).
struct Certificate {
  bool host = false;  ///< for a machine, else for a person
  std::uint64_t serial = 0;
  std::string id;
  std::vector<std::string> principals;            ///< empty: any
  std::uint64_t after = 0, before = UINT64_MAX;   ///< seconds since 1970; these two values mean "no bound"
  std::string signer;                             ///< blob of the key that signed
  std::vector<std::string> critical, extensions;  ///< "force-command=/bin/true", "permit-pty"
};

/// The public half.
struct PublicKey {
  std::string kind;  ///< RSA, DSA, ECDSA, ED25519, ECDSA-SK, ED25519-SK; empty: one we do not know
  std::string name;  ///< as the protocol calls it: "ssh-ed25519"
  int bits = 0;      ///< 0: unknown
  core::Bytes blob;  ///< what fingerprints are taken of; a certificate's is that of the plain key in it
  std::string application;  ///< security keys: "ssh:"
  std::optional<Certificate> certificate;
};

struct Key {
  enum class Type { private_key, public_key, authorized } type = Type::public_key;
  std::string format;
  PublicKey half;  ///< with an empty blob if only the kind is known
  bool encrypted = false;
  std::string comment;
  std::vector<std::string> options;  ///< of a line in authorized_keys
  int line = 0;                      ///< where it begins, from 1
};

/// A public key or certificate in the protocol's own encoding. Errors: the trouble alone, without a subject.
core::Result<PublicKey> parse_blob(core::BytesView blob);

// From raw numbers; leading zeros are allowed. Empty blob if the numbers cannot be such a key.
PublicKey rsa_key(core::BytesView modulus, core::BytesView exponent);
PublicKey dsa_key(core::BytesView p, core::BytesView q, core::BytesView g, core::BytesView y);
/// `bits`: 256, 384 or 521. `point`: uncompressed.
PublicKey ecdsa_key(int bits, core::BytesView point);
PublicKey ed25519_key(core::BytesView key);

/// "aa:bb:..", as ssh-keygen -l -E md5 has it behind "MD5:".
std::string md5_fingerprint(core::BytesView blob);
/// "SHA256:" and base64 without padding.
std::string sha256_fingerprint(core::BytesView blob);

/// One line of authorized_keys or of a .pub file: [options] name base64 [comment]. Not found: blank or a
/// comment. With `any_option` false only options known to sshd are taken for some.
core::Result<Key> parse_line(std::string_view line, bool any_option);

struct Found {
  std::vector<Key> keys;
  std::string trouble;  ///< the first part that looked like a key and was none: "line 3: .."; empty: none
};
/// Could there be a key in it? Cheap, never wrong about "no".
bool may_hold_key(std::string_view content);
/// All keys of one file. `authorized`: its name says that it lists who may come in.
Found parse_keys(std::string_view content, bool authorized);

}  // namespace mig::modules::sshkey
