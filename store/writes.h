// Writes that are on their way to a disk: an ordered layer over whatever lies beneath.
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "node/core/bytes.h"

namespace mig::store {

class Writes {
 public:
  using Value = std::optional<core::Bytes>;  ///< nothing: erased
  using Map = std::map<core::Bytes, Value, std::less<>>;

  void set(core::BytesView key, Value value) {
    const std::size_t size = value ? value->size() : 0;
    auto [it, fresh] = map_.try_emplace(core::Bytes(key));
    octets_ += fresh ? key.size() + size : size - (it->second ? it->second->size() : 0);
    it->second = std::move(value);
  }
  /// Null if this layer says nothing about `key`.
  const Value* find(core::BytesView key) const {
    auto it = map_.find(key);
    return it == map_.end() ? nullptr : &it->second;
  }
  /// Takes in an older layer; what this one says stands.
  void lie_over(Writes older) {
    for (auto it = older.map_.begin(); it != older.map_.end();) {
      auto node = older.map_.extract(it++);
      const std::size_t size = node.key().size() + (node.mapped() ? node.mapped()->size() : 0);
      if (map_.insert(std::move(node)).inserted) octets_ += size;
    }
  }
  const Map& all() const { return map_; }
  bool empty() const { return map_.empty(); }
  std::size_t octets() const { return octets_; }  ///< of keys and values

 private:
  Map map_;
  std::size_t octets_ = 0;
};

}  // namespace mig::store
