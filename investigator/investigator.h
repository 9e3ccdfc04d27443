// The investigator's machine: attaches to any relay, launches actions, pulls replies, and says what is known.
//
// Statements are about explicit rows of explicit relays; a relay that cannot be heard makes its agents unknown,
// never done. Nothing here signs with OpenPGP or touches the ledger: what must be kept is a Keep effect.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/core/machine.h"
#include "node/core/membership.h"
#include "node/core/random.h"
#include "store/ledger.h"

namespace mig::investigator {

struct InvestigatorSetting {
  core::Trust trust;
  core::SignedText roster;
  core::Bytes session;                          ///< packed and signed
  core::Seed session_seed;                      ///< of its link and signing keys
  core::SinkId sink;
  std::uint64_t epoch = 0;                      ///< highest ever used by this sink
  std::vector<core::Endpoint> relays;           ///< candidates, best first
  std::vector<store::LedgerRelay> known_relays;
  std::vector<store::LedgerAgent> known_agents;
};

/// What can be said of one action now. Counts are agents.
struct Statement {
  std::uint32_t found = 0, clean = 0, failed = 0, refused = 0, not_targeted = 0, cancelled = 0, expired = 0;
  std::uint32_t open = 0;                       ///< queued, delivered or running
  std::uint32_t offline = 0;
  std::uint32_t unknown = 0;                    ///< known agents without an answer that no relay heard from accounts for
  std::uint32_t relays = 0, relays_reporting = 0;
  std::uint32_t disputed = 0;                   ///< answers rows claim that no log holds
  bool all_read = false;                        ///< nothing the rows of reporting relays count in their logs is unread
  bool settled = false;                         ///< everyone online has answered and all logs are read
  bool complete = false;
  std::vector<std::string> unheard;             ///< names of required relays that are not fresh
  std::vector<std::string> remarks;             ///< "relay-2 lost its store at ..."
  std::uint32_t answered() const { return found + clean + failed; }
  std::uint32_t targeted() const { return answered() + refused + cancelled + expired + open + offline; }
};

/// A relay as the map shows it now.
struct RelayView {
  core::NodeId id;
  std::string name, segment;
  bool reachable = false;
  std::uint32_t known = 0, online = 0;
  core::WallMs issued = 0;                      ///< of its newest record
  std::vector<core::NodeId> neighbours;
};

class Investigator : public core::Machine {
 public:
  Investigator(InvestigatorSetting setting, const core::Seed& random_seed);
  ~Investigator() override;
  void step(const core::Now& now, const core::Input& input, core::Effects& out) override;
  core::Instant wake() const override;

  bool attached() const;
  /// Another process speaks for this sink: its ledger and session were copied. This one has stopped for good; what the
  /// ledger holds stays true, and another sink can go on with it.
  bool copied() const;
  std::optional<core::NodeId> attached_to() const;
  /// The relays' board has been synced since the attach.
  bool synced() const;
  std::vector<RelayView> relays() const;
  Statement statement(const core::ActionId& action, const core::Now& now) const;
  /// What the first relay said of a launched action; none yet: nullopt.
  std::optional<core::Verdict> verdict(const core::ActionId& action) const;
  /// Nothing that was read waits to be confirmed to the relays (they keep it, and agents their replies, until it is).
  bool confirmed() const;
  /// What the first relay said of the last published object; none yet: nullopt.
  std::optional<core::Verdict> published() const;
  /// Actions that wait for more signatures, as the board holds them.
  std::vector<core::SignedText> drafts() const;
  /// Roster and stops as the mesh told them.
  const core::Membership& membership() const;
  /// All reachable relays have told their registers since the last AskRegister.
  bool registers_told() const;
  std::vector<core::AgentLine> agents_at(const core::NodeId& relay) const;

 private:
  class Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace mig::investigator
