// The board: the notices every relay holds, by key, newest version only, until they expire.
//
// Equal boards have equal roots; a difference is found by comparing digests. Nothing here verifies: what is held has
// been verified before (relay/notice.h).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "node/core/message.h"
#include "store/store.h"

namespace mig::relay {

struct Pinned {
  core::Object object;
  core::Version version;
  core::WallMs expires = 0;
};

class Board {
 public:
  explicit Board(store::Store& store) : store_(store) {}
  const Pinned* find(const core::BoardKey& key) const;
  const std::map<core::BoardKey, Pinned>& all() const { return pinned_; }
  /// Nothing of this key, or only an older version, is held or was held and expired in this life.
  bool wants(const core::BoardKey& key, const core::Version& version) const;
  bool full(std::size_t more_bytes) const;
  /// REQUIRES: wants(key, version). `keep`: write to the store (loading does not).
  void pin(const core::BoardKey& key, Pinned pinned, bool keep = true);
  /// Drops what may not stand here any more; it does not come back until it would have expired.
  void drop(const core::BoardKey& key);
  /// Drops what has expired; gives the keys.
  std::vector<core::BoardKey> expire(core::WallMs now);
  core::WallMs next_expiry() const;
  /// XOR over all notices of BLAKE2b(key, version).
  const core::Hash& root() const { return root_; }
  /// `kinds`: bit k set = objects of kind k.
  std::vector<core::Digest> digests(std::uint32_t kinds) const;
  /// Objects as the store holds them, to be verified again before pinning.
  std::map<core::BoardKey, core::Object> load();
  /// What the store held and nobody may pin any more: it expired while this relay was down.
  void forget(const core::BoardKey& key);

 private:
  void mix(const core::BoardKey& key, const core::Version& version);
  store::Store& store_;
  std::map<core::BoardKey, Pinned> pinned_;
  std::map<core::BoardKey, std::pair<core::Version, core::WallMs>> gone_;  // what expired must not come back
  std::set<std::pair<core::WallMs, core::BoardKey>> by_expiry_;
  core::Hash root_;
  std::size_t bytes_ = 0;
};

}  // namespace mig::relay
