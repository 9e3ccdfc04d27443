#include "modules/sshkey/armour.h"

#include <sodium.h>

#include <charconv>
#include <map>

#include "modules/sshkey/der.h"
#include "modules/sshkey/numbers.h"
#include "modules/sshkey/wire.h"

namespace mig::modules::sshkey {
namespace {

using core::Bytes;
using core::BytesView;

// Object identifiers in DER.
constexpr BytesView oid_rsa = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01",
                    oid_dsa = "\x2a\x86\x48\xce\x38\x04\x01", oid_ec = "\x2a\x86\x48\xce\x3d\x02\x01",
                    oid_ed25519 = "\x2b\x65\x70";
constexpr BytesView oid_p256 = "\x2a\x86\x48\xce\x3d\x03\x01\x07";

int curve_bits(BytesView oid) {
  // Two of the identifiers hold a zero octet, so their literals need their lengths.
  if (oid == oid_p256) return 256;
  if (oid == BytesView("\x2b\x81\x04\x00\x22", 5)) return 384;
  if (oid == BytesView("\x2b\x81\x04\x00\x23", 5)) return 521;
  return 0;
}

/// Octets that are wiped when they are no longer needed.
struct Secret {
  Bytes bytes;
  ~Secret() { sodium_memzero(bytes.data(), bytes.size()); }
};

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

struct Body {
  std::map<std::string, std::string, std::less<>> headers;
  Secret octets;
};

/// Headers ("Proc-Type: 4,ENCRYPTED"), then base64.
bool read_body(std::string_view text, Body& out) {
  Secret letters;
  letters.bytes.reserve(text.size());  // no copies left behind by growing
  bool continued = false;
  std::string* last = nullptr;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const auto colon = line.find(':');
    if (continued || (colon != line.npos && letters.bytes.empty())) {
      std::string_view value = continued ? line : line.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      continued = value.ends_with('\\');  // RFC 4716 §3.3
      if (continued) value.remove_suffix(1);
      if (last == nullptr || colon != line.npos) last = &out.headers[std::string(line.substr(0, colon))];
      *last += value;
      continue;
    }
    for (char letter : line)
      if (letter != ' ' && letter != '\t') letters.bytes += letter;
  }
  auto octets = core::from_base64(letters.bytes);
  if (!octets) return false;
  out.octets.bytes = std::move(*octets);
  return true;
}

PublicKey rsa_from(BytesView content, bool with_version) {
  DerReader in(content);
  DerReader numbers(in.value(der::sequence));
  if (with_version) numbers.value(der::integer);
  const BytesView modulus = numbers.value(der::integer), exponent = numbers.value(der::integer);
  return numbers.good() && !without_zeros(modulus).empty() ? rsa_key(modulus, exponent) : PublicKey{};
}

PublicKey dsa_from(BytesView content) {
  DerReader in(content);
  DerReader numbers(in.value(der::sequence));
  BytesView each[5];
  for (BytesView& number : each) number = numbers.value(der::integer);
  return numbers.good() ? dsa_key(each[1], each[2], each[3], each[4]) : PublicKey{};
}

/// `outer`: the curve's identifier, where PKCS#8 has it.
PublicKey ec_from(BytesView content, BytesView outer) {
  DerReader in(content);
  DerReader parts(in.value(der::sequence));
  parts.value(der::integer);
  const BytesView secret = parts.value(der::octets);
  if (!parts.good()) return {};
  if (parts.next_is(der::part0)) outer = DerReader(parts.value(der::part0)).value(der::object);
  const int bits = curve_bits(outer);
  if (bits == 0) return {.kind = "ECDSA"};  // a curve that SSH has no name for
  BytesView point;
  if (parts.next_is(der::part1)) point = DerReader(parts.value(der::part1)).value(der::bits);
  if (!point.empty()) return ecdsa_key(bits, point.substr(1));  // first comes the count of unused bits
  return ecdsa_key(bits, ecdsa_public(bits, secret));
}

/// The two that begin with "which kind": PKCS#8 (`secret`) and SubjectPublicKeyInfo.
PublicKey from_pkcs8(BytesView content, bool secret) {
  DerReader in(content);
  DerReader parts(in.value(der::sequence));
  if (secret) parts.value(der::integer);
  DerReader kind(parts.value(der::sequence));
  const BytesView oid = kind.value(der::object);
  const BytesView parameters = kind.next_is(der::object)     ? kind.value(der::object)
                               : kind.next_is(der::sequence) ? kind.value(der::sequence)
                                                             : BytesView();
  BytesView inner = parts.value(secret ? der::octets : der::bits);
  if (!kind.good() || !parts.good()) return {};
  if (!secret && !inner.empty()) inner.remove_prefix(1);
  PublicKey unknown{.name = "?"};  // well formed, but nothing for SSH
  if (oid == oid_rsa) return rsa_from(inner, secret);
  if (oid == oid_ec) {
    if (secret) return ec_from(inner, parameters);
    const int bits = curve_bits(parameters);
    return bits == 0 ? PublicKey{.kind = "ECDSA"} : ecdsa_key(bits, inner);
  }
  if (oid == oid_ed25519)
    return ed25519_key(secret ? BytesView(ed25519_public(DerReader(inner).value(der::octets))) : inner);
  if (oid != oid_dsa) return unknown;
  DerReader domain(parameters);
  const BytesView p = domain.value(der::integer), q = domain.value(der::integer),
                  g = domain.value(der::integer);
  const BytesView last = DerReader(inner).value(der::integer);
  return domain.good() ? dsa_key(p, q, g, secret ? BytesView(power(g, last, p)) : last) : PublicKey{};
}

/// EncryptedPrivateKeyInfo (RFC 5958): how, then what.
bool is_sealed(BytesView content) {
  DerReader in(content);
  DerReader parts(in.value(der::sequence));
  parts.value(der::sequence);
  parts.value(der::octets);
  return parts.good();
}

core::Result<std::vector<Key>> from_openssh(BytesView content) {
  constexpr BytesView magic("openssh-key-v1\0", 15);
  if (!content.starts_with(magic)) return core::invalid("OpenSSH's mark is missing");
  WireReader in(content.substr(magic.size()));
  const BytesView cipher = in.text();
  in.text();  // how the passphrase becomes a key
  in.text();
  const std::uint32_t count = in.number32();
  if (!in.good() || count == 0) return core::invalid("the key is cut short");
  std::vector<Key> out;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto half = parse_blob(in.text());
    if (!in.good()) return core::invalid("the key is cut short");
    if (!half) return half.error();
    out.push_back({.type = Key::Type::private_key,
                   .format = "openssh",
                   .half = std::move(*half),
                   .encrypted = cipher != "none"});
  }
  return out;
}

