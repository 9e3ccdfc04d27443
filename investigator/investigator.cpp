#include "investigator/investigator.h"

#include <algorithm>

#include "investigator/enclosures.h"
#include "investigator/pursuit.h"
#include "investigator/shown.h"
#include "node/core/candidates.h"
#include "node/core/links.h"
#include "node/core/membership.h"

namespace mig::investigator {

using namespace core;

namespace {

constexpr std::uint32_t wanted_kinds = 1u << static_cast<unsigned>(ObjectKind::relay) | 1u << static_cast<unsigned>(ObjectKind::roster) |
                                       1u << static_cast<unsigned>(ObjectKind::draft);
constexpr Duration ask_again = Duration::seconds(2);

}  // namespace

class Investigator::Inside {
 public:
  Inside(InvestigatorSetting setting, const Seed& random_seed)
      : setting_(std::move(setting)),
        random_(random_seed),
        keys_(setting_.session_seed),
        membership_(setting_.trust),
        shown_(membership_),
        candidates_(setting_.relays),
        boot_nonce_(random_.u64()),
        epoch_(setting_.epoch) {
    for (const auto& relay : setting_.known_relays) known_relays_[relay.relay] = relay;
    for (const auto& agent : setting_.known_agents) known_agents_[agent.agent] = agent;
  }

  void step(const Now& now, const Input& input, Effects& out) {
    const Instant wanted = links_.wake();
    now_ = now;
    out_ = &out;
    if (wanted != Instant::never() && now.at > wanted + limits::stall) links_.forgive(now.at - wanted);
    if (!membership_.roster()) (void)membership_.adopt(setting_.roster, now.wall);
    if (auto* fact = std::get_if<Linked>(&input)) linked(*fact);
    if (auto* fact = std::get_if<Heard>(&input)) heard(*fact);
    if (auto* fact = std::get_if<Asked>(&input)) std::visit([this](const auto& request) { asked(request); }, fact->request);
    tick();
  }

  Instant wake() const {
    if (link_ == 0) return copied_ ? Instant::never() : candidates_.ready_at();
    Instant next = links_.wake();
    if (attached_) next = std::min(next, sink_at_);
    if (attached_) next = std::min(next, pulls_due());
    for (const auto& [key, pursuit] : pursuits_)
      if (attached_) next = std::min(next, pursuit.put_at);
    if (attached_ && !asking_.empty()) next = std::min(next, ask_at_);
    return next;
  }

  bool attached() const { return attached_; }
  bool copied() const { return copied_; }
  bool synced() const { return attached_ && synced_; }
  std::optional<NodeId> attached_to() const { return attached_ ? std::optional(home_) : std::nullopt; }

  std::vector<RelayView> relays() const { return views_of(map_, attached_to()); }

  Statement statement(const ActionId& action, const Now& now) const {
    auto it = pursuits_.find(key_of(action));
    return it == pursuits_.end() ? Statement{} : state_of(it->second, {map_, attached_to(), epoch_, known_relays_, known_agents_, now});
  }

  std::optional<Verdict> verdict(const ActionId& action) const {
    return pursuits_.contains(key_of(action)) ? pursuits_.at(key_of(action)).verdict : std::nullopt;
  }

  bool confirmed() const {
    return std::all_of(pursuits_.begin(), pursuits_.end(), [](const auto& entry) { return entry.second.confirmed(); });
  }

  std::optional<Verdict> published() const { return published_; }
  const Shown& shown() const { return shown_; }
  const Membership& membership() const { return membership_; }
  bool registers_told() const { return asked_registers_ && attached_ && synced_ && asking_.empty(); }
  std::vector<AgentLine> agents_at(const NodeId& relay) const { return told_.contains(relay) ? told_.at(relay) : std::vector<AgentLine>{}; }

 private:
  // ---- the link ----

  void linked(const Linked& linked) {
    if (linked.link != link_) return;
    if (!linked.up) return lost("the connection broke or was refused");
    links_.opened(now_, linked);
    Hello hello;
    hello.role = Role::investigator;
    hello.proof = setting_.session;
    hello.boot_nonce = boot_nonce_;
    hello.now = now_.wall;
    hello.window = limits::investigator_window;
    hello.roster_version = membership_.version().major;
    hello.roster_mark = membership_.version().minor;
    links_.send_now(link_, hello, *out_);
  }

