// The relay's own record on the board: whom it is linked with, how many agents are at home here, which life it is in.
//
// The version is (instance, n). instance = max(stored + 1, wall clock) at each boot; both are on disk before a record
// leaves. If a peer shows a record of ours newer than what our store held at boot, and not of this boot, then our
// store is not the latest one: it was lost, or restored from an old copy. That moment is kept as reset_at and goes
// out with every row, since nobody can then say which agents have been forgotten.
//
// Two machines with one identity outbid each other in this way without end; that is how they find out.
#pragma once

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "node/core/message.h"
#include "store/store.h"

namespace mig::relay {

class Presence {
 public:
  /// A new boot: takes the next instance and writes it.
  Presence(store::Store& store, core::NodeId self, std::string name, std::string segment, bool enroller,
           std::string software, std::uint64_t boot_nonce);
  void boot(core::WallMs wall);
  void reachable_at(const std::vector<core::Endpoint>& endpoints);
  std::uint64_t instance() const { return version_.major; }
  core::WallMs reset_at() const { return reset_at_; }

  /// Neighbours as they are now; publishes when they changed (removals at once) or the record is to be renewed.
  void neighbours(core::Instant now, std::set<core::NodeId> relays);
  /// Its author's certificate is a new one: said anew.
  void renewed(core::Instant now) { want(now); }
  void load(core::Instant now, std::uint32_t known, std::uint32_t online);
  /// The record to publish now, if it is time; its version is in the open batch.
  std::optional<core::RelayRecord> due(const core::Now& now);
  core::Instant wake() const;
  /// A version of our own record, seen elsewhere. True if it shows that our store had been lost.
  bool seen_elsewhere(const core::Version& version, const core::Now& now);
  enum class Rival { none, weaker, stronger };
  /// A record that bears our signature came. Another process with our key that again and again has said something newer
  /// than we is a second machine: of the two the one with the greater nonce stays.
  Rival rival_in(const core::RelayRecord& record, core::Instant now);

 private:
  void want(core::Instant at) { publish_at_ = std::min(publish_at_, at); }
  store::Store& store_;
  core::RelayRecord record_;
  core::Version version_, held_at_boot_;
  std::uint64_t rival_instance_ = 0;           ///< above our own at boot: not of an earlier life
  std::deque<core::Instant> outbid_;
  core::WallMs reset_at_ = 0;
  core::Instant publish_at_{}, last_{}, load_published_{};
  std::uint32_t load_known_ = 0, load_online_ = 0;
};

}  // namespace mig::relay
