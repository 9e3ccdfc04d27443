#include "node/core/stop.h"

#include <fmt/format.h>

#include <algorithm>

#include "node/core/limits.h"
#include "node/core/members.h"

namespace mig::core {
namespace {

Result<NodeId> node_of(const std::string& subject) {
  auto bytes = from_hex(subject);
  return bytes ? NodeId::from(*bytes) : Result<NodeId>(bytes.error());
}

/// A root, or a key of the person whose key it stops.
const SigningKey* judge(const SignaturePacket& packet, const StopOrder& stop, const Roster& roster,
                        const Trust& roots) {
  for (const SigningKey& root : roots.roots)
    if (root.fingerprint == packet.issuer) return &root;
  const SigningKey *key = nullptr, *stopped = nullptr;
  const Investigator* by = roster.by_key(packet.issuer, &key);
  if (by == nullptr) return nullptr;
  const bool own = by->fingerprint == stop.subject || roster.by_key(stop.subject, &stopped) == by;
  return own ? key : nullptr;
}

}  // namespace

Json to_json(const StopOrder& stop) {
  return Json{{"mesh", stop.mesh.hex()},
              {"subject", stop.subject},
              {"issued", to_rfc3339(stop.issued)},
              {"expires", to_rfc3339(stop.expires)},
              {"reason", stop.reason}};
}

Result<StopOrder> parse_stop(BytesView canonical_text) {
  Result<Json> json = parse_json(canonical_text, limits::cancel_bytes);
  if (!json) return Error{json.error().code, "stop: " + json.error().text};
  Members in(*json, "stop");
  StopOrder stop;
  in.hex("mesh", stop.mesh);
  in.text("subject", stop.subject, 1, 40);
  in.time("issued", stop.issued);
  in.time("expires", stop.expires);
  in.text("reason", stop.reason, 0, limits::text_bytes);
  if (!is_fingerprint(stop.subject) && !node_of(stop.subject))
    in.fail("subject", "is neither a fingerprint (40 capitals) nor a node id (32 digits)");
  if (stop.expires <= stop.issued || stop.expires > stop.issued + limits::stop_life_ms)
    in.fail("expires", "is not within ten years after issued");
  if (Status ok = in.end(); !ok) return ok.error();
  if (canonical_json(to_json(stop)) != canonical_text)
    return invalid("stop: not in its canonical form, which alone is signed");
  return stop;
}

Bytes stop_signing_text(BytesView canonical_text) {
  return Bytes("MIG Mesh stop 1\n").append(canonical_text);
}

NodeId stop_id_of(BytesView canonical_text) { return *NodeId::from(blake2b(canonical_text, NodeId::size)); }

BoardKey stop_key(const std::string& subject, const Fingerprint& key) {
  return board_key(ObjectKind::stop, blake2b(subject + " " + key, 16));
}

Result<StopOrder> read_stop(const SignedText& signed_stop, const MeshId& mesh, WallMs now) {
  if (signed_stop.signatures.size() != 1) return refused("stop: one signature, no more, no less");
  if (auto packet = read_signature(signed_stop.signatures[0]); !packet) return packet.error();
  Result<StopOrder> stop = parse_stop(signed_stop.text);
  if (!stop) return stop.error();
  if (stop->mesh != mesh)
    return refused(fmt::format("stop: for mesh {}, not for {}", stop->mesh.brief(), mesh.brief()));
  if (stop->expires <= now) return refused("stop: it has expired");
  return stop;
}

Result<StopOrder> admit_stop(const SignedText& signed_stop, const Roster& roster, const Trust& roots_in_force,
                             WallMs now) {
  Result<StopOrder> stop = read_stop(signed_stop, roster.mesh, now);
  if (!stop) return stop.error();
  const auto packet = read_signature(signed_stop.signatures[0]);
  const SigningKey* key = judge(*packet, *stop, roster, roots_in_force);
  if (key == nullptr)
    return refused(
        fmt::format("stop: key {} is neither a root nor a key of the person it stops", packet->issuer));
  if (Status ok = verify_signature(*packet, stop_signing_text(signed_stop.text), *key,
                                   std::min(now, packet->created));
      !ok)
    return ok.error();
  return stop;
}

void apply(const StopOrder& stop, Roster& roster) {
  if (auto node = node_of(stop.subject)) roster.revoked.push_back(*node);
  for (Investigator& person : roster.investigators) {
    if (person.fingerprint == stop.subject) person.active = false;
    std::erase_if(person.keys,
                  [&](const SigningKey& key) { return key.fingerprint == stop.subject && person.active; });
  }
}

}  // namespace mig::core
