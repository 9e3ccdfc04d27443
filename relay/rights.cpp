// Rosters and stops: what they change takes effect here at once.
#include "relay/inside.h"

namespace mig::relay {

using namespace core;

/// `from`: nullptr when it is from our own store or the enroller.
Status Relay::Inside::take_roster(const Object& object, const Link* from) {
  const bool fork_known = membership_.fork().has_value();
  auto adopted = membership_.adopt({object.text, object.signatures}, now_.wall);
  if (!adopted) return adopted.error();
  if (*adopted == Membership::Adopted::older) return refused("roster: a newer one is in force");
  const BoardKey key = board_key(ObjectKind::roster, {});
  if (*adopted == Membership::Adopted::forked && !fork_known) {
    store_.put("m/fork", pack_object(object));
    tell_fork(membership_, *out_);
    // Both are shown to everybody, so that whoever holds either one notices.
    flood(key, object, from);
    to_agents(object);
    if (from) links_.send(from->id, 1, Put{{membership_.roster_object()}}, *out_);
  }
  if (*adopted == Membership::Adopted::forked)
    return refused("roster: another one of this version is in force; this is a fork, and everybody is told");
  const Version version = membership_.version();
  if (!board_.wants(key, version)) return Done{};
  board_.pin(key, {object, version, membership_.roster()->expires}, false);
  store_.put("m/roster", pack_object(object));
  if (!membership_.fork()) store_.erase("m/fork");
  tell(Level::info, "roster", {{"version", std::to_string(version.major)}});
  if (membership_.built_on_another()) tell_fork(membership_, *out_);
  flood(key, object, from);
  to_agents(object);
  rights_changed();
  return Done{};
}

void Relay::Inside::take_stop(const Notice& notice, const Object& object, bool kept) {
  auto taken = membership_.take_stop({object.text, object.signatures}, now_.wall, kept);
  if (!taken || *taken != Membership::Adopted::newer) return;
  auto stop = parse_stop(object.text);
  tell(Level::warning, "stopped", {{"subject", stop->subject}, {"why", stop->reason}, {"until", to_rfc3339(notice.expires)}});
  to_agents(object);
}

void Relay::Inside::to_agents(const Object& object) {
  for (const auto& [agent, member] : members_.all())
    if (member.link != 0) links_.send(member.link, 1, Put{{object}}, *out_);
}

/// What an agent must know before it is offered anything.
void Relay::Inside::give_rights(Link& link, const Hello& hello) {
  const Version held{hello.roster_version, hello.roster_mark};
  if (held.major <= membership_.roster_version() && held != membership_.version()) links_.send(link.id, 1, Put{{membership_.roster_object()}}, *out_);
  if (const auto& fork = membership_.fork()) links_.send(link.id, 1, Put{{{ObjectKind::roster, fork->text, fork->signatures, {}}}}, *out_);
  std::vector<BoardKey> stops;
  for (const auto& [key, pinned] : board_.all())
    if (pinned.object.kind == ObjectKind::stop) stops.push_back(key);
  give(link, stops);
}

/// Links and notices of those who lost their rights end. Their actions stay offered: every agent refuses them itself, and says so.
void Relay::Inside::rights_changed() {
  std::vector<std::pair<LinkId, std::string>> over;
  auto judge = [&](const Link& link) {
    Status holds = Done{};
    if (link.role == Role::investigator) {
      if (auto session = verify_session(link.proof, *membership_.roster(), now_.wall); !session) holds = session.error();
    } else if (auto certificate = verify_certificate(link.proof, *membership_.roster(), now_.wall); !certificate) {
      holds = certificate.error();
    }
    if (!holds) over.emplace_back(link.id, holds.error().text);
  };
  for (const auto& [id, link] : links_.peers()) judge(*link);
  for (const auto& [agent, member] : members_.all())
    if (const Link* link = member.link == 0 ? nullptr : links_.find(member.link)) judge(*link);
  for (const auto& [id, why] : over) bye(id, ByeCode::bad_cert, why, 30'000);
  std::vector<BoardKey> fallen;
  for (const auto& [key, pinned] : board_.all()) {
    const ObjectKind kind = pinned.object.kind;
    const bool judged = kind == ObjectKind::relay || kind == ObjectKind::sink || kind == ObjectKind::draft;
    if (judged && !verify_notice(pinned.object, membership_, now_.wall)) fallen.push_back(key);
  }
  for (const auto& key : fallen) {
    board_.drop(key);
    gone(key);
  }
}

}  // namespace mig::relay
