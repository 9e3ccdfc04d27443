// From receipts to answers: waits for all parts of an agent, joins them, and gives each agent exactly once.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "modules/module.h"
#include "node/core/record.h"

namespace mig::investigator {

/// All that one agent said.
struct AgentAnswer {
  core::NodeId agent;
  std::string name;
  core::State state = core::State::answered;
  std::string reason, trouble;
  std::vector<modules::Answer> operations;
  std::string broken;              ///< not empty: what it sent is no list of results, and why
};

struct AnswerPart {
  core::NodeId agent;
  std::string name;
  std::uint16_t part = 0, parts = 1;
  core::State state = core::State::answered;
  std::string reason, trouble, results;
};

class Answers {
 public:
  /// An answer as soon as it is whole; nothing for parts that were given before.
  std::optional<AgentAnswer> add(AnswerPart part);

 private:
  std::map<core::NodeId, std::map<std::uint16_t, AnswerPart>> waiting_;
  std::set<core::NodeId> given_;
};

/// Reads the JSON list of Results that an agent sent.
core::Result<std::vector<modules::Answer>> read_results(const std::string& json);

}  // namespace mig::investigator
