#include "node/core/seal.h"

#include <algorithm>

#include "node/core/check.h"
#include "node/core/identity_fields.h"
#include "node/core/sodium.h"
#include "node/core/zstd.h"

namespace mig::core {
namespace {

/// Length classes of a padded body. The last one is not four times the one before: sealed, it is the largest part.
constexpr std::size_t classes[] = {512, 2048, 8192, 32768, 131072, limits::reply_part_bytes - limits::seal_bytes};
/// A slice of this many octets fits a part however badly it compresses.
constexpr std::size_t sure_slice = limits::reply_part_bytes - 8 * 1024;
constexpr std::size_t longest_slice = limits::reply_plain_bytes - 8 * 1024;

/// Nothing if it fits no class.
std::optional<Bytes> pad(Bytes plain) {
  const std::size_t used = plain.size();
  const std::size_t* fitting = std::find_if(std::begin(classes), std::end(classes), [&](std::size_t c) { return c > used; });
  if (fitting == std::end(classes)) return std::nullopt;
  plain.resize(*fitting, '\0');
  std::size_t padded = 0;
  sodium_pad(&padded, raw(plain), used, *fitting, plain.size());  // ISO/IEC 7816-4: 0x80, then zeros
  return plain;
}

Result<Bytes> unpad(Bytes padded) {
  std::size_t used = 0;
  if (padded.empty() || sodium_unpad(&used, raw(padded), padded.size(), padded.size()) != 0)
    return invalid("reply body: its padding is wrong");
  padded.resize(used);
  return padded;
}

/// Packed, compressed and padded; nothing if it needs more than one part.
std::optional<Bytes> wrap(const ReplyBody& body) { return pad(compress(codec::pack(body))); }

Reply sign_reply(ReplyHeader header, Bytes sealed, const Keys& agent) {
  header.agent = agent.id();
  header.body = hash_of(sealed);
  header.body_bytes = static_cast<std::uint32_t>(sealed.size());
  Bytes packed = codec::pack(header);
  Bytes signature = agent.sign(domain::reply, packed);
  return {std::move(packed), std::move(signature), std::move(sealed)};
}

/// The padded bodies of as many parts as `body` needs; none if it needs too many.
std::vector<Bytes> slice(const ReplyBody& body) {
  std::vector<Bytes> parts;
  ReplyBody one{body.action, body.agent, body.state, body.trouble, {}};
  std::size_t at = 0, size = longest_slice;
  do {
    one.results = body.results.substr(at, size);
    auto wrapped = wrap(one);
    if (!wrapped) {  // compresses badly: shorter, at last so short that it fits for sure
      size = std::max(size / 2, sure_slice);
      continue;
    }
    if (parts.size() == limits::reply_parts) return {};
    at += one.results.size();
    parts.push_back(std::move(*wrapped));
  } while (at < body.results.size() || parts.empty());
  return parts;
}

}  // namespace

Bytes seal(BytesView plain, const LinkPublic& to, Random& random) {
  LinkSecret ephemeral = random.id<LinkSecret>();
  LinkPublic shown = public_of(ephemeral);
  Bytes nonce = blake2b(shown.bytes() + to.bytes(), crypto_box_NONCEBYTES);
  Bytes box(plain.size() + crypto_box_MACBYTES, '\0');
  if (crypto_box_easy(raw(box), raw(plain), plain.size(), raw(nonce), to.octets.data(), ephemeral.octets.data()) != 0)
    return {};
  return shown.bytes() + box;
}

Result<Bytes> open(BytesView sealed, const LinkPublic& key, const LinkSecret& secret) {
  if (sealed.size() < crypto_box_SEALBYTES) return invalid("sealed: too short");
  Bytes plain(sealed.size() - crypto_box_SEALBYTES, '\0');
  if (crypto_box_seal_open(raw(plain), raw(sealed), sealed.size(), key.octets.data(), secret.octets.data()) != 0)
    return refused("sealed: this key does not open it");
  return plain;
}

ReplyKeys make_reply_keys(Random& random) {
  ReplyKeys keys;
  keys.secret = random.id<LinkSecret>();
  keys.key = public_of(keys.secret);
  return keys;
}

Result<LinkPublic> link_public_of(const SignPublic& key) {
  LinkPublic out;
  if (crypto_sign_ed25519_pk_to_curve25519(out.octets.data(), key.octets.data()) != 0)
    return invalid("enroller key: not an Ed25519 public key");
  return out;
}

LinkSecret link_secret_of_seed(const Seed& enroller_seed) {
  LinkSecret out;
  crypto_sign_ed25519_sk_to_curve25519(out.octets.data(), sign_pair_of(enroller_seed).secret.data());
  return out;
}

std::string_view to_text(State state) {
  static constexpr std::string_view texts[] = {"queued", "delivered", "running", "offline", "answered", "found",
                                               "clean", "failed", "refused", "not_targeted", "cancelled", "expired"};
  auto index = static_cast<std::size_t>(state) - 1;
  return index < std::size(texts) ? texts[index] : "unknown";
}

bool is_open(State state) { return state >= State::queued && state <= State::offline; }

std::vector<Reply> make_replies(ReplyHeader header, const std::optional<ReplyBody>& body, const LinkPublic& reply_key,
                                const Keys& agent, Random& random) {
  header.part = 0, header.parts = 1;
  if (!body) return {sign_reply(header, {}, agent)};
  std::vector<Bytes> parts = slice(*body);
  if (parts.empty()) {
    ReplyBody failed{body->action, body->agent, State::failed, "limit: the results need more than 64 parts", {}};
    parts = slice(failed);
  }
  header.parts = static_cast<std::uint16_t>(parts.size());
  std::vector<Reply> replies;
  for (const Bytes& part : parts) {
    replies.push_back(sign_reply(header, seal(part, reply_key, random), agent));
    ++header.part;
  }
  return replies;
}

Reply make_reply(const ReplyHeader& header, const std::optional<ReplyBody>& body, const LinkPublic& reply_key,
                 const Keys& agent, Random& random) {
  if (!body) return sign_reply(header, {}, agent);
  auto wrapped = wrap(*body);
  MIG_CHECK(wrapped, "a body that may need several parts goes through make_replies");
  return sign_reply(header, seal(*wrapped, reply_key, random), agent);
}

Result<ReplyHeader> read_reply_header(BytesView header) { return codec::unpack<ReplyHeader>(header, limits::reply_header_bytes); }

Result<ReplyHeader> verify_reply(const Reply& reply, const SignPublic& agent_key) {
  if (!verify(domain::reply, reply.header, reply.signature, agent_key))
    return refused("reply: the signature does not hold");
  auto header = read_reply_header(reply.header);
  if (!header) return header;
  if (header->agent != node_id_of(agent_key)) return refused("reply: signed by another agent than it names");
  if (header->body_bytes != reply.body.size() || header->body != hash_of(reply.body))
    return refused("reply: the body is not the one that was signed");
  return header;
}

Result<ReplyBody> open_reply(const Reply& reply, const ReplyHeader& header, const LinkPublic& key,
                             const LinkSecret& secret) {
  if (reply.body.empty()) return Error{Code::not_found, "reply: it has no body"};
  auto padded = open(reply.body, key, secret);
  if (!padded) return padded.error();
  auto packed = unpad(*std::move(padded));
  if (!packed) return packed.error();
  auto plain = decompress(*packed, limits::reply_plain_bytes);
  if (!plain) return Error{plain.error().code, "reply body: " + plain.error().text};
  auto body = codec::unpack<ReplyBody>(*plain, limits::reply_plain_bytes);
  if (body && (body->action != header.action || body->agent != header.agent))
    return refused("reply: the body belongs to another reply");
  return body;
}

}  // namespace mig::core
