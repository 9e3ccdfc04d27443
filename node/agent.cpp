#include "node/agent.h"

#include <algorithm>
#include <deque>

#include "node/audit.h"
#include "node/cancels.h"
#include "node/core/cancel.h"
#include "node/core/links.h"
#include "node/core/roster.h"
#include "node/core/seal.h"
#include "node/fetching.h"
#include "node/home_link.h"
#include "node/journal.h"

namespace mig::node {

using namespace core;

namespace {

constexpr std::size_t waiting_max = 64;    // actions admitted but not started: 4 run at once
constexpr std::size_t parked_max = 16;     // actions that want a newer roster than ours

struct Waiting {
  Action action;
  std::vector<Fingerprint> signers;        // they may cancel it
  SignedText asked;                        // judged anew when rights change
  std::uint64_t order = 0;
};
struct Running {
  ActionKey key;
  std::vector<Fingerprint> signers;
  SignedText asked;
  std::uint64_t batch = 0;                 // of its journal record, until that is on disk
  Start order;                             // without attachments: those go to the job and are kept nowhere
  std::vector<Enclosed> enclosed;
  std::vector<std::string> results;        // by operation index; empty: not given yet
};

constexpr BytesView ending_row = "ending";  // the action that told us to end ourselves

bool found_anything(const std::string& result) {
  auto json = parse_json(result, limits::job_output_bytes);
  return json && json->is_object() && json->value("foundanything", false);
}

bool succeeded(const std::string& result) {
  auto json = parse_json(result, limits::job_output_bytes);
  return json && json->is_object() && json->value("success", false);
}

/// Did an order to end an agent mean the one that runs it? The job says so; see modules/agentdestroy.
bool ends_itself(const Running& done) {
  if (done.order.operations.size() != 1 || done.order.operations[0].module != "agentdestroy" || !succeeded(done.results[0])) return false;
  const Json result = *parse_json(done.results[0], limits::job_output_bytes), statistics = result.value("statistics", Json());
  return statistics.is_object() && statistics.value("self", Json()) == Json(true);
}

std::string failure_result(const std::string& why) {
  return compact_json({{"foundanything", false}, {"success", false}, {"elements", nullptr}, {"statistics", nullptr}, {"errors", {why}}});
}

}  // namespace

class Agent::Inside {
 public:
  Inside(AgentSetting setting, store::Store& store, const Seed& random_seed)
      : setting_(std::move(setting)),
        store_(store),
        keys_(setting_.seed),
        random_(random_seed),
        journal_(store),
        audit_(store),
        cancels_(store),
        home_({setting_.trust, setting_.relays, setting_.joining, setting_.name, setting_.segment, setting_.tags,
               attributes()},
              keys_, store, random_) {}

  void step(const Now& now, const Input& input, Effects& out) {
    out_ = &out;
    home_.begin(now, input);
    if (!began_) began(now);
    if (auto* linked = std::get_if<Linked>(&input)) home_.linked(now, *linked, journal_.held(), out);
    if (auto* heard = std::get_if<Heard>(&input)) hear(now, *heard);
    if (auto* yielded = std::get_if<Yielded>(&input)) take(now, *yielded);
    if (auto* committed = std::get_if<Committed>(&input)) on_disk(*committed);
    home_.tick(now, journal_.held(), out);
    if (now.at >= purge_at_) {
      journal_.purge(judge_time(now));
      cancels_.purge(judge_time(now));
      audit_.flush(now.wall);
      purge_at_ = now.at + Duration::seconds(60);
    }
    start_waiting(now);
  }

  Instant wake() const { return std::min({home_.wake(), purge_at_, fetching_ && attached() && may_start() ? fetching_->fetch().wake() : Instant::never()}); }
  bool attached() const { return home_.attached(); }
  void buried() { store_.erase(ending_row); }
  bool over() const {
    if (!began_ || !ending_) return false;
    const auto* entry = journal_.find(*ending_);
    return entry == nullptr || entry->state == core::Journal::stored || entry->state == core::Journal::confirmed;
  }

 private:
  /// Volatile columns (time, status) are filled in when a target is judged.
  Bytes attributes() const { return attributes_of(own_facts()); }

  AgentFacts own_facts() const {
    AgentFacts facts = setting_.facts;
    facts.id = keys_.id().hex();
    if (facts.name.empty()) facts.name = setting_.name;
    if (facts.queueloc.empty()) facts.queueloc = facts.environment.value("os", "linux") + "." + facts.id;
    if (facts.tags.empty()) facts.tags = setting_.tags;
    return facts;
  }

