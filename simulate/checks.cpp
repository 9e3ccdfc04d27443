#include "simulate/checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "node/core/cancel.h"
#include "relay/notice.h"

namespace mig::simulate {

using namespace core;

namespace {

bool opens(const Message& message) {
  return std::holds_alternative<Hello>(message) || std::holds_alternative<Welcome>(message) || std::holds_alternative<Enrol>(message) || std::holds_alternative<Enrolled>(message);
}

/// What must leave room for everything else: answers, on all of their way.
bool is_data(const Message& message) {
  if (auto* result = std::get_if<ResultFrame>(&message)) return !result->running;
  auto* route = std::get_if<Route>(&message);
  if (!route || route->payload.size() <= 4096) return false;
  auto routed = decode_routed(route->payload);
  return routed && std::holds_alternative<Replies>(*routed);
}

Bytes be16(std::uint16_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 255)}; }

}  // namespace

Checks::Checks(Fleet& fleet) : fleet_(fleet), links_(fleet, [this](int number, bool holds, const std::string& what) { check(number, holds, what); }), costs_(fleet) {
  for (std::size_t i = 0; i < fleet.relays(); ++i) by_id_[fleet.relay_id(i)] = fleet.relay(i);
  for (std::size_t i = 0; i < fleet.agents(); ++i) by_id_[fleet.agent_id(i)] = fleet.agent(i);
}

void Checks::check(int number, bool holds, const std::string& what) {
  ++made_[static_cast<std::size_t>(number)];
  if (!holds) story("VIOLATION " + what);
  if (holds || violations_.size() >= 20) return;
  violations_.push_back(fmt::format("invariant {} at {:.3f} s: {}", number, static_cast<double>(fleet_.world().now().at.us) / 1e6, what));
}

void Checks::asked(const Action& action, std::set<NodeIndex> targeted) {
  Asked& asked = asked_[key_of(action.id)];
  costs_.asked();
  asked = {action, std::move(targeted), {}, fleet_.world().now().at, {}};
  for (std::size_t i = 0; i < fleet_.relays(); ++i) {
    auto members = register_of(fleet_.relay(i), true);
    asked.registered.insert(members.begin(), members.end());
  }
}

std::uint64_t Checks::window_between(NodeIndex a, NodeIndex b) const {
  if (fleet_.is_agent(a) || fleet_.is_agent(b)) return limits::agent_window;
  return fleet_.is_relay(a) && fleet_.is_relay(b) ? limits::relay_window : limits::investigator_window;
}

void Checks::gave_up() {
  std::set<NodeId> left;
  for (std::size_t i = 0; i < fleet_.relays(); ++i)
    if (fleet_.world().alive(fleet_.relay(i))) left.merge(register_of(fleet_.relay(i), true));
  for (auto& [key, asked] : asked_) std::erase_if(asked.registered, [&](const NodeId& agent) { return !left.contains(agent); });
}

unsigned Checks::runs(NodeIndex node, const ActionKey& action) const {
  auto it = runs_.find({node, action});
  return it == runs_.end() ? 0 : it->second;
}

const Checks::Asked* Checks::asked_for(const ActionKey& key) const {
  auto it = asked_.find(key);
  return it == asked_.end() ? nullptr : &it->second;
}

std::set<NodeId> Checks::register_of(NodeIndex relay, bool durable) const {
  std::set<NodeId> out;
  auto take = [&](BytesView key) {
    if (auto id = NodeId::from(key.substr(2))) out.insert(*id);
  };
  const auto& disk = fleet_.world().disk(relay);
  if (durable) {
    for (auto it = disk.durable().lower_bound("r/"); it != disk.durable().end() && it->first.starts_with("r/"); ++it) take(it->first);
  } else {
    disk.scan("r/", [&](BytesView key, BytesView) { return take(key), true; });
  }
  return out;
}

void Checks::told(NodeIndex node, const Event& event) { story(fleet_.world().name_of(node) + ": " + to_line(event)); }

void Checks::story(const std::string& line) const {
  if (trace_) fmt::print("{:10.3f} {}\n", static_cast<double>(fleet_.world().now().at.us) / 1e6, line);
}

