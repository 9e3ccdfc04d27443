#include "node/home_link.h"

#include <algorithm>

#include "node/core/json.h"

namespace mig::node {

using namespace core;

namespace {

const Bytes roster_key = "m/roster", fork_key = "m/fork", certificate_key = "m/certificate", attach_key = "m/attach_seq",
            maybe_key = "m/maybe_at", backups_key = "m/backups", stop_keys = "s/";

constexpr std::uint32_t greet_again_ms = 1000;
constexpr Duration renew_again = Duration::seconds(60);  // an enroller may be away for a while; a third of a life is left

}  // namespace

HomeLink::HomeLink(HomeLinkSetting setting, const Keys& keys, store::Store& store, Random& random)
    : setting_(std::move(setting)),
      keys_(keys),
      store_(store),
      random_(random),
      membership_(setting_.trust),
      candidates_(setting_.relays),
      boot_nonce_(random.u64()) {}

void HomeLink::load(WallMs wall) {
  loaded_ = true;
  if (auto packed = store_.get(roster_key))
    if (auto object = unpack_object(*packed)) (void)membership_.adopt({object->text, object->signatures}, wall);
  if (auto packed = store_.get(fork_key))
    if (auto object = unpack_object(*packed)) (void)membership_.adopt({object->text, object->signatures}, wall);
  store_.scan(stop_keys, [&](BytesView, BytesView packed) {
    if (auto object = unpack_object(packed)) (void)membership_.take_stop({object->text, object->signatures}, wall, true);
    return true;
  });
  if (auto certificate = store_.get(certificate_key)) (void)membership_.take_certificate(*certificate, keys_, wall);
  if (auto seq = store_.get(attach_key)) attach_seq_ = std::strtoull(seq->c_str(), nullptr, 10);
  if (auto packed = store_.get(maybe_key))
    for (std::size_t at = 0; at + NodeId::size <= packed->size(); at += NodeId::size)
      maybe_at_.push_back(*NodeId::from(BytesView(*packed).substr(at, NodeId::size)));
  if (auto backups = store_.get(backups_key))
    if (auto list = parse_json(*backups, limits::backups * limits::endpoint_bytes * 2); list && list->is_array())
      for (const auto& endpoint : *list)
        if (endpoint.is_string()) (void)candidates_.learn({endpoint.get<std::string>()});
}

/// What it keeps was verified when it came, so this much time has passed: else a clock that stands still since the machine
/// started would find its own certificate to be of the future.
WallMs HomeLink::proven_time() {
  auto packed = store_.get(roster_key), held = store_.get(certificate_key);
  auto object = packed ? unpack_object(*packed) : Result<Object>(invalid("none"));
  auto roster = object ? parse_roster(object->text) : Result<Roster>(object.error());
  auto certificate = held ? read_certificate(*held) : Result<Certificate>(invalid("none"));
  if (roster) proven_ = roster->issued;
  if (certificate) proven_ = std::max(proven_, certificate->not_before + limits::clock_skew_ms);  // an enroller dates it back by that
  return proven_;
}

void HomeLink::begin(const Now& now, const Input&) {
  if (!loaded_) load(std::max(now.wall, proven_time()));
  const Instant wanted = links_.wake();
  if (wanted != Instant::never() && now.at > wanted + limits::stall) links_.forgive(now.at - wanted);
}

void HomeLink::linked(const Now& now, const Linked& linked, const std::vector<Held>& held, Effects& out) {
  if (linked.link != link_) return;
  if (!linked.up) return lost(now, "the connection broke or was refused", out);
  links_.opened(now, linked);
  greet(now, linked.link, held, out);
}

void HomeLink::greet(const Now& now, LinkId link, const std::vector<Held>& held, Effects& out) {
  if (membership_.enrolled()) return hello(now, link, held, out);
  if (!setting_.joining) {
    tell(Level::alarm, "not_enrolled", {{"what", "there is no certificate and no join string to get one with"}}, out);
    return;
  }
  tell(Level::info, "enrolling", {{"relay", dialled_.address}}, out);
  links_.send_now(link, membership_.enrol_request(*setting_.joining, keys_, setting_.name, setting_.segment, setting_.tags, random_), out);
}

void HomeLink::hello(const Now& now, LinkId link, const std::vector<Held>& held, Effects& out) {
  attach_seq_ = std::max({attach_seq_ + 1, attach_seq_min_, static_cast<std::uint64_t>(now.wall)});
  store_.put(attach_key, std::to_string(attach_seq_));
  remember(link_name_of(dialled_.key));
  Hello hello;
  hello.role = Role::agent;
  hello.proof = membership_.certificate();
  hello.boot_nonce = boot_nonce_;
  hello.now = now.wall;
  hello.window = limits::agent_window;
  hello.roster_version = membership_.version().major;
  hello.roster_mark = membership_.version().minor;
  hello.ticket = write_ticket({keys_.id(), attach_seq_, link_name_of(dialled_.key), now.wall}, keys_);
  hello.attributes = setting_.attributes;
  hello.maybe_at = maybe_at_;
  hello.held = held;
  links_.send_now(link, hello, out, true);
}

void HomeLink::remember(const NodeId& relay) {
  std::erase(maybe_at_, relay);
  maybe_at_.push_back(relay);
  if (maybe_at_.size() > limits::maybe_at) maybe_at_.erase(maybe_at_.begin());
  Bytes packed;
  for (const auto& id : maybe_at_) packed += id.view();
  store_.put(maybe_key, packed);
}

std::optional<Message> HomeLink::heard(const Now& now, const Heard& heard, const std::vector<Held>& held, Effects& out) {
  Link* link = links_.find(heard.from);
  if (!link || heard.from != link_) return {};
  auto message = decode(heard.frame);
  if (!message) {
    tell(Level::warning, "bad_frame", {{"why", message.error().text}}, out);
    return {};
  }
  const bool counted = !std::holds_alternative<Beat>(*message) && !std::holds_alternative<Bye>(*message);
  links_.heard(now, *link, heard.frame.size(), counted, {}, out);
  if (auto* beat = std::get_if<Beat>(&*message)) return links_.on_beat(*link, *beat, out), std::nullopt;
  if (auto* bye = std::get_if<Bye>(&*message)) return dismissed(now, *bye, out), std::nullopt;
  if (auto* answer = std::get_if<Enrolled>(&*message)) return enrolled(now, link->id, *answer, held, out), std::nullopt;
  if (auto* welcome = std::get_if<Welcome>(&*message)) {
    if (attached_ || !membership_.enrolled()) return {};  // nobody was greeted: it answers nothing, and nothing could judge it
    welcomed(now, *link, *welcome, out);
    return attached_ ? std::optional(std::move(*message)) : std::nullopt;
  }
  if (!attached_) return {};
  return std::move(*message);
}

void HomeLink::enrolled(const Now& now, LinkId link, const Enrolled& answer, const std::vector<Held>& held, Effects& out) {
  if (membership_.enrolled()) {  // a new certificate in place of the old one
    auto taken = membership_.take_answer(answer, keys_, now.wall);
    if (!taken) return tell(Level::warning, "not_renewed", {{"why", taken.error().text}}, out);
    store_.put(certificate_key, membership_.certificate());
    renew_at_ = Instant::never();
    tell(Level::info, "renewed", {{"next", to_rfc3339(membership_.renew_at())}}, out);
    // The relay shows the certificate of our HELLO to those who read our answers: greet it anew with the new one.
    links_.bye(link, {ByeCode::shutdown, 0, 0, {}, "comes back with a new certificate"}, out);
    return lost(now, "its certificate is a new one", out);
  }
  if (auto taken = membership_.take_answer(answer, keys_, now.wall); !taken) {
    tell(Level::alarm, "enrolment_refused", {{"why", taken.error().text}}, out);
    candidates_.wait(dialled_, now.at + limits::redial_max);
    links_.bye(link, {ByeCode::shutdown, 0, 0, {}, "not enrolled"}, out);
    return lost(now, "enrolment was refused", out);
  }
  keep_roster();
  store_.put(certificate_key, membership_.certificate());
  tell(Level::info, "enrolled", {{"mesh", setting_.trust.name}, {"id", keys_.id().hex()}}, out);
  hello(now, link, held, out);
}

void HomeLink::welcomed(const Now& now, Link& link, const Welcome& welcome, Effects& out) {
  auto certificate = verify_certificate(welcome.certificate, *membership_.roster(), std::max({now.wall, relay_time(now), welcome.now}));
  if (!certificate || certificate->role != Role::relay || certificate->link_key != link.peer_key) {
    tell(Level::alarm, "false_relay", {{"relay", dialled_.address}, {"why", certificate ? "the certificate is not of this link's key" : certificate.error().text}}, out);
    links_.bye(link.id, {ByeCode::bad_cert, 0, 0, {}, "your certificate does not hold"}, out);
    return lost(now, "its certificate does not hold", out);
  }
  link.role = Role::relay;
  link.node = certificate->id();
  link.name = certificate->name;
  link.session = welcome.session;
  links_.up(now, link, welcome.window, limits::agent_window, true);
  attached_ = true;
  herd_ms_ = std::min<std::uint32_t>(welcome.herd_ms, 60'000);
  welcome_time_ = welcome.now;
  welcome_at_ = now.at;
  candidates_.good(dialled_);
  learn(welcome.peers);
  tell(Level::info, "attached", {{"relay", link.name}, {"at", dialled_.address}}, out);
}

void HomeLink::dismissed(const Now& now, const Bye& bye, Effects& out) {
  tell(Level::warning, "dismissed", {{"relay", dialled_.address}, {"code", std::string(to_text(bye.code))}, {"why", bye.text}}, out);
  attach_seq_min_ = std::max(attach_seq_min_, bye.min_seq);
  learn(bye.alternatives);
  if (bye.retry_ms > 0) candidates_.wait(dialled_, now.at + Duration::millis(std::min<std::uint32_t>(bye.retry_ms, 600'000)));
  out.push_back({Close{link_}, false});
  lost(now, "dismissed", out);
}

/// Other relays to turn to, kept on disk: the configured ones may all be gone when this machine comes back.
void HomeLink::learn(const std::vector<std::string>& endpoints) {
  if (!candidates_.learn(endpoints)) return;
  Json all = Json::array();
  for (const auto& endpoint : candidates_.learnt()) all.push_back(to_text(endpoint));
  store_.put(backups_key, compact_json(all));
}

void HomeLink::lost(const Now& now, const char* why, Effects& out) {
  if (attached_) tell(Level::warning, "detached", {{"relay", dialled_.address}, {"why", why}}, out);
  if (attached_ && herd_ms_ > 0)  // a relay's death frees all its agents at once: they spread out
    for (const auto& other : candidates_.all())
      candidates_.wait(other, now.at + Duration::millis(static_cast<std::int64_t>(random_.below(herd_ms_ + 1))));
  candidates_.failed(dialled_, now.at, random_);
  links_.closed(link_);
  link_ = 0;
  attached_ = false;
}

void HomeLink::renew(const Now& now, Effects& out) {
  renew_at_ = now.at + renew_again;
  if (now.wall < membership_.renew_at()) {
    renew_at_ = now.at + std::min(Duration::millis(membership_.renew_at() - now.wall), Duration::seconds(3600));
    return;
  }
  auto request = membership_.renewal_request(keys_, random_);
  if (!request) return tell(Level::warning, "not_renewed", {{"why", request.error().text}}, out);
  tell(Level::info, "renewing", {}, out);
  send(1, *request, out);
}

void HomeLink::tick(const Now& now, const std::vector<Held>&, Effects& out) {
  for (LinkId dead : links_.tick(now, {}, out)) {
    links_.bye(dead, {ByeCode::timeout, greet_again_ms, 0, {}, "nothing was heard"}, out);
    lost(now, "nothing was heard from it", out);
  }
  if (attached_ && (renew_at_ == Instant::never() || now.at >= renew_at_)) renew(now, out);
  if (link_ != 0) return;
  if (const Endpoint* next = candidates_.next(now.at)) {
    dialled_ = *next;
    link_ = ++last_link_;
    out.push_back({Dial{link_, dialled_}, false});
  }
}

Instant HomeLink::wake() const {
  if (link_ == 0) return candidates_.ready_at();
  return attached_ ? std::min(links_.wake(), renew_at_) : links_.wake();
}

bool HomeLink::take_roster(const Now& now, const SignedText& roster, Effects& out) {
  const bool fork_known = membership_.fork().has_value();
  auto adopted = membership_.adopt(roster, std::max(now.wall, relay_time(now)));
  if (!adopted) {
    tell(Level::alarm, "roster_refused", {{"why", adopted.error().text}}, out);
    return false;
  }
  if (*adopted == Membership::Adopted::forked && !fork_known) {
    store_.put(fork_key, pack_object({ObjectKind::roster, roster.text, roster.signatures, {}}));
    tell_fork(membership_, out);
  }
  if (*adopted != Membership::Adopted::newer) return false;
  keep_roster();
  if (!membership_.fork()) store_.erase(fork_key);
  tell(Level::info, "roster", {{"version", std::to_string(membership_.roster_version())}}, out);
  if (membership_.built_on_another()) tell_fork(membership_, out);
  return true;
}

bool HomeLink::take_stop(const Now& now, const Object& stop, Effects& out) {
  auto taken = membership_.take_stop({stop.text, stop.signatures}, std::max(now.wall, relay_time(now)));
  if (!taken) {
    tell(Level::warning, "stop_refused", {{"why", taken.error().text}}, out);
    return false;
  }
  if (*taken != Membership::Adopted::newer) return false;
  auto read = parse_stop(stop.text);
  store_.put(stop_keys + to_hex(stop_key(read->subject, read_signature(stop.signatures[0])->issuer)), pack_object(stop));
  tell(Level::warning, "stopped", {{"subject", read->subject}, {"why", read->reason}}, out);
  return true;
}

void HomeLink::want_roster(Effects& out) { send(1, Want{{board_key(ObjectKind::roster, {})}}, out); }

WallMs HomeLink::relay_time(const Now& now) const {
  return std::max(proven_, welcome_time_ == 0 ? 0 : welcome_time_ + (now.at - welcome_at_).us / 1000);
}

void HomeLink::send(int frame_class, const Message& message, Effects& out) {
  if (attached_) links_.send(link_, frame_class, message, out);
}
void HomeLink::send_frame(int frame_class, Bytes frame, Effects& out) {
  if (attached_) links_.send_frame(link_, frame_class, std::move(frame), out);
}

void HomeLink::keep_roster() { store_.put(roster_key, pack_object(membership_.roster_object())); }

void HomeLink::tell(Level level, std::string name, std::vector<std::pair<std::string, std::string>> fields, Effects& out) {
  out.push_back({Tell{{level, std::move(name), std::move(fields)}}, false});
}

}  // namespace mig::node
