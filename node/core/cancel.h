// A cancel: the signed order that an action be started nowhere any more, and be stopped where it runs.
//
// Its board key holds action and signer, so that a stranger's cancel can never stand in the way of the issuer's; it may
// arrive before its action. Whether the signer may cancel is judged by whoever holds both (may_cancel).
#pragma once

#include "node/core/message.h"
#include "node/core/roster.h"

namespace mig::core {

struct Cancel {
  ActionId action;
  MeshId mesh;
  WallMs issued = 0, expires = 0;    ///< whole seconds; expires: the action's result_by, copied
  std::string reason;                ///< a sentence for people, up to limits::text_bytes
};
Json to_json(const Cancel& cancel);
/// Strict and canonical, as parse_action.
Result<Cancel> parse_cancel(BytesView canonical_text);
/// "MIG Mesh cancel 1\n" + text: what the OpenPGP signature covers.
Bytes cancel_signing_text(BytesView canonical_text);

struct CancelAdmission {
  Cancel cancel;
  Fingerprint by;                    ///< the person
};
/// Exactly one signature, by a person of the roster; this mesh; not expired; no longer life than an action may have.
Result<CancelAdmission> admit_cancel(const SignedText& signed_cancel, const Roster& roster, WallMs now);
/// `key`: the OpenPGP key that signed, as the packet names it.
BoardKey cancel_key(const ActionId& action, const Fingerprint& key);
/// One of the action's signers may, and who has weight in the access rule `cancel` if the roster has that rule.
bool may_cancel(const Fingerprint& by, const std::vector<Fingerprint>& signers, const Roster& roster);

}  // namespace mig::core