void Checks::ended(NodeIndex node) {
  std::erase_if(shown_, [&](const auto& entry) { return std::get<0>(entry.first) == node; });
  std::erase_if(held_, [&](const auto& entry) { return entry.first.first == node; });
  credit_.erase(node);
  std::erase_if(cancels_held_, [&](const auto& entry) { return entry.first == node; });
  if (node == fleet_.investigator()) row_held_.clear(), counted_.clear();  // a new process, a new epoch
  links_.ended(node);
  harmed(node);
}

void Checks::disk_replaced(NodeIndex node) {
  std::erase_if(starts_, [&](const auto& entry) { return entry.first.first == node; });
  std::erase_if(handed_, [&](const auto& entry) { return entry.first.first == node; });
  clock_high_.erase(node);
  std::erase_if(first_high_, [&](const auto& entry) { return std::get<0>(entry.first) == node; });
}

void Checks::sent(NodeIndex from, NodeIndex to, LinkId link, BytesView frame) {
  if (liars_.contains(from)) {
    if (auto message = decode(frame)) links_.sent(from, to, link, *message, false), liar_sent(from, *message);
    return;
  }
  check(26, frame.find(fleet_taint) == BytesView::npos, fmt::format("node {} sends a result in the clear", from));
  auto message = decode(frame);
  if (!message) return check(23, false, fmt::format("node {} sends a frame that cannot be read: {}", from, message.error().text));
  ++kinds_[name_of(*message)];
  costs_.sent(from, to, *message, frame.size());
  check(23, frame.size() <= limits::frame_bytes, fmt::format("node {} sends a frame of {} octets", from, frame.size()));
  auto& [in_flight, consumed] = credit_[from][link];
  if (!std::holds_alternative<Beat>(*message) && !std::holds_alternative<Bye>(*message)) {
    const bool idle = in_flight == consumed;   // then a frame of any size may go
    in_flight += frame.size();
    const std::uint64_t window = window_between(from, to), flying = in_flight - consumed;
    if (!opens(*message)) check(23, idle || flying <= window, fmt::format("node {} has {} octets in flight", from, flying));
    if (is_data(*message)) check(24, idle || flying <= window - window / 4, fmt::format("data of node {} fills the window: {} octets of {}", from, flying, window));
  }
  if (auto* put = std::get_if<Put>(&*message))
    for (const auto& object : put->objects) object_sent(from, to, object);
  if (auto* route = std::get_if<Route>(&*message)) route_sent(from, to, *route);
  promised(from, to, *message);
  links_.sent(from, to, link, *message);
}

void Checks::object_sent(NodeIndex from, NodeIndex to, const Object& object) {
  if (object.kind == ObjectKind::chunk) {
    const bool named = std::any_of(asked_.begin(), asked_.end(), [hash = hash_of(object.text)](const auto& entry) {
      const auto& all = entry.second.action.attachments;
      return std::any_of(all.begin(), all.end(), [&](const Attachment& one) { return std::count(one.chunks.begin(), one.chunks.end(), hash) > 0; });
    });
    return check(1, named, fmt::format("node {} passes on a chunk that no action names", from));
  }
  auto seen = relay::preview(object);
  const Hash hash = hash_of(pack_object(object));
  if (fleet_.is_relay(from)) {
    auto known = verified_.find(hash);
    if (known == verified_.end()) {
      auto notice = relay::verify_notice(object, fleet_.membership(), fleet_.world().now().wall);
      if (!notice) notice = relay::verify_notice(object, fleet_.membership(), fleet_.world().now_of(from).wall);
      check(1, notice && seen, fmt::format("relay {} passes on what does not verify", from));
      if (!notice) return;
      known = verified_.emplace(hash, notice->expires).first;
    } else {
      check(1, true, {});
    }
    const WallMs expires = known->second;
    if (!seen) return;
    WallMs& high = clock_high_[from];
    high = std::max(high, fleet_.world().now_of(from).wall);
    // A clock that was ahead and is right again may take in new versions; what it purged while ahead stays gone.
    const WallMs before = first_high_.try_emplace({from, seen->key, seen->version}, high).first->second;
    check(2, expires > fleet_.world().now_of(from).wall && (expires > high || expires <= before), fmt::format("relay {} brings back what had expired", from));
    if (fleet_.is_relay(to)) {
      // Frames wait for credit: over another link a newer version may have gone already.
      Version& shown = shown_[{from, to, seen->key}];
      check(3, shown <= seen->version, fmt::format("relay {} shows an older version of an object than before", from));
      shown = std::max(shown, seen->version);
      auto packed = fleet_.world().disk(from).get("b/" + seen->key);
      auto held = packed ? unpack_object(*packed) : Result<Object>(invalid("none"));
      auto kept = held ? relay::preview(*held) : Result<relay::Preview>(invalid("none"));
      if (!kept) return;
      Version& highest = held_[{from, seen->key}];
      check(3, highest <= kept->version, fmt::format("relay {} holds an older version of an object than before", from));
      highest = kept->version;
    }
  }
  if (object.kind == ObjectKind::action && fleet_.is_relay(from) && fleet_.is_agent(to))
    check(7, !cancels_held_.contains({from, action_id_of(object.text)}), fmt::format("relay {} delivers a cancelled action", from));
}

