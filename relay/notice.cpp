#include "relay/notice.h"

#include "node/core/limits.h"

namespace mig::relay {

using namespace core;

namespace {

constexpr WallMs slack_ms = 60'000;  // clocks of honest relays differ a little

/// `late`: for how long after it has expired by this relay's clock it is still taken.
Status within(WallMs issued, WallMs expires, Duration life, WallMs now, WallMs late = 0) {
  if (expires + late <= now) return Error{Code::invalid, "notice: it has expired"};
  if (expires - issued > life.us / 1000 + slack_ms || expires > now + life.us / 1000 + limits::clock_skew_ms)
    return refused("notice: it claims a longer life than its kind may have");
  return Done{};
}

Result<Notice> verify_relay(const Object& object, const Roster& roster, WallMs now) {
  auto certificate = verify_certificate(object.author, roster, now);
  if (!certificate) return certificate.error();
  auto record = unpack_relay_record(object.text);
  if (!record) return record.error();
  if (certificate->role != Role::relay || record->relay != certificate->id())
    return refused("notice: a relay may only speak of itself");
  if (auto life = within(record->issued, record->expires, limits::relay_record_life, now); !life) return life.error();
  if (object.signatures.size() != 1 ||
      !verify(domain::object, object.text, object.signatures[0], certificate->sign_key))
    return refused("notice: the relay's signature does not hold");
  Notice notice{board_key(ObjectKind::relay, record->relay.view()), {record->instance, record->n}, record->expires, {}};
  notice.content = RelayNotice{std::move(*record), std::move(*certificate)};
  return notice;
}

Result<Notice> verify_sink(const Object& object, const Roster& roster, WallMs now) {
  auto session = verify_session(object.author, roster, now);
  if (!session) return session.error();
  auto record = unpack_sink_record(object.text);
  if (!record) return record.error();
  if (record->sink != session->session.sink) return refused("notice: this session is for another sink");
  if (auto life = within(record->issued, record->expires, limits::sink_life, now, limits::clock_skew_ms); !life) return life.error();
  if (object.signatures.size() != 1 ||
      !verify(domain::object, object.text, object.signatures[0], session->session.sign_key))
    return refused("notice: the session's signature does not hold");
  const WallMs expires = record->expires + 2 * limits::clock_skew_ms;  // the relay ends it, without its clock: SinkNotice::until
  Notice notice{board_key(ObjectKind::sink, record->sink.view()), {record->epoch, record->n}, expires, {}};
  notice.content = SinkNotice{*record, session->session, session->name};
  return notice;
}

Result<Notice> verify_action(const Object& object, const Roster& roster, WallMs now) {
  auto admission = admit({object.text, object.signatures}, roster, now, Purpose::keep);
  if (!admission) return admission.error();
  Notice notice{board_key(ObjectKind::action, admission->action.id.view()), {0, admission->signers.size()},
                admission->action.result_by(), {}};
  notice.content = std::move(*admission);
  return notice;
}

/// The key names the signer, so that nobody else's cancel can stand under it.
Result<Preview> preview_cancel(const Object& object) {
  if (object.signatures.size() != 1) return invalid("cancel: one signature, no more, no less");
  auto cancel = parse_cancel(object.text);
  if (!cancel) return cancel.error();
  auto packet = read_signature(object.signatures[0]);
  if (!packet) return packet.error();
  return Preview{cancel_key(cancel->action, packet->issuer), {0, 1}};
}

Result<Notice> verify_cancel(const Object& object, const Roster& roster, WallMs now) {
  auto seen = preview_cancel(object);
  if (!seen) return seen.error();
  auto admission = admit_cancel({object.text, object.signatures}, roster, now);
  if (!admission) return admission.error();
  Notice notice{seen->key, seen->version, admission->cancel.expires, {}};
  notice.content = std::move(*admission);
  return notice;
}

Result<Preview> preview_stop(const Object& object) {
  if (object.signatures.size() != 1) return invalid("stop: one signature, no more, no less");
  auto stop = parse_stop(object.text);
  if (!stop) return stop.error();
  auto packet = read_signature(object.signatures[0]);
  if (!packet) return packet.error();
  return Preview{stop_key(stop->subject, packet->issuer), {static_cast<std::uint64_t>(stop->issued), 0}};
}

Result<Notice> verify_stop(const Object& object, const Membership& membership, WallMs now) {
  auto stop = admit_stop({object.text, object.signatures}, *membership.roster(), membership.roots_in_force(), now);
  if (!stop) return stop.error();
  return kept_stop(object, membership, now);
}

/// Signed by at least one person; whether that suffices is not asked.
Result<Notice> verify_draft(const Object& object, const Roster& roster, WallMs now) {
  auto signers = check_signers(action_signing_text(object.text), object.signatures, roster, now);
  if (!signers) return signers.error();
  auto action = parse_action(object.text);
  if (!action) return action.error();
  if (action->mesh != roster.mesh) return refused("draft: for another mesh");
  if (action->expire_after <= now) return Error{Code::invalid, "draft: its window is over"};
  Notice notice{board_key(ObjectKind::draft, action->id.view()), {0, signers->size()}, action->expire_after, {}};
  notice.content = DraftNotice{std::move(*action)};
  return notice;
}

}  // namespace

Result<Preview> preview(const Object& object) {
  switch (object.kind) {
    case ObjectKind::action:
    case ObjectKind::draft:
      if (object.text.size() > limits::action_bytes)
        return Error{Code::too_large, "action: larger than 64 KiB; larger content travels as attachments"};
      return Preview{board_key(object.kind, action_id_of(object.text).view()), {0, object.signatures.size()}};
    case ObjectKind::cancel: return preview_cancel(object);
    case ObjectKind::relay: {
      auto record = unpack_relay_record(object.text);
      if (!record) return record.error();
      return Preview{board_key(ObjectKind::relay, record->relay.view()), {record->instance, record->n}};
    }
    case ObjectKind::sink: {
      auto record = unpack_sink_record(object.text);
      if (!record) return record.error();
      return Preview{board_key(ObjectKind::sink, record->sink.view()), {record->epoch, record->n}};
    }
    case ObjectKind::roster: {
      if (object.text.size() > limits::roster_bytes) return Error{Code::too_large, "roster: too large"};
      auto roster = parse_roster(object.text);
      if (!roster) return roster.error();
      return Preview{board_key(ObjectKind::roster, {}), version_of_roster(roster->version, object.text)};
    }
    case ObjectKind::stop: return preview_stop(object);
    default: return Error{Code::unsupported, "notice: this version does not know objects of that kind"};
  }
}

Result<Notice> kept_stop(const Object& object, const Membership& membership, WallMs now) {
  auto seen = preview_stop(object);
  if (!seen) return seen.error();
  if (!membership.roster()) return Error{Code::later, "stop: there is no roster yet"};
  auto stop = read_stop({object.text, object.signatures}, membership.roster()->mesh, now);
  if (!stop) return stop.error();
  return Notice{seen->key, seen->version, stop->expires, StopNotice{}};
}

Result<Notice> verify_notice(const Object& object, const Membership& membership, WallMs now) {
  const auto& roster = membership.roster();
  if (!roster) return Error{Code::later, "notice: there is no roster yet to verify it with"};
  switch (object.kind) {
    case ObjectKind::action: return verify_action(object, *roster, now);
    case ObjectKind::cancel: return verify_cancel(object, *roster, now);
    case ObjectKind::relay: return verify_relay(object, *roster, now);
    case ObjectKind::sink: return verify_sink(object, *roster, now);
    case ObjectKind::stop: return verify_stop(object, membership, now);
    case ObjectKind::draft: return verify_draft(object, *roster, now);
    default: return Error{Code::unsupported, "notice: this version does not know objects of that kind"};
  }
}

}  // namespace mig::relay
