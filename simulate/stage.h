// A mesh on a stage: what a scenario can do to it, and what it can see. Every promise is checked all the while.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "simulate/checks.h"
#include "simulate/liar.h"

namespace mig::simulate {

class Stage {
 public:
  explicit Stage(FleetPlan plan, bool trace);
  Fleet& fleet() { return fleet_; }
  World& world() { return fleet_.world(); }
  Checks& checks() { return checks_; }

  // ---- what is done ----
  bool begin();                                  ///< relays first, so that each agent finds its first home; false: it does not come up
  enum class Attached { nothing, list, lost };   ///< lost: nobody has what it names
  void ask(const std::string& name, const std::string& role, core::Duration valid, Attached attached = Attached::nothing);  ///< role "": all
  void cancel(const std::string& name);
  void crash(NodeIndex node);
  void lose_store(NodeIndex node);               ///< of a node that is down
  void copy(NodeIndex node) { copies_[node] = world().disk(node).after_crash(); }
  bool restore(NodeIndex node);                  ///< false: there is no copy
  void cut(NodeIndex from, NodeIndex to, bool is_cut);  ///< one way
  void break_wires(NodeIndex a, NodeIndex b) { world().break_wires(a, b), checks_.harmed(a), checks_.harmed(b); }
  void attach(std::size_t relay);                ///< a new process of the investigator, with the ledger of the earlier ones
  void lie(NodeIndex relay, const std::string& lie);
  /// Tells `from` that `agent` attached at the thief, with a ticket that the thief has written.
  void steal(NodeIndex thief, NodeIndex agent, NodeIndex from);
  /// `to` hears once more, on each of its links, every frame of this kind that has gone from one to the other.
  void replay(const std::string& kind, NodeIndex from, NodeIndex to);
  void lose_ledger() { fleet_.lose_ledger(), checks_.ledger_lost(); }
  /// Frames of this kind from one to the other are lost from now on.
  void swallow(const std::string& kind, NodeIndex from, NodeIndex to) { swallowed_.insert({kind, from, to}); }
  void swallow_nothing() { swallowed_.clear(); }
  /// Runs until the next such frame leaves. False: none did within `limit`.
  bool await(const std::string& kind, NodeIndex from, NodeIndex to, core::Duration limit);
  /// Ends calm; what is lacking then, or empty.
  std::string calm();

  // ---- what is seen; empty: it is so, else what is so instead ----
  std::string reads(const std::string& question, const std::string& line);
  std::string notes(const std::string& question, const std::string& text);  ///< text "nothing": no remark
  std::string ran(const std::string& question, NodeIndex agent, unsigned times);
  std::string answer(const std::string& question, NodeIndex agent, const std::string& state, const std::string& why);
  std::string verdict(const std::string& question, core::VerdictCode code, const std::string& text);
  std::string said(std::optional<NodeIndex> node, const std::string& event, std::optional<unsigned> times);
  std::string sent(const std::string& kind, NodeIndex from, NodeIndex to, std::optional<unsigned> times);
  std::string at(NodeIndex agent, NodeIndex relay);  ///< no other relay that runs has it in its register
  std::string keeps_nothing(NodeIndex node, const std::string& question);

 private:
  const Fleet::Question& question(const std::string& name) const { return questions_.at(name); }
  bool frame(NodeIndex from, NodeIndex to, core::BytesView frame);

  Fleet fleet_;
  Checks checks_;
  FleetPlan plan_;
  std::map<std::string, Fleet::Question> questions_;
  std::vector<Fleet::Question> asked_;
  std::map<NodeIndex, store::MemoryStore> copies_;
  using Way = std::tuple<std::string, NodeIndex, NodeIndex>;
  std::set<Way> swallowed_;
  std::map<Way, std::vector<core::Bytes>> heard_;  ///< for replays
  std::map<NodeIndex, Liar> liars_;
  std::map<Way, unsigned> sent_;                 ///< frames by kind, as they leave
};

/// HELLO, PUT ...; of a ROUTE what it carries: TALLY, PULL, REPLIES, HANDOVER ...
std::string kind_of(core::BytesView frame);
const std::vector<std::string>& kinds();

}  // namespace mig::simulate
