#include "investigator/enclosures.h"

namespace mig::investigator {

using namespace core;

void Enclosures::keep(const std::vector<Enclosed>& enclosed) {
  for (const Enclosed& one : enclosed)
    for (Bytes& chunk : chunks_of(one.packed)) {
      const BoardKey key = chunk_key(hash_of(chunk));
      chunks_[key] = std::move(chunk);
    }
}

std::vector<Put> Enclosures::wanted(const Want& want) const {
  std::vector<Put> out;
  for (const BoardKey& key : want.keys)
    if (auto chunk = chunks_.find(key); chunk != chunks_.end()) out.push_back({{{ObjectKind::chunk, chunk->second, {}, {}}}});
  return out;
}

}  // namespace mig::investigator