void Checks::route_sent(NodeIndex from, NodeIndex to, const Route& route) {
  check(22, route.ttl <= limits::hops, "a route with more hops than there may be");
  if (auto heard = heard_.find(from); heard != heard_.end() && heard->second.payload == route.payload && fleet_.is_relay(to))
    check(22, route.ttl < heard->second.ttl, fmt::format("relay {} does not count a hop down", from));
  if (fleet_.is_relay(from) && fleet_.is_relay(to)) {
    // The sender's own board must show the edge from both ends.
    auto record_of = [&](NodeIndex relay) -> std::optional<RelayRecord> {
      auto packed = fleet_.world().disk(from).get("b/" + board_key(ObjectKind::relay, fleet_.node_id(relay).view()));
      auto object = packed ? unpack_object(*packed) : Result<Object>(invalid("none"));
      auto record = object ? unpack_relay_record(object->text) : Result<RelayRecord>(object.error());
      return record ? std::optional(*record) : std::nullopt;
    };
    auto lists = [](const std::optional<RelayRecord>& record, const NodeId& other) {
      return record && std::any_of(record->neighbours.begin(), record->neighbours.end(), [&](const auto& n) { return n.first == other; });
    };
    // Frames wait for credit: one that was queued while the edge stood may leave after it is gone.
    const bool both = lists(record_of(from), fleet_.node_id(to)) && lists(record_of(to), fleet_.node_id(from));
    const bool fresh_harm = harmed_at_.contains(from) || harmed_at_.contains(to);
    check(21, both || fresh_harm, fmt::format("relay {} routes over an edge that {} does not list", from, to));
  }
  auto routed = decode_routed(route.payload);
  if (!routed) return;
  if (auto* tally = std::get_if<Tally>(&*routed); tally && fleet_.is_relay(from))
    for (const auto& row : tally->rows) row_sent(from, row);
  if (auto* replies = std::get_if<Replies>(&*routed); replies && fleet_.is_relay(from)) replies_sent(from, *replies);
  if (auto* signed_pull = std::get_if<SignedPull>(&*routed); signed_pull && from == fleet_.investigator()) {
    auto pull = unpack_pull(signed_pull->pull);
    NodeId relay = route.to;
    if (pull)
      for (const auto& item : pull->items)
        for (const auto& position : item.from) {
          auto committed = cursors_.find({item.action, relay, position.instance});
          check(12, position.index == 0 || (committed != cursors_.end() && position.index <= committed->second), "a pull confirms what is not in the ledger");
          auto& before = pulled_[{item.action, relay, position.instance}];
          check(12, position.index >= before, "a pull goes back");
          before = std::max(before, position.index);
        }
  }
}

/// Whom its rows count is noted, so that 16 goes on to hold for its agents; what the rows say is not judged.
void Checks::liar_sent(NodeIndex from, const Message& message) {
  auto* route = std::get_if<Route>(&message);
  auto routed = route ? decode_routed(route->payload) : Result<Routed>(invalid("none"));
  auto* tally = routed ? std::get_if<Tally>(&*routed) : nullptr;
  if (!tally) return;
  for (const auto& signed_row : tally->rows)
    if (auto row = unpack_row(signed_row.row); row && row->relay == fleet_.node_id(from) && row->at == fleet_.world().now_of(from).wall)
      row_agents_.try_emplace({row->action, row->relay, row->version}, register_of(from, false));
}

