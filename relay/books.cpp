#include "relay/books.h"

#include <algorithm>

#include "node/core/limits.h"

namespace mig::relay {

using namespace core;

namespace {

constexpr std::size_t versions_remembered = 64;     // row versions whose time is known, for the gate
constexpr Duration turn_look = Duration::seconds(60);
constexpr std::size_t window_max = 4 * 1024 * 1024; // whatever a PULL claims

Bytes be64(std::uint64_t value) {
  Bytes out;
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 255);
  return out;
}
std::uint64_t read_be64(BytesView bytes) {
  std::uint64_t out = 0;
  for (unsigned char c : bytes.substr(0, 8)) out = out << 8 | c;
  return out;
}
Bytes be16(std::uint16_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 255)}; }

Bytes log_key(const ActionKey& key, const LogPosition& at) { return "l/" + key.bytes() + be64(at.instance) + be64(at.index); }
Bytes part_key(const ActionKey& key, const NodeId& agent, std::uint16_t part) { return "x/" + key.bytes() + agent.bytes() + be16(part); }

}  // namespace

Books::Books(store::Store& store, Register& members, NodeId self, WallMs retention_ms, Outlets outlets)
    : store_(store), members_(members), self_(self), retention_ms_(retention_ms), outlets_(std::move(outlets)) {}

void Books::load(std::uint64_t instance, WallMs reset_at, const Now& now) {
  instance_ = instance;
  reset_at_ = reset_at;
  store_.scan("a/", [&](BytesView, BytesView value) {
    auto object = unpack_object(value);
    if (!object) return true;
    // Its signatures were verified when it was written; the store is ours.
    if (auto action = parse_action(object->text)) {
      Account account(std::move(*action), {object->text, object->signatures});
      accounts_.emplace(account.key(), std::move(account));  // the board may have opened it already
    }
    return true;
  });
  for (auto& [key, held] : accounts_) {
    Account& account = held;
    account.row_version = {instance_, 0};
    store_.scan("s/" + key.bytes(), [&](BytesView name, BytesView value) {
      if (auto agent = NodeId::from(name.substr(2 + ActionKey::size))) account.closed[*agent] = static_cast<State>(value[0]);
      return true;
    });
    store_.scan("e/" + key.bytes(), [&](BytesView name, BytesView value) {
      if (auto agent = NodeId::from(name.substr(2 + ActionKey::size))) account.elsewhere[*agent] = static_cast<State>(value[0]);
      return true;
    });
    store_.scan("l/" + key.bytes(), [&](BytesView name, BytesView) {
      account.log[read_be64(name.substr(2 + ActionKey::size))] = read_be64(name.substr(10 + ActionKey::size)) + 1;
      return true;
    });
    store_.scan("x/" + key.bytes(), [&](BytesView name, BytesView) {
      BytesView rest = name.substr(2 + ActionKey::size);
      auto agent = NodeId::from(rest.substr(0, NodeId::size));
      if (agent && !account.closed.contains(*agent))
        account.parts[*agent].insert(static_cast<std::uint16_t>(static_cast<unsigned char>(rest[16]) << 8 | static_cast<unsigned char>(rest[17])));
      return true;
    });
    watch_end(account);
    changed(account, now);
  }
  turn(now);
}

void Books::reset(std::uint64_t instance, WallMs reset_at, const Now& now) {
  instance_ = instance;
  reset_at_ = reset_at;
  for (auto& [key, account] : accounts_) {
    account.row_version = {instance, 0};
    account.last_row.reset();
    changed(account, now);
  }
}

Account* Books::find(const ActionKey& key) {
  auto it = accounts_.find(key);
  return it == accounts_.end() ? nullptr : &it->second;
}

