#include "node/core/fetch.h"

#include <algorithm>

#include "node/core/limits.h"

namespace mig::core {

BoardKey chunk_key(const Hash& chunk) { return board_key(ObjectKind::chunk, chunk.view()); }

bool Fetch::misses(const Hash& chunk) const { return std::find(missing_.begin(), missing_.end(), chunk) != missing_.end(); }

void Fetch::came(const Hash& chunk, Instant now) {
  if (std::erase(missing_, chunk) == 0) return;
  asked_.erase(chunk);
  in_vain_ = 0;
  again_at_ = now + limits::chunk_patience;
}

void Fetch::ask_anew() {
  asked_.clear();
  begun_ = false;
  in_vain_ = 0;
  again_at_ = {};
}

std::vector<BoardKey> Fetch::ask(Instant now) {
  if (now >= again_at_) {
    if (std::exchange(begun_, true)) ++in_vain_;
    asked_.clear();
    const Duration patience{limits::chunk_patience.us << std::min(in_vain_, 3U)};
    again_at_ = now + std::min(patience, limits::chunk_patience_max);
  }
  std::vector<BoardKey> out;
  for (const Hash& chunk : missing_) {
    if (asked_.size() >= limits::chunks_asked) break;
    if (asked_.insert(chunk).second) out.push_back(chunk_key(chunk));
  }
  return out;
}

}  // namespace mig::core