void Checks::row_sent(NodeIndex from, const SignedRow& signed_row) {
  auto row = unpack_row(signed_row.row);
  if (!row || row->relay != fleet_.node_id(from)) return;  // on its way
  Row content = *row;
  const Hash hash = hash_of(pack(content));
  auto [held, first] = rows_.try_emplace({row->action, row->relay, row->version}, hash);
  check(15, held->second == hash, fmt::format("relay {} says two things in one version of a row", from));
  if (!first || row->at != fleet_.world().now_of(from).wall) return;
  const auto members = register_of(from, false);
  const std::uint64_t sum = sum_of(*row);
  check(14, sum == members.size(), fmt::format("relay {}: the classes of a row sum to {}, the register holds {}", from, sum, members.size()));
  row_agents_[{row->action, row->relay, row->version}] = members;
  for (const auto& [place, seq] : handed_) {
    if (place.first != from || !members.contains(place.second)) continue;
    auto entry = fleet_.world().disk(from).get("r/" + place.second.bytes());
    auto json = entry ? parse_json(*entry, 64 * 1024) : Result<Json>(invalid("none"));
    check(19, json && json->value("attach_seq", std::uint64_t{0}) >= seq, fmt::format("relay {} counts an agent that it gave away", from));
  }
}

void Checks::replies_sent(NodeIndex from, const Replies& replies) {
  if (replies.relay != fleet_.node_id(from)) return;
  LogPosition at = replies.from;
  for (const auto& entry : replies.entries) {
    const Hash hash = hash_of(entry.reply.header + entry.reply.signature);
    auto [held, first] = log_.try_emplace({replies.action, replies.relay, at}, hash);
    check(11, held->second == hash, fmt::format("relay {} gives one place of its log to two answers", from));
    ++at.index;
  }
}

/// What is on disk at this place of a log, whether a reader was ever given it or not.
void Checks::logged(NodeIndex relay, const ActionKey& action, BytesView place) {
  const auto& durable = fleet_.world().disk(relay).durable();
  auto packed = durable.find("l/" + action.bytes() + Bytes(place));
  auto entry = packed == durable.end() ? Result<LogEntry>(invalid("none")) : unpack_log_entry(packed->second);
  if (!entry) return;
  LogPosition at;
  for (unsigned char octet : place.substr(0, 8)) at.instance = at.instance << 8 | octet;
  for (unsigned char octet : place.substr(8, 8)) at.index = at.index << 8 | octet;
  const Hash hash = hash_of(entry->reply.header + entry->reply.signature);
  check(11, log_.try_emplace({action, fleet_.node_id(relay), at}, hash).first->second == hash, fmt::format("relay {} keeps two answers in one place of its log", relay));
}

void Checks::promised(NodeIndex from, NodeIndex to, const Message& message) {
  if (!fleet_.is_relay(from)) return;
  const auto& durable = fleet_.world().disk(from).durable();
  if (std::holds_alternative<Welcome>(message) && fleet_.is_agent(to))
    check(9, durable.contains("r/" + fleet_.node_id(to).bytes()), fmt::format("relay {} welcomes an agent that is not on its disk", from));
  if (auto* verdict = std::get_if<Verdict>(&message); verdict && verdict->code == VerdictCode::stored && verdict->key[0] != static_cast<char>(ObjectKind::roster))
    check(9, durable.contains("b/" + verdict->key), fmt::format("relay {} says stored of what is not on its disk", from));
  if (auto* acks = std::get_if<Acks>(&message)) {
    for (const auto& key : acks->stored) {
      auto place = durable.find("x/" + key.bytes() + fleet_.node_id(to).bytes() + be16(0));
      check(9, place != durable.end(), fmt::format("relay {} says stored of an answer that is not on its disk", from));
      if (place != durable.end()) logged(from, key, place->second);
    }
    for (const auto& key : acks->done) {
      auto receipts = receipts_.find(key);
      check(10, receipts != receipts_.end() && receipts->second.contains(fleet_.node_id(to)), "an agent is told done of an answer that no reader holds");
    }
  }
  if (auto* route = std::get_if<Route>(&message)) {
    auto routed = decode_routed(route->payload);
    if (auto* handed = routed ? std::get_if<Handed>(&*routed) : nullptr; handed && !heard_.contains(from)) {
      auto entry = durable.find("r/" + handed->agent.bytes());
      auto json = entry == durable.end() ? Result<Json>(invalid("none")) : parse_json(entry->second, 64 * 1024);
      check(9, !json || json->value("attach_seq", std::uint64_t{0}) >= handed->attach_seq, fmt::format("relay {} says handed of an agent that its disk still holds", from));
      auto& seq = handed_[{from, handed->agent}];
      seq = std::max(seq, handed->attach_seq);
    }
  }
}

