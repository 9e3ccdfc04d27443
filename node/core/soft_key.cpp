#include "node/core/soft_key.h"

#include <openssl/evp.h>
#include <sodium.h>

#include "node/core/check.h"
#include "node/core/public_key.h"

namespace mig::core {
namespace {

Bytes big_endian(std::uint64_t value, int octets) {
  Bytes out;
  for (int i = octets - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

Bytes seconds(WallMs wall) { return big_endian(static_cast<std::uint64_t>(wall / 1000), 4); }

/// A number as OpenPGP writes it: its bits counted, leading zeros dropped.
Bytes integer(BytesView octets) {
  octets.remove_prefix(std::min(octets.find_first_not_of('\0'), octets.size()));
  std::size_t bits = octets.size() * 8;
  for (int top = octets.empty() ? 0x80 : static_cast<unsigned char>(octets[0]); (top & 0x80) == 0; top <<= 1) --bits;
  return big_endian(bits, 2) + Bytes(octets);
}

Bytes subpacket(int type, BytesView body) { return big_endian(body.size() + 1, 1) + big_endian(type, 1) + Bytes(body); }

/// RFC 4880 §12.2: SHA-1 over the public key packet; an identifier, not a proof.
Fingerprint fingerprint_of(const Bytes& ed25519, WallMs created) {
  Bytes curve("\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01", 10);
  Bytes body = big_endian(4, 1) + seconds(created) + big_endian(22, 1) + curve + integer("\x40" + ed25519);
  Bytes hashed = "\x99" + big_endian(body.size(), 2) + body;
  unsigned char out[20];
  MIG_CHECK(EVP_Digest(hashed.data(), hashed.size(), out, nullptr, EVP_sha1(), nullptr) == 1, "SHA-1 is always there");
  std::string hex = to_hex({reinterpret_cast<const char*>(out), sizeof out});
  for (char& c : hex)
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  return hex;
}

}  // namespace

SoftKey::SoftKey(const Seed& seed, WallMs created) {
  std::array<unsigned char, 32> key{};
  crypto_sign_seed_keypair(key.data(), secret_.data(), seed.octets.data());
  public_key_.material = Bytes(reinterpret_cast<const char*>(key.data()), key.size());
  public_key_.not_before = created / 1000 * 1000;
  public_key_.fingerprint = fingerprint_of(public_key_.material, created);
}

Bytes SoftKey::sign(BytesView signing_text, WallMs at, WallMs lifetime_ms) const {
  Bytes raw_fingerprint = *from_hex(fingerprint());
  Bytes subpackets = subpacket(33, "\x04" + raw_fingerprint) + subpacket(2, seconds(at));
  if (lifetime_ms != 0) subpackets += subpacket(3, seconds(lifetime_ms));
  Bytes hashed = Bytes("\x04\x00\x16\x08", 4) + big_endian(subpackets.size(), 2) + subpackets;
  Bytes trailer = Bytes("\x04\xff", 2) + big_endian(hashed.size(), 4);
  Bytes digest = digest_of(digest_sha256, {signing_text, hashed, trailer});

  Bytes signature(64, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr,
                       reinterpret_cast<const unsigned char*>(digest.data()), digest.size(), secret_.data());
  Bytes key_id = subpacket(16, raw_fingerprint.substr(12));
  Bytes body = hashed + big_endian(key_id.size(), 2) + key_id + digest.substr(0, 2) +
               integer(BytesView(signature).substr(0, 32)) + integer(BytesView(signature).substr(32));
  return "\x88" + big_endian(body.size(), 1) + body;
}

}  // namespace mig::core