void Books::open(const Admission& admission, const SignedText& asked, const std::optional<Object>& cancelled, const std::map<SinkId, SinkNotice>& sinks, const Now& now) {
  const ActionKey key = key_of(admission.action.id);
  if (auto* known = find(key)) {  // of the store, or with more signatures now
    known->signers = admission.signers;
    if (cancelled) cancel(*known, *cancelled, now);
    return;
  }
  Account& account = accounts_.emplace(key, Account(admission.action, asked)).first->second;
  account.signers = admission.signers;
  account.cancel = cancelled;
  account.row_version = {instance_, 0};
  store_.put("a/" + key.bytes(), pack_object({ObjectKind::action, asked.text, asked.signatures, {}}));
  watch_end(account);
  turn(now);
  for (auto& [id, member] : members_.all()) offer(account, member, now);
  for (const auto& [id, sink] : sinks) {
    if (!account.readable_by(sink.session.investigator)) continue;
    Demand& demand = account.demands[id];
    demand.epoch = sink.record.epoch;
    demand.row_at = now.at;  // the first row at once: it tells the reader where to pull
  }
  plan(account);
}

void Books::attached(Member& member, const std::vector<Held>& held, const Now& now) {
  for (auto& [key, account] : accounts_) account.session.erase(member.id);
  member.confirmed.clear();
  for (const auto& item : held)
    if (item.state == Journal::confirmed) member.confirmed.insert(item.action);
  for (const auto& item : held) {
    auto it = accounts_.find(item.action);
    if (it == accounts_.end() || it->second.closed.contains(member.id)) continue;
    // What it has done it sends again by itself; what a reader has confirmed lies in another relay's log.
    if (item.state == Journal::confirmed)
      close(it->second, member.id, State::answered, now);
    else
      it->second.session[member.id] = State::running;
  }
  for (auto& [key, account] : accounts_) changed(account, now);
}

void Books::offer_all(Member& member, const Now& now) {
  for (auto& [key, account] : accounts_) offer(account, member, now);
}

void Books::detached(const Member& member, const Now& now) {
  for (auto& [key, account] : accounts_) {
    account.session.erase(member.id);
    if (!account.closed.contains(member.id)) changed(account, now);
  }
}

void Books::left(const NodeId& agent, const Now& now) {
  for (auto& [key, account] : accounts_) {
    account.session.erase(agent);
    for (const char* table : {"s/", "e/"}) store_.erase(table + key.bytes() + agent.bytes());
    account.closed.erase(agent);
    account.elsewhere.erase(agent);
    changed(account, now);
  }
}

/// From the log and not from what is closed: that went when the agent left, and an answer to a hand-over may be asked for twice.
std::optional<State> Books::logged_state(const ActionKey& key, const NodeId& agent) const {
  auto first = store_.get(part_key(key, agent, 0));
  auto logged = first ? entry(key, {read_be64(*first), read_be64(BytesView(*first).substr(8))}) : std::nullopt;
  auto header = logged ? read_reply_header(logged->reply.header) : Result<ReplyHeader>(invalid("gone"));
  if (!header) return {};
  for (std::uint16_t part = 1; part < header->parts; ++part)
    if (!store_.get(part_key(key, agent, part))) return {};
  return header->state;
}

std::vector<Closed> Books::closed_of(const NodeId& agent) const {
  std::vector<Closed> out;
  for (const auto& [key, account] : accounts_) {
    if (out.size() == limits::closed) break;
    auto told = account.elsewhere.find(agent);
    if (auto state = logged_state(key, agent))
      out.push_back({key, *state});
    else if (told != account.elsewhere.end())
      out.push_back({key, told->second});
  }
  return out;
}

void Books::closed_elsewhere(const NodeId& agent, const std::vector<Closed>& closed, const Now& now) {
  for (const auto& item : closed) {
    Account* account = find(item.action);
    if (!account || is_open(item.state) || account->closed.contains(agent) || !account->elsewhere.emplace(agent, item.state).second) continue;
    store_.put("e/" + item.action.bytes() + agent.bytes(), Bytes(1, static_cast<char>(item.state)));
    changed(*account, now);
  }
}

void Books::offer(Account& account, Member& member, const Now& now) {
  if (member.link == 0 || account.closed.contains(member.id) || account.session.contains(member.id)) return;
  if (now.wall > account.action().expire_after || !account.concerns(member, now.wall)) return;
  // The action may have come here after the agent did: it would not answer once more what a reader holds.
  if (member.confirmed.contains(account.key())) return close(account, member.id, State::answered, now);
  account.session[member.id] = State::delivered;
  Put put;
  if (account.cancel)
    put.objects.push_back(*account.cancel);
  else
    put.objects.push_back({ObjectKind::action, account.asked().text, account.asked().signatures, {}});
  outlets_.to_agent(member, 1, put, account.key().bytes());
  changed(account, now);
}

