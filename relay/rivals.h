// One identity, two machines: a copied disk or virtual machine. Each attaches in the other's place, and they
// take turns.
//
// A process that begins anew never comes back; so one that had been replaced and is here again lives beside
// the other.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "node/core/ids.h"
#include "node/core/time.h"

namespace mig::relay {

/// So many turns in so long a time are no accident.
constexpr std::size_t fight_turns = 4;
constexpr core::Duration fight_window = core::Duration::seconds(600);

class Rivals {
 public:
  struct Judgement {
    bool news = false;           ///< they took turns once too often just now
    core::Duration hold_off{0};  ///< how long neither of them should be let in
    std::string where;           ///< addresses they came from, for people
  };
  /// A process of this identity greets, from this address.
  Judgement came(const core::NodeId& id, std::uint64_t boot_nonce, const std::string& address,
                 core::Instant now);

 private:
  struct Seen {
    std::vector<std::pair<std::uint64_t, std::string>>
        processes;  ///< the present one last; the oldest are forgotten
    std::deque<core::Instant> turns;
    core::Instant last, held_until;
    core::Duration hold_off{0};
  };
  std::map<core::NodeId, Seen> seen_;
};

}  // namespace mig::relay
