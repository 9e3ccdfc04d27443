// Who may ask what: people, their raw signing keys, access rules with weights, enrollers, revocations.
//
// One JSON document, signed by m of n root keys, its version only grows. Agents and relays hold the newest; a lower
// one is refused. The trust anchor (mesh id, roots, threshold) comes with the join string or is compiled in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/core/action.h"
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
};

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

  const Investigator* by_fingerprint(const Fingerprint& primary) const;
  /// The person whose key or subkey has this fingerprint.
  const Investigator* by_key(const Fingerprint& key, const SigningKey** found) const;
};

Json to_json(const Roster& roster);
/// Parses without checking signatures.
Result<Roster> parse_roster(BytesView canonical_text);
/// "MIG Mesh roster 1\n" + text: what root signatures cover.
Bytes roster_signing_text(BytesView canonical_text);
/// Distinct valid root signatures must reach the threshold; mesh must match; not expired at `now`.
Result<Roster> verify_roster(const SignedText& signed_roster, const Trust& trust, WallMs now);

/// Who validly signed. Every signature must verify with an active person's key (one bad refuses all); each person is
/// listed once, however many of their keys signed. Checks number and size of signatures first, nothing is parsed
/// before. REQUIRES: `signing_text` begins with its domain line.
Result<std::vector<const Investigator*>> check_signers(BytesView signing_text, const std::vector<Bytes>& signatures,
                                                       const Roster& roster, WallMs now);

/// Every operation must reach its module's minimum weight (own entry alone, else `default`, else denied).
/// Error: "weight 1 of 2 for file".
Status check_access(const Action& action, const std::vector<const Investigator*>& signers, const Roster& roster);

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
