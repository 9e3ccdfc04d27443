// A whole made-up mesh in a world: relays, agents, an investigator, all enrolled the real way, with real signatures.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "investigator/investigator.h"
#include "node/agent.h"
#include "node/core/soft_key.h"
#include "relay/relay.h"
#include "simulate/world.h"

namespace mig::simulate {

using investigator::Statement;

/// Stands in every result: must never be seen on a wire.
constexpr std::string_view fleet_taint = "tainted-payload";

struct FleetPlan {
  std::uint64_t seed = 1;
  std::size_t relays = 3, agents = 8;
  /// Relay i dials parent_of(i); 0 is the enroller. Default: a line, so that there always is a middle.
  std::function<std::size_t(std::size_t)> parent_of = [](std::size_t i) { return i - 1; };
  std::set<std::size_t> only_dialled = {};     ///< relays that dial nobody: their parents dial them
  std::vector<std::pair<std::size_t, std::size_t>> more_dials = {};  ///< links beside that tree: who dials whom
  std::vector<std::vector<std::size_t>> homes = {};  ///< by agent: the relays it knows, the one it wants first; default: all, spread
  std::vector<std::string> relay_names = {}, agent_names = {};       ///< default: relay-1 ..., agent-1 ...
  std::function<std::string(std::size_t)> role_of = [](std::size_t i) { return i % 3 == 0 ? "db" : "web"; };  ///< a tag of agents
  core::WallMs retention_ms = core::limits::log_retention_ms;
  core::WallMs certificate_life_ms = 30LL * 24 * 3600 * 1000;
  core::Operation operation = {"file", {{"searches", core::Json::object()}}};  ///< of every question
  Work work;                                  ///< default: agents with an even number find something
};

class Fleet {
 public:
  explicit Fleet(FleetPlan plan);
  World& world() { return world_; }
  NodeIndex relay(std::size_t i) const { return relays_[i]; }
  NodeIndex agent(std::size_t i) const { return agents_[i]; }
  NodeIndex investigator() const { return investigator_; }
  const core::Roster& roster() const { return roster_; }
  const core::Membership& membership() const { return membership_; }  ///< as a node that holds the roster
  std::size_t relays() const { return relays_.size(); }
  std::size_t agents() const { return agents_.size(); }
  std::size_t links() const { return relays_.size() - 1 + plan_.more_dials.size(); }  ///< between relays
  core::NodeId relay_id(std::size_t i) const { return core::Keys(seed("relay", i)).id(); }
  core::NodeId agent_id(std::size_t i) const { return core::Keys(seed("agent", i)).id(); }
  core::NodeId node_id(NodeIndex node) const { return ids_.at(node); }
  core::Keys keys_of(NodeIndex relay) const { return core::Keys(seed("relay", relay)); }
  /// A second machine with this one's keys. To the checks it is a relay or an agent as the first one is.
  NodeIndex twin(NodeIndex node, World::TwinDisk disk = World::TwinDisk::copied, bool listens = false) {
    const core::NodeId id = node_id(node);
    originals_[world_.nodes()] = node;
    return ids_[world_.nodes()] = id, world_.twin(node, disk, listens);
  }
  /// The machines of this identity.
  std::vector<NodeIndex> machines_of(NodeIndex node) const {
    std::vector<NodeIndex> out{node};
    for (auto [twin, original] : originals_)
      if (original == node) out.push_back(twin);
    return out;
  }
  /// A second process with the investigator's directory.
  NodeIndex twin_investigator(std::size_t at) {
    const std::size_t before = std::exchange(attach_at_, at);
    const NodeIndex twin = world_.twin(investigator_);
    return attach_at_ = before, twin;
  }
  bool is_twin(NodeIndex node) const { return originals_.contains(node); }
  bool is_relay(NodeIndex node) const { return original(node) < relays_.size(); }
  bool is_agent(NodeIndex node) const { return original(node) >= relays_.size() && original(node) < relays_.size() + agents_.size(); }
  investigator::Investigator& mig() { return static_cast<investigator::Investigator&>(world_.machine(investigator_)); }
  node::Agent& agent_machine(std::size_t i) { return static_cast<node::Agent&>(world_.machine(agents_[i])); }

