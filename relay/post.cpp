// Routes: frames on their way to another relay or a reader, and what is addressed to this relay.
#include "relay/inside.h"

namespace mig::relay {

using namespace core;

namespace {
constexpr std::size_t told_agents = 200;  // lines in one TOLD frame
constexpr std::uint64_t most_ahead = 24 * 3'600'000;  // an instance is about a time in ms; a reader may not push it to the end of numbers
}

/// `row`: rows do not go out on a link before the first comparison of boards on it, for only then do we know whether
/// our store is our latest one.
void Relay::Inside::route(Route route, int frame_class, BytesView key, bool row) {
  Link* link = nullptr;
  if (route.to == keys_.id()) {
    link = links_.find_sink(route.sub);
  } else if (auto next = map_.next_hop(keys_.id(), route.to)) {
    link = links_.find_relay(*next);
  }
  if (!link || (row && !link->synced)) return;  // its owner says it again
  links_.send(link->id, frame_class, route, *out_, frame_class == 3 ? route.sub.view() : key);
}

/// What this relay states. REPLIES, HANDED, TOLD and GONE have no proof of their own: the route is signed.
Route Relay::Inside::routed(const NodeId& to, const SinkId& sub, const Routed& routed) const {
  Route route{to, sub, limits::hops, encode_routed(routed), {}};
  if (std::holds_alternative<Replies>(routed) || std::holds_alternative<Handed>(routed) || std::holds_alternative<Told>(routed) ||
      std::holds_alternative<Gone>(routed))
    route.signature = keys_.sign(domain::route, route_signing_text(route));
  return route;
}

void Relay::Inside::route_to_relay(const NodeId& to, const Routed& payload, int frame_class) {
  Route own = routed(to, {}, payload);
  if (to == keys_.id()) return delivered(payload, own);
  route(std::move(own), frame_class, {}, false);
}

void Relay::Inside::take(Link& link, Route& frame) {
  if (frame.to == keys_.id() && frame.sub.empty()) {
    auto routed = decode_routed(frame.payload);
    if (!routed) return tell(Level::debug, "bad_route", {{"from", link.name}, {"why", routed.error().text}});
    return delivered(*routed, frame);
  }
  if (frame.to == keys_.id() && !links_.find_sink(frame.sub)) return nobody_reads(frame);
  // An investigator's frames enter with the hops we give them; between relays they count down.
  if (link.role == Role::investigator) frame.ttl = limits::hops;
  if (frame.ttl == 0) return tell(Level::debug, "hop_limit", {{"from", link.name}});
  frame.ttl -= 1;
  const bool data = frame.payload.size() > 4096;  // replies; the middle does not look inside
  route(std::move(frame), data ? 3 : 2, {}, false);
}

void Relay::Inside::delivered(const Routed& routed, const Route& frame) {
  if (auto* pull = std::get_if<SignedPull>(&routed)) return take(*pull);
  if (auto* ask = std::get_if<SignedAsk>(&routed)) return take(*ask);
  if (auto* handover = std::get_if<Handover>(&routed)) return take(*handover);
  if (auto* handed = std::get_if<Handed>(&routed)) return take(*handed, frame);
  if (auto* gone = std::get_if<Gone>(&routed)) return take(*gone, frame);
  if (auto* enrol = std::get_if<EnrolRouted>(&routed)) return answer_enrolment(*enrol);
  if (auto* answer = std::get_if<EnrolledRouted>(&routed)) {
    if (answer->link == 0) return renewed(answer->enrolled);
    give_enrolled(answer->link, answer->enrolled);
  }
}

void Relay::Inside::take(const SignedPull& signed_pull) {
  auto pull = unpack_pull(signed_pull.pull);
  if (!pull) return;
  auto sink = sinks_.find(pull->sink);
  if (sink == sinks_.end() || pull->epoch != sink->second.record.epoch) return;
  if (!verify(domain::pull, signed_pull.pull, signed_pull.signature, sink->second.session.sign_key))
    return tell(Level::warning, "bad_pull", {{"sink", pull->sink.brief()}});
  // A row of ours that is newer than what we are, from a copy of us that has ended: unless we go beyond it, she keeps to it.
  for (const auto& item : pull->items)
    if (item.row_version.major > presence_.instance() && item.row_version.major - presence_.instance() < most_ahead) own_record(item.row_version);
  books_.pull(sink->second, *pull, now_);
}

void Relay::Inside::take(const SignedAsk& signed_ask) {
  auto ask = unpack_ask(signed_ask.ask);
  if (!ask) return;
  auto sink = sinks_.find(ask->sink);
  if (sink == sinks_.end() || !verify(domain::told, signed_ask.ask, signed_ask.signature, sink->second.session.sign_key)) return;
  const Account* account = nullptr;
  if (ask->action) {
    auto it = books_.all().find(*ask->action);
    if (it != books_.all().end() && it->second.readable_by(sink->second.session.investigator)) account = &it->second;
  }
  Told told{keys_.id(), ask->n, true, {}};
  auto send = [&](bool last) {
    told.last = last;
    route(routed(sink->second.record.relay, ask->sink, told), 3, {}, false);
    told.agents.clear();
  };
  for (const auto& [id, member] : members_.all()) {
    if (told.agents.size() >= told_agents) send(false);
    told.agents.push_back({id, member.name, member.link != 0, member.link != 0 ? now_.wall : member.last_seen, member.attributes,
                           account ? account->state_of(member) : State::unknown});
  }
  send(true);
}

/// A row for a reader whose session here has ended. Its maker would hold hand-overs back until she has it, and agents that have
/// moved would be counted twice by all other readers for as long as her SINK lives.
void Relay::Inside::nobody_reads(const Route& frame) {
  const auto departed = departed_.find(frame.sub);
  auto routed = decode_routed(frame.payload);
  auto* tally = routed ? std::get_if<Tally>(&*routed) : nullptr;
  if (departed == departed_.end() || !tally) return;
  std::set<NodeId> makers;
  for (const auto& signed_row : tally->rows)
    if (auto row = unpack_row(signed_row.row)) makers.insert(row->relay);
  for (const auto& maker : makers) route_to_relay(maker, Gone{frame.sub, departed->second});
}

void Relay::Inside::take(const Gone& gone, const Route& frame) {
  auto sink = sinks_.find(gone.sink);
  if (sink == sinks_.end() || sink->second.record.epoch != gone.epoch) return;
  auto certificate = relays_.find(sink->second.record.relay);
  if (certificate == relays_.end() || !verify(domain::route, route_signing_text(frame), frame.signature, certificate->second.sign_key))
    return tell(Level::warning, "bad_gone", {{"sink", gone.sink.brief()}});
  forget_reader(gone.sink);
}

void Relay::Inside::forget_reader(SinkId sink) {
  books_.no_reader(sink);
  sinks_.erase(sink);
  outbox_.hurry(now_.at);
}

/// Agents that came to us are told to their old homes, once every reader has seen them in a row of ours.
void Relay::Inside::hand_over() {
  for (auto* item : outbox_.due(now_.at)) {
    outbox_.tried(*item, now_.at);
    Member* member = members_.find(item->agent);
    if (!member) continue;
    for (const auto& [relay, certificate] : relays_) {
      if (link_name_of(certificate.link_key) != item->old_home || !map_.reachable(keys_.id(), relay)) continue;
      const auto& record = map_.records().find(relay);
      const bool told = record != map_.records().end() && record->second.instance == item->confirmed_instance;
      if (!told && books_.gate_open(*member, sinks_, now_)) route_to_relay(relay, Handover{member->id, member->ticket, member->certificate});
    }
  }
}

void Relay::Inside::take(const Handover& handover) {
  if (!membership_.roster()) return;
  auto certificate = verify_certificate(handover.certificate, *membership_.roster(), now_.wall);
  auto ticket = certificate ? verify_ticket(handover.ticket, certificate->sign_key) : Result<Ticket>(invalid("no certificate"));
  if (!ticket || ticket->agent != handover.agent) return tell(Level::warning, "bad_handover", {{"agent", handover.agent.brief()}});
  NodeId new_home;
  for (const auto& [relay, its] : relays_)
    if (link_name_of(its.link_key) == ticket->relay) new_home = relay;
  if (new_home.empty() || new_home == keys_.id()) return;
  Member* member = members_.find(handover.agent);
  if (member && member->attach_seq >= ticket->attach_seq) return;  // it has come back to us since
  if (member) {
    if (member->link != 0) bye(member->link, ByeCode::superseded, "this agent attached elsewhere");
    members_.leave(handover.agent);
    books_.left(handover.agent, now_);
    outbox_.drop(handover.agent);
    presence_.load(now_.at, static_cast<std::uint32_t>(members_.all().size()), members_.online());
    tell(Level::info, "handed_over", {{"agent", certificate->name}});
  }
  promise([this, new_home, agent = handover.agent, seq = ticket->attach_seq](bool ok) {
    if (ok) route_to_relay(new_home, Handed{agent, seq, presence_.instance(), books_.closed_of(agent)});
  });
}

void Relay::Inside::take(const Handed& handed, const Route& frame) {
  Member* member = members_.find(handed.agent);
  if (!member || member->attach_seq != handed.attach_seq) return;
  for (const auto& [relay, record] : map_.records()) {
    auto certificate = relays_.find(relay);
    if (record.instance != handed.instance || certificate == relays_.end()) continue;
    if (!verify(domain::route, route_signing_text(frame), frame.signature, certificate->second.sign_key)) continue;
    outbox_.confirmed(link_name_of(certificate->second.link_key), handed.agent, handed.instance);
    books_.closed_elsewhere(handed.agent, handed.closed, now_);
  }
}

void Relay::Inside::take(Link& link, const ResultFrame& frame) {
  Member* member = members_.find(link.node);
  if (!member || member->link != link.id) return;
  auto taken = books_.take(*member, frame, now_);
  if (frame.running) return;
  ActionKey key = frame.action;
  if (auto header = read_reply_header(frame.reply.header)) key = key_of(header->action);
  if (taken.refused) {
    tell(Level::warning, "reply_refused", {{"agent", link.name}, {"action", key.brief()}, {"why", taken.why}});
    links_.send(link.id, 2, Acks{{}, {}, {{key, *taken.refused, 0}}}, *out_);
    return;
  }
  if (!taken.complete) return;
  promise([this, id = link.id, key](bool ok) {
    links_.send(id, 2, ok ? Acks{{key}, {}, {}} : Acks{{}, {}, {{key, AckCode::full, 5000}}}, *out_);
  });
}

}  // namespace mig::relay
