// What a relay shows an investigator of its board beside relays: rosters, stops, drafts, and who has signed what she follows.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "node/core/membership.h"

namespace mig::investigator {

class Shown {
 public:
  explicit Shown(core::Membership& membership) : membership_(membership) {}
  /// Verifies and takes an object of any of these kinds; false: it is of another one.
  bool take(const core::Object& object, const core::Now& now, core::Effects& out);
  /// The version of a sink record, if its author is who signed `session`, and the sink that session's.
  std::optional<core::Version> place(const core::Object& sink, core::BytesView session, core::WallMs now) const;
  /// Actions that wait for more signatures, to be judged by their words.
  std::vector<core::SignedText> drafts() const;
  /// An action of the ledger: what others have signed since belongs to the evidence.
  void follow(const core::ActionId& action) { followed_.insert(core::key_of(action)); }
  bool follows(const core::ActionId& action) const { return followed_.contains(core::key_of(action)); }

 private:
  core::Membership& membership_;
  std::map<core::ActionId, core::SignedText> drafts_;
  std::set<core::ActionKey> followed_;
};

}  // namespace mig::investigator