void Books::cancel(Account& account, const Object& cancel, const Now& now) {
  if (account.cancel) return;
  account.cancel = cancel;
  const Bytes key = account.key().bytes();
  for (auto& [id, member] : members_.all()) {
    if (auto said = account.session.find(id); said != account.session.end() && said->second == State::delivered) account.session.erase(said);
    if (account.session.contains(id) && member.link != 0) outlets_.to_agent(member, 1, Put{{cancel}}, key);  // it runs there
    offer(account, member, now);
  }
  changed(account, now);
}

Books::Taken Books::take(const Member& member, const ResultFrame& frame, const Now& now) {
  if (frame.running) {
    auto it = accounts_.find(frame.action);
    if (it == accounts_.end()) return {AckCode::unasked, false, "no such action here"};
    if (!it->second.closed.contains(member.id)) {
      it->second.session[member.id] = State::running;
      changed(it->second, now);
    }
    return {};
  }
  auto header = verify_reply(frame.reply, member.sign_key);
  if (!header) return {AckCode::bad, false, header.error().text};
  auto it = accounts_.find(key_of(header->action));
  if (it == accounts_.end()) return {AckCode::unasked, false, "nobody asked for this"};
  Account& account = it->second;
  if (header->agent != member.id || header->part >= header->parts || header->parts > limits::reply_parts ||
      header->body_bytes > limits::reply_part_bytes || is_open(header->state))
    return {AckCode::bad, false, "the header does not fit the sender"};
  const Bytes position_key = part_key(account.key(), member.id, header->part);
  if (!store_.get(position_key)) {
    const LogPosition at{instance_, account.log[instance_]++};
    store_.put(log_key(account.key(), at), pack(LogEntry{frame.reply, member.certificate}));
    store_.put(position_key, be64(at.instance) + be64(at.index));
    for (auto& [sink, demand] : account.demands)
      demand.flush_at = std::min(demand.flush_at, now.at + limits::flush_after);
  }
  // Logged already, but the agent had left this register since: it counts again.
  if (!account.closed.contains(member.id)) account.parts[member.id].insert(header->part);
  const bool complete = account.closed.contains(member.id) || account.parts[member.id].size() >= header->parts;
  if (complete) close(account, member.id, header->state, now);
  changed(account, now);
  return {{}, complete, {}};
}

void Books::close(Account& account, const NodeId& agent, State state, const Now& now) {
  account.session.erase(agent);
  account.parts.erase(agent);
  if (!account.closed.emplace(agent, state).second) return;
  store_.put("s/" + account.key().bytes() + agent.bytes(), Bytes(1, static_cast<char>(state)));
  changed(account, now);
}

void Books::changed(Account& account, const Now& now) {
  const bool done = account.nothing_open_online(members_, now.wall);
  for (auto& [sink, demand] : account.demands) {
    if (done) {  // everyone who is here has answered: say so at once, and give what waits
      demand.row_at = std::min(demand.row_at, now.at);
      if (demand.flush_at != Instant::never()) demand.flush_at = now.at;
    } else {
      const bool first = account.row_version.minor <= 1;
      demand.row_at = std::min(demand.row_at, first ? now.at + limits::row_first : std::max(now.at, account.last_row_at + limits::row_gap));
    }
  }
  plan(account);
}

void Books::reader(const SinkNotice& sink, const Now& now) {
  for (auto& [key, account] : accounts_) {
    if (!account.readable_by(sink.session.investigator)) continue;
    Demand& demand = account.demands[sink.record.sink];
    demand = {};
    demand.epoch = sink.record.epoch;
    demand.row_at = now.at;
    plan(account);
  }
}

void Books::no_reader(const SinkId& sink) {
  for (auto& [key, account] : accounts_) account.demands.erase(sink);
}

void Books::hurry(const Now& now) {
  for (auto& [key, account] : accounts_) {
    for (auto& [sink, demand] : account.demands) {
      if (demand.row_at == Instant::never()) continue;
      demand.row_at = std::min(demand.row_at, now.at);
      demand.repeat = limits::row_repeat_min;
    }
    plan(account);
  }
}

