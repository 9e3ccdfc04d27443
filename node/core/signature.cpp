#include "node/core/signature.h"

#include <fmt/format.h>

#include <optional>

#include "node/core/limits.h"
#include "node/core/public_key.h"

namespace mig::core {
namespace {

Error wrong(std::string_view trouble) { return invalid(fmt::format("signature: {}", trouble)); }
Error cut_short() { return wrong("the packet ends too early"); }

/// Takes octets off the front of a view; says so when there are too few.
class Octets {
 public:
  explicit Octets(BytesView bytes) : rest_(bytes) {}
  std::size_t left() const { return rest_.size(); }
  std::optional<BytesView> take(std::size_t size) {
    if (size > rest_.size()) return std::nullopt;
    BytesView out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  /// Big-endian, 1..4 octets.
  std::optional<std::size_t> number(std::size_t size) {
    std::optional<BytesView> octets = take(size);
    if (!octets) return std::nullopt;
    std::size_t out = 0;
    for (unsigned char c : *octets) out = out << 8 | c;
    return out;
  }

 private:
  BytesView rest_;
};

std::string packet_kind(std::size_t tag) {
  switch (tag) {
    case 1: case 3: case 9: case 18: return "an encrypted message";
    case 4: return "a signed message, not a detached signature";
    case 5: case 7: return "a secret key (keep it safe!)";
    case 6: case 14: return "a public key";
    case 8: return "a compressed or signed message, not a detached signature";
    case 11: return "a message";
    default: return fmt::format("an OpenPGP packet of kind {}", tag);
  }
}

/// The forms of a length that say where the packet ends; "until the end" and "in parts" are refused.
std::optional<std::size_t> new_length(Octets& in) {
  std::optional<std::size_t> first = in.number(1);
  if (!first || *first < 192) return first;
  if (*first == 255) return in.number(4);
  if (*first >= 224) return std::nullopt;
  std::optional<std::size_t> second = in.number(1);
  if (!second) return std::nullopt;
  return ((*first - 192) << 8) + *second + 192;
}

/// The body of the one packet that `packet` must be.
Result<BytesView> unwrap(BytesView packet) {
  if (packet.empty()) return wrong("empty");
  if (packet.substr(0, 5) == "-----")
    return wrong("ASCII armor; what counts is the binary packet (mig sign takes both, gpg without --armor makes one)");
  Octets in(packet);
  std::size_t header = *in.number(1);
  if ((header & 0x80) == 0) return wrong("not an OpenPGP packet");
  bool new_form = (header & 0x40) != 0;
  std::size_t tag = new_form ? header & 0x3f : header >> 2 & 0x0f;
  if (tag != 2) return wrong(fmt::format("this is {}; a detached signature is needed", packet_kind(tag)));
  if (!new_form && (header & 3) == 3) return wrong("a packet of indeterminate length");
  std::optional<std::size_t> size = new_form ? new_length(in) : in.number(std::size_t{1} << (header & 3));
  if (!size) return wrong("a packet whose length is cut or given in parts");
  if (*size > in.left()) return cut_short();
  if (*size < in.left()) return wrong("something follows the packet; each item holds exactly one signature");
  return *in.take(*size);
}

/// What is read out of the two subpacket areas.
struct Claims {
  std::optional<Fingerprint> issuer;
  std::optional<Bytes> issuer_key_id;
  std::optional<WallMs> created, lifetime;
};

enum Subpacket : std::size_t {
  creation_time = 2, signature_expiry = 3, exportable = 4, revocable = 7, issuer_key_id = 16, key_server = 24,
  policy = 26, signers_name = 28, issuer_fingerprint = 33,
};

/// What may be marked critical: what is checked here, and what changes nothing for a signature on a document.
bool understood(std::size_t type) {
  switch (type) {
    case creation_time: case signature_expiry: case exportable: case revocable: case issuer_key_id: case key_server:
    case policy: case signers_name: case issuer_fingerprint: return true;
    default: return false;
  }
}

Status read_time(BytesView body, std::optional<WallMs>& out, std::string_view name) {
  if (out) return wrong(fmt::format("{} given twice", name));
  if (body.size() != 4) return wrong(fmt::format("{} of {} octets instead of 4", name, body.size()));
  out = static_cast<WallMs>(*Octets(body).number(4)) * 1000;
  return Done{};
}

Status read_issuer(BytesView body, Claims& claims) {
  if (claims.issuer) return wrong("issuer fingerprint given twice");
  if (body.size() != 21 || body[0] != 4) return wrong("issuer fingerprint is not one of a version 4 key");
  std::string hex = to_hex(body.substr(1));
  for (char& c : hex)
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  claims.issuer = hex;
  return Done{};
}

Status read_subpacket(std::size_t type, BytesView body, bool hashed, Claims& claims) {
  if (type == issuer_key_id) {
    if (body.size() != 8) return wrong("issuer key id is not 8 octets");
    if (claims.issuer_key_id && *claims.issuer_key_id != body) return wrong("names two issuers");
    claims.issuer_key_id = Bytes(body);
  }
  if (!hashed) return Done{};  // anyone can change that area; nothing in it counts
  if (type == creation_time) return read_time(body, claims.created, "creation time");
  if (type == signature_expiry) return read_time(body, claims.lifetime, "expiry");
  if (type == issuer_fingerprint) return read_issuer(body, claims);
  return Done{};
}

/// One subpacket's length: as a packet's, but 192..254 all take two octets.
std::optional<std::size_t> subpacket_length(Octets& in) {
  std::optional<std::size_t> first = in.number(1);
  if (!first || *first < 192) return first;
  if (*first == 255) return in.number(4);
  std::optional<std::size_t> second = in.number(1);
  if (!second) return std::nullopt;
  return ((*first - 192) << 8) + *second + 192;
}

Status read_area(BytesView area, bool hashed, Claims& claims) {
  Octets in(area);
  while (in.left() > 0) {
    std::optional<std::size_t> size = subpacket_length(in);
    std::optional<BytesView> whole = size && *size > 0 ? in.take(*size) : std::nullopt;
    if (!whole) return wrong("a subpacket is cut or empty");
    std::size_t type = static_cast<unsigned char>((*whole)[0]) & 0x7f;
    bool critical = ((*whole)[0] & 0x80) != 0;
    if (critical && !understood(type))
      return wrong(fmt::format("subpacket {} is marked critical and not understood here", type));
    if (Status ok = read_subpacket(type, whole->substr(1), hashed, claims); !ok) return ok;
  }
  return Done{};
}

/// A multiprecision integer without its leading zeros. Some programs count bits that are zero; the value is the same.
Result<Bytes> read_integer(Octets& in) {
  std::optional<std::size_t> bits = in.number(2);
  std::optional<BytesView> octets = bits ? in.take((*bits + 7) / 8) : std::nullopt;
  if (!octets) return cut_short();
  std::size_t spare = octets->size() * 8 - *bits;
  if (spare > 0 && static_cast<unsigned char>((*octets)[0]) >> (8 - spare) != 0)
    return wrong("an integer is longer than it says");
  octets->remove_prefix(std::min(octets->find_first_not_of('\0'), octets->size()));
  return Bytes(*octets);
}

Status check_head(BytesView head) {
  auto at = [&](std::size_t i) { return static_cast<int>(static_cast<unsigned char>(head[i])); };
  if (at(0) != 4) return wrong(fmt::format("version {}; version 4 is needed", at(0)));
  if (at(1) == 1) return wrong("made in text mode; sign the file as binary (gpg without --textmode)");
  if (at(1) != 0) return wrong(fmt::format("of class 0x{:02x}; a signature on a binary document is needed", at(1)));
  if (at(2) != 1 && at(2) != 22)
    return Error{Code::unsupported,
                 fmt::format("signature: made with {}; RSA or Ed25519 is needed", algorithm_name(at(2)))};
  if (at(3) < digest_sha256 || at(3) > digest_sha512)
    return wrong(fmt::format("made with {}; SHA-256 or better is needed", digest_name(at(3))));
  return Done{};
}

Status take_claims(const Claims& claims, SignaturePacket& out) {
  if (!claims.issuer) return wrong("does not name its key by fingerprint (GnuPG 2.1 and later do)");
  if (!claims.created) return wrong("does not say when it was made");
  out.issuer = *claims.issuer;
  out.created = *claims.created;
  out.expires = claims.lifetime.value_or(0) == 0 ? 0 : out.created + *claims.lifetime;
  if (claims.issuer_key_id && to_hex(*claims.issuer_key_id) != to_hex(*from_hex(out.issuer.substr(24))))
    return wrong("names two issuers");
  return Done{};
}

Status read_integers(Octets& in, SignaturePacket& out) {
  std::size_t wanted = out.public_key_algorithm == 22 ? 2 : 1;
  for (std::size_t i = 0; i < wanted; ++i) {
    Result<Bytes> integer = read_integer(in);
    if (!integer) return integer.error();
    out.integers.push_back(*std::move(integer));
  }
  if (in.left() != 0) return wrong("octets left over at the end of the packet");
  return Done{};
}

Error stale(std::string text) { return refused(fmt::format("signature: {}", text)); }

Status check_times(const SignaturePacket& packet, const SigningKey& key, WallMs now) {
  if (packet.created > now + limits::clock_skew_ms)
    return stale(fmt::format("dated {}, which is {} in the future by this clock", to_rfc3339(packet.created),
                             rough_span(packet.created - now)));
  if (packet.expires != 0 && now >= packet.expires)
    return stale(fmt::format("its own validity ended {}, {} ago by this clock", to_rfc3339(packet.expires),
                             rough_span(now - packet.expires)));
  if (packet.created < key.not_before)
    return stale(fmt::format("dated {}, before its key was made ({})", to_rfc3339(packet.created),
                             to_rfc3339(key.not_before)));
  if (key.not_after != 0 && now >= key.not_after)
    return stale(fmt::format("key {} expired {}, {} ago by this clock", key.fingerprint, to_rfc3339(key.not_after),
                             rough_span(now - key.not_after)));
  return Done{};
}

bool fits(const SignaturePacket& packet, const SigningKey& key) {
  return packet.public_key_algorithm == (key.algorithm == SigningKey::Algorithm::ed25519 ? 22 : 1);
}

}  // namespace

Result<SignaturePacket> read_signature(BytesView packet) {
  Result<BytesView> body = unwrap(packet);
  if (!body) return body.error();
  Octets in(*body);
  std::optional<BytesView> head = in.take(4);
  if (!head) return cut_short();
  if (Status ok = check_head(*head); !ok) return ok.error();

  SignaturePacket out;
  out.public_key_algorithm = static_cast<unsigned char>((*head)[2]);
  out.hash_algorithm = static_cast<unsigned char>((*head)[3]);
  std::optional<std::size_t> hashed_size = in.number(2);
  std::optional<BytesView> hashed = hashed_size ? in.take(*hashed_size) : std::nullopt;
  std::optional<std::size_t> unhashed_size = in.number(2);
  std::optional<BytesView> unhashed = unhashed_size ? in.take(*unhashed_size) : std::nullopt;
  std::optional<BytesView> left16 = in.take(2);
  if (!hashed || !unhashed || !left16) return cut_short();
  out.hashed_part = Bytes(body->substr(0, 6 + *hashed_size));
  out.left16 = Bytes(*left16);

  Claims claims;
  if (Status ok = read_area(*hashed, true, claims); !ok) return ok.error();
  if (Status ok = read_area(*unhashed, false, claims); !ok) return ok.error();
  if (Status ok = take_claims(claims, out); !ok) return ok.error();
  if (Status ok = read_integers(in, out); !ok) return ok.error();
  return out;
}

Status verify_signature(const SignaturePacket& packet, BytesView text, const SigningKey& key, WallMs now) {
  if (packet.issuer != key.fingerprint)
    return stale(fmt::format("made by key {}, not by {}", packet.issuer, key.fingerprint));
  if (!fits(packet, key))
    return stale(fmt::format("made with {}, which key {} is not for", algorithm_name(packet.public_key_algorithm),
                             key.fingerprint));
  if (Status ok = check_material(key); !ok) return ok;
  if (Status ok = check_times(packet, key, now); !ok) return ok;

  // RFC 4880 §5.2.4: the text, the packet up to the hashed subpackets, then 4, 255 and the length of that part.
  Bytes trailer("\x04\xff", 2);
  for (int shift = 24; shift >= 0; shift -= 8) trailer += static_cast<char>(packet.hashed_part.size() >> shift & 0xff);
  Bytes digest = digest_of(packet.hash_algorithm, {text, packet.hashed_part, trailer});
  if (digest.substr(0, 2) != packet.left16)
    return stale("does not fit the text, which was altered or is not the text that was signed");
  if (!verifies(key, packet.hash_algorithm, digest, packet.integers))
    return stale(fmt::format("false: key {} did not make it", key.fingerprint));
  return Done{};
}

}  // namespace mig::core
