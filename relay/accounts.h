// The account of one action at a home relay: who of the register has answered, the reply log, the row, the readers.
//
// A row is a pure function of the register. States up to `running` belong to the agents' sessions and are never
// remembered; `answered` and what closes an agent otherwise is on disk.
//
// The log is a list of segments, one per instance (boot) of this relay, dense within each; only the running instance
// appends. A store that went back in time can so never give out a position twice.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/core/limits.h"
#include "relay/notice.h"
#include "relay/register.h"

namespace mig::relay {

/// What one sink has and wants of one account.
struct Demand {
  std::uint64_t epoch = 0, n = 0;                       ///< of the last PULL
  std::map<std::uint64_t, std::uint64_t> from, next;    ///< per instance: held by the reader; sent so far
  std::size_t window = 0;
  core::Version row_held;
  core::Instant row_at;                                 ///< send the row no earlier; never(): nothing to send
  core::Duration repeat = core::limits::row_repeat_min;
  core::Instant flush_at = core::Instant::never();
  core::Instant held_computed{};                        ///< when the row it holds was computed: opens the gate
};

class Account {
 public:
  Account(core::Action action, core::SignedText asked) : action_(std::move(action)), asked_(std::move(asked)) {}
  const core::Action& action() const { return action_; }
  const core::SignedText& asked() const { return asked_; }
  core::ActionKey key() const { return core::key_of(action_.id); }
  bool readable_by(const core::Fingerprint& investigator) const;
  /// readers[0] is the one who asked: what their sink holds is confirmed end to end.
  bool asked_by(const core::Fingerprint& investigator) const;
  /// With limits.prune agents whose attributes do not match are neither offered the action nor counted.
  bool concerns(const Member& member, core::WallMs now) const;

  core::State state_of(const Member& member) const;     ///< queued, delivered, running, offline or closed
  core::Row row(const Register& members, const core::NodeId& relay, core::WallMs reset_at, core::WallMs now) const;
  bool nothing_open_online(const Register& members, core::WallMs now) const;

  std::vector<core::Fingerprint> signers;               ///< people who signed the action; they may cancel it
  std::optional<core::Object> cancel;                   ///< once there is one, it goes out instead of the action
  std::map<core::NodeId, core::State> session;          ///< delivered, running: of attached agents
  std::map<core::NodeId, core::State> closed;           ///< durable
  std::map<core::NodeId, core::State> elsewhere;        ///< durable: its answer lies at an old home; counts only while it is away
  std::map<core::NodeId, std::set<std::uint16_t>> parts;///< received of agents that are not complete yet
  std::map<std::uint64_t, std::uint64_t> log;           ///< per instance: next index
  std::map<core::SinkId, Demand> demands;
  core::Version row_version;                            ///< (instance, n)
  std::optional<core::Row> last_row;                    ///< content of row_version
  core::Instant last_row_at{};
  std::map<std::uint64_t, core::Instant> computed;      ///< n -> when, for the newest few

 private:
  core::Action action_;
  core::SignedText asked_;
};

}  // namespace mig::relay