void Books::pull(const SinkNotice& sink, const Pull& pull, const Now& now) {
  for (const auto& item : pull.items) {
    auto it = accounts_.find(item.action);
    if (it == accounts_.end() || !it->second.readable_by(sink.session.investigator)) continue;
    Account& account = it->second;
    Demand& demand = account.demands[sink.record.sink];
    if (demand.epoch == pull.epoch && pull.n <= demand.n) continue;
    demand.epoch = pull.epoch;
    demand.n = pull.n;
    demand.window = std::min<std::size_t>(item.window, window_max);
    std::vector<LogPosition> held = item.from;
    for (auto [instance, next] : account.log)  // what the reader does not name it holds nothing of
      if (std::none_of(held.begin(), held.end(), [instance = instance](const LogPosition& p) { return p.instance == instance; })) held.push_back({instance, 0});
    for (const auto& position : held) {
      const std::uint64_t before = std::exchange(demand.from[position.instance], position.index);
      std::uint64_t& next = demand.next[position.instance];
      // No progress since the last PULL means that what was sent got lost: begin again from there.
      if (next < position.index || position.index == before) next = position.index;
      if (account.asked_by(sink.session.investigator) && position.index > before) confirm(account, position.instance, before, position.index);
    }
    if (item.row_version == account.row_version) {
      demand.row_held = item.row_version;
      demand.repeat = limits::row_repeat_min;
    }
    if (auto when = account.computed.find(item.row_version.minor); item.row_version.major == instance_ && when != account.computed.end())
      demand.held_computed = std::max(demand.held_computed, when->second);
    demand.flush_at = now.at;
    plan(account);
  }
}

void Books::confirm(Account& account, std::uint64_t instance, std::uint64_t from, std::uint64_t to) {
  to = std::min(to, account.log.contains(instance) ? account.log[instance] : 0);
  for (std::uint64_t index = from; index < to; ++index) {
    auto logged = entry(account.key(), {instance, index});
    auto header = logged ? read_reply_header(logged->reply.header) : Result<ReplyHeader>(invalid("gone"));
    if (!header) continue;
    if (Member* member = members_.find(header->agent); member && member->link != 0)
      outlets_.to_agent(*member, 2, Acks{{}, {account.key()}, {}}, {});
  }
}

const Row& Books::current_row(Account& account, const Now& now) {
  Row row = account.row(members_, self_, reset_at_, now.wall);
  row.version = account.row_version;
  row.at = account.last_row ? account.last_row->at : 0;
  if (!account.last_row || row != *account.last_row) {
    account.row_version.minor += 1;
    row.version = account.row_version;
    row.at = now.wall;
    account.last_row = row;
  }
  // Also when nothing in it changed: what it says is true of the agents that are here now.
  account.computed[account.row_version.minor] = now.at;
  if (account.computed.size() > versions_remembered) account.computed.erase(account.computed.begin());
  return *account.last_row;
}

void Books::say_row(Account& account, Demand& demand, const SinkNotice& sink, const Now& now) {
  const Row& row = current_row(account, now);
  if (demand.row_held == row.version) {
    demand.held_computed = now.at;
    demand.row_at = Instant::never();
    return;
  }
  const Bytes packed = pack(row);
  outlets_.to_sink(sink, 2, Tally{{{packed, outlets_.sign_row(packed)}}}, "row" + account.key().bytes() + sink.record.sink.bytes());
  account.last_row_at = now.at;
  demand.row_at = now.at + demand.repeat;  // until the reader says that it has it
  demand.repeat = std::min(demand.repeat * 2, limits::row_repeat_max);
}

void Books::serve(Account& account, Demand& demand, const SinkNotice& sink, const Now& now) {
  demand.flush_at = Instant::never();
  const bool done = account.nothing_open_online(members_, now.wall);
  for (auto [instance, end] : account.log) {
    std::uint64_t& next = demand.next[instance];
    std::size_t in_flight = 0;
    for (std::uint64_t index = demand.from[instance]; index < next && in_flight < demand.window; ++index)
      if (auto sent = entry(account.key(), {instance, index})) in_flight += sent->reply.body.size() + 512;
    while (next < end && in_flight < demand.window) {
      Replies replies{account.key(), self_, {instance, next}, {}};
      std::size_t bytes = 0;
      while (next < end && bytes < limits::flush_bytes && in_flight < demand.window) {
        auto logged = entry(account.key(), {instance, next});
        if (!logged) break;  // evicted: retention is over
        const std::size_t size = logged->reply.body.size() + logged->certificate.size() + 300;
        if (!replies.entries.empty() && bytes + size > limits::reply_part_bytes) break;
        bytes += size;
        in_flight += size;
        replies.entries.push_back(std::move(*logged));
        ++next;
      }
      if (replies.entries.empty()) break;
      outlets_.to_sink(sink, 3, replies, {});
    }
  }
  if (done) demand.row_at = std::min(demand.row_at, now.at);
}

