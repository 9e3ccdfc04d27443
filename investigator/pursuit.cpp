#include "investigator/pursuit.h"

#include <fmt/format.h>

#include <algorithm>

namespace mig::investigator {

using namespace core;

bool Tracked::all_read() const {
  if (!row) return false;
  return std::all_of(row->log.begin(), row->log.end(), [&](const LogPosition& end) {
    auto it = next.find(end.instance);
    return end.index == 0 || (it != next.end() && it->second >= end.index);
  });
}

bool Pursuit::received(const Received& got) {
  if (got.part + 1 == got.parts) relays[got.relay].answered.insert(got.agent);
  if (answers.contains(got.agent) || !parts[got.agent].insert(got.part).second) return false;
  part_state[got.agent] = got.state;
  if (parts[got.agent].size() >= got.parts) {
    answers[got.agent] = got.state;
    parts.erase(got.agent);
    part_state.erase(got.agent);
  }
  return true;
}

void Pursuit::recall(const Follow& follow) {
  reply_secret = follow.reply_secret;
  for (const auto& cursor : follow.cursors) relays[cursor.relay].next[cursor.next.instance] = cursor.next.index;
  for (const auto& [relay, version] : follow.rows) relays[relay].floor = version;
  for (const auto& got : follow.receipts) received(got);
}

void Pursuit::judged(const Verdict& of_relay, Instant now) {
  verdict = of_relay;
  // Over a quota is not wrong: it will be taken later, and until then nobody would work on it.
  if (of_relay.code == VerdictCode::quota) put_at = now + limits::put_again;
}

bool Pursuit::take(const Row& row, std::uint64_t epoch) {
  Tracked& tracked = relays[row.relay];
  if (row.version < (tracked.row ? tracked.row->version : tracked.floor)) return false;
  const bool news = !tracked.row || tracked.row->version < row.version || tracked.row_epoch != epoch;
  tracked.row = row;
  tracked.row_epoch = epoch;
  return news;
}

namespace {

constexpr Duration dispute_after = Duration::seconds(2);

bool forgotten(const NodeId& relay, const Surroundings& around) {
  auto it = around.known_relays.find(relay);
  return it != around.known_relays.end() && it->second.forgotten;
}

/// Live relays, relays whose row is held, and relays at which the ledger knows an agent, until forgotten by order.
std::set<NodeId> required_relays(const Pursuit& pursuit, const Surroundings& around) {
  std::set<NodeId> required;
  for (const auto& [id, record] : around.map.records()) required.insert(id);
  for (const auto& [id, tracked] : pursuit.relays)
    if (tracked.row) required.insert(id);
  for (const auto& [id, agent] : around.known_agents)
    if (!agent.home.empty()) required.insert(agent.home);
  std::erase_if(required, [&](const NodeId& relay) {
    // A forgotten relay that lives again is required again; the record it left behind when it was forgotten is no life.
    auto record = around.map.records().find(relay);
    return forgotten(relay, around) && (record == around.map.records().end() || record->second.issued <= around.known_relays.at(relay).seen);
  });
  return required;
}

bool is_fresh(const NodeId& relay, const Pursuit& pursuit, const Surroundings& around) {
  if (!around.attached_to || !around.map.reachable(*around.attached_to, relay)) return false;
  auto it = pursuit.relays.find(relay);
  return it != pursuit.relays.end() && it->second.row && it->second.row_epoch == around.epoch;
}

/// Which relays' words and answers do not agree; what is said is what is seen, an agent that moves looks so for a moment.
void name_doubtful(const Pursuit& pursuit, const Surroundings& around, bool disputed, const std::map<NodeId, std::uint32_t>& silent, Statement& out) {
  for (const auto& [relay, tracked] : pursuit.relays)
    if (disputed && is_fresh(relay, pursuit, around) && tracked.claimed() > tracked.answered.size())
      out.remarks.push_back(fmt::format("disputed: {} counts {} answered, and holds the answers of {}", name_of(relay, around.map, around.known_relays), tracked.claimed(), tracked.answered.size()));
  for (const auto& [relay, agents] : silent)
    if (const std::uint32_t open = pursuit.relays.at(relay).open(); agents > open)
      out.remarks.push_back(fmt::format("unknown: {} has given no answer of {} agents known there, and counts {} as open", name_of(relay, around.map, around.known_relays), agents, open));
}

void count_answers(const Pursuit& pursuit, Statement& out) {
  for (const auto& [agent, state] : pursuit.answers) {
    switch (state) {
      case State::found: ++out.found; break;
      case State::failed: ++out.failed; break;
      case State::refused: ++out.refused; break;
      case State::not_targeted: ++out.not_targeted; break;
      case State::cancelled: ++out.cancelled; break;
      default: ++out.clean; break;  // clean, or an answer that nobody here can open
    }
  }
}

}  // namespace

std::string name_of(const NodeId& relay, const Map& map, const std::map<NodeId, store::LedgerRelay>& known) {
  if (auto it = map.records().find(relay); it != map.records().end()) return it->second.name;
  if (auto it = known.find(relay); it != known.end() && !it->second.name.empty()) return it->second.name;
  return relay.brief();
}

Statement state_of(const Pursuit& pursuit, const Surroundings& around) {
  Statement out;
  count_answers(pursuit, out);
  const auto required = required_relays(pursuit, around);
  bool all_read = true;
  std::uint64_t claimed = 0;
  for (const auto& relay : required) {
    if (!is_fresh(relay, pursuit, around)) {
      out.unheard.push_back(name_of(relay, around.map, around.known_relays));
      continue;
    }
    const Tracked& tracked = pursuit.relays.at(relay);
    const Row& row = *tracked.row;
    ++out.relays_reporting;
    out.open += row.queued + row.delivered + row.running;
    out.offline += row.offline;
    out.expired += row.expired;
    claimed += tracked.claimed();
    all_read = all_read && tracked.all_read();
    if (row.reset_at > pursuit.action().valid_from)
      out.remarks.push_back(name_of(relay, around.map, around.known_relays) + " lost its store at " + to_rfc3339(row.reset_at) + "; agents that were offline there may be missing");
  }
  out.relays = static_cast<std::uint32_t>(required.size());
  const std::uint64_t received = pursuit.answers.size();
  // An agent that moves stands in two rows for a moment; a difference that stays is a claim without answers.
  const bool unproven = all_read && claimed > received;
  const bool stays = around.now.at >= pursuit.news_at + dispute_after;
  if (unproven && stays) out.disputed = static_cast<std::uint32_t>(claimed - received);
  std::map<NodeId, std::uint32_t> silent;  // known agents without an answer, at relays that are heard
  for (const auto& [id, agent] : around.known_agents) {
    if (pursuit.answers.contains(id) || !required.contains(agent.home)) continue;
    ++(is_fresh(agent.home, pursuit, around) ? silent[agent.home] : out.unknown);
  }
  // Whoever is known and has not answered must stand in somebody's row, or a relay could hide an agent by not counting it.
  std::uint64_t owed = 0;
  for (const auto& [relay, agents] : silent) owed += agents;
  const std::uint64_t counted = out.open + out.offline + out.expired + (claimed > received ? claimed - received : 0);
  const bool hidden = owed > counted && !pursuit.action().limits.prune;
  if (hidden) out.unknown += static_cast<std::uint32_t>(owed - counted);
  if (stays) name_doubtful(pursuit, around, out.disputed > 0, hidden ? silent : std::map<NodeId, std::uint32_t>{}, out);
  std::sort(out.unheard.begin(), out.unheard.end());
  const bool all_fresh = out.relays_reporting == out.relays && out.relays > 0;
  out.all_read = all_read && out.relays_reporting > 0;
  out.settled = all_fresh && all_read && out.open == 0 && !unproven;
  out.complete = out.settled && out.offline == 0 && out.expired == 0 && out.unknown == 0 && out.disputed == 0;
  return out;
}

core::WallMs Pursuit::judged_at(core::BytesView certificate, core::WallMs now) const {
  auto held = core::read_certificate(certificate);
  return held && held->not_after > action_.valid_from ? std::min(now, held->not_after - 1) : now;
}

std::vector<RelayView> views_of(const Map& map, const std::optional<NodeId>& attached_to) {
  std::vector<RelayView> out;
  for (const auto& [id, record] : map.records()) {
    RelayView view{id, record.name, record.segment, attached_to && map.reachable(*attached_to, id), record.known, record.online, record.issued, {}};
    for (const auto& [neighbour, cost] : record.neighbours) view.neighbours.push_back(neighbour);
    out.push_back(std::move(view));
  }
  return out;
}

bool Pursuit::confirmed() const {
  return std::none_of(relays.begin(), relays.end(), [](const auto& entry) { return entry.second.all_read() && entry.second.pull_at != Instant::never(); });
}

}  // namespace mig::investigator
