// The enroller: issues certificates to those who hold an invite, counting its uses durably, and renews those it issued.
#pragma once

#include "node/core/membership.h"
#include "node/core/message.h"
#include "store/store.h"

namespace mig::relay {

class Enroller {
 public:
  Enroller(const core::Seed& seed, store::Store& store, core::WallMs certificate_life_ms);
  const core::SignPublic& key() const { return keys_.sign_public(); }
  /// Its own certificate: the first relay has nobody to ask.
  core::Bytes certify(const core::Keys& node, core::Role role, const std::string& name, const std::string& segment,
                      core::WallMs now) const;
  struct Decision {
    core::Enrolled answer;
    std::string name;                        ///< of the node, empty if the request could not be read
    std::string refused;                     ///< empty: a certificate was issued
    bool wrote = false;                      ///< a use was counted: answer only when it is on disk
  };
  Decision decide(const core::Enrol& enrol, const core::Membership& membership, core::WallMs now, core::Random& random);

 private:
  core::Result<core::Certificate> renewed(const core::EnrolRequest& request, const core::Roster& roster, core::WallMs now) const;
  core::Status admit(const core::EnrolRequest& request, core::WallMs now, core::Invite& invite);
  core::Keys keys_;
  core::Seed seed_;
  store::Store& store_;
  core::WallMs life_ms_;
};

}  // namespace mig::relay
