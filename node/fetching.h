// The attachments of one action on their way to this agent.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "node/core/action.h"
#include "node/core/fetch.h"

namespace mig::node {

class Fetching {
 public:
  explicit Fetching(const core::Action& action);
  const core::ActionKey& action() const { return action_; }
  core::Fetch& fetch() { return fetch_; }
  const core::Fetch& fetch() const { return fetch_; }
  /// False: it is not missing here, or is not what the action names; then it is not kept.
  bool take(const core::Bytes& chunk, core::Instant now);
  /// Names of attachments that are not whole.
  std::string missing() const;
  /// REQUIRES: fetch().complete().
  std::vector<core::Enclosed> enclosed() const;

 private:
  core::ActionKey action_;
  std::vector<core::Attachment> attachments_;
  core::Fetch fetch_;
  std::map<core::Hash, core::Bytes> chunks_;  ///< each checked against its hash
};

}  // namespace mig::node