  AgentFacts facts_now(const Now& now) const {
    AgentFacts facts = own_facts();
    facts.status = "online";
    facts.heartbeattime = now.wall;
    return facts;
  }

  /// The later of our own clock and what relays said, so that a dead clock revives nothing.
  WallMs judge_time(const Now& now) const { return std::max(now.wall, home_.relay_time(now)); }

  void began(const Now& now) {
    began_ = true;
    cancels_.load();
    if (auto held = store_.get(ending_row))
      if (auto key = ActionKey::from(*held)) ending_ = *key;
    std::vector<ActionKey> interrupted;
    for (const auto& [key, entry] : journal_.all())
      if (entry.state == core::Journal::started) interrupted.push_back(key);
    for (const auto& key : interrupted) finish(now, key, State::failed, "interrupted: the agent stopped while this ran", {});
  }

  void hear(const Now& now, const Heard& heard) {
    auto message = home_.heard(now, heard, journal_.held(), *out_);
    if (!message) return;
    if (std::holds_alternative<Welcome>(*message)) return welcomed();
    if (auto* put = std::get_if<Put>(&*message)) return take(now, *put);
    if (auto* acks = std::get_if<Acks>(&*message)) return take(*acks);
  }

  void welcomed() {
    if (fetching_) fetching_->fetch().ask_anew();
    for (const auto& [key, entry] : journal_.all())
      if (entry.state == core::Journal::done || entry.state == core::Journal::stored) send_results(key);
  }

  /// Journal first: a job starts only when its record is on disk, and then only if no cancel came in between.
  /// Results leave only once they are on disk: after a crash the agent must not say something else.
  void on_disk(const Committed& committed) {
    if (!committed.ok) {
      tell(Level::alarm, "disk_refused", {{"what", "the state directory cannot be written; nothing starts until it can"}});
      for (auto& [job, running] : running_)  // the record is tried again with the next batch
        if (running.batch == committed.batch) running.batch = store_.batch();
      return;
    }
    for (auto& [job, running] : running_)
      if (running.batch != 0 && running.batch <= committed.batch) {
        running.batch = 0;
        Start order = running.order;
        order.enclosed = std::exchange(running.enclosed, {});
        out_->push_back({std::move(order), false});
      }
    auto leaving = std::exchange(unsent_, {});
    for (const auto& [batch, key] : leaving) {
      if (batch <= committed.batch)
        send_results(key);
      else
        unsent_.emplace_back(batch, key);
    }
  }

  void take(const Now& now, const Put& put) {
    for (const Object* object : in_order_of_effect(put)) {
      const SignedText text{object->text, object->signatures};
      if (object->kind == ObjectKind::roster && home_.take_roster(now, text, *out_)) rights_changed(now);
      if (object->kind == ObjectKind::stop && home_.take_stop(now, *object, *out_)) rights_changed(now);
      if (object->kind == ObjectKind::cancel) cancel(now, text);
      if (object->kind == ObjectKind::action) consider(now, text);
      if (object->kind == ObjectKind::chunk && !(fetching_ && fetching_->take(object->text, now.at))) tell(Level::debug, "ignored", {{"what", "a chunk that is not missing here"}});
    }
  }

  /// Admits an action or answers why not. Nothing of it is stored before its signatures passed.
  void consider(const Now& now, const SignedText& asked) {
    const ActionId id = action_id_of(asked.text);
    const ActionKey key = key_of(id);
    if (const auto* entry = journal_.find(key)) {
      if (entry->state != core::Journal::started) send_results(key);
      return;
    }
    if (is_waiting(key)) return;
    if (ending_) return answer_header(id, State::refused, "this agent was told to end itself and takes no more orders", now);
    const auto& roster = home_.membership().roster();
    if (!roster) return;
    auto admission = admit(asked, *roster, judge_time(now));
    if (!admission && admission.error().code == Code::later) return park(asked);
    if (!admission) return note(now, id, nullptr, State::refused, admission.error().text);
    if (auto within = check_limits(admission->action, *roster, facts_now(now), now.wall); !within)
      return note(now, id, &*admission, State::refused, within.error().text);
    if (auto allowed = locally_allowed(admission->action); !allowed)
      return note(now, id, &*admission, State::refused, allowed.error().text);
    if (auto reason = cancels_.reason(key, admission->signers, *roster)) return note(now, id, &*admission, State::cancelled, *reason);
    if (!targeted(admission->action, now)) return note(now, id, &*admission, State::not_targeted, {});
    if (waiting_.size() >= waiting_max) return note(now, id, &*admission, State::refused, "busy: too many actions are waiting here");
    waiting_.push_back({std::move(admission->action), std::move(admission->signers), asked, ++order_});
  }

