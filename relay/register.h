// The register: the agents whose home this relay is, attached or not. It survives the process.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "node/core/identity.h"
#include "node/core/machine.h"
#include "node/core/target.h"
#include "store/store.h"

namespace mig::relay {

struct Member {
  core::NodeId id;
  std::string name;
  std::uint64_t attach_seq = 0;
  core::Bytes ticket, certificate, attributes;
  core::WallMs first_seen = 0, last_seen = 0;
  // of this process life:
  core::LinkId link = 0;                       ///< 0: not attached
  std::set<core::ActionKey> confirmed;         ///< what it said, at HELLO, that a reader holds: it has nothing to send of these
  core::Instant here_since;                    ///< in this register; rows computed after that count it
  core::SignPublic sign_key;
  std::optional<core::AgentFacts> facts;       ///< read from attributes; none: they could not be read
};

class Register {
 public:
  explicit Register(store::Store& store);
  Member* find(const core::NodeId& agent);
  const std::map<core::NodeId, Member>& all() const { return members_; }
  std::map<core::NodeId, Member>& all() { return members_; }
  Member& enter(Member member);                ///< new, or replaces the entry; written to the store
  void seen(Member& member, core::WallMs now); ///< on detach
  void leave(const core::NodeId& agent);
  std::uint32_t online() const;

 private:
  void write(const Member& member);
  store::Store& store_;
  std::map<core::NodeId, Member> members_;
};

}  // namespace mig::relay