  /// Runs until all agents are attached and the investigator is synced with every relay. False: not within `limit`.
  bool settle(core::Duration limit = core::Duration::seconds(60));
  /// A signed action by the fleet's one investigator.
  struct Question {
    core::ActionId id;
    core::SignedText signed_action;
    core::LinkSecret reply_secret;
    std::vector<core::Enclosed> enclosed;
  };
  /// `attached`: octets of an attachment, "list.txt", that its parameters name; 0: none.
  Question question(const std::string& target = "all", core::WallMs valid_ms = 300'000, std::size_t attached = 0);
  core::ActionId ask(const Question& question);
  void cancel(const core::ActionId& id, const std::string& reason);
  /// The investigator's rights end; she is the root, and signs that herself.
  void stop_investigator();
  investigator::Statement statement(const core::ActionId& id) { return mig().statement(id, world_.now()); }
  bool run_until_complete(const core::ActionId& id, core::Duration limit = core::Duration::seconds(60));
  /// A new process of the investigator: it knows what the ledger kept, attaches at relay `at`, and follows `question`.
  void restart_investigator(std::size_t at, const std::vector<Question>& questions);
  /// The next processes of the investigator know from their ledger that this relay is given up, as `mig relays forget` says.
  void forget(std::size_t relay);
  /// An agent was told, by a liar, that a reader holds its answer: it may be lost.
  void falsely_done(const core::NodeId& agent, const core::ActionKey& action) { falsely_done_[action].insert(agent); }
  bool may_lack(const core::NodeId& agent, const core::ActionKey& action) const {
    auto told = falsely_done_.find(action);
    return told != falsely_done_.end() && told->second.contains(agent);
  }
  /// The ledger is gone: the next process of the investigator is another sink, and has read nothing.
  void lose_ledger() { ++ledgers_, ledger_begins_ = world_.kept().size(); }
  /// What a calm mesh owes and does not have; empty: all agents attached and in one register each, boards equal,
  /// every question complete.
  std::string lacking(const std::vector<Question>& questions);
  std::string lacking_of(const Question& question, std::size_t ghosts);  ///< `ghosts`: entries that copies of agents left in registers
  /// In how many registers each agent is.
  std::vector<std::size_t> homes_of_agents();
  /// An agent has one home. A copy of it may have had another one, which the first machine knows nothing of.
  bool has_home(NodeIndex agent, std::size_t homes) const { return homes == 1 || (homes > 1 && machines_of(agent).size() > 1); }
  std::map<core::BoardKey, core::Version> board_of(std::size_t relay) const;
  /// The first object of which this relay holds another version than the first one; empty: none.
  std::string board_difference(std::size_t relay) const;

  /// Final receipts kept by the investigator, by agent; a second one for the same part counts in `doubles`.
  std::map<core::NodeId, core::State> receipts(const core::ActionId& id, std::size_t* doubles = nullptr) const;
  std::vector<std::string> told(std::string_view event) const;  ///< lines of that event

 private:
  NodeIndex original(NodeIndex node) const {
    auto twin = originals_.find(node);
    return twin == originals_.end() ? node : twin->second;
  }
  core::Follow follow(const Question& question) const;
  core::Seed seed(std::string_view what, std::size_t i = 0) const;
  void make_roster();
  void add_relay(std::size_t i);
  void add_agent(std::size_t i);
  void add_investigator();
  core::Bytes invite(core::Role role, std::size_t i) const;
  investigator::InvestigatorSetting investigator_setting(std::size_t at) const;

  FleetPlan plan_;
  World world_;
  core::SoftKey person_;
  core::Keys enroller_;
  core::Trust trust_;
  core::Roster roster_;
  core::SignedText signed_roster_;
  core::Membership membership_;
  std::vector<core::Endpoint> endpoints_;     ///< of the relays
  std::vector<NodeIndex> relays_, agents_;    ///< numbered in this order
  std::map<NodeIndex, core::NodeId> ids_;
  std::map<core::ActionKey, std::set<core::NodeId>> falsely_done_;
  std::map<NodeIndex, NodeIndex> originals_;  ///< of twins
  NodeIndex investigator_ = 0;
  std::vector<store::LedgerRelay> forgotten_;
  std::size_t questions_ = 0, attach_at_ = 0, ledgers_ = 0, ledger_begins_ = 0;
};

}  // namespace mig::simulate