core::Result<std::vector<Key>> one(Key key) {
  if (key.half.kind.empty() && key.half.name.empty() && !key.encrypted)
    return core::invalid("the key in it does not parse");
  if (key.half.name == "?") key.half.name.clear();
  std::vector<Key> out;
  out.push_back(std::move(key));
  return out;
}

std::string unquoted(std::string text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2)
                                                                       : text;
}

}  // namespace

std::string_view label_of(std::string_view line) {
  while (line.ends_with(' ') || line.ends_with('\r')) line.remove_suffix(1);
  for (std::string_view dashes : {"-----", "---- "}) {
    const std::string_view begin = dashes == "-----" ? "-----BEGIN " : "---- BEGIN ";
    const std::string_view end = dashes == "-----" ? "-----" : " ----";
    if (!line.starts_with(begin) || !line.ends_with(end) || line.size() < begin.size() + end.size()) continue;
    const std::string_view label = line.substr(begin.size(), line.size() - begin.size() - end.size());
    for (std::string_view known :
         {"OPENSSH PRIVATE KEY", "RSA PRIVATE KEY", "DSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY",
          "ENCRYPTED PRIVATE KEY", "PUBLIC KEY", "RSA PUBLIC KEY", "SSH2 PUBLIC KEY"})
      if (label == known) return label;
  }
  return "";
}

core::Result<std::vector<Key>> parse_block(std::string_view label, std::string_view text) {
  Body body;
  if (!read_body(text, body)) return core::invalid("what stands between the dashes is not base64");
  const BytesView content = body.octets.bytes;
  Key key{.type = label.ends_with("PRIVATE KEY") ? Key::Type::private_key : Key::Type::public_key};
  key.format =
      label == "PRIVATE KEY" || label == "ENCRYPTED PRIVATE KEY" || label == "PUBLIC KEY" ? "pkcs8" : "pem";
  if (label == "OPENSSH PRIVATE KEY") return from_openssh(content);
  if (label == "SSH2 PUBLIC KEY") {
    auto half = parse_blob(content);
    if (!half) return half.error();
    key.format = "rfc4716";
    key.half = std::move(*half);
    key.comment = core::readable_utf8(unquoted(body.headers["Comment"]));
    return one(std::move(key));
  }
  const auto procedure = body.headers.find("Proc-Type");
  key.encrypted =
      label == "ENCRYPTED PRIVATE KEY" ||
      (procedure != body.headers.end() && procedure->second.find("ENCRYPTED") != std::string::npos);
  const std::string kind = label.starts_with("RSA")   ? "RSA"
                           : label.starts_with("DSA") ? "DSA"
                           : label.starts_with("EC ") ? "ECDSA"
                                                      : "";
  if (key.encrypted) {
    if (content.empty() || (kind.empty() && !is_sealed(content)))
      return core::invalid("the key in it does not parse");
    key.half.kind = kind;
  } else if (kind.empty())
    key.half = from_pkcs8(content, key.type == Key::Type::private_key);
  else
    key.half = kind == "RSA"   ? rsa_from(content, label == "RSA PRIVATE KEY")
               : kind == "DSA" ? dsa_from(content)
                               : ec_from(content, {});
  return one(std::move(key));
}

core::Result<Key> parse_putty(std::string_view content) {
  std::map<std::string_view, std::string_view> heads;
  std::string letters;
  while (!content.empty()) {
    const std::string_view line = take_line(content);
    const auto colon = line.find(": ");
    if (colon == line.npos) break;
    const std::string_view head = line.substr(0, colon), value = line.substr(colon + 2);
    heads[head.starts_with(putty_begin) ? "kind" : head] = value;
    if (head != "Public-Lines") continue;
    int count = 0;
    std::from_chars(value.data(), value.data() + value.size(), count);
    while (count-- > 0 && !content.empty()) letters += take_line(content);
    break;  // what follows is secret
  }
  const auto blob = core::from_base64(letters);
  if (!blob || letters.empty()) return core::invalid("its public half is not base64");
  auto half = parse_blob(*blob);
  if (!half) return half.error();
  Key key{.type = Key::Type::private_key, .format = "putty", .half = std::move(*half)};
  if (key.half.name != heads["kind"]) return core::invalid("its public half is of another kind");
  key.encrypted = heads["Encryption"] != "none";
  key.comment = core::readable_utf8(heads["Comment"]);
  return key;
}

}  // namespace mig::modules::sshkey
