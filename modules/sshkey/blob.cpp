// Public keys and certificates in the protocol's own encoding (RFC 4253 §6.6, RFC 5656, RFC 8709, OpenSSH's
// PROTOCOL.certkeys and PROTOCOL.u2f), and their fingerprints.
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <array>
#include <bit>

#include "modules/sshkey/key.h"
#include "modules/sshkey/wire.h"

namespace mig::modules::sshkey {
namespace {

using core::Bytes;
using core::BytesView;

constexpr std::string_view certificate_end = "-cert-v01@openssh.com";

/// "sk-ssh-ed25519-cert-v01@openssh.com" -> "sk-ssh-ed25519@openssh.com"; empty if it names no certificate.
std::string plain_name(std::string_view name) {
  if (!name.ends_with(certificate_end)) return "";
  std::string out(name.substr(0, name.size() - certificate_end.size()));
  return out.starts_with("sk-") ? out + "@openssh.com" : out;
}

int bits_of(BytesView number) {
  number = without_zeros(number);
  if (number.empty()) return 0;
  return static_cast<int>(number.size() - 1) * 8 + std::bit_width(static_cast<unsigned char>(number.front()));
}

bool is_point(BytesView point, int bits) {
  return point.size() == 1 + 2 * static_cast<std::size_t>((bits + 7) / 8) && point.front() == '\x04';
}

/// Reads what belongs to the key itself, and says what is wrong with it.
std::string read_fields(WireReader& in, std::string_view name, PublicKey& out) {
  const bool token = name.starts_with("sk-");
  if (token) name.remove_prefix(3);
  if (name == "ssh-rsa") {
    out.kind = "RSA";
    in.text();
    out.bits = bits_of(in.text());
    if (out.bits < 256) return "the modulus is too short";
  } else if (name == "ssh-dss") {
    out.kind = "DSA";
    out.bits = bits_of(in.text());
    for (int i = 0; i < 3; ++i) in.text();
  } else if (name.starts_with("ecdsa-sha2-nistp")) {
    out.kind = token ? "ECDSA-SK" : "ECDSA";
    const BytesView curve = in.text(), point = in.text();
    const std::string_view wanted = name.substr(11, 8);
    out.bits = wanted == "nistp256" ? 256 : wanted == "nistp384" ? 384 : wanted == "nistp521" ? 521 : 0;
    if (out.bits == 0 || curve != wanted || !is_point(point, out.bits))
      return "the point is not on the curve it names";
  } else if (name == "ssh-ed25519" || name == "ssh-ed25519@openssh.com") {
    out.kind = token ? "ED25519-SK" : "ED25519";
    out.bits = 256;
    if (in.text().size() != 32) return "the key has not 32 octets";
  } else {
    return "";
  }
  if (token) out.application = core::readable_utf8(in.text());
  return in.good() ? "" : "it is cut short";
}

std::vector<std::string> texts_in(BytesView packed, bool pairs) {
  std::vector<std::string> out;
  WireReader in(packed);
  while (in.good() && !in.rest().empty()) {
    std::string text(in.text());
    if (pairs) {
      WireReader value(in.text());
      if (const BytesView inner = value.text(); !inner.empty()) text += "=" + std::string(inner);
    }
    if (in.good()) out.push_back(core::readable_utf8(text));
  }
  return out;
}

}  // namespace

core::Result<PublicKey> parse_blob(BytesView blob) {
  WireReader in(blob);
  PublicKey out;
  out.name = std::string(in.text());
  if (!in.good() || out.name.empty() || out.name.size() > 64 || !core::is_utf8(out.name))
    return core::invalid("is no key");
  const std::string plain = plain_name(out.name);
  if (!plain.empty()) in.text();  // the nonce
  const BytesView fields = in.rest();
  if (auto wrong = read_fields(in, plain.empty() ? out.name : plain, out); !wrong.empty())
    return core::invalid(wrong);
  if (plain.empty()) {
    if (!out.kind.empty() && !in.done()) return core::invalid("it has octets behind its end");
    out.blob = blob;
    return out;
  }
  if (out.kind.empty()) {  // where the key ends and the certificate begins is not known
    out.blob = blob;
    return out;
  }
  put_text(out.blob, plain);
  out.blob += fields.substr(0, fields.size() - in.rest().size());
  Certificate& paper = out.certificate.emplace();
  paper.serial = in.number64();
  paper.host = in.number32() == 2;
  paper.id = core::readable_utf8(in.text());
  paper.principals = texts_in(in.text(), false);
  paper.after = in.number64();
  paper.before = in.number64();
  paper.critical = texts_in(in.text(), true);
  paper.extensions = texts_in(in.text(), true);
  in.text();  // reserved
  paper.signer = in.text();
  in.text();  // the signature; whether it fits is not asked
  if (!in.done()) return core::invalid("the certificate is cut short");
  return out;
}

PublicKey rsa_key(BytesView modulus, BytesView exponent) {
  PublicKey out{.kind = "RSA", .name = "ssh-rsa", .bits = bits_of(modulus)};
  put_text(out.blob, out.name);
  put_number(out.blob, exponent);
  put_number(out.blob, modulus);
  return out;
}

PublicKey dsa_key(BytesView p, BytesView q, BytesView g, BytesView y) {
  PublicKey out{.kind = "DSA", .name = "ssh-dss", .bits = bits_of(p)};
  if (without_zeros(y).empty()) return out;
  put_text(out.blob, out.name);
  for (BytesView number : {p, q, g, y}) put_number(out.blob, number);
  return out;
}

PublicKey ecdsa_key(int bits, BytesView point) {
  const std::string curve = fmt::format("nistp{}", bits);
  PublicKey out{.kind = "ECDSA", .name = "ecdsa-sha2-" + curve, .bits = bits};
  if (!is_point(point, bits)) return out;
  for (BytesView text : {BytesView(out.name), BytesView(curve), point}) put_text(out.blob, text);
  return out;
}

PublicKey ed25519_key(BytesView key) {
  PublicKey out{.kind = "ED25519", .name = "ssh-ed25519", .bits = 256};
  if (key.size() != 32) return out;
  put_text(out.blob, out.name);
  put_text(out.blob, key);
  return out;
}

std::string md5_fingerprint(BytesView blob) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  // A machine in FIPS mode has no MD5.
  if (EVP_Digest(blob.data(), blob.size(), digest.data(), &size, EVP_md5(), nullptr) != 1) return "";
  std::string out;
  for (unsigned i = 0; i < size; ++i) out += fmt::format("{}{:02x}", i == 0 ? "" : ":", digest[i]);
  return out;
}

std::string sha256_fingerprint(BytesView blob) {
  Bytes digest(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()),
                     reinterpret_cast<const unsigned char*>(blob.data()), blob.size());
  std::string text = core::to_base64(digest);
  return "SHA256:" + text.substr(0, text.find('='));
}

}  // namespace mig::modules::sshkey
