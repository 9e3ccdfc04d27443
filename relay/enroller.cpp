#include "relay/enroller.h"

#include <set>

#include "node/core/limits.h"
#include "node/core/seal.h"

namespace mig::relay {

using namespace core;

Enroller::Enroller(const Seed& seed, store::Store& store, WallMs certificate_life_ms) : keys_(seed), seed_(seed), store_(store), life_ms_(certificate_life_ms) {}

Bytes Enroller::certify(const Keys& node, Role role, const std::string& name, const std::string& segment, WallMs now) const {
  Certificate certificate;
  certificate.role = role;
  certificate.sign_key = node.sign_public();
  certificate.link_key = node.link_public();
  certificate.name = name;
  certificate.segment = segment;
  certificate.not_before = now - limits::clock_skew_ms;
  certificate.not_after = now + life_ms_;
  certificate.serial = static_cast<std::uint64_t>(now);
  certificate.enroller = keys_.sign_public();
  return issue(certificate, keys_);
}

Enroller::Decision Enroller::decide(const Enrol& enrol, const Membership& membership, WallMs now, Random& random) {
  Decision decision;
  EnrolAnswer answer;
  auto opened = open(enrol.sealed, *link_public_of(keys_.sign_public()), link_secret_of_seed(seed_));
  auto request = opened ? read_enrol_request(*opened) : Result<EnrolRequest>(opened.error());
  Invite invite;
  if (!request) {
    decision.refused = request.error().text;
  } else if (request->renews) {
    auto certificate = renewed(*request, *membership.roster(), now);
    decision.name = certificate ? certificate->name : "";
    if (!certificate) decision.refused = certificate.error().text;
    if (certificate) answer.certificate = issue(*certificate, keys_);
    answer.roster = membership.roster_text();
  } else if (auto admitted = admit(*request, now, invite); !admitted) {
    decision.name = request->name;
    decision.refused = admitted.error().text;
  } else {
    decision.name = request->name;
    decision.wrote = true;
    Certificate certificate{invite.role, request->sign_key, request->link_key, request->name,
                            invite.segment.empty() ? request->segment : invite.segment, request->tags,
                            now - limits::clock_skew_ms, now + life_ms_, random.u64() >> 1, keys_.sign_public()};
    for (const auto& [key, value] : invite.tags) certificate.tags[key] = value;  // the inviter's word stands
    answer.certificate = issue(certificate, keys_);
    answer.roster = membership.roster_text();
  }
  answer.refused = decision.refused;
  decision.answer.sealed = seal(write_enrol_answer(answer), enrol.answer_to, random);
  return decision;
}

/// Whoever holds a certificate that still counts gets it for longer; nothing else in it changes.
Result<Certificate> Enroller::renewed(const EnrolRequest& request, const Roster& roster, WallMs now) const {
  auto held = verify_certificate(request.invite, roster, now);
  if (!held) return held;
  if (held->sign_key != request.sign_key || held->link_key != request.link_key) return refused("renewal: the certificate is of other keys");
  held->not_before = now - limits::clock_skew_ms;
  held->not_after = now + life_ms_;
  return held;
}

Status Enroller::admit(const EnrolRequest& request, WallMs now, Invite& invite) {
  auto verified = verify_invite(request.invite, keys_.sign_public(), now);
  if (!verified) return verified.error();
  invite = *verified;
  if (request.name.empty() || request.name.size() > limits::name_bytes)
    return invalid("the name must have 1 to 64 characters");
  std::set<std::string> tags;
  for (const auto& [key, value] : request.tags) tags.insert(key);
  for (const auto& [key, value] : invite.tags) tags.insert(key);
  if (tags.size() > limits::tags) return invalid("a node may have 32 tags at most, the invite's included");
  // The same node asking again (its answer was lost) uses nothing up.
  const Bytes user = "i/" + invite.id + request.sign_key.bytes();
  if (store_.get(user)) return Done{};
  std::uint32_t used = 0;
  store_.scan("i/" + invite.id, [&](BytesView, BytesView) { return ++used < invite.uses; });
  if (used >= invite.uses) return refused("this invite has been used up; make a new one with `mig invite`");
  store_.put(user, "1");
  return Done{};
}

}  // namespace mig::relay