  void heard(const Heard& heard) {
    Link* link = links_.find(heard.from);
    if (!link || heard.from != link_) return;
    auto message = decode(heard.frame);
    if (!message) return tell(Level::warning, "bad_frame", {{"why", message.error().text}});
    const bool counted = !std::holds_alternative<Beat>(*message) && !std::holds_alternative<Bye>(*message);
    links_.heard(now_, *link, heard.frame.size(), counted, {}, *out_);
    if (auto* beat = std::get_if<Beat>(&*message)) return links_.on_beat(*link, *beat, *out_);
    if (auto* bye = std::get_if<Bye>(&*message)) return dismissed(*bye);
    if (auto* welcome = std::get_if<Welcome>(&*message)) return welcomed(*link, *welcome);
    if (!attached_) return;
    if (auto* put = std::get_if<Put>(&*message)) return take(*put);
    if (auto* sync = std::get_if<Sync>(&*message)) return take(*sync);
    if (auto* want = std::get_if<Want>(&*message)) for (const auto& put : enclosures_.wanted(*want)) links_.send(link_, 3, put, *out_, "chunks");
    if (auto* verdict = std::get_if<Verdict>(&*message)) return take(*verdict);
    if (auto* route = std::get_if<Route>(&*message)) return take(*route);
  }

  void welcomed(Link& link, const Welcome& welcome) {
    if (attached_ || !membership_.roster()) return;
    auto certificate = verify_certificate(welcome.certificate, *membership_.roster(), now_.wall);
    if (!certificate || certificate->role != Role::relay || certificate->link_key != link.peer_key) {
      tell(Level::alarm, "false_relay", {{"relay", dialled_.address}, {"why", certificate ? "the certificate is not of this link's key" : certificate.error().text}});
      links_.bye(link.id, {ByeCode::bad_cert, 0, 0, {}, "your certificate does not hold"}, *out_);
      return lost("its certificate does not hold");
    }
    link.role = Role::relay;
    link.node = home_ = certificate->id();
    link.name = certificate->name;
    links_.up(now_, link, welcome.window, limits::investigator_window, true);
    attached_ = true;
    candidates_.good(dialled_);
    tell(Level::info, "attached", {{"relay", certificate->name}, {"at", dialled_.address}});
    // A new epoch: what relays believed this sink to have is forgotten; rows of the last one are no longer fresh.
    keep(KeepEpoch{setting_.sink, ++epoch_});
    sink_n_ = 0;
    synced_ = false;
    announce_sink();
    sync();
    for (auto& [key, pursuit] : pursuits_) put_action(pursuit);
    for (const auto& object : publishing_) links_.send(link_, 1, Put{{object}}, *out_);
  }

  void announce_sink() {
    SinkRecord record{setting_.sink, epoch_, ++sink_n_, home_, now_.wall, now_.wall + limits::sink_life.us / 1000};
    Object object{ObjectKind::sink, pack(record), {}, setting_.session};
    object.signatures.push_back(keys_.sign(domain::object, object.text));
    announced_ = object.text;
    links_.send(link_, 1, Put{{object}}, *out_, "sink");
    sink_at_ = now_.at + limits::sink_renew;
  }

  void sync() {
    Sync frame;
    frame.kinds = wanted_kinds;
    for (const auto& [id, record] : map_.records()) frame.digests.push_back({board_key(ObjectKind::relay, id.view()), {record.instance, record.n}});
    frame.digests.push_back({board_key(ObjectKind::roster, {}), membership_.version()});
    links_.send(link_, 1, frame, *out_);
  }