  /// On record, then told: nobody is answered anything that the owner of this machine cannot read here.
  void note(const Now& now, const ActionId& id, const Admission* admission, State state, const std::string& why) {
    audit_.judged(now.wall, id, admission ? &admission->action : nullptr, admission ? admission->signers : std::vector<Fingerprint>{}, *home_.membership().roster(), state, why);
    answer_header(id, state, why, now);
  }

  /// Kept, since it may come before its action and the agent may restart in between; whether its signer may cancel is
  /// judged with the action at hand. An action nobody here knows is answered too: it will not be started.
  void cancel(const Now& now, const SignedText& asked) {
    const auto& roster = home_.membership().roster();
    if (!roster) return;
    auto admission = admit_cancel(asked, *roster, judge_time(now));
    if (!admission) return tell(Level::warning, "cancel_refused", {{"why", admission.error().text}});
    const ActionId id = admission->cancel.action;
    const ActionKey key = key_of(id);
    if (!cancels_.add(key, admission->by, admission->cancel.expires, admission->cancel.reason)) return tell(Level::warning, "cancel_refused", {{"why", "too many cancels are held here"}});
    auto may = [&](const std::vector<Fingerprint>& signers) { return may_cancel(admission->by, signers, *roster); };
    for (auto& [job, running] : running_) {
      if (running.key != key || !may(running.signers)) continue;
      if (running.batch == 0) out_->push_back({Stop{job}, false});  // else it never started
      return end(now, job, State::cancelled, "cancelled: " + admission->cancel.reason);
    }
    std::erase_if(waiting_, [&](const Waiting& w) { return key_of(w.action.id) == key && may(w.signers); });
    if (const auto* entry = journal_.find(key)) {
      if (entry->state != core::Journal::started) send_results(key);
      return;
    }
    if (!is_waiting(key)) note(now, id, nullptr, State::cancelled, admission->cancel.reason);
  }

  Status locally_allowed(const Action& action) const {
    for (const auto& operation : action.operations) {
      if (auto why = setting_.refused.find(operation.module); why != setting_.refused.end()) return Error{Code::refused, "local restriction: " + why->second};
      if (!setting_.modules.contains(operation.module))
        return Error{Code::unsupported, "module '" + operation.module + "' is not available on this agent"};
    }
    return Done{};
  }

  bool targeted(const Action& action, const Now& now) const {
    auto target = Target::parse(action.target);
    if (!target) return false;  // parse_action has parsed it already
    return target->matches(facts_now(now), now.wall, [this](std::string_view wanted, bool found) { return answered(wanted, found); });
  }

  /// MIG's -target-found and -target-notfound: what did this agent answer to an earlier action?
  bool answered(std::string_view wanted, bool found) const {
    for (const auto& [key, entry] : journal_.all())
      if (wanted.size() >= 8 && entry.id.hex().starts_with(wanted)) return entry.outcome == (found ? State::found : State::clean);
    return false;
  }

