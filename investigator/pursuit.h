// One action as its investigator follows it: what each relay's row says, how far each log was read, who has answered.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "investigator/investigator.h"
#include "node/core/limits.h"
#include "node/core/map.h"

namespace mig::investigator {

/// A relay as this pursuit sees it.
struct Tracked {
  std::optional<core::Row> row;
  std::uint64_t row_epoch = 0;                              ///< in which epoch of ours it arrived
  std::map<std::uint64_t, std::uint64_t> next;              ///< per instance of its log: read up to here
  core::Instant pull_at = core::Instant::never();
  core::Duration patience = core::limits::repull_min;
  core::Instant last_pull{};
  std::set<core::NodeId> answered;                          ///< agents whose last part, verified, lay in its log
  bool all_read() const;                                    ///< nothing the row knows of is unread
  core::Version floor{};                                    ///< of the newest row that the ledger held before this program
  /// The row that came in this epoch, as PULL tells. One of before does not count: it need not come again, that would say.
  core::Version held(std::uint64_t epoch) const { return row && row_epoch == epoch ? row->version : core::Version{}; }
  std::uint32_t open() const { return row ? row->queued + row->delivered + row->running + row->offline + row->expired : 0; }
  std::uint32_t claimed() const { return row ? row->answered + row->refused + row->not_targeted + row->cancelled : 0; }
};

class Pursuit {
 public:
  Pursuit(core::Action action, core::SignedText signed_action) : action_(std::move(action)), signed_(std::move(signed_action)) {}
  const core::Action& action() const { return action_; }
  const core::SignedText& signed_action() const { return signed_; }
  core::ActionKey key() const { return core::key_of(action_.id); }
  /// When this certificate of an answer must hold: who was certified when it was asked may have answered in time, however
  /// late the answer is read.
  core::WallMs judged_at(core::BytesView certificate, core::WallMs now) const;

  std::optional<core::LinkSecret> reply_secret;
  std::map<core::NodeId, Tracked> relays;
  std::map<core::NodeId, core::State> answers;              ///< final, by agent
  std::map<core::NodeId, std::set<std::uint16_t>> parts;    ///< of agents that are not complete yet
  std::map<core::NodeId, core::State> part_state;
  std::optional<core::Verdict> verdict;
  core::Instant put_at = core::Instant::never();            ///< when a relay that had no room or no time for it is asked again
  core::Instant news_at{};                                  ///< when a row or an answer last said something new

  /// What the ledger has of it.
  void recall(const core::Follow& follow);
  /// A verified part, held by `relay`; true if it is the first of its kind.
  bool received(const core::Received& part);
  /// Nothing that was read waits to be told to its relay.
  bool confirmed() const;
  void judged(const core::Verdict& of_relay, core::Instant now);
  /// Takes a row that is newer, or the same again in a new epoch; true if it says something new.
  bool take(const core::Row& row, std::uint64_t epoch);

 private:
  core::Action action_;
  core::SignedText signed_;
};

/// What is needed beside the pursuit to say how complete it is.
struct Surroundings {
  const core::Map& map;
  std::optional<core::NodeId> attached_to;
  std::uint64_t epoch = 0;
  const std::map<core::NodeId, store::LedgerRelay>& known_relays;   ///< of the ledger; forgotten ones are not required
  const std::map<core::NodeId, store::LedgerAgent>& known_agents;
  core::Now now;
};
/// What the map or the ledger calls it; else the beginning of its id.
std::string name_of(const core::NodeId& relay, const core::Map& map, const std::map<core::NodeId, store::LedgerRelay>& known);
std::vector<RelayView> views_of(const core::Map& map, const std::optional<core::NodeId>& attached_to);
Statement state_of(const Pursuit& pursuit, const Surroundings& around);

}  // namespace mig::investigator
