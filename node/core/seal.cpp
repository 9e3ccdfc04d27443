#include "node/core/seal.h"

#include <sodium.h>
#include <zstd.h>

#include <algorithm>

#include "node/core/check.h"
#include "node/core/identity_fields.h"

namespace mig::core {
namespace {

const unsigned char* raw(BytesView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* raw(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

Bytes nonce_for(BytesView ephemeral, const LinkPublic& to) {
  return blake2b(Bytes(ephemeral) + to.bytes(), crypto_box_NONCEBYTES);
}

/// 512 octets, 2, 8, 32, 128 KiB, then steps of 128 KiB: the length tells the size class alone.
std::size_t size_class(std::size_t bytes) {
  std::size_t size = 512;
  while (size < bytes && size < 128 * 1024) size *= 4;
  return size >= bytes ? size : (bytes + 128 * 1024 - 1) / (128 * 1024) * (128 * 1024);
}

/// ISO 7816-4: one 0x80, then zeros.
Bytes padded(Bytes text) {
  const std::size_t size = size_class(text.size() + 1);
  text += '\x80';
  text.resize(size, '\0');
  return text;
}

Result<Bytes> unpadded(Bytes text) {
  const std::size_t mark = text.find_last_not_of('\0');
  if (mark == Bytes::npos || text[mark] != '\x80') return invalid("reply: its padding is damaged");
  text.resize(mark);
  return text;
}

Bytes compressed(BytesView text) {
  Bytes out(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3);
  MIG_CHECK(!ZSTD_isError(size), "compression into a large enough buffer cannot fail");
  out.resize(size);
  return out;
}

Result<Bytes> decompressed(BytesView text, std::size_t max) {
  const unsigned long long size = ZSTD_getFrameContentSize(text.data(), text.size());
  if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size > max)
    return invalid("reply: its compressed size is damaged or over the bound");
  Bytes out(size, '\0');
  const std::size_t got = ZSTD_decompress(out.data(), out.size(), text.data(), text.size());
  if (ZSTD_isError(got) || got != size) return invalid("reply: it does not decompress");
  return out;
}

constexpr std::size_t body_max = limits::job_output_bytes + 4096;
constexpr std::size_t slice_bytes = 120 * 1024;  // even incompressible it stays in the 128 KiB class

}  // namespace

Bytes seal(BytesView plain, const LinkPublic& to, Random& random) {
  const Bytes seed = random.bytes(crypto_box_SEEDBYTES);
  unsigned char public_key[32], secret_key[32];
  crypto_box_seed_keypair(public_key, secret_key, raw(seed));
  Bytes out(reinterpret_cast<char*>(public_key), 32);
  const Bytes nonce = nonce_for(out, to);
  out.resize(32 + crypto_box_MACBYTES + plain.size());
  // A recipient key of small order cannot be sealed to; the all-zero box then opens for nobody.
  if (crypto_box_easy(raw(out) + 32, raw(plain), plain.size(), raw(nonce), to.octets.data(), secret_key) != 0)
    std::fill(out.begin() + 32, out.end(), '\0');
  sodium_memzero(secret_key, sizeof secret_key);
  return out;
}

Result<Bytes> open(BytesView sealed, const LinkPublic& key, const LinkSecret& secret) {
  if (sealed.size() < 32 + crypto_box_MACBYTES) return invalid("seal: too short");
  const Bytes nonce = nonce_for(sealed.substr(0, 32), key);
  Bytes out(sealed.size() - 32 - crypto_box_MACBYTES, '\0');
  if (crypto_box_open_easy(raw(out), raw(sealed.substr(32)), sealed.size() - 32, raw(nonce), raw(sealed), secret.octets.data()) != 0)
    return refused("seal: it was not made for this key, or was altered");
  return out;
}

ReplyKeys make_reply_keys(Random& random) {
  ReplyKeys keys;
  const Bytes seed = random.bytes(crypto_box_SEEDBYTES);
  crypto_box_seed_keypair(keys.key.octets.data(), keys.secret.octets.data(), raw(seed));
  return keys;
}

Result<LinkPublic> link_public_of(const SignPublic& key) {
  LinkPublic out;
  if (crypto_sign_ed25519_pk_to_curve25519(out.octets.data(), key.octets.data()) != 0)
    return invalid("key: not a valid Ed25519 public key");
  return out;
}

LinkSecret link_secret_of_seed(const Seed& enroller_seed) {
  // The same derivation as Keys: context and number must fit.
  unsigned char sub[32], public_key[32], secret_key[64];
  crypto_kdf_derive_from_key(sub, sizeof sub, 1, "mig-mesh", enroller_seed.octets.data());
  crypto_sign_seed_keypair(public_key, secret_key, sub);
  LinkSecret out;
  crypto_sign_ed25519_sk_to_curve25519(out.octets.data(), secret_key);
  sodium_memzero(sub, sizeof sub);
  sodium_memzero(secret_key, sizeof secret_key);
  return out;
}

std::string_view to_text(State state) {
  switch (state) {
    case State::queued: return "queued";
    case State::delivered: return "delivered";
    case State::running: return "running";
    case State::offline: return "offline";
    case State::answered: return "answered";
    case State::found: return "found";
    case State::clean: return "clean";
    case State::failed: return "failed";
    case State::refused: return "refused";
    case State::not_targeted: return "not_targeted";
    case State::cancelled: return "cancelled";
    case State::expired: return "expired";
    case State::unknown: return "unknown";
  }
  return "?";
}

bool is_open(State state) {
  return state == State::queued || state == State::delivered || state == State::running || state == State::offline;
}

Reply make_reply(const ReplyHeader& header, const std::optional<ReplyBody>& body, const LinkPublic& reply_key, const Keys& agent,
                 Random& random) {
  Reply reply;
  if (body) reply.body = seal(padded(compressed(codec::pack(*body))), reply_key, random);
  ReplyHeader signed_header = header;
  signed_header.body = hash_of(reply.body);
  signed_header.body_bytes = static_cast<std::uint32_t>(reply.body.size());
  reply.header = codec::pack(signed_header);
  reply.signature = agent.sign(domain::reply, reply.header);
  return reply;
}

std::vector<Reply> make_replies(ReplyHeader header, const std::optional<ReplyBody>& body, const LinkPublic& reply_key,
                                const Keys& agent, Random& random) {
  if (!body) return {make_reply(header, body, reply_key, agent, random)};
  const std::size_t parts = std::max<std::size_t>((body->results.size() + slice_bytes - 1) / slice_bytes, 1);
  MIG_CHECK(parts <= limits::reply_parts, "results are cut down before they are sealed");
  std::vector<Reply> out;
  header.parts = static_cast<std::uint16_t>(parts);
  for (std::size_t part = 0; part < parts; ++part) {
    header.part = static_cast<std::uint16_t>(part);
    ReplyBody slice = *body;
    slice.results = body->results.substr(part * slice_bytes, slice_bytes);
    out.push_back(make_reply(header, slice, reply_key, agent, random));
  }
  return out;
}

Result<ReplyHeader> read_reply_header(BytesView header) { return codec::unpack<ReplyHeader>(header); }

Result<ReplyHeader> verify_reply(const Reply& reply, const SignPublic& agent_key) {
  auto header = read_reply_header(reply.header);
  if (!header) return header.error();
  if (header->agent != node_id_of(agent_key)) return refused("reply: it names another agent than the one who signed");
  if (header->body != hash_of(reply.body) || header->body_bytes != reply.body.size())
    return refused("reply: the body is not the one that was signed");
  if (!verify(domain::reply, reply.header, reply.signature, agent_key)) return refused("reply: the agent's signature does not hold");
  return header;
}

Result<ReplyBody> open_reply(const Reply& reply, const ReplyHeader& header, const LinkPublic& key, const LinkSecret& secret) {
  auto opened = open(reply.body, key, secret);
  if (!opened) return opened.error();
  auto text = unpadded(std::move(*opened));
  if (!text) return text.error();
  auto packed = decompressed(*text, body_max);
  if (!packed) return packed.error();
  auto body = codec::unpack<ReplyBody>(*packed);
  if (!body) return body.error();
  if (body->action != header.action || body->agent != header.agent)
    return refused("reply: the ids inside the seal are not those outside: it was passed off as another's");
  return body;
}

}  // namespace mig::core
