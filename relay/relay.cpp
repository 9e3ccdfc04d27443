#include "relay/relay.h"

#include <algorithm>

#include "relay/inside.h"

namespace mig::relay {

using namespace core;

namespace {
constexpr std::uint32_t aside_retry_ms = 60'000;
constexpr WallMs clock_kept_every_ms = 60'000;
}

Relay::Relay(RelaySetting setting, store::Store& store, const Seed& random_seed)
    : inside_(std::make_unique<Inside>(std::move(setting), store, random_seed)) {}
Relay::~Relay() = default;
void Relay::step(const Now& now, const Input& input, Effects& out) { inside_->step(now, input, out); }
Instant Relay::wake() const { return inside_->wake(); }
void Relay::reachable_at(const std::vector<Endpoint>& endpoints) { inside_->reachable_at(endpoints); }

Relay::Inside::Inside(RelaySetting setting, store::Store& store, const Seed& random_seed)
    : setting_(std::move(setting)),
      store_(store),
      keys_(setting_.seed),
      random_(random_seed),
      membership_(setting_.trust),
      board_(store),
      chunks_(store),
      members_(store),
      outbox_(store),
      enroller_(setting_.enroller_seed ? std::optional<Enroller>(std::in_place, *setting_.enroller_seed, store, setting_.certificate_life_ms) : std::nullopt),
      presence_(store, keys_.id(), setting_.name, setting_.segment, setting_.enroller_seed.has_value(),
                setting_.software, random_.u64()),
      books_(store, members_, keys_.id(), setting_.retention_ms,
             {[this](const SinkNotice& sink, int frame_class, const Routed& payload, BytesView key) {
                route(routed(sink.record.relay, sink.record.sink, payload), frame_class, key, std::holds_alternative<Tally>(payload));
              },
              [this](const Member& member, int frame_class, const Message& message, BytesView key) {
                links_.send(member.link, frame_class, message, *out_, key);
              },
              [this](BytesView row) { return keys_.sign(domain::row, row); }}),
      boot_nonce_(random_.u64()) {
  for (const auto& endpoint : setting_.dial) targets_.push_back({endpoint, 0, {}, Instant::never(), {}});
}

void Relay::Inside::step(const Now& now, const Input& input, Effects& out) {
  const Instant wanted = links_.wake();
  now_ = now;
  out_ = &out;
  if (wanted != Instant::never() && now.at > wanted + limits::stall) links_.forgive(now.at - wanted), stalled_at_ = now.at;
  if (!booted_) boot();
  watch_clock();
  if (auto* fact = std::get_if<Linked>(&input)) linked(*fact);
  if (auto* fact = std::get_if<Heard>(&input)) heard(*fact);
  if (auto* fact = std::get_if<Committed>(&input)) committed(*fact);
  tick();
}

void Relay::Inside::boot() {
  booted_ = true;
  if (auto kept = store_.get("m/clock")) clock_high_ = clock_kept_ = setting_.clock_is_right ? 0 : std::strtoll(kept->c_str(), nullptr, 10);
  const WallMs claimed = std::exchange(now_.wall, std::max(now_.wall, clock_high_));  // what is on the disk was verified by then
  if (auto packed = store_.get("m/roster"))
    if (auto object = unpack_object(*packed)) (void)membership_.adopt({object->text, object->signatures}, now_.wall);
  if (setting_.roster) (void)membership_.adopt(*setting_.roster, now_.wall);
  if (auto packed = store_.get("m/fork"))
    if (auto object = unpack_object(*packed)) (void)membership_.adopt({object->text, object->signatures}, now_.wall);
  if (auto certificate = store_.get("m/certificate")) (void)membership_.take_certificate(*certificate, keys_, now_.wall);
  if (membership_.roster() && enroller_ && !membership_.enrolled()) {
    auto taken = membership_.take_certificate(
        enroller_->certify(keys_, Role::relay, setting_.name, setting_.segment, now_.wall), keys_, now_.wall);
    if (!taken) tell(Level::alarm, "not_enrolled", {{"why", taken.error().text}});
    store_.put("m/certificate", membership_.certificate());
  }
  presence_.boot(now_.wall);
  // Stops first: what they took away must not be pinned.
  const auto held = board_.load();
  auto pin_held = [&](bool stops) {
    for (const auto& [key, object] : held) {
      if ((object.kind == ObjectKind::stop) != stops) continue;
      auto notice = stops ? kept_stop(object, membership_, now_.wall) : verify_notice(object, membership_, now_.wall);
      if (notice)
        pin(*notice, object, nullptr);
      else
        board_.forget(key);
    }
  };
  pin_held(true);
  pin_held(false);
  chunks_.tidy();
  if (membership_.roster()) (void)take_roster(membership_.roster_object(), nullptr);
  if (membership_.fork()) tell_fork(membership_, *out_);
  books_.load(presence_.instance(), presence_.reset_at(), now_);
  presence_.load(now_.at, static_cast<std::uint32_t>(members_.all().size()), 0);
  now_.wall = claimed;
  tell(Level::info, "booted", {{"relay", setting_.name}, {"id", keys_.id().hex()}, {"agents", std::to_string(members_.all().size())}});
}

void Relay::Inside::linked(const Linked& linked) {
  auto target = std::find_if(targets_.begin(), targets_.end(), [&](const DialTarget& t) { return t.link == linked.link && t.link != 0; });
  if (!linked.up) return lost(linked.link, "the connection broke or was refused");
  if (linked.direction == Direction::in && links_.greeting() >= limits::links_unproven) {
    out_->push_back({Close{linked.link}, false});
    return;
  }
  if (linked.direction == Direction::out && target == targets_.end()) return;
  if (aside_ && !clock_went_back() && linked.direction == Direction::out) {
    out_->push_back({Close{linked.link}, false});
    return lost(linked.link, "this relay stands aside");
  }
  Link& link = links_.opened(now_, linked);
  if (linked.direction == Direction::out) greet(link);
}

void Relay::Inside::heard(const Heard& heard) {
  Link* link = links_.find(heard.from);
  auto message = decode(heard.frame);
  if (!link) {  // a session we do not know: the other end must begin anew
    if (message && !std::holds_alternative<Bye>(*message))
      out_->push_back({Send{heard.from, encode(Bye{ByeCode::reset, 0, 0, {}, "unknown session"})}, false});
    return;
  }
  if (!message) {
    tell(Level::debug, "bad_frame", {{"from", link->address}, {"why", message.error().text}});
    if (link->phase == Link::Phase::greeting) bye(link->id, ByeCode::bad_proto, message.error().text);
    return;
  }
  const bool counted = !std::holds_alternative<Beat>(*message) && !std::holds_alternative<Bye>(*message);
  links_.heard(now_, *link, heard.frame.size(), counted, board_.root(), *out_);
  if (auto* goodbye = std::get_if<Bye>(&*message)) {
    tell(Level::info, "bye", {{"from", link->name.empty() ? link->address : link->name}, {"code", std::string(to_text(goodbye->code))}, {"why", goodbye->text}});
    out_->push_back({Close{link->id}, false});
    return lost(link->id, "it said goodbye");
  }
  if (link->phase == Link::Phase::greeting)
    greeted(*link, *message);
  else
    spoken(*link, *message);
}

void Relay::Inside::greeted(Link& link, const Message& message) {
  if (aside_ && !clock_testified(link, message)) return bye(link.id, aside_->code, aside_->text, aside_->retry_ms);
  if (auto* hello_ = std::get_if<Hello>(&message)) return hello(link, *hello_);
  if (auto* welcome_ = std::get_if<Welcome>(&message)) return welcomed(link, *welcome_);
  if (auto* enrol_ = std::get_if<Enrol>(&message)) return enrol(link, *enrol_);
  if (auto* answer = std::get_if<Enrolled>(&message)) return enrolled(link, *answer);
  if (std::holds_alternative<Unknown>(message)) return;
  bye(link.id, ByeCode::reset, "say HELLO first");
}

void Relay::Inside::spoken(Link& link, Message& message) {
  const bool relay = link.role == Role::relay, agent = link.role == Role::agent;
  if (auto* beat = std::get_if<Beat>(&message)) {
    links_.on_beat(link, *beat, *out_);
    if (relay) compare_clocks(link, beat->now);
    // Two beats in a row with another root: something got lost on the way; compare boards.
    if (relay) root_differs_[link.id] = beat->root == board_.root() ? 0 : root_differs_[link.id] + 1;
    if (relay && root_differs_[link.id] >= 2 && now_.at >= synced_at_[link.id] + limits::sync_gap) sync(link, 0xffffffff);
    return;
  }
  if (auto* put = std::get_if<Put>(&message); put && !agent) return take(link, *put);
  if (auto* sync_ = std::get_if<Sync>(&message); sync_ && !agent) return take(link, *sync_);
  if (auto* want = std::get_if<Want>(&message)) return take(link, *want);
  if (auto* route_ = std::get_if<Route>(&message); route_ && !agent) return take(link, *route_);
  if (auto* enrol_ = std::get_if<Enrol>(&message); enrol_ && agent) return enrol(link, *enrol_);
  if (auto* result = std::get_if<ResultFrame>(&message); result && agent) return take(link, *result);
  tell(Level::debug, "ignored", {{"from", link.name}, {"what", std::string(name_of(message))}});
}

void Relay::Inside::committed(const Committed& committed) {
  auto due = std::exchange(promises_, {});
  for (auto& promise : due) {
    if (promise.batch <= committed.batch && (committed.ok || promise.batch == committed.batch))
      promise.settle(committed.ok);
    else
      promises_.push_back(std::move(promise));
  }
  if (!committed.ok) tell(Level::alarm, "disk_refused", {{"what", "the state directory cannot be written; agents keep their results until it can"}});
}

void Relay::Inside::promise(std::function<void(bool)> settle) {
  // The outcome of an empty batch is never heard; what was promised may have been written in an earlier step.
  store_.put("m/promised", std::to_string(store_.batch()));
  if (!clock_went_back() && clock_high_ > clock_kept_ + clock_kept_every_ms) keep_clock();
  promises_.push_back({store_.batch(), std::move(settle)});
}

void Relay::Inside::tick() {
  for (LinkId dead : links_.tick(now_, board_.root(), *out_)) {
    bye(dead, ByeCode::timeout, "nothing was heard");
    lost(dead, "nothing was heard from it");
  }
  for (auto& target : targets_) {
    if (target.link != 0 || now_.at < target.next_try || (aside_ && !clock_went_back())) continue;
    target.link = ++last_link_;
    out_->push_back({Dial{target.link, target.to}, false});
  }
  expire();
  pass_enrolments();
  if (!aside_) renew();
  std::set<NodeId> neighbours;
  for (const auto& [id, link] : links_.peers())
    if (link->role == Role::relay && now_.at >= link->up_since + limits::neighbour_after) neighbours.insert(link->node);
  presence_.neighbours(now_.at, std::move(neighbours));
  if (membership_.enrolled() && !aside_) publish_own_record();
  hand_over();
  books_.tick(now_, sinks_);
  ask_for_chunks();
}

Instant Relay::Inside::wake() const {
  Instant next = std::min({links_.wake(), books_.wake(), outbox_.wake()});
  if (!links_.peers().empty()) next = std::min(next, chunks_.wake());  // else there is nobody to ask
  if (membership_.enrolled() && !aside_) next = std::min({next, presence_.wake(), renew_at_});
  for (const auto& target : targets_)
    if (target.link == 0 && (!aside_ || clock_went_back())) next = std::min(next, target.next_try);
  for (const auto& [id, link] : links_.peers())
    if (link->role == Role::relay && now_.at < link->up_since + limits::neighbour_after) next = std::min(next, link->up_since + limits::neighbour_after);
  if (board_.next_expiry() != std::numeric_limits<WallMs>::max())
    next = std::min(next, now_.at + Duration::millis(std::max<WallMs>(board_.next_expiry() - now_.wall, 1)));
  return next;
}

void Relay::Inside::tell_down(LinkId id, const std::string& why) {
  if (Link* link = links_.find(id); link && link->phase == Link::Phase::up)
    tell(Level::info, "link_down", {{"role", std::string(to_text(link->role))}, {"peer", link->name}, {"why", why}});
}

void Relay::Inside::lost(LinkId id, const char* why) {
  for (auto& target : targets_) {
    if (target.link != id || id == 0) continue;
    target.link = 0;
    target.next_try = target.backoff.failed(now_.at, random_);
  }
  tell_down(id, why);
  if (const Link* link = links_.find(id); link && link->role == Role::investigator)
    if (auto sink = sinks_.find(link->sink); sink != sinks_.end() && sink->second.record.relay == keys_.id()) {
      departed_[sink->first] = sink->second.record.epoch;
      forget_reader(sink->first);
    }
  for (auto& [agent, member] : members_.all()) {
    if (member.link != id || id == 0) continue;
    member.link = 0;
    members_.seen(member, now_.wall);
    books_.detached(member, now_);
    presence_.load(now_.at, static_cast<std::uint32_t>(members_.all().size()), members_.online());
  }
  links_.closed(id);
  chunks_.lost(id);
  std::erase_if(unsettled_, [&](const auto& entry) { return entry.first == id; });
  syncing_.erase(id);
  synced_at_.erase(id);
  clock_told_.erase(id);
  root_differs_.erase(id);
}

void Relay::Inside::bye(LinkId id, ByeCode code, std::string text, std::uint32_t retry_ms, std::uint64_t min_seq) {
  Bye bye{code, retry_ms, min_seq, {}, std::move(text)};
  if (code == ByeCode::busy || code == ByeCode::dup_id) {
    bye.alternatives = others_here(links_.find(id) ? links_.find(id)->node : NodeId{});
    for (const auto& target : setting_.dial)
      if (bye.alternatives.size() < limits::alternatives) bye.alternatives.push_back(to_text(target));
  }
  tell_down(id, bye.text);
  links_.bye(id, bye, *out_);
  lost(id, "dismissed");
}

void Relay::Inside::watch_clock() {
  clock_high_ = std::max(clock_high_, now_.wall);
  const WallMs behind = clock_high_ - now_.wall;
  if (behind > limits::clock_skew_ms && !aside_)
    stand_aside(ByeCode::busy, "this relay's clock went back by " + rough_span(behind) + ": what is over would live again; set the clock, or start with --clock-is-right");
  if (behind > limits::clock_skew_ms || !clock_went_back()) return;
  aside_.reset();
  tell(Level::info, "clock_right", {{"now", to_rfc3339(now_.wall)}});
}

void Relay::Inside::keep_clock() {
  clock_kept_ = clock_high_;
  store_.put("m/clock", std::to_string(clock_kept_));
}

/// It may have been the earlier time that was wrong. A neighbour who has the same time as we, and whose clock did not go
/// back, settles that: one that stands aside itself says no time in HELLO, and no WELCOME.
bool Relay::Inside::clock_testified(const Link& link, const Message& message) {
  const auto* hello = std::get_if<Hello>(&message);
  const auto* welcome = std::get_if<Welcome>(&message);
  if (!clock_went_back() || !membership_.roster() || (!welcome && !(hello && hello->role == Role::relay))) return false;
  auto certificate = verify_certificate(hello ? hello->proof : welcome->certificate, *membership_.roster(), now_.wall);
  if (!certificate || certificate->role != Role::relay || certificate->link_key != link.peer_key) return false;
  if (std::abs((hello ? hello->now : welcome->now) - now_.wall) > limits::clock_skew_ms) return false;
  clock_high_ = now_.wall;
  keep_clock();
  watch_clock();
  return true;
}

void Relay::Inside::stand_aside(ByeCode code, std::string why) {
  aside_ = Bye{code, aside_retry_ms, 0, {}, std::move(why)};
  tell(Level::alarm, "standing_aside", {{"why", aside_->text}});
  std::vector<LinkId> all;
  for (const auto& [id, link] : links_.peers()) all.push_back(id);
  for (const auto& [agent, member] : members_.all())
    if (member.link != 0) all.push_back(member.link);
  for (LinkId id : all) bye(id, code, aside_->text, aside_retry_ms);
}

void Relay::Inside::tell(Level level, std::string name, Fields fields) {
  out_->push_back({Tell{{level, std::move(name), std::move(fields)}}, false});
}

}  // namespace mig::relay
