#include "investigator/key_packets.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <optional>

#include "node/core/check.h"

namespace mig::investigator {
namespace {

using core::Bytes;
using core::BytesView;
using core::Result;

constexpr std::string_view ed25519_curve("\x2b\x06\x01\x04\x01\xda\x47\x0f\x01", 9);
constexpr int rsa = 1, rsa_sign_only = 3, dsa = 17, ecdh = 18, ecdsa = 19, eddsa = 22;
constexpr int tag_key = 6, tag_subkey = 14;

class Octets {
 public:
  explicit Octets(BytesView view) : view_(view) {}
  bool empty() const { return view_.empty(); }
  std::size_t left() const { return view_.size(); }

  std::optional<std::uint64_t> number(std::size_t octets) {
    auto taken = take(octets);
    if (!taken) return std::nullopt;
    std::uint64_t value = 0;
    for (unsigned char octet : *taken) value = value << 8 | octet;
    return value;
  }

  std::optional<BytesView> take(std::size_t octets) {
    if (octets > view_.size()) return std::nullopt;
    BytesView taken = view_.substr(0, octets);
    view_.remove_prefix(octets);
    return taken;
  }

  std::optional<Bytes> integer() {
    auto bits = number(2);
    if (!bits) return std::nullopt;
    auto taken = take((*bits + 7) / 8);
    if (!taken) return std::nullopt;
    taken->remove_prefix(std::min(taken->find_first_not_of('\0'), taken->size()));
    return Bytes(*taken);
  }

 private:
  BytesView view_;
};

struct Packet {
  int tag = 0;
  BytesView body;
};

std::optional<std::uint64_t> old_length(Octets& in, int kind) {
  if (kind == 3) return std::nullopt;  // indeterminate: gpg writes none in an export
  return in.number(std::size_t{1} << kind);
}

std::optional<std::uint64_t> new_length(Octets& in) {
  auto first = in.number(1);
  if (!first || *first < 192) return first;
  if (*first < 224) {
    auto second = in.number(1);
    if (!second) return std::nullopt;
    return (*first - 192) * 256 + *second + 192;
  }
  return *first == 255 ? in.number(4) : std::nullopt;
}

Result<Packet> next_packet(Octets& in) {
  auto header = in.number(1);
  if (!header || (*header & 0x80) == 0) return core::invalid("exported key: this is no OpenPGP packet");
  bool new_form = (*header & 0x40) != 0;
  int tag = static_cast<int>(new_form ? *header & 0x3f : *header >> 2 & 0x0f);
  auto length = new_form ? new_length(in) : old_length(in, static_cast<int>(*header & 3));
  if (!length) return core::invalid("exported key: a packet without a plain length");
  auto body = in.take(*length);
  if (!body) return core::invalid("exported key: it ends inside a packet");
  return Packet{tag, *body};
}

core::Fingerprint fingerprint_of(BytesView body) {
  Bytes hashed("\x99");
  hashed += static_cast<char>(body.size() >> 8 & 0xff);
  hashed += static_cast<char>(body.size() & 0xff);
  hashed += body;
  unsigned char out[20];
  MIG_CHECK(EVP_Digest(hashed.data(), hashed.size(), out, nullptr, EVP_sha1(), nullptr) == 1, "SHA-1 is always there");
  std::string hex = core::to_hex({reinterpret_cast<const char*>(out), sizeof out});
  for (char& c : hex)
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  return hex;
}

bool has_curve(int algorithm) { return algorithm == ecdh || algorithm == ecdsa || algorithm == eddsa; }

std::size_t integers_of(int algorithm) {
  if (algorithm == rsa || algorithm == rsa_sign_only) return 2;
  return has_curve(algorithm) ? 1 : 0;
}

std::optional<KeyPacket> read_body(BytesView body) {
  Octets in(body);
  KeyPacket key;
  auto version = in.number(1);
  if (!version || *version != 4) return std::nullopt;
  auto created = in.number(4), algorithm = in.number(1);
  if (!created || !algorithm) return std::nullopt;
  key.created = static_cast<core::WallMs>(*created) * 1000;
  key.algorithm = static_cast<int>(*algorithm);
  if (has_curve(key.algorithm)) {
    auto size = in.number(1);
    auto curve = size ? in.take(*size) : std::nullopt;
    if (!curve) return std::nullopt;
    key.curve = Bytes(*curve);
  }
  for (std::size_t i = 0; i < integers_of(key.algorithm); ++i) {
    auto integer = in.integer();
    if (!integer) return std::nullopt;
    key.integers.push_back(std::move(*integer));
  }
  key.fingerprint = fingerprint_of(body);
  return key;
}

std::string kind_of(const KeyPacket& packet) {
  switch (packet.algorithm) {
    case rsa: case rsa_sign_only: return "RSA";
    case dsa: return "DSA";
    case ecdsa: return "ECDSA";
    case eddsa: return "EdDSA on another curve";
    default: return fmt::format("algorithm {}", packet.algorithm);
  }
}

}  // namespace

Result<std::vector<KeyPacket>> read_key_packets(BytesView exported) {
  std::vector<KeyPacket> keys;
  for (Octets in(exported); !in.empty();) {
    auto packet = next_packet(in);
    if (!packet) return packet.error();
    if (packet->tag != tag_key && packet->tag != tag_subkey) continue;
    if (auto key = read_body(packet->body)) keys.push_back(std::move(*key));
  }
  return keys;
}

Result<core::SigningKey> signing_key_of(const KeyPacket& packet) {
  core::SigningKey key;
  key.fingerprint = packet.fingerprint;
  key.not_before = packet.created;
  if (packet.algorithm == rsa || packet.algorithm == rsa_sign_only) {
    key.algorithm = core::SigningKey::Algorithm::rsa;
    key.material = packet.integers[0];
    key.exponent = packet.integers[1];
    return key;
  }
  // An Ed25519 point is written as 0x40 and the 32 octets of RFC 8032.
  if (packet.algorithm == eddsa && packet.curve == ed25519_curve && packet.integers[0].size() == 33 &&
      packet.integers[0][0] == '\x40') {
    key.material = packet.integers[0].substr(1);
    return key;
  }
  return core::Error{core::Code::unsupported,
                     fmt::format("key {}: {} signatures cannot be checked by agents; use Ed25519 or RSA (gpg "
                                 "--quick-add-key PRIMARY ed25519 sign)", packet.fingerprint, kind_of(packet))};
}

}  // namespace mig::investigator
