// Names for things on the wire: fixed-size octet strings that cannot be mixed up with one another.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>

#include "node/core/bytes.h"

namespace mig::core {

/// N octets of kind `Tag`. Ordered bytewise, so it can key an ordered map.
template <class Tag, std::size_t N>
struct Id {
  static constexpr std::size_t size = N;
  std::array<unsigned char, N> octets{};

  auto operator<=>(const Id&) const = default;
  BytesView view() const { return {reinterpret_cast<const char*>(octets.data()), N}; }
  Bytes bytes() const { return Bytes(view()); }
  std::string hex() const { return to_hex(view()); }
  /// For people: the first eight hex digits.
  std::string brief() const { return hex().substr(0, 8); }
  bool empty() const { return *this == Id{}; }

  static Result<Id> from(BytesView bytes) {
    if (bytes.size() != N) return invalid("an id has the wrong length");
    Id out;
    std::memcpy(out.octets.data(), bytes.data(), N);
    return out;
  }
};

using NodeId = Id<struct NodeTag, 16>;        ///< agent or relay: BLAKE2b-128 of its Ed25519 public key
using ActionId = Id<struct ActionTag, 32>;    ///< BLAKE2b-256 of the canonical action document
using ActionKey = Id<struct ActionKeyTag, 16>;///< the first 16 octets of an ActionId: what frames carry
using SinkId = Id<struct SinkTag, 16>;        ///< where replies flow: one investigator session slot
using MeshId = Id<struct MeshTag, 16>;        ///< hash of the root set: which mesh
using Hash = Id<struct HashTag, 32>;          ///< BLAKE2b-256 of something
using SignPublic = Id<struct SignPkTag, 32>;  ///< Ed25519
using LinkPublic = Id<struct LinkPkTag, 32>;  ///< X25519; for links (CURVE), sealing and reply keys
using LinkSecret = Id<struct LinkSkTag, 32>;  ///< X25519 secret half. Never logged
using Seed = Id<struct SeedTag, 32>;          ///< secret; keys are derived from it. Never logged

/// OpenPGP v4 fingerprint of a *primary* key, 40 upper-case hex digits: who a person is.
using Fingerprint = std::string;

ActionId action_id_of(BytesView canonical_document);
ActionKey key_of(const ActionId& id);
Hash hash_of(BytesView bytes);
NodeId node_id_of(const SignPublic& key);

}  // namespace mig::core
