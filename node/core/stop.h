// A stop: takes the rights of a key, a person or a node away at once, without waiting for m of n roots.
//
// One root in force may stop anybody, and a person whoever holds one of her keys. It can only take away; a
// roster that names it in `lifted` gives back. It stays on the board until it expires, so that what it
// stopped does not return with an older roster or a relay that was away (the tombstone).
#pragma once

#include "node/core/message.h"
#include "node/core/roster.h"

namespace mig::core {

struct StopOrder {
  MeshId mesh;
  std::string subject;  ///< fingerprint of a person or of one key (40 capitals), or a node id (32 hex digits)
  WallMs issued = 0, expires = 0;  ///< whole seconds; at most limits::stop_life_ms apart
  std::string reason;              ///< a sentence for people
};
Json to_json(const StopOrder& stop);
/// Strict and canonical, as parse_action.
Result<StopOrder> parse_stop(BytesView canonical_text);
/// "MIG Mesh stop 1\n" + text: what the OpenPGP signature covers.
Bytes stop_signing_text(BytesView canonical_text);
/// As `lifted` of a roster names it: hash of the text.
NodeId stop_id_of(BytesView canonical_text);
/// Of subject and the key that signed, so that nobody's stop can stand in the way of another's.
BoardKey stop_key(const std::string& subject, const Fingerprint& key);

/// One signature and a text for `mesh` that has not expired; who signed is not judged.
Result<StopOrder> read_stop(const SignedText& signed_stop, const MeshId& mesh, WallMs now);
/// Exactly one signature, by a root in force or by a key of the person it is about; this mesh; not expired. A
/// stop outlives the key that signed it: signatures are judged at the time they were made.
Result<StopOrder> admit_stop(const SignedText& signed_stop, const Roster& roster, const Trust& roots_in_force,
                             WallMs now);
/// Takes away from `roster` what it is about: a person, one key, a node.
void apply(const StopOrder& stop, Roster& roster);

}  // namespace mig::core
