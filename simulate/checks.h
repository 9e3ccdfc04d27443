// The promises of the mesh as a program: small checks, each with its number, judged from outside by frames, disks and
// ledgers alone. README.md of this folder lists them in words.
//
// A check counts how often it was made, so that one that was never made cannot pass for one that held.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "simulate/costs.h"
#include "simulate/link_checks.h"

namespace mig::simulate {

constexpr std::size_t invariants = 36;

/// How many agents a row counts.
std::uint64_t sum_of(const core::Row& row);

class Checks : public Watch {
 public:
  explicit Checks(Fleet& fleet);
  void sent(NodeIndex from, NodeIndex to, core::LinkId link, core::BytesView frame) override;
  void stepped(NodeIndex node, const core::Input& input, const core::Effects& effects) override;
  void done(NodeIndex node) override;
  void started(NodeIndex node, const core::Start& order) override;
  void kept(NodeIndex node, const core::Record& record) override;
  void told(NodeIndex node, const core::Event& event) override;
  void swallowed(NodeIndex from, NodeIndex to) override { links_.swallowed(from, to); }
  void ended(NodeIndex node) override;
  /// Prints what machines tell, and what is done to them.
  void trace(bool on) { trace_ = on; }
  void story(const std::string& line) const;

  /// An action is asked now; `targeted`: agents that must run it, by node.
  void asked(const core::Action& action, std::set<NodeIndex> targeted);
  /// This disk is another one from now on (lost, or an old copy): what it promised before is void.
  void disk_replaced(NodeIndex node);
  /// Of what this relay says from now on only its manners on a link are judged.
  void lies(NodeIndex node) { liars_.insert(node); }
  void honest_again(NodeIndex node) { liars_.erase(node); }
  void ledger_lost() { cursors_.clear(), pulled_.clear(), receipts_.clear(), answered_.clear(), row_held_.clear(), counted_.clear(); }
  /// A person gave a relay up: who is in no register of those that run is not waited for any more.
  void gave_up();
  /// Something was done to this node or its links, so that silence there has a cause.
  void harmed(NodeIndex node) { harmed_at_[node] = fleet_.world().now().at; }
  void paused(NodeIndex node, core::Duration how_long) { harmed(node), links_.paused(node, fleet_.world().now().at + how_long); }
  /// A line that is fast again still has before it what was given to it when it was slow.
  void slow(NodeIndex node, bool on) {
    harmed(node);
    links_.slow(node, on ? fleet_.world().now().at + core::Duration::seconds(1'000'000) : fleet_.world().quiet_at(node));
  }
  /// All faults are over, and the mesh had its time: the liveness half.
  void calm(const std::vector<Fleet::Question>& questions);
  /// The action, its answers and the time they are kept for are past: nothing of it may be on any disk.
  void forgotten(const core::ActionId& id);

  /// How often the action started there, over all lives of the journal.
  unsigned runs(NodeIndex node, const core::ActionKey& action) const;
  const std::array<std::uint64_t, invariants + 1>& made() const { return made_; }
  const std::vector<std::string>& violations() const { return violations_; }
  const Costs& costs() const { return costs_; }

 private:
  struct Asked {
    core::Action action;
    std::set<NodeIndex> targeted;
    std::set<core::NodeId> registered;         ///< agents in a committed register when it was asked
    core::Instant at;
    std::set<NodeIndex> cancel_heard;
  };
  void check(int number, bool holds, const std::string& what);
  void object_sent(NodeIndex from, NodeIndex to, const core::Object& object);
  void route_sent(NodeIndex from, NodeIndex to, const core::Route& route);
  void liar_sent(NodeIndex from, const core::Message& message);
  void row_sent(NodeIndex from, const core::SignedRow& signed_row);
  void replies_sent(NodeIndex from, const core::Replies& replies);
  void logged(NodeIndex relay, const core::ActionKey& action, core::BytesView place);
  void promised(NodeIndex from, NodeIndex to, const core::Message& message);
  void statement_of(NodeIndex investigator);
  std::set<core::NodeId> register_of(NodeIndex relay, bool durable) const;
  std::uint64_t window_between(NodeIndex a, NodeIndex b) const;  ///< octets that may be in flight, either way
  const Asked* asked_for(const core::ActionKey& key) const;

  void row_kept(const core::KeepRow& kept);
  void count_row(const core::KeepRow& kept, const core::Row& row);

  Fleet& fleet_;
  LinkChecks links_;
  Costs costs_;
  bool trace_ = false;
  std::set<NodeIndex> liars_;
  std::array<std::uint64_t, invariants + 1> made_{};
  std::vector<std::string> violations_;
  std::map<std::string_view, std::uint64_t> kinds_;                      ///< frames sent, by the name of their message
  std::map<core::ActionKey, Asked> asked_;
  std::map<core::NodeId, NodeIndex> by_id_;
  std::map<NodeIndex, core::Instant> harmed_at_;
  std::map<core::Hash, core::WallMs> verified_;                          ///< objects that were found good, and when they expire
  std::map<std::tuple<NodeIndex, NodeIndex, core::BoardKey>, core::Version> shown_;  ///< highest version sent to whom, in this life
  std::map<std::pair<NodeIndex, core::BoardKey>, core::Version> held_;   ///< the version on its board, in this life
  std::map<NodeIndex, core::WallMs> clock_high_;
  std::map<std::tuple<NodeIndex, core::BoardKey, core::Version>, core::WallMs> first_high_;  ///< the clock's highest when it first went out
  std::map<std::pair<NodeIndex, core::ActionKey>, unsigned> starts_;     ///< per journal life
  std::map<std::pair<NodeIndex, core::ActionKey>, unsigned> runs_;       ///< over all of them
  std::map<std::tuple<core::ActionKey, core::NodeId, core::LogPosition>, core::Hash> log_;
  std::map<std::tuple<core::ActionKey, core::NodeId, core::Version>, core::Hash> rows_;
  std::map<std::tuple<core::ActionKey, core::NodeId, core::Version>, std::set<core::NodeId>> row_agents_;
  std::map<std::pair<core::ActionKey, core::NodeId>, core::Version> row_held_;
  struct Counted {
    std::set<core::NodeId> agents;
    bool known = false;                        ///< false: the row left later than it was made, whom it counts was not seen
    core::WallMs reset_at = 0;
    std::uint64_t sum = 0;
  };
  std::map<core::ActionKey, std::map<core::NodeId, Counted>> counted_;   ///< by the rows the reader holds, by relay
  std::map<std::tuple<core::ActionKey, core::NodeId, std::uint64_t>, std::uint64_t> cursors_;
  std::map<std::tuple<core::ActionKey, core::NodeId, std::uint64_t>, std::uint64_t> pulled_;
  std::map<core::ActionKey, std::map<core::NodeId, std::set<std::uint16_t>>> receipts_;
  std::map<core::ActionKey, std::uint32_t> answered_;
  core::Instant next_statement_{};
  std::map<std::pair<NodeIndex, core::NodeId>, std::uint64_t> handed_;   ///< highest attach_seq given away
  std::set<std::pair<NodeIndex, core::ActionId>> cancels_held_;          ///< by relays and agents, in this life
  std::unordered_map<NodeIndex, std::map<core::LinkId, std::pair<std::uint64_t, std::uint64_t>>> credit_;  ///< sent, consumed
  struct HeardRoute {
    core::Bytes payload;
    unsigned ttl = 0;
  };
  std::map<NodeIndex, HeardRoute> heard_;                                ///< the ROUTE of the step in progress
};

}  // namespace mig::simulate
