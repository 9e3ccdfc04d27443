// Who may ask what: people, their raw signing keys, access rules with weights, enrollers, revocations.
//
// One JSON document, signed by m of n root keys, its version only grows. Agents and relays hold the newest; a lower
// one is refused. The trust anchor (mesh id, roots, threshold) comes with the join string or is compiled in; a roster
// carries every change of roots since, so that a node that knows the anchor alone can follow them all.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/core/action.h"
#include "node/core/agent_facts.h"
#include "node/core/signature.h"

namespace mig::core {

/// What a node is born with. Everything else is verified against it.
struct Trust {
  MeshId mesh;                       ///< hash of roots and threshold
  std::string name;                  ///< label for people
  std::vector<SigningKey> roots;
  std::uint32_t threshold = 1;
};
MeshId mesh_id_of(const std::vector<SigningKey>& roots, std::uint32_t threshold);
Json to_json(const Trust& trust);
Result<Trust> trust_from_json(const Json& json);

struct Investigator {
  std::string name;
  Fingerprint fingerprint;           ///< primary key: the person
  std::vector<SigningKey> keys;      ///< all keys that sign for this person
  bool active = true;
};

/// MIG's ACL entry: the sum of the signers' weights must reach the minimum. Each person counts once.
struct AccessRule {
  std::uint32_t minimum_weight = 1;  ///< 0 refuses everything
  std::map<Fingerprint, std::uint32_t> weights;
  // Every agent holds itself to these two; no relay is asked.
  std::string targets;               ///< a condition: agents it does not match refuse; empty: all
  std::uint32_t spread = 100;        ///< percent of the agents that may start one action, drawn by its id
};

/// Other roots from now on. What is signed holds the hash of the change before, so that changes form one chain.
struct RootChange {
  std::vector<SigningKey> roots;
  std::uint32_t threshold = 1;
  std::vector<Bytes> signatures;     ///< by the threshold of the roots before, and by that of the new ones
  bool operator==(const RootChange&) const = default;
};
/// "MIG Mesh roots 1\n" + canonical JSON. `before`: the changes before this one.
Bytes root_change_text(const MeshId& mesh, const std::vector<RootChange>& before, const RootChange& change);
Json to_json(const RootChange& change);
Result<RootChange> root_change_from_json(const Json& json);

/// What no `default` opens: a module that ends agents must be named by a rule of its own.
constexpr std::string_view by_own_rule_only = "agentdestroy";

struct Roster {
  MeshId mesh;
  std::uint64_t version = 0;
  std::string prev;                  ///< hex hash of the version before; empty for the first
  WallMs issued = 0, expires = 0;
  std::vector<Investigator> investigators;
  std::map<std::string, AccessRule> access;  ///< by module name, or "default"
  std::vector<SignPublic> enrollers;
  std::vector<NodeId> revoked;       ///< agents and relays
  WallMs action_life_ms = 0;         ///< whole seconds; 0: limits::action_life_ms
  std::vector<RootChange> root_changes;      ///< since the trust anchor, oldest first
  std::vector<NodeId> lifted;        ///< ids of stop documents that hold no more (node/core/stop.h)

  /// The one rule that counts for a module: its own, else `default`; nullptr: nobody may.
  const AccessRule* rule_of(const std::string& module) const;
  const Investigator* by_fingerprint(const Fingerprint& primary) const;
  /// The person whose key or subkey has this fingerprint.
  const Investigator* by_key(const Fingerprint& key, const SigningKey** found) const;
};

Json to_json(const Roster& roster);
/// Parses without checking signatures.
Result<Roster> parse_roster(BytesView canonical_text);
/// "MIG Mesh roster 1\n" + text: what root signatures cover.
Bytes roster_signing_text(BytesView canonical_text);
/// The anchor with the roots that are in force after `changes`. Errors: a change that old or new roots signed too weakly.
Result<Trust> follow_roots(const Trust& trust, const std::vector<RootChange>& changes, WallMs now);
/// Distinct valid signatures of the roots in force must reach their threshold; mesh must match; not expired at `now`.
/// The roots in force are the anchor's, or those of the last of its changes, each signed by old and new roots.
Result<Roster> verify_roster(const SignedText& signed_roster, const Trust& trust, WallMs now);

/// Who validly signed. Every signature must verify with an active person's key (one bad refuses all); each person is
/// listed once, however many of their keys signed. Checks number and size of signatures first, nothing is parsed
/// before. REQUIRES: `signing_text` begins with its domain line.
Result<std::vector<const Investigator*>> check_signers(BytesView signing_text, const std::vector<Bytes>& signatures,
                                                       const Roster& roster, WallMs now);

/// Every operation must reach its module's minimum weight (own entry alone, else `default`, else denied).
/// Error: "weight 1 of 2 for file".
Status check_access(const Action& action, const std::vector<const Investigator*>& signers, const Roster& roster);

/// What the rules say about this very agent: their `targets` and `spread`. Error: "access: ...".
Status check_limits(const Action& action, const Roster& roster, const AgentFacts& self, WallMs now);

/// An agent admits an action to start it; a relay to keep it, until its answers are in (result_by): one that lost its
/// store takes it in also when nobody may start it any more, or late answers would find no place.
enum class Purpose { start, keep };

struct Admission {
  Action action;
  std::vector<Fingerprint> signers;  ///< people, once each
};
/// Everything a relay checks before passing an action on and an agent before running it, cheap first, except local
/// restrictions and the target: size, signatures, strict document, mesh, window (`now` may be limits::clock_skew_ms
/// early), roster version, access. Code::later: a newer roster is needed, since the
/// action wants one or this one has expired.
Result<Admission> admit(const SignedText& signed_action, const Roster& roster, WallMs now, Purpose purpose = Purpose::start);

}  // namespace mig::core
