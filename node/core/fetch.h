// The chunks of one action on their way here: which are missing, and when to ask for which.
//
// A few at a time, in the order of the action, and further ones as those arrive. When nothing has come for a while they
// are asked for again, less and less often; how often in vain is for the caller to judge.
#pragma once

#include <set>
#include <vector>

#include "node/core/attachment.h"
#include "node/core/message.h"

namespace mig::core {

BoardKey chunk_key(const Hash& chunk);

class Fetch {
 public:
  explicit Fetch(std::vector<Hash> missing) : missing_(std::move(missing)) {}
  bool complete() const { return missing_.empty(); }
  bool misses(const Hash& chunk) const;
  void came(const Hash& chunk, Instant now);
  /// What is to be asked for at `now`.
  std::vector<BoardKey> ask(Instant now);
  unsigned rounds_in_vain() const { return in_vain_; }
  /// There is somebody new to ask.
  void ask_anew();
  Instant wake() const { return complete() ? Instant::never() : again_at_; }

 private:
  std::vector<Hash> missing_;
  std::set<Hash> asked_;
  bool begun_ = false;
  unsigned in_vain_ = 0;
  Instant again_at_{};
};

}  // namespace mig::core