  bool is_waiting(const ActionKey& key) const {
    return std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return key_of(w.action.id) == key; });
  }

  void park(const SignedText& asked) {
    if (parked_.size() >= parked_max) parked_.pop_front();
    parked_.push_back(asked);
    home_.want_roster(*out_);
  }
  void retry_parked(const Now& now) {
    auto parked = std::exchange(parked_, {});
    for (const auto& asked : parked) consider(now, asked);
  }

  /// A newer roster or a stop: what its signers may no longer ask is started no more, and stopped where it runs.
  void rights_changed(const Now& now) {
    const Roster& roster = *home_.membership().roster();
    auto may = [&](const SignedText& asked, const Action& action) {
      auto admitted = admit(asked, roster, std::min(judge_time(now), action.expire_after));
      return admitted || admitted.error().code == Code::later ? std::string() : admitted.error().text;
    };
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      const std::string why = may(it->asked, it->action);
      if (!why.empty()) {
        const Admission was{it->action, it->signers};
        note(now, it->action.id, &was, State::refused, why);
      }
      it = why.empty() ? std::next(it) : waiting_.erase(it);
    }
    std::vector<std::pair<JobId, std::string>> over;
    for (const auto& [job, running] : running_)
      if (auto action = parse_action(running.asked.text)) over.emplace_back(job, may(running.asked, *action));
    for (const auto& [job, why] : over) {
      if (why.empty()) continue;
      if (running_.at(job).batch == 0) out_->push_back({Stop{job}, false});
      end(now, job, State::cancelled, "stopped: " + why);
    }
    retry_parked(now);
  }

  bool may_start() const { return !ending_ && running_.size() < limits::running_per_agent; }

  void start_waiting(const Now& now) {
    if (fetching_ && !is_waiting(fetching_->action())) fetching_.reset();
    while (may_start()) {
      auto next = first_waiting([&](const Waiting& w) { return w.action.attachments.empty() || (fetching_ && fetching_->action() == key_of(w.action.id) && fetching_->fetch().complete()); });
      if (next == waiting_.end()) break;
      Waiting chosen = std::move(*next);
      waiting_.erase(next);
      start(now, chosen.action, std::move(chosen.signers), std::move(chosen.asked));
    }
    if (may_start()) fetch(now);
  }

  /// By priority, then age.
  template <class F>
  std::vector<Waiting>::iterator first_waiting(const F& fits) {
    auto best = waiting_.end();
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it)
      if (fits(*it) && (best == waiting_.end() || std::pair(-it->action.limits.priority, it->order) < std::pair(-best->action.limits.priority, best->order))) best = it;
    return best;
  }

  void fetch(const Now& now) {
    if (!fetching_) {
      auto next = first_waiting([](const Waiting& w) { return !w.action.attachments.empty(); });
      if (next == waiting_.end()) return;
      fetching_.emplace(next->action);
    }
    auto it = first_waiting([&](const Waiting& w) { return key_of(w.action.id) == fetching_->action(); });
    if (it == waiting_.end()) return fetching_.reset();  // it was refused when its turn came
    if (judge_time(now) > it->action.expire_after || fetching_->fetch().rounds_in_vain() >= limits::chunk_rounds) return give_up(now, it);
    if (!home_.attached()) return;
    if (auto keys = fetching_->fetch().ask(now.at); !keys.empty()) home_.send(2, Want{std::move(keys)}, *out_);
  }

  /// Not silence, but a signed failure that says what was missing.
  void give_up(const Now& now, std::vector<Waiting>::iterator it) {
    const std::string missing = fetching_->missing();
    const Waiting lost = std::move(*it);
    waiting_.erase(it);
    fetching_.reset();
    const ActionKey key = key_of(lost.action.id);
    journal_.start(lost.action, now.wall);
    audit_.started(now.wall, lost.action, lost.signers, *home_.membership().roster());
    finish(now, key, State::failed, "attachment missing: " + missing, {});
  }

  void start(const Now& now, const Action& action, std::vector<Fingerprint> signers, SignedText asked) {
    if (judge_time(now) > action.expire_after) {
      const Admission admitted{action, signers};
      return note(now, action.id, &admitted, State::refused, "expired while it waited for its turn on this agent");
    }
    const ActionKey key = key_of(action.id);
    journal_.start(action, now.wall);
    audit_.started(now.wall, action, signers, *home_.membership().roster());
    Running& running = running_[++last_job_];
    running = {key, std::move(signers), std::move(asked), store_.batch(), {last_job_, action.id, action.operations, {static_cast<double>(action.limits.seconds), action.limits.bytes}}, action.attachments.empty() ? std::vector<Enclosed>{} : fetching_->enclosed(), std::vector<std::string>(action.operations.size())};
    if (!action.attachments.empty()) fetching_.reset();
    tell(Level::info, "started", {{"action", action.id.brief()}, {"name", action.name}, {"audit", audit_.head()}});
    if (home_.attached()) home_.send(2, ResultFrame{{}, true, key}, *out_);
  }

  void take(const Now& now, const Yielded& yielded) {
    auto it = running_.find(yielded.job);
    if (it == running_.end()) return;
    for (const auto& [index, result] : yielded.results)
      if (index < it->second.results.size()) it->second.results[index] = result;
    if (yielded.last) end(now, yielded.job, State::clean, yielded.trouble);
  }

  /// `outcome`: clean, to be judged by the results, or cancelled.
  void end(const Now& now, JobId job, State outcome, std::string trouble) {
    Running done = std::move(running_.at(job));
    running_.erase(job);
    for (auto& result : done.results) {
      if (result.empty()) result = failure_result(trouble.empty() ? "error: the job ended without a result" : trouble);
      if (!succeeded(result) && trouble.empty()) trouble = "error: an operation failed";
      if (found_anything(result) && outcome == State::clean) outcome = State::found;
    }
    if (outcome != State::cancelled && !trouble.empty()) outcome = State::failed;
    if (ends_itself(done)) {
      ending_ = done.key;
      store_.put(ending_row, done.key.bytes());
      tell(Level::warning, "ending", {{"why", "told so by a signed order; waits until its answer is stored"}});
    }
    finish(now, done.key, outcome, trouble, done.results);
  }

  void finish(const Now& now, const ActionKey& key, State outcome, const std::string& trouble,
              const std::vector<std::string>& results) {
    const JournalEntry* entry = journal_.find(key);
    if (!entry) return;
    ReplyHeader header;
    header.action = entry->id;
    header.agent = keys_.id();
    header.state = outcome == State::cancelled || entry->disclose == Disclose::found ? outcome : State::answered;
    header.started = entry->started;
    header.finished = now.wall;
    ReplyBody body{entry->id, keys_.id(), outcome, trouble, join(results)};
    const auto replies = make_replies(header, body, entry->reply_key, keys_, random_);
    journal_.finish(key, outcome, replies);
    audit_.answered(now.wall, entry->id, outcome, trouble, body.results.size(), replies.size());
    tell(Level::info, "answered", {{"action", entry->id.brief()}, {"trouble", trouble}});
    unsent_.emplace_back(store_.batch(), key);
  }

  static std::string join(const std::vector<std::string>& results) {
    std::string out = "[";
    for (const auto& result : results) out += (out.size() > 1 ? "," : "") + result;
    return out + "]";
  }

  void send_results(const ActionKey& key) {
    if (!home_.attached()) return;
    for (auto& frame : journal_.frames(key)) home_.send_frame(3, std::move(frame), *out_);
  }

  /// An answer without a body. It is not kept: the relay offers the action again until it has an answer.
  void answer_header(const ActionId& id, State state, const std::string& reason, const Now& now) {
    ReplyHeader header;
    header.action = id;
    header.agent = keys_.id();
    header.state = state;
    header.reason = reason;
    header.started = header.finished = now.wall;
    tell(state == State::refused ? Level::warning : Level::debug, std::string(to_text(state)), {{"action", id.brief()}, {"why", reason}});
    home_.send(3, ResultFrame{make_reply(header, {}, {}, keys_, random_), false, key_of(id)}, *out_);
  }

  void take(const Acks& acks) {
    for (const auto& key : acks.stored) journal_.stored(key);
    for (const auto& key : acks.done) journal_.confirmed(key);
    for (const auto& refusal : acks.refused)
      tell(Level::warning, "result_refused", {{"action", refusal.action.brief()}, {"code", std::to_string(static_cast<int>(refusal.code))}});
  }

  void tell(Level level, std::string name, std::vector<std::pair<std::string, std::string>> fields) {
    out_->push_back({Tell{{level, std::move(name), std::move(fields)}}, false});
  }

  AgentSetting setting_;
  store::Store& store_;
  Keys keys_;
  Random random_;
  Journal journal_;
  Audit audit_;
  Cancels cancels_;
  HomeLink home_;
  Effects* out_ = nullptr;  // of the step in progress
  bool began_ = false;
  std::optional<ActionKey> ending_;
  Instant purge_at_{};
  std::uint64_t order_ = 0;
  JobId last_job_ = 0;
  std::vector<Waiting> waiting_;
  std::optional<Fetching> fetching_;                         // one action's at a time: that bounds what it takes in memory
  std::map<JobId, Running> running_;
  std::vector<std::pair<std::uint64_t, ActionKey>> unsent_;  // batch that holds the results, action
  std::deque<SignedText> parked_;
};

Agent::Agent(AgentSetting setting, store::Store& store, const Seed& random_seed)
    : inside_(std::make_unique<Inside>(std::move(setting), store, random_seed)) {}
Agent::~Agent() = default;
void Agent::step(const Now& now, const Input& input, Effects& out) { inside_->step(now, input, out); }
Instant Agent::wake() const { return inside_->wake(); }
bool Agent::attached() const { return inside_->attached(); }
bool Agent::over() const { return inside_->over(); }
void Agent::buried() { inside_->buried(); }

}  // namespace mig::node
