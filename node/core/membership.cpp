#include "node/core/membership.h"

#include <fmt/format.h>

#include <algorithm>

#include "node/core/limits.h"
#include "node/core/seal.h"

namespace mig::core {

Result<Membership::Adopted> Membership::adopt(const SignedText& roster, WallMs now) {
  if (roster_ && roster.text == roster_text_.text) return Adopted::same;
  if (fork_ && roster.text == fork_->text) return Adopted::same;
  auto verified = verify_roster(roster, trust_, now);
  if (!verified) return verified.error();
  if (roster_ && verified->version < roster_->version) return Adopted::older;
  if (roster_ && verified->version == roster_->version) {
    if (!fork_) fork_ = roster;
    return Adopted::forked;
  }
  if (roster_) {
    // Old roots cannot be had back: what they sign may only go on from the changes known here.
    const auto &held = roster_->root_changes, &told = verified->root_changes;
    if (told.size() < held.size() || !std::equal(held.begin(), held.end(), told.begin()))
      return refused(
          fmt::format("roster: version {} does not follow the changes of roots that version {} knows",
                      verified->version, roster_->version));
    built_on_another_ = verified->version == roster_->version + 1 &&
                        verified->prev != to_hex(blake2b(roster_text_.text, Hash::size));
  }
  roster_ = std::move(*verified);
  roster_text_ = roster;
  fork_.reset();
  apply_stops();
  return Adopted::newer;
}

Result<Membership::Adopted> Membership::take_stop(const SignedText& signed_stop, WallMs now, bool kept) {
  if (!roster_) return Error{Code::later, "stop: there is no roster yet to verify it with"};
  auto stop = kept ? read_stop(signed_stop, roster_->mesh, now)
                   : admit_stop(signed_stop, *roster_, roots_in_force(), now);
  if (!stop) return stop.error();
  const BoardKey key = stop_key(stop->subject, read_signature(signed_stop.signatures[0])->issuer);
  const NodeId id = stop_id_of(signed_stop.text);
  if (auto held = stops_.find(key); held != stops_.end()) {
    if (held->second.id == id) return Adopted::same;
    if (held->second.stop.issued >= stop->issued) return Adopted::older;
  }
  if (stops_.size() >= limits::stops && !stops_.contains(key))
    return Error{Code::too_large, "stop: too many are held here; a new roster takes rights away as well"};
  stops_[key] = {*std::move(stop), id};
  apply_stops();
  return Adopted::newer;
}

Trust Membership::roots_in_force() const {
  Trust out = trust_;
  if (!roster_ || roster_->root_changes.empty()) return out;
  out.roots = roster_->root_changes.back().roots;
  out.threshold = roster_->root_changes.back().threshold;
  return out;
}

void Membership::apply_stops() {
  in_force_ = roster_;
  for (const auto& [key, held] : stops_)
    if (std::find(roster_->lifted.begin(), roster_->lifted.end(), held.id) == roster_->lifted.end())
      apply(held.stop, *in_force_);
}

Status Membership::take_certificate(BytesView certificate, const Keys& keys, WallMs now) {
  if (!roster_) return Error{Code::later, "certificate: there is no roster yet to verify it with"};
  auto verified = verify_certificate(certificate, *in_force_, now);
  if (!verified) return verified.error();
  if (verified->sign_key != keys.sign_public() || verified->link_key != keys.link_public())
    return refused("certificate: it was issued for other keys");
  certificate_ = Bytes(certificate);
  return Done{};
}

Enrol Membership::enrol_request(const Joining& joining, const Keys& keys, const std::string& name,
                                const std::string& segment, const std::map<std::string, std::string>& tags,
                                Random& random) const {
  EnrolRequest request{joining.invite, keys.sign_public(), keys.link_public(), name, segment, tags};
  Enrol enrol;
  enrol.to = joining.enroller;
  enrol.answer_to = keys.link_public();
  if (auto to = link_public_of(joining.enroller))
    enrol.sealed = seal(write_enrol_request(request, joining.invite_secret, keys), *to, random);
  return enrol;
}

Result<Enrol> Membership::renewal_request(const Keys& keys, Random& random) const {
  auto held = read_certificate(certificate_);
  if (!held) return held.error();
  auto to = link_public_of(held->enroller);
  if (!to) return to.error();
  return Enrol{held->enroller, seal(write_renewal(certificate_, keys), *to, random), keys.link_public()};
}

WallMs Membership::renew_at() const {
  auto held = read_certificate(certificate_);
  // An enroller dates it back by the skew that clocks may have.
  return held ? held->not_after - (held->not_after - held->not_before - limits::clock_skew_ms) / 3 : 0;
}

Status Membership::take_answer(const Enrolled& answer, const Keys& keys, WallMs now) {
  auto opened = open(answer.sealed, keys.link_public(), keys.link_secret());
  if (!opened) return opened.error();
  auto read = read_enrol_answer(*opened);
  if (!read) return read.error();
  if (!read->refused.empty()) return refused("enrolment: " + read->refused);
  if (auto adopted = adopt(read->roster, now); !adopted) return adopted.error();
  return take_certificate(read->certificate, keys, now);
}

void tell_fork(const Membership& membership, Effects& out) {
  const auto mark = [](const Bytes& text) { return to_hex(blake2b(text, Hash::size)).substr(0, 16); };
  std::vector<std::pair<std::string, std::string>> fields{
      {"version", std::to_string(membership.roster_version())},
      {"held", mark(membership.roster_text().text)}};
  if (membership.fork())
    fields.emplace_back("other", mark(membership.fork()->text));
  else
    fields.emplace_back("built_on", membership.roster()->prev.substr(0, 16));
  fields.emplace_back("what", "the root keys signed two different rosters of one version; ask their owners");
  out.push_back({Tell{{Level::alarm, "roster_forked", std::move(fields)}}, false});
}

}  // namespace mig::core
