// The books of a home relay: all accounts, what is due to which reader, and the reply log on disk.
//
// It decides what to say and when; who carries it (links, routes) is the relay's business, handed in as `Outlets`.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "relay/accounts.h"

namespace mig::relay {

struct Outlets {
  /// To a reader, wherever it is attached. `frame_class` 2 or 3; frames of one `key` coalesce.
  std::function<void(const SinkNotice& sink, int frame_class, const core::Routed& routed, core::BytesView key)> to_sink;
  /// To an attached agent. What still waits under the same `key` is replaced.
  std::function<void(const Member& member, int frame_class, const core::Message& message, core::BytesView key)> to_agent;
  std::function<core::Bytes(core::BytesView row)> sign_row;
};

class Books {
 public:
  Books(store::Store& store, Register& members, core::NodeId self, core::WallMs retention_ms, Outlets outlets);
  /// Reads accounts, closed states and logs. `instance`: of this boot.
  void load(std::uint64_t instance, core::WallMs reset_at, const core::Now& now);
  void reset(std::uint64_t instance, core::WallMs reset_at, const core::Now& now);

  const std::map<core::ActionKey, Account>& all() const { return accounts_; }
  bool has(const core::ActionKey& key) const { return accounts_.contains(key); }
  void open(const core::Admission& admission, const core::SignedText& asked, const std::optional<core::Object>& cancelled, const std::map<core::SinkId, SinkNotice>& sinks, const core::Now& now);
  /// A cancel by someone who may: the action goes to nobody any more, the cancel to everyone who is here.
  void cancel(Account& account, const core::Object& cancel, const core::Now& now);
  Account* find(const core::ActionKey& key);

  /// A new session of an agent: its word replaces what was remembered of it, but for what is closed.
  void attached(Member& member, const std::vector<core::Held>& held, const core::Now& now);
  void detached(const Member& member, const core::Now& now);
  void left(const core::NodeId& agent, const core::Now& now);
  /// Actions of which all of this agent's answer is in the log, or known to be in one of an earlier home.
  std::vector<core::Closed> closed_of(const core::NodeId& agent) const;
  void closed_elsewhere(const core::NodeId& agent, const std::vector<core::Closed>& closed, const core::Now& now);
  /// Offers every live action the member has not answered.
  void offer_all(Member& member, const core::Now& now);

  /// A result part. `code` full..bad: refused. Otherwise it is in the open batch (or had been logged before).
  struct Taken {
    std::optional<core::AckCode> refused;
    bool complete = false;                              ///< all parts of this agent are in
    std::string why;
  };
  Taken take(const Member& member, const core::ResultFrame& frame, const core::Now& now);

  /// A reader came, moved or began a new epoch: everything it was told is told again.
  void reader(const SinkNotice& sink, const core::Now& now);
  void no_reader(const core::SinkId& sink);
  /// A way has opened: what waits for its next repetition is said now.
  void hurry(const core::Now& now);
  void pull(const SinkNotice& sink, const core::Pull& pull, const core::Now& now);

  /// Sends what is due. `sinks`: all live ones.
  void tick(const core::Now& now, const std::map<core::SinkId, SinkNotice>& sinks);
  core::Instant wake() const;
  /// Hand-over of this member may be told: every attached reader has seen it in a row of ours.
  bool gate_open(const Member& member, const std::map<core::SinkId, SinkNotice>& sinks, const core::Now& now) const;

 private:
  void changed(Account& account, const core::Now& now);
  void offer(Account& account, Member& member, const core::Now& now);
  void close(Account& account, const core::NodeId& agent, core::State state, const core::Now& now);
  void say_row(Account& account, Demand& demand, const SinkNotice& sink, const core::Now& now);
  const core::Row& current_row(Account& account, const core::Now& now);
  void serve(Account& account, Demand& demand, const SinkNotice& sink, const core::Now& now);
  void confirm(Account& account, std::uint64_t instance, std::uint64_t from, std::uint64_t to);
  std::optional<core::State> logged_state(const core::ActionKey& key, const core::NodeId& agent) const;
  std::optional<core::LogEntry> entry(const core::ActionKey& key, const core::LogPosition& position) const;
  void forget(const core::ActionKey& key);
  void plan(Account& account);
  void watch_end(const Account& account);
  void turn(const core::Now& now);

  store::Store& store_;
  Register& members_;
  core::NodeId self_;
  core::WallMs retention_ms_;
  Outlets outlets_;
  std::uint64_t instance_ = 0;
  core::WallMs reset_at_ = 0;
  std::map<core::ActionKey, Account> accounts_;
  std::map<core::ActionKey, core::Instant> planned_;    ///< when each account has something due
  std::set<std::pair<core::Instant, core::ActionKey>> due_;
  std::set<std::pair<core::WallMs, core::ActionKey>> turns_;  ///< when an action is over, and when its log is forgotten
  core::Instant turn_at_ = core::Instant::never();
};

}  // namespace mig::relay
