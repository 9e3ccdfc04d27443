// The attachments of what is asked here, for relays that ask for them.
#pragma once

#include <map>
#include <vector>

#include "node/core/fetch.h"

namespace mig::investigator {

class Enclosures {
 public:
  void keep(const std::vector<core::Enclosed>& enclosed);
  /// A PUT for each chunk of ours that is wanted.
  std::vector<core::Put> wanted(const core::Want& want) const;

 private:
  std::map<core::BoardKey, core::Bytes> chunks_;
};

}  // namespace mig::investigator
