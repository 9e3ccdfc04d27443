#include "relay/board.h"

#include "node/core/limits.h"

namespace mig::relay {

using namespace core;

namespace {
constexpr WallMs remembered_ms = 2 * limits::clock_skew_ms;  // a peer with a slow clock may offer it this much longer

std::size_t size_of(const Pinned& pinned) {
  std::size_t size = pinned.object.text.size() + pinned.object.author.size() + 128;
  for (const auto& signature : pinned.object.signatures) size += signature.size();
  return size;
}
}  // namespace

const Pinned* Board::find(const BoardKey& key) const {
  auto it = pinned_.find(key);
  return it == pinned_.end() ? nullptr : &it->second;
}

bool Board::wants(const BoardKey& key, const Version& version) const {
  if (const auto* held = find(key)) return held->version < version;
  auto it = gone_.find(key);
  return it == gone_.end() || it->second.first < version;
}

bool Board::full(std::size_t more_bytes) const {
  return pinned_.size() >= limits::board_objects || bytes_ + more_bytes > limits::board_bytes;
}

void Board::pin(const BoardKey& key, Pinned pinned, bool keep) {
  if (auto it = pinned_.find(key); it != pinned_.end()) {
    mix(key, it->second.version);
    bytes_ -= size_of(it->second);
    by_expiry_.erase({it->second.expires, key});
  }
  mix(key, pinned.version);
  bytes_ += size_of(pinned);
  by_expiry_.insert({pinned.expires, key});
  if (keep) store_.put("b/" + key, pack_object(pinned.object));
  pinned_[key] = std::move(pinned);
}

void Board::drop(const BoardKey& key) {
  auto it = pinned_.find(key);
  if (it == pinned_.end()) return;
  mix(key, it->second.version);
  bytes_ -= size_of(it->second);
  by_expiry_.erase({it->second.expires, key});
  gone_[key] = {it->second.version, it->second.expires + remembered_ms};
  pinned_.erase(it);
  store_.erase("b/" + key);
}

std::vector<BoardKey> Board::expire(WallMs now) {
  std::vector<BoardKey> out;
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now) {
    BoardKey key = by_expiry_.begin()->second;
    drop(key);
    gone_[key].second = now + remembered_ms;
    out.push_back(std::move(key));
  }
  std::erase_if(gone_, [&](const auto& entry) { return entry.second.second < now; });
  return out;
}

WallMs Board::next_expiry() const {
  return by_expiry_.empty() ? std::numeric_limits<WallMs>::max() : by_expiry_.begin()->first;
}

std::vector<Digest> Board::digests(std::uint32_t kinds) const {
  std::vector<Digest> out;
  for (const auto& [key, pinned] : pinned_)
    if (kinds >> static_cast<unsigned>(pinned.object.kind) & 1) out.push_back({key, pinned.version});
  return out;
}

std::map<BoardKey, Object> Board::load() {
  std::map<BoardKey, Object> out;
  std::vector<BoardKey> unreadable;
  store_.scan("b/", [&](BytesView name, BytesView value) {
    const BoardKey key(name.substr(2));
    if (auto object = unpack_object(value))
      out.emplace(key, std::move(*object));
    else
      unreadable.push_back(key);
    return true;
  });
  for (const auto& key : unreadable) forget(key);
  return out;
}

void Board::forget(const BoardKey& key) { store_.erase("b/" + key); }

void Board::mix(const BoardKey& key, const Version& version) {
  Bytes text = key;
  for (std::uint64_t half : {version.major, version.minor})
    for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(half >> shift & 255);
  const Hash hash = hash_of(text);
  for (std::size_t i = 0; i < Hash::size; ++i) root_.octets[i] ^= hash.octets[i];
}

}  // namespace mig::relay
