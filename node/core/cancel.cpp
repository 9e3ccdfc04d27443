#include "node/core/cancel.h"

#include <fmt/format.h>

#include <algorithm>

#include "node/core/limits.h"
#include "node/core/members.h"

namespace mig::core {

Json to_json(const Cancel& cancel) {
  return Json{{"action", cancel.action.hex()},
              {"mesh", cancel.mesh.hex()},
              {"issued", to_rfc3339(cancel.issued)},
              {"expires", to_rfc3339(cancel.expires)},
              {"reason", cancel.reason}};
}

Result<Cancel> parse_cancel(BytesView canonical_text) {
  Result<Json> json = parse_json(canonical_text, limits::cancel_bytes);
  if (!json) return Error{json.error().code, "cancel: " + json.error().text};
  Members in(*json, "cancel");
  Cancel cancel;
  in.hex("action", cancel.action);
  in.hex("mesh", cancel.mesh);
  in.time("issued", cancel.issued);
  in.time("expires", cancel.expires);
  in.text("reason", cancel.reason, 0, limits::text_bytes);
  if (Status ok = in.end(); !ok) return ok.error();
  if (canonical_json(to_json(cancel)) != canonical_text)
    return invalid("cancel: not in its canonical form, which alone is signed");
  return cancel;
}

Bytes cancel_signing_text(BytesView canonical_text) { return Bytes("MIG Mesh cancel 1\n").append(canonical_text); }

Result<CancelAdmission> admit_cancel(const SignedText& signed_cancel, const Roster& roster, WallMs now) {
  if (signed_cancel.text.size() > limits::cancel_bytes) return Error{Code::too_large, "cancel: over 4 KiB"};
  auto signers = check_signers(cancel_signing_text(signed_cancel.text), signed_cancel.signatures, roster, now);
  if (!signers) return signers.error();
  if (signers->size() != 1) return refused("cancel: one person signs it");
  Result<Cancel> cancel = parse_cancel(signed_cancel.text);
  if (!cancel) return cancel.error();
  if (cancel->mesh != roster.mesh) return refused(fmt::format("cancel: for mesh {}, not for {}", cancel->mesh.brief(), roster.mesh.brief()));
  if (cancel->expires <= now) return refused("cancel: it has expired");
  if (cancel->expires > now + 2 * limits::action_life_ms + limits::clock_skew_ms) return refused("cancel: it claims a longer life than any action has");
  return CancelAdmission{*std::move(cancel), signers->front()->fingerprint};
}

BoardKey cancel_key(const ActionId& action, const Fingerprint& key) {
  return board_key(ObjectKind::cancel, blake2b(action.bytes() + key, 16));
}

bool may_cancel(const Fingerprint& by, const std::vector<Fingerprint>& signers, const Roster& roster) {
  if (std::find(signers.begin(), signers.end(), by) != signers.end()) return true;
  auto rule = roster.access.find("cancel");
  if (rule == roster.access.end()) return false;
  auto weight = rule->second.weights.find(by);
  return weight != rule->second.weights.end() && rule->second.minimum_weight > 0 && weight->second >= rule->second.minimum_weight;
}

}  // namespace mig::core