  void dismissed(const Bye& bye) {
    tell(Level::warning, "dismissed", {{"relay", dialled_.address}, {"code", std::string(to_text(bye.code))}, {"why", bye.text}});
    if (bye.retry_ms > 0) candidates_.wait(dialled_, now_.at + Duration::millis(std::min<std::uint32_t>(bye.retry_ms, 600'000)));
    candidates_.learn(bye.alternatives);
    out_->push_back({Close{link_}, false});
    lost(bye.text.c_str());
  }

  void lost(const char* why) {
    tell(attached_ ? Level::warning : Level::info, attached_ ? "detached" : "not_attached", {{"relay", dialled_.address}, {"why", why}});
    candidates_.failed(dialled_, now_.at, random_);
    links_.closed(std::exchange(link_, 0));
    attached_ = synced_ = false;
  }

  void tick() {
    for (LinkId dead : links_.tick(now_, {}, *out_)) {
      links_.bye(dead, {ByeCode::timeout, 0, 0, {}, "nothing was heard"}, *out_);
      lost("nothing was heard from it");
    }
    map_.expire(now_.wall);
    if (link_ == 0) {
      if (copied_) return;
      if (const Endpoint* next = candidates_.next(now_.at)) {
        dialled_ = *next;
        link_ = ++last_link_;
        out_->push_back({Dial{link_, dialled_}, false});
      }
      return;
    }
    if (!attached_) return;
    if (now_.at >= sink_at_) announce_sink();
    for (auto& [key, pursuit] : pursuits_)
      if (now_.at >= pursuit.put_at) put_action(pursuit);
    send_pulls();
    if (!asking_.empty() && now_.at >= ask_at_) ask_registers();
  }

  // ---- what a person wants ----

  void asked(const Launch& launch) {
    Pursuit* pursuit = pursue(launch.signed_action, launch.enclosed);
    if (!pursuit) return;
    pursuit->reply_secret = launch.reply_secret;
    keep(KeepAction{pursuit->action().id, launch.signed_action, now_.wall});
    if (attached_) put_action(*pursuit);
  }

  void asked(const Follow& follow) {
    Pursuit* pursuit = pursue(follow.signed_action, follow.enclosed);
    if (!pursuit) return;
    shown_.follow(follow.action);
    pursuit->recall(follow);
    if (attached_) put_action(*pursuit);
  }

  /// Put at each attach until a relay has said what it thinks of it.
  void asked(const Publish& publish) {
    publishing_.push_back(publish.object);
    if (attached_) links_.send(link_, 1, Put{{publish.object}}, *out_);
  }

  void asked(const AskRegister& request) {
    asked_registers_ = request;
    told_.clear(), asking_.clear();
    if (synced_) begin_asking();
  }

  Pursuit* pursue(const SignedText& signed_action, const std::vector<Enclosed>& enclosed) {
    enclosures_.keep(enclosed);
    auto action = parse_action(signed_action.text);
    if (!action) {
      tell(Level::alarm, "not_an_action", {{"why", action.error().text}});
      return nullptr;
    }
    const ActionKey key = key_of(action->id);
    return &pursuits_.try_emplace(key, Pursuit(std::move(*action), signed_action)).first->second;
  }

  /// Put again at each attach, so that a relay that dies right after accepting loses nothing.
  void put_action(Pursuit& pursuit) {
    pursuit.put_at = Instant::never();
    if (now_.wall > pursuit.action().result_by()) return;
    links_.send(link_, 1, Put{{{ObjectKind::action, pursuit.signed_action().text, pursuit.signed_action().signatures, {}}}}, *out_);
    if (shown_.follows(pursuit.action().id)) links_.send(link_, 1, Want{{board_key(ObjectKind::action, pursuit.action().id.view())}}, *out_);
  }

  // ---- what relays say ----

  void take(const Put& put) {
    for (const auto& object : put.objects)
      if (!shown_.take(object, now_, *out_)) object.kind == ObjectKind::relay ? take_relay(object) : take_sink(object);
  }

  /// A place of our sink that is not older than the one we announced, and not ours.
  void take_sink(const Object& object) {
    const auto place = shown_.place(object, setting_.session, now_.wall);
    if (!attached_ || !place || object.text == announced_ || *place < Version{epoch_, sink_n_}) return;
    copied_ = true;
    tell(Level::alarm, "ledger_copied", {{"what", "another program reads in this one's name: its directory was copied. This one stops; started again it reads under a name of its own"}});
    links_.bye(link_, {ByeCode::dup_id, 0, 0, {}, "another program speaks for this sink"}, *out_);
    lost("this directory was copied");
  }

  void take_relay(const Object& object) {
    auto certificate = verify_certificate(object.author, *membership_.roster(), now_.wall);
    auto record = unpack_relay_record(object.text);
    if (!certificate || !record || certificate->role != Role::relay || certificate->id() != record->relay || object.signatures.size() != 1 ||
        record->expires <= now_.wall || !verify(domain::object, object.text, object.signatures[0], certificate->sign_key))
      return tell(Level::warning, "bad_relay_record", {});
    const bool known = map_.records().contains(record->relay);
    map_.put(*record), relay_keys_[record->relay] = certificate->sign_key;
    keep(KeepRelay{record->relay, record->name, record->segment, record->issued, pack_object(object)});
    known_relays_.try_emplace(record->relay, store::LedgerRelay{record->relay, record->name, record->segment, record->issued, false, {}});  // it outlives its record
    if (!known && synced_ && asked_registers_ && !told_.contains(record->relay)) asking_.insert(record->relay);
  }

  void take(const Sync& sync) {
    if (!sync.last || synced_) return;
    synced_ = true;
    tell(Level::debug, "synced", {{"relays", std::to_string(map_.records().size())}});
    if (asked_registers_) begin_asking();
  }

  void take(const Verdict& verdict) {
    for (auto& [key, pursuit] : pursuits_)
      if (board_key(ObjectKind::action, pursuit.action().id.view()) == verdict.key) pursuit.judged(verdict, now_.at);
    if (verdict.code != VerdictCode::stored) tell(Level::warning, "refused", {{"why", verdict.text}});
    const bool action = verdict.key.starts_with(static_cast<char>(ObjectKind::action)), sink = verdict.key.starts_with(static_cast<char>(ObjectKind::sink));
    if (publishing_.empty() || action || sink) return;
    published_ = verdict;  // one at a time is published; its key need not be computed here
    publishing_.erase(publishing_.begin());
  }

  void take(const Route& route) {
    if (route.sub != setting_.sink) return;
    auto routed = decode_routed(route.payload);
    if (!routed) return tell(Level::warning, "bad_route", {{"why", routed.error().text}});
    if (auto* tally = std::get_if<Tally>(&*routed))
      for (const auto& row : tally->rows) take(row);
    if (auto* replies = std::get_if<Replies>(&*routed); replies && stated_by(replies->relay, route)) take(*replies);
    if (auto* told = std::get_if<Told>(&*routed); told && stated_by(told->relay, route)) take(*told);
  }

  std::string relay_name(const NodeId& relay) const { return name_of(relay, map_, known_relays_); }
  /// No relay on the way may advance a cursor or list agents in another's name.
  bool stated_by(const NodeId& relay, const Route& route) {
    auto key = relay_keys_.find(relay);
    if (key == relay_keys_.end()) return false;
    if (verify(domain::route, route_signing_text(route), route.signature, key->second)) return true;
    tell(Level::alarm, "false_statement", {{"relay", relay_name(relay)}, {"why", "it is not signed by the relay it names"}});
    return false;
  }

  void take(const SignedRow& signed_row) {
    auto row = unpack_row(signed_row.row);
    if (!row) return;
    auto key = relay_keys_.find(row->relay);
    if (key == relay_keys_.end()) return;  // its record comes first; the row is said again
    if (!verify(domain::row, signed_row.row, signed_row.signature, key->second))
      return tell(Level::alarm, "false_row", {{"relay", relay_name(row->relay)}});
    auto it = pursuits_.find(row->action);
    if (it == pursuits_.end()) {  // an action nobody here follows: say that the row has come
      others_[{row->relay, row->action}] = row->version;
      return;
    }
    const bool news = it->second.take(*row, epoch_);
    if (news) it->second.news_at = now_.at;
    if (news) keep(KeepRow{row->action, row->relay, signed_row.row, signed_row.signature});
    Tracked& tracked = it->second.relays[row->relay];
    tracked.patience = limits::repull_min;
    tracked.pull_at = std::min(tracked.pull_at, std::max(now_.at, tracked.last_pull + limits::pull_gap));
  }

  void take(const Replies& replies) {
    auto it = pursuits_.find(replies.action);
    if (it == pursuits_.end() || !relay_keys_.contains(replies.relay)) return;
    Pursuit& pursuit = it->second;
    Tracked& tracked = pursuit.relays[replies.relay];
    std::uint64_t& next = tracked.next[replies.from.instance];
    if (replies.from.index > next) return;  // a gap: the pull is repeated
    std::uint64_t index = replies.from.index;
    for (const auto& entry : replies.entries) {
      if (index++ < next) continue;
      take(pursuit, replies.relay, entry);
      next = index;
    }
    keep(KeepCursor{replies.action, replies.relay, {replies.from.instance, next}});
    tracked.patience = limits::repull_min;
    tracked.pull_at = std::min(tracked.pull_at, std::max(now_.at, tracked.last_pull + limits::pull_gap));
  }

  /// Whatever is wrong with an entry is told; it never counts as an answer.
  void take(Pursuit& pursuit, const NodeId& relay, const LogEntry& entry) {
    auto certificate = verify_certificate(entry.certificate, *membership_.roster(), pursuit.judged_at(entry.certificate, now_.wall));
    auto header = certificate ? verify_reply(entry.reply, certificate->sign_key) : Result<ReplyHeader>(certificate.error());
    if (!header || certificate->role != Role::agent || key_of(header->action) != pursuit.key() || is_open(header->state))
      return tell(Level::alarm, "false_reply", {{"relay", relay_name(relay)}, {"why", header ? "it does not belong here" : header.error().text}});
    KeepReceipt receipt{pursuit.key(), header->agent, relay, certificate->name, entry.certificate, header->part, header->parts,
                        header->state, header->reason, {}, {}, header->started, header->finished, entry.reply};
    if (!entry.reply.body.empty() && pursuit.reply_secret) {
      auto body = open_reply(entry.reply, *header, pursuit.action().reply_key, *pursuit.reply_secret);
      if (!body) return tell(Level::alarm, "false_reply", {{"relay", relay_name(relay)}, {"agent", certificate->name}, {"why", body.error().text}});
      receipt.state = body->state;
      receipt.trouble = body->trouble;
      receipt.results = body->results;
    }
    if (!pursuit.received({header->agent, header->part, header->parts, receipt.state, relay})) return;
    pursuit.news_at = now_.at;
    keep(KeepAgent{header->agent, certificate->name, relay, true, now_.wall, {}});
    if (auto& known = known_agents_[header->agent]; known.seen <= now_.wall) known = {header->agent, certificate->name, relay, true, now_.wall, known.attributes};
    keep(std::move(receipt));
  }

  void take(const Told& told) {
    if (told.n != ask_n_ || !relay_keys_.contains(told.relay)) return;
    auto& lines = told_[told.relay];
    for (const auto& line : told.agents) {
      lines.push_back(line);
      keep(KeepAgent{line.agent, line.name, told.relay, line.online, line.seen, line.attributes});
      if (auto& known = known_agents_[line.agent]; known.seen <= line.seen) known = {line.agent, line.name, told.relay, line.online, line.seen, line.attributes};
    }
    if (told.last) asking_.erase(told.relay);
  }

  // ---- asking relays ----

  void begin_asking() {
    ++ask_n_;
    for (const auto& [id, record] : map_.records())
      if (map_.reachable(home_, id)) asking_.insert(id);
    ask_registers();
  }

  void ask_registers() {
    ask_at_ = now_.at + ask_again;
    std::erase_if(asking_, [&](const NodeId& relay) { return !map_.reachable(home_, relay); });
    for (const auto& relay : asking_) {
      told_.erase(relay);
      SignedAsk ask{pack(Ask{setting_.sink, ask_n_, asked_registers_->action}), {}};
      ask.signature = keys_.sign(domain::told, ask.ask);
      links_.send(link_, 2, Route{relay, {}, limits::hops, encode_routed(ask), {}}, *out_);
    }
  }

  Instant pulls_due() const {
    Instant next = others_.empty() ? Instant::never() : others_at_;
    for (const auto& [key, pursuit] : pursuits_)
      for (const auto& [relay, tracked] : pursuit.relays) next = std::min(next, tracked.pull_at);
    return next;
  }

  /// One PULL a relay holds what is due of all pursuits; it also acknowledges rows.
  void send_pulls() {
    std::map<NodeId, std::vector<PullItem>> due;
    for (auto& [key, pursuit] : pursuits_) {
      for (auto& [relay, tracked] : pursuit.relays) {
        if (now_.at < tracked.pull_at) continue;
        tracked.last_pull = now_.at;
        // Should what is asked for get lost, it is asked for again, ever more patiently.
        tracked.pull_at = tracked.all_read() ? Instant::never() : now_.at + tracked.patience;
        tracked.patience = std::min(tracked.patience * 2, limits::repull_max);
        PullItem item{key, {}, limits::pull_window, tracked.held(epoch_)};
        for (auto [instance, index] : tracked.next) item.from.push_back({instance, index});
        due[relay].push_back(std::move(item));
      }
    }
    if (now_.at >= others_at_ && !others_.empty()) {
      for (const auto& [place, version] : std::exchange(others_, {})) due[place.first].push_back({place.second, {}, 0, version});
      others_at_ = now_.at + limits::pull_gap;
    }
    for (auto& [relay, items] : due) {
      SignedPull pull{pack(Pull{setting_.sink, epoch_, ++pull_n_, std::move(items)}), {}};
      pull.signature = keys_.sign(domain::pull, pull.pull);
      links_.send(link_, 2, Route{relay, {}, limits::hops, encode_routed(pull), {}}, *out_);
    }
  }

  void keep(auto record) {
    out_->push_back({Keep{Record(std::move(record))}, false});
  }
  void tell(Level level, std::string name, std::vector<std::pair<std::string, std::string>> fields) {
    out_->push_back({Tell{{level, std::move(name), std::move(fields)}}, false});
  }

  InvestigatorSetting setting_;
  Random random_;
  Keys keys_;
  Membership membership_;
  Shown shown_;
  Links links_;
  Candidates candidates_;
  Map map_;
  std::map<NodeId, SignPublic> relay_keys_;
  std::map<NodeId, store::LedgerRelay> known_relays_;
  std::map<NodeId, store::LedgerAgent> known_agents_;
  std::map<ActionKey, Pursuit> pursuits_;
  std::vector<Object> publishing_;
  std::optional<Verdict> published_;
  std::map<std::pair<NodeId, ActionKey>, Version> others_;  // rows of actions that are not followed here
  std::map<NodeId, std::vector<AgentLine>> told_;
  std::set<NodeId> asking_;
  std::optional<AskRegister> asked_registers_;
  std::uint64_t ask_n_ = 0, pull_n_ = 0, sink_n_ = 0, boot_nonce_, epoch_;
  bool attached_ = false, synced_ = false, copied_ = false;
  Bytes announced_;                            ///< our sink's record as we last signed it
  LinkId link_ = 0, last_link_ = 0;
  Endpoint dialled_;
  NodeId home_;
  Instant sink_at_{}, ask_at_{}, others_at_{};
  Enclosures enclosures_;
  Now now_;
  Effects* out_ = nullptr;
};

Investigator::Investigator(InvestigatorSetting setting, const Seed& random_seed)
    : inside_(std::make_unique<Inside>(std::move(setting), random_seed)) {}
Investigator::~Investigator() = default;
void Investigator::step(const Now& now, const Input& input, Effects& out) { inside_->step(now, input, out); }
Instant Investigator::wake() const { return inside_->wake(); }
bool Investigator::copied() const { return inside_->copied(); }
bool Investigator::attached() const { return inside_->attached(); }
std::optional<NodeId> Investigator::attached_to() const { return inside_->attached_to(); }
bool Investigator::synced() const { return inside_->synced(); }
std::vector<RelayView> Investigator::relays() const { return inside_->relays(); }
Statement Investigator::statement(const ActionId& action, const Now& now) const { return inside_->statement(action, now); }
std::optional<Verdict> Investigator::verdict(const ActionId& action) const { return inside_->verdict(action); }
bool Investigator::confirmed() const { return inside_->confirmed(); }
std::optional<Verdict> Investigator::published() const { return inside_->published(); }
std::vector<SignedText> Investigator::drafts() const { return inside_->shown().drafts(); }
const Membership& Investigator::membership() const { return inside_->membership(); }
bool Investigator::registers_told() const { return inside_->registers_told(); }
std::vector<AgentLine> Investigator::agents_at(const NodeId& relay) const { return inside_->agents_at(relay); }

}  // namespace mig::investigator
