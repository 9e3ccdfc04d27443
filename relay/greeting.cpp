// Who is at the other end: HELLO, WELCOME and enrolment.
#include <algorithm>

#include "relay/inside.h"

namespace mig::relay {

using namespace core;

namespace {
constexpr std::uint32_t busy_retry_ms = 5000;
constexpr Duration renew_again = Duration::seconds(60);
constexpr WallMs clocks_differ_ms = 60'000;
constexpr const char* two_machines = "two machines have this identity and take turns; end one of them";
}

/// We dialled: greet, or enrol first.
void Relay::Inside::greet(Link& link) {
  if (!membership_.enrolled()) {
    if (!setting_.joining) return;
    tell(Level::info, "enrolling", {{"at", link.address}});
    links_.send_now(link.id, membership_.enrol_request(*setting_.joining, keys_, setting_.name, setting_.segment, {}, random_), *out_);
    return;
  }
  Hello hello;
  hello.role = Role::relay;
  hello.proof = membership_.certificate();
  hello.boot_nonce = boot_nonce_;
  hello.now = aside_ ? 0 : now_.wall;
  hello.window = limits::relay_window;
  hello.roster_version = membership_.version().major;
  hello.roster_mark = membership_.version().minor;
  links_.send_now(link.id, hello, *out_);
}

void Relay::Inside::hello(Link& link, const Hello& hello) {
  if (link.direction != Direction::in) return bye(link.id, ByeCode::bad_proto, "HELLO goes from the one who dialled");
  if (hello.protocol_low > protocol_version || hello.protocol_high < protocol_version)
    return bye(link.id, ByeCode::bad_proto, "this relay speaks version 1 of the protocol");
  if (!membership_.enrolled()) return hello_too_early(link, hello);
  switch (hello.role) {
    case Role::relay: return hello_relay(link, hello);
    case Role::agent: return hello_agent(link, hello);
    case Role::investigator: return hello_investigator(link, hello);
  }
  bye(link.id, ByeCode::bad_proto, "unknown role");
}

/// Where no connection can be made outwards, the relay that dialled us is the only one to carry our request.
void Relay::Inside::hello_too_early(Link& link, const Hello& hello) {
  if (hello.role != Role::relay || !setting_.joining) return bye(link.id, ByeCode::busy, "this relay is not enrolled yet", busy_retry_ms);
  tell(Level::info, "enrolling", {{"through", link.address}});
  links_.send_now(link.id, membership_.enrol_request(*setting_.joining, keys_, setting_.name, setting_.segment, {}, random_), *out_);
}

void Relay::Inside::hello_relay(Link& link, const Hello& hello) {
  auto certificate = verify_certificate(hello.proof, *membership_.roster(), now_.wall);
  if (!certificate) return bye(link.id, ByeCode::bad_cert, certificate.error().text, 30'000);
  if (certificate->role != Role::relay || certificate->link_key != link.peer_key)
    return bye(link.id, ByeCode::bad_cert, "the certificate is not of this link's key", 30'000);
  if (certificate->id() == keys_.id()) return bye(link.id, ByeCode::self, "this is yourself", 3'600'000);
  if (rivals(link, *certificate, hello.boot_nonce)) return;
  link.node = certificate->id();
  if (!keep_this_link(link, certificate->id())) return bye(link.id, ByeCode::dup_link, "there is a link between us", 60'000);
  link.role = Role::relay;
  link.proof = hello.proof;
  link.name = certificate->name;
  link.sign_key = certificate->sign_key;
  welcome(link, hello);
  links_.up(now_, link, hello.window, limits::relay_window, false);
  relay_up(link);
}

bool Relay::Inside::rivals(Link& link, const Certificate& who, std::uint64_t boot_nonce) {
  const auto judged = rivals_.came(who.id(), boot_nonce, link.address, now_.at);
  if (judged.news)
    tell(Level::alarm, "cloned", {{"peer", who.name}, {"id", who.id().hex()}, {"what", "two machines have its identity and take turns, from " + judged.where}});
  // Relays find out by themselves which of the two stays.
  if (judged.hold_off.us == 0 || who.role == Role::relay) return false;
  const auto wait = static_cast<std::uint32_t>(judged.hold_off.us / 1000);
  if (Member* known = members_.find(who.id()); known && known->link != 0) bye(known->link, ByeCode::dup_id, two_machines, wait);
  bye(link.id, ByeCode::dup_id, two_machines, wait);
  return true;
}

/// Two relays that dial each other keep the link dialled by the lower id; an older session of the same direction ends.
bool Relay::Inside::keep_this_link(const Link& link, const NodeId& peer) {
  std::vector<LinkId> others;
  for (const auto& [id, other] : links_.peers())
    if (id != link.id && other->role == Role::relay && other->node == peer) others.push_back(id);
  for (LinkId other : others) {
    const Direction direction = links_.find(other)->direction;
    const bool lower_dials = (keys_.id() < peer) == (link.direction == Direction::out);
    if (direction != link.direction && !lower_dials) return false;
    bye(other, direction == link.direction ? ByeCode::superseded : ByeCode::dup_link, "another link between us is kept");
  }
  return true;
}

void Relay::Inside::welcome(Link& link, const Hello& hello) {
  Welcome welcome;
  welcome.certificate = membership_.certificate();
  welcome.session = link.session = ++sessions_;
  welcome.now = now_.wall;
  welcome.window = hello.role == Role::agent ? limits::agent_window : hello.role == Role::relay ? limits::relay_window : limits::investigator_window;
  welcome.beat_s = static_cast<std::uint32_t>((hello.role == Role::relay ? limits::beat_relay : limits::beat_leaf).us / 1'000'000);
  welcome.herd_ms = limits::herd_ms_per_agent * static_cast<std::uint32_t>(members_.all().size());
  welcome.roster_version = membership_.roster_version();
  if (hello.role == Role::agent) welcome.peers = others_here(link.node);
  links_.send_now(link.id, welcome, *out_);
}

/// Where an agent of this segment can turn to when this relay is gone: each is given an order of its own, so that they spread.
std::vector<std::string> Relay::Inside::others_here(const NodeId& leaf) const {
  std::vector<std::pair<Bytes, const RelayRecord*>> ranked;
  for (const auto& [id, record] : map_.records())
    if (id != keys_.id() && record.segment == setting_.segment && !record.endpoints.empty()) ranked.emplace_back(blake2b(leaf.bytes() + id.bytes(), 16), &record);
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> out;
  for (const auto& [rank, record] : ranked)
    for (const auto& endpoint : record->endpoints)
      if (out.size() < limits::alternatives) out.push_back(endpoint);
  return out;
}

void Relay::Inside::hello_agent(Link& link, const Hello& hello) {
  auto certificate = verify_certificate(hello.proof, *membership_.roster(), now_.wall);
  if (!certificate) return bye(link.id, ByeCode::bad_cert, certificate.error().text, 30'000);
  if (certificate->role != Role::agent || certificate->link_key != link.peer_key)
    return bye(link.id, ByeCode::bad_cert, "the certificate is not of this link's key", 30'000);
  auto ticket = verify_ticket(hello.ticket, certificate->sign_key);
  if (!ticket || ticket->agent != certificate->id() || ticket->relay != link_name_of(keys_.link_public()))
    return bye(link.id, ByeCode::bad_object, "the ticket is not for this relay", 30'000);
  if (hello.attributes.size() > limits::attributes_bytes) return bye(link.id, ByeCode::bad_object, "attributes over 2 KiB", 30'000);
  if (rivals(link, *certificate, hello.boot_nonce)) return;
  Member* known = members_.find(certificate->id());
  if (known && ticket->attach_seq <= known->attach_seq)
    return bye(link.id, ByeCode::stale_seq, "attach_seq must grow", 100, known->attach_seq + 1);
  if (!known && members_.all().size() >= setting_.agents_max)
    return bye(link.id, ByeCode::busy, "this relay has all the agents it may have", busy_retry_ms);
  if (known && known->link != 0 && known->link != link.id) bye(known->link, ByeCode::superseded, "a newer session of this agent began");

  Member member;
  member.id = certificate->id();
  member.name = certificate->name;
  member.attach_seq = ticket->attach_seq;
  member.ticket = hello.ticket;
  member.certificate = hello.proof;
  member.attributes = hello.attributes;
  member.first_seen = member.last_seen = now_.wall;
  member.here_since = now_.at;
  member.sign_key = certificate->sign_key;
  members_.enter(std::move(member));
  for (const auto& old_home : hello.maybe_at)
    if (old_home != link_name_of(keys_.link_public())) outbox_.add(old_home, certificate->id());

  // The register entry is on disk before the agent hears WELCOME; only then is it attached and offered work.
  promise([this, id = link.id, hello, certificate = *certificate](bool ok) {
    Link* waiting = links_.find(id);
    if (!waiting || waiting->phase != Link::Phase::greeting) return;
    if (!ok) return bye(id, ByeCode::busy, "this relay's disk is full or failing", busy_retry_ms);
    Member* entered = members_.find(certificate.id());
    if (!entered) return;
    waiting->role = Role::agent;
    waiting->proof = hello.proof;
    waiting->node = certificate.id();
    waiting->name = certificate.name;
    waiting->sign_key = certificate.sign_key;
    welcome(*waiting, hello);
    links_.up(now_, *waiting, hello.window, limits::agent_window, true);
    entered->link = id;
    outbox_.release(certificate.id(), now_.at);
    tell(Level::info, "agent_attached", {{"agent", certificate.name}, {"id", certificate.id().hex()}});
    give_rights(*waiting, hello);
    books_.attached(*entered, hello.held, now_);
    books_.offer_all(*entered, now_);
    presence_.load(now_.at, static_cast<std::uint32_t>(members_.all().size()), members_.online());
  });
}

void Relay::Inside::hello_investigator(Link& link, const Hello& hello) {
  auto session = verify_session(hello.proof, *membership_.roster(), now_.wall);
  if (!session) return bye(link.id, ByeCode::bad_cert, session.error().text, 30'000);
  if (session->session.link_key != link.peer_key)
    return bye(link.id, ByeCode::bad_cert, "the session is not of this link's key", 30'000);
  if (Link* older = links_.find_sink(session->session.sink)) bye(older->id, ByeCode::superseded, "a newer session of this sink began");
  link.role = Role::investigator;
  link.proof = hello.proof;
  link.name = session->name;
  link.sink = session->session.sink;
  link.sign_key = session->session.sign_key;
  link.investigator = session->session.investigator;
  welcome(link, hello);
  links_.up(now_, link, hello.window, limits::investigator_window, true);
  give_rights(link, hello);
  tell(Level::info, "investigator_attached", {{"name", link.name}, {"sink", link.sink.brief()}});
}

void Relay::Inside::welcomed(Link& link, const Welcome& welcome) {
  if (link.direction != Direction::out || !membership_.enrolled()) return bye(link.id, ByeCode::bad_proto, "unexpected WELCOME");
  auto certificate = verify_certificate(welcome.certificate, *membership_.roster(), now_.wall);
  if (!certificate) return bye(link.id, ByeCode::bad_cert, certificate.error().text);
  if (certificate->role != Role::relay || certificate->link_key != link.peer_key)
    return bye(link.id, ByeCode::bad_cert, "the certificate is not of this link's key");
  link.node = certificate->id();
  if (!keep_this_link(link, certificate->id())) return bye(link.id, ByeCode::dup_link, "there is a link between us");
  link.role = Role::relay;
  link.proof = welcome.certificate;
  link.name = certificate->name;
  link.sign_key = certificate->sign_key;
  link.session = welcome.session;
  links_.up(now_, link, welcome.window, limits::relay_window, false);
  for (auto& target : targets_)
    if (target.link == link.id) target.backoff.good();
  relay_up(link);
}

void Relay::Inside::relay_up(Link& link) {
  tell(Level::info, "link_up", {{"peer", link.name}, {"id", link.node.brief()}});
  sync(link, 0xffffffff);
}

/// One of us lets things expire too early or too late: said once a link. What waited while we stood still tells no time.
void Relay::Inside::compare_clocks(const Link& link, WallMs theirs) {
  const WallMs ahead = theirs - now_.wall;
  if (std::abs(ahead) <= clocks_differ_ms || now_.at <= stalled_at_ + limits::beat_relay || !clock_told_.insert(link.id).second) return;
  tell(Level::alarm, "clocks_differ", {{"peer", link.name}, {"what", rough_span(ahead) + (ahead > 0 ? " ahead of ours" : " behind ours")}});
}

void Relay::Inside::enrol(Link& link, const Enrol& enrol) {
  if (!membership_.enrolled()) return bye(link.id, ByeCode::busy, "this relay is not enrolled yet", 1000);
  if (enrol.answer_to != link.peer_key) return bye(link.id, ByeCode::bad_object, "the answer must go to this link's key");
  if (enroller_ && enroller_->key() == enrol.to) return answer_enrolment({keys_.id(), link.id, enrol});
  // No enroller may be within reach yet, as when a whole mesh starts: the request waits as long as the greeting may.
  enrolments_[link.id] = enrol;
  pass_enrolments();
}

void Relay::Inside::pass_enrolments() {
  if (enrolments_.empty()) return;
  const NodeId enroller = reachable_enroller();
  for (auto it = enrolments_.begin(); it != enrolments_.end();) {
    const bool gone = links_.find(it->first) == nullptr;
    if (!gone && enroller.empty()) {
      ++it;
      continue;
    }
    if (!gone) route_to_relay(enroller, EnrolRouted{keys_.id(), it->first, it->second});
    it = enrolments_.erase(it);
  }
}

NodeId Relay::Inside::reachable_enroller() const {
  for (const auto& [id, record] : map_.records())
    if (record.enroller && id != keys_.id() && map_.reachable(keys_.id(), id)) return id;
  return {};
}

void Relay::Inside::answer_enrolment(const EnrolRouted& routed) {
  if (!enroller_) return;
  auto decision = enroller_->decide(routed.enrol, membership_, now_.wall, random_);
  tell(decision.refused.empty() ? Level::info : Level::warning, decision.refused.empty() ? "enrolled" : "enrolment_refused",
       {{"name", decision.name}, {"why", decision.refused}});
  auto say = [this, routed, answer = decision.answer](bool ok) {
    if (!ok) return;  // it asks again
    if (routed.origin != keys_.id()) return route_to_relay(routed.origin, EnrolledRouted{routed.link, answer});
    if (routed.link == 0) return renewed(answer);
    give_enrolled(routed.link, answer);
  };
  if (decision.wrote)
    promise(say);
  else
    say(true);
}

/// To a node that joins, or to an agent of ours that renews its certificate.
void Relay::Inside::give_enrolled(LinkId id, const Enrolled& answer) {
  Link* link = links_.find(id);
  if (link == nullptr) return;
  if (link->phase == Link::Phase::greeting)
    links_.send_now(id, answer, *out_);
  else if (link->role == Role::agent)
    links_.send(id, 1, answer, *out_);
}

/// Our own certificate, in time. An enroller asks itself.
void Relay::Inside::renew() {
  if (!membership_.enrolled() || now_.at < renew_at_) return;
  renew_at_ = now_.at + renew_again;
  if (now_.wall < membership_.renew_at()) {
    renew_at_ = now_.at + std::min(Duration::millis(membership_.renew_at() - now_.wall), Duration::seconds(3600));
    return;
  }
  auto request = membership_.renewal_request(keys_, random_);
  const NodeId to = reachable_enroller();
  if (!request || (!enroller_ && to.empty())) return tell(Level::warning, "not_renewed", {{"why", request ? "no enroller is within reach" : request.error().text}});
  const EnrolRouted routed{keys_.id(), 0, *request};
  if (enroller_) return answer_enrolment(routed);
  route_to_relay(to, routed);
}

void Relay::Inside::renewed(const Enrolled& answer) {
  auto taken = membership_.take_answer(answer, keys_, now_.wall);
  if (!taken) return tell(Level::warning, "not_renewed", {{"why", taken.error().text}});
  store_.put("m/certificate", membership_.certificate());
  renew_at_ = now_.at;
  presence_.renewed(now_.at);
  tell(Level::info, "renewed", {{"next", to_rfc3339(membership_.renew_at())}});
}

void Relay::Inside::enrolled(Link& link, const Enrolled& answer) {
  if (membership_.enrolled() || !setting_.joining) return;
  if (auto taken = membership_.take_answer(answer, keys_, now_.wall); !taken) {
    tell(Level::alarm, "enrolment_refused", {{"why", taken.error().text}});
    return bye(link.id, ByeCode::shutdown, "not enrolled");
  }
  store_.put("m/certificate", membership_.certificate());
  (void)take_roster(membership_.roster_object(), nullptr);
  tell(Level::info, "enrolled", {{"mesh", setting_.trust.name}, {"id", keys_.id().hex()}});
  // Who dials greets; its HELLO of before could not be judged.
  if (link.direction == Direction::in) return bye(link.id, ByeCode::busy, "this relay is enrolled now", 0);
  greet(link);
}

}  // namespace mig::relay
