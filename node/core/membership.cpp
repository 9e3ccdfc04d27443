#include "node/core/membership.h"

#include "node/core/seal.h"

namespace mig::core {

Result<Membership::Adopted> Membership::adopt(const SignedText& roster, WallMs now) {
  if (roster_ && roster.text == roster_text_.text) return Adopted::same;
  auto verified = verify_roster(roster, trust_, now);
  if (!verified) return verified.error();
  if (roster_ && verified->version == roster_->version) return Adopted::forked;
  if (roster_ && verified->version < roster_->version) return Adopted::older;
  roster_ = std::move(*verified);
  roster_text_ = roster;
  return Adopted::newer;
}

Status Membership::take_certificate(BytesView certificate, const Keys& keys, WallMs now) {
  if (!roster_) return Error{Code::later, "certificate: there is no roster yet to verify it with"};
  auto verified = verify_certificate(certificate, *roster_, now);
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

Status Membership::take_answer(const Enrolled& answer, const Keys& keys, WallMs now) {
  auto opened = open(answer.sealed, keys.link_public(), keys.link_secret());
  if (!opened) return opened.error();
  auto read = read_enrol_answer(*opened);
  if (!read) return read.error();
  if (!read->refused.empty()) return refused("enrolment: " + read->refused);
  if (auto adopted = adopt(read->roster, now); !adopted) return adopted.error();
  return take_certificate(read->certificate, keys, now);
}

}  // namespace mig::core
