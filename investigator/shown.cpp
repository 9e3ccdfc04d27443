#include "investigator/shown.h"

namespace mig::investigator {

using namespace core;

namespace {

void take_roster(const Object& object, const Now& now, Membership& membership, Effects& out) {
  auto adopted = membership.adopt({object.text, object.signatures}, now.wall);
  if (!adopted) return;
  const bool newer = *adopted == Membership::Adopted::newer;
  if (newer) out.push_back({Keep{Record(KeepRoster{membership.roster_text()})}, false});
  if (*adopted == Membership::Adopted::forked || (newer && membership.built_on_another())) tell_fork(membership, out);
}

void take_stop(const Object& object, const Now& now, Membership& membership, Effects& out) {
  auto taken = membership.take_stop({object.text, object.signatures}, now.wall);
  if (!taken || *taken != Membership::Adopted::newer) return;
  auto stop = parse_stop(object.text);
  out.push_back({Tell{{Level::warning, "stopped", {{"subject", stop->subject}, {"why", stop->reason}}}}, false});
}

}  // namespace

bool Shown::take(const Object& object, const Now& now, Effects& out) {
  if (object.kind == ObjectKind::roster) return take_roster(object, now, membership_, out), true;
  if (object.kind == ObjectKind::stop) return take_stop(object, now, membership_, out), true;
  if (object.kind != ObjectKind::draft && object.kind != ObjectKind::action) return false;
  if (!check_signers(action_signing_text(object.text), object.signatures, *membership_.roster(), now.wall)) return true;
  const ActionId id = action_id_of(object.text);
  const SignedText text{object.text, object.signatures};
  if (object.kind == ObjectKind::action && follows(id)) out.push_back({Keep{Record(KeepAction{id, text, now.wall})}, false});
  if (object.kind == ObjectKind::draft && text.signatures.size() >= drafts_[id].signatures.size()) drafts_[id] = text;
  return true;
}

std::vector<SignedText> Shown::drafts() const {
  std::vector<SignedText> out;
  for (const auto& [id, draft] : drafts_) out.push_back(draft);
  return out;
}

std::optional<Version> Shown::place(const Object& sink, BytesView session, WallMs now) const {
  if (sink.kind != ObjectKind::sink || !membership_.roster() || sink.signatures.size() != 1) return {};
  const auto record = unpack_sink_record(sink.text);
  const auto theirs = verify_session(sink.author, *membership_.roster(), now), own = verify_session(session, *membership_.roster(), now);
  if (!record || !theirs || !own || record->sink != own->session.sink || theirs->session.sink != own->session.sink ||
      theirs->session.investigator != own->session.investigator || !verify(domain::object, sink.text, sink.signatures[0], theirs->session.sign_key))
    return {};
  return Version{record->epoch, record->n};
}

}  // namespace mig::investigator
