// leans on: core
// The reader of OpenPGP signature packets, and the check behind it: nothing mutated may speak for a text nobody signed.
#include "node/core/public_key.h"
#include "node/core/signature.h"
#include "node/core/soft_key.h"
#include "tests/fuzz/fuzz.h"

using namespace mig::core;

MIG_FUZZ(signature) {
  constexpr WallMs made = 1'700'000'000'000, at = 1'800'000'000'000;
  static const SoftKey key(Seed{}, made);
  static const SigningKey rsa{SigningKey::Algorithm::rsa, key.fingerprint(), Bytes(256, '\xc5'), Bytes("\x01\x00\x01", 3), made, 0};
  auto packet = read_signature(input);
  if (!packet) {
    MIG_CHECK(packet.error().text.starts_with("signature: "), "a refusal says what it is about");
    return;
  }
  // Whoever it names and whatever its two check octets say, make them fit: the mathematics alone must say no.
  constexpr std::string_view text = "a text nobody signed";
  Bytes trailer("\x04\xff", 2);
  for (int shift = 24; shift >= 0; shift -= 8) trailer += static_cast<char>(packet->hashed_part.size() >> shift & 0xff);
  packet->left16 = digest_of(packet->hash_algorithm, {text, packet->hashed_part, trailer}).substr(0, 2);
  for (const SigningKey* claimed : {&key.public_key(), &rsa}) {
    packet->issuer = claimed->fingerprint;
    MIG_CHECK(!verify_signature(*packet, text, *claimed, at), "nobody signed this");
  }
}