void Checks::stepped(NodeIndex node, const Input& input, const Effects& effects) {
  heard_.erase(node);
  auto* heard = std::get_if<Heard>(&input);
  auto message = heard ? decode(heard->frame) : Result<Message>(invalid("none"));
  links_.stepped(node, input, message ? &*message : nullptr, effects);
  if (heard) {
    if (!message || std::holds_alternative<Unknown>(*message)) {
      const bool quiet = std::none_of(effects.begin(), effects.end(), [](const Effect& effect) { return std::holds_alternative<Start>(effect.what) || std::holds_alternative<Keep>(effect.what); });
      check(28, quiet, fmt::format("an unknown frame makes node {} do something", node));
    }
    if (message) {
      if (auto* beat = std::get_if<Beat>(&*message)) {
        auto& links = credit_[node];
        if (auto credit = links.find(heard->from); credit != links.end()) credit->second.second = std::max(credit->second.second, std::min(beat->consumed, credit->second.first));
      }
      if (auto* route = std::get_if<Route>(&*message)) heard_[node] = {route->payload, route->ttl};
      if (auto* put = std::get_if<Put>(&*message))
        for (const auto& object : put->objects)
          if (object.kind == ObjectKind::cancel)
            if (auto cancel = admit_cancel({object.text, object.signatures}, fleet_.roster(), fleet_.world().now().wall)) cancels_held_.insert({node, cancel->cancel.action});
    }
  }
}

void Checks::done(NodeIndex node) {
  links_.done(node);
  if (node != fleet_.investigator() || !fleet_.world().alive(node) || fleet_.world().now().at < next_statement_) return;
  // What it says is counted over all agents: in a large fleet not after every frame.
  if (fleet_.agents() > 1000) next_statement_ = fleet_.world().now().at + Duration::millis(20);
  statement_of(node);
}

void Checks::started(NodeIndex node, const Start& order) {
  const ActionKey key = key_of(order.action);
  const Asked* asked = asked_for(key);
  const NodeIndex agent = by_id_.at(fleet_.node_id(node));  // a twin is that agent, too
  check(5, ++starts_[{node, key}] <= 1, fmt::format("agent {} starts an action twice", node));
  ++runs_[{agent, key}];
  costs_.started();
  const WallMs wall = fleet_.world().now_of(node).wall;
  check(6, asked && asked->targeted.contains(agent) && std::max(wall, fleet_.world().now().wall) + limits::clock_skew_ms >= asked->action.valid_from && wall <= asked->action.expire_after,
        fmt::format("agent {} starts what is not for it, or not now", node));
  check(7, !cancels_held_.contains({node, order.action}), fmt::format("agent {} starts a cancelled action", node));
  const auto& durable = fleet_.world().disk(node).durable();
  check(8, durable.contains("j/" + key.bytes()), fmt::format("agent {} starts before its journal says so", node));
}

void Checks::kept(NodeIndex, const Record& record) {
  if (std::holds_alternative<KeepEpoch>(record)) counted_.clear();  // rows of an attachment before are fresh no more
  if (auto* cursor = std::get_if<KeepCursor>(&record)) {
    auto& next = cursors_[{cursor->action, cursor->relay, cursor->next.instance}];
    next = std::max(next, cursor->next.index);
  }
  if (auto* receipt = std::get_if<KeepReceipt>(&record)) {
    const bool first = receipts_[receipt->action][receipt->agent].insert(receipt->part).second;
    check(13, first, "a receipt is kept twice");
    const bool result = receipt->state == State::found || receipt->state == State::clean;
    if (result) check(13, runs(by_id_.at(receipt->agent), receipt->action) > 0, "a result of an agent that never started");
  }
  if (auto* kept_row = std::get_if<KeepRow>(&record)) row_kept(*kept_row);
}

}  // namespace mig::simulate