std::optional<LogEntry> Books::entry(const ActionKey& key, const LogPosition& position) const {
  auto stored = store_.get(log_key(key, position));
  if (!stored) return {};
  auto logged = unpack_log_entry(*stored);
  return logged ? std::optional(std::move(*logged)) : std::nullopt;
}

void Books::watch_end(const Account& account) {
  turns_.insert({account.action().result_by() + 1, account.key()});
  turns_.insert({account.action().result_by() + retention_ms_ + 1, account.key()});
}

/// An action is over: whoever is still open is expired, which its last row says. Later it is forgotten.
void Books::turn(const Now& now) {
  while (!turns_.empty() && turns_.begin()->first <= now.wall) {
    const ActionKey key = turns_.begin()->second;
    turns_.erase(turns_.begin());
    Account* account = find(key);
    if (account && now.wall > account->action().result_by() + retention_ms_)
      forget(key);
    else if (account)
      changed(*account, now);
  }
  // The wall clock may jump; it is looked at now and then.
  turn_at_ = turns_.empty() ? Instant::never() : now.at + std::min(Duration::millis(turns_.begin()->first - now.wall), turn_look);
}

void Books::tick(const Now& now, const std::map<SinkId, SinkNotice>& sinks) {
  if (now.at >= turn_at_) turn(now);
  while (!due_.empty() && due_.begin()->first <= now.at) {
    const ActionKey key = due_.begin()->second;
    due_.erase(due_.begin());
    planned_.erase(key);
    Account& account = accounts_.at(key);
    std::erase_if(account.demands, [&](const auto& entry) { return !sinks.contains(entry.first); });
    for (auto& [id, demand] : account.demands) {
      if (demand.flush_at <= now.at) serve(account, demand, sinks.at(id), now);
      if (demand.row_at <= now.at) say_row(account, demand, sinks.at(id), now);
    }
    plan(account);
  }
}

void Books::plan(Account& account) {
  Instant next = Instant::never();
  for (const auto& [id, demand] : account.demands) next = std::min({next, demand.row_at, demand.flush_at});
  const ActionKey key = account.key();
  if (auto it = planned_.find(key); it != planned_.end()) due_.erase({it->second, key});
  if (next == Instant::never()) {
    planned_.erase(key);
    return;
  }
  planned_[key] = next;
  due_.insert({next, key});
}

Instant Books::wake() const { return due_.empty() ? turn_at_ : std::min(turn_at_, due_.begin()->first); }

bool Books::gate_open(const Member& member, const std::map<SinkId, SinkNotice>& sinks, const Now& now) const {
  for (const auto& [key, account] : accounts_) {
    if (now.wall > account.action().result_by() || !account.concerns(member, now.wall)) continue;
    for (const auto& [id, sink] : sinks) {
      if (!account.readable_by(sink.session.investigator)) continue;
      auto demand = account.demands.find(id);
      if (demand == account.demands.end() || demand->second.held_computed <= member.here_since) return false;
    }
  }
  return true;
}

void Books::forget(const ActionKey& key) {
  std::vector<Bytes> names{"a/" + key.bytes()};
  for (const char* table : {"s/", "e/", "l/", "x/"})
    store_.scan(table + key.bytes(), [&](BytesView name, BytesView) {
      names.emplace_back(name);
      return true;
    });
  for (const auto& name : names) store_.erase(name);
  if (auto it = planned_.find(key); it != planned_.end()) {
    due_.erase({it->second, key});
    planned_.erase(it);
  }
  std::erase_if(turns_, [&](const auto& turn) { return turn.second == key; });
  accounts_.erase(key);
}

}  // namespace mig::relay
