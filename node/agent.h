// The agent: attaches to one relay, judges every action itself, runs it at most once, and answers.
//
// 1. Nothing of an action is stored or run before its signatures pass (core::admit) with the agent's own roster.
// 2. Its id is committed to the journal before the job starts; after a crash in between it answers "interrupted".
// 3. Every action gets an answer, if only a signed header: not targeted, refused and why.
// 4. A result is kept until it is confirmed end to end or the action is past its time.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/core/machine.h"
#include "node/core/membership.h"
#include "node/core/random.h"
#include "node/core/target.h"
#include "store/store.h"

namespace mig::node {

struct AgentSetting {
  core::Trust trust;
  core::Seed seed;                              ///< of the node's keys
  std::vector<core::Endpoint> relays;           ///< candidates
  std::optional<core::Joining> joining;
  std::string name, segment;
  std::map<std::string, std::string> tags;
  core::AgentFacts facts;                       ///< as gathered at start; volatile columns are filled in here
  std::set<std::string> modules;                ///< of this build
  std::map<std::string, std::string> refused;   ///< modules that this machine's owner does not allow, and why
  std::string software;
};

class Agent : public core::Machine {
 public:
  Agent(AgentSetting setting, store::Store& store, const core::Seed& random_seed);
  ~Agent() override;
  void step(const core::Now& now, const core::Input& input, core::Effects& out) override;
  core::Instant wake() const override;
  bool attached() const;
  /// It was told to end itself and its answer is safe, or nobody waits for it any more: the driver stops, and the agent
  /// does not start again.
  bool over() const;
  /// What is over() is kept elsewhere now; who takes that away has the agent back.
  void buried();

 private:
  class Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace mig::node
