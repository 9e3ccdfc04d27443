// What the reader is told of everybody: rows and statements, and whether they leave somebody out.
#include <fmt/format.h>

#include <algorithm>

#include "simulate/checks.h"

namespace mig::simulate {

using namespace core;

std::uint64_t sum_of(const Row& row) {
  return row.queued + row.delivered + row.running + row.offline + row.answered + row.refused + row.not_targeted + row.cancelled + row.expired;
}

void Checks::row_kept(const KeepRow& kept) {
  auto row = unpack_row(kept.row);
  if (!row) return;
  story(fmt::format("ledger: row {}.{} of {}: {} queued, {} delivered, {} running, {} offline, {} answered, {} not targeted", row->version.major, row->version.minor,
                    fleet_.world().name_of(by_id_.at(row->relay)), row->queued, row->delivered, row->running, row->offline, row->answered, row->not_targeted));
  Version& held = row_held_[{kept.action, kept.relay}];
  check(15, held <= row->version, "an older row replaces a newer one");
  held = std::max(held, row->version);
  costs_.row();
  count_row(kept, *row);
}

/// An agent that a row held by the reader counted is counted by one of its rows for ever after, unless a relay lost its store.
void Checks::count_row(const KeepRow& kept, const Row& row) {
  auto& by_relay = counted_[kept.action];
  Counted before = std::exchange(by_relay[kept.relay], {});
  Counted& now = by_relay[kept.relay];
  now.reset_at = row.reset_at;
  now.sum = sum_of(row);
  now.closed = row.answered + row.refused + row.not_targeted + row.cancelled;
  if (auto members = row_agents_.find({row.action, row.relay, row.version}); members != row_agents_.end()) now.agents = members->second, now.known = true;
  if (before.reset_at != row.reset_at) return;
  std::map<NodeId, std::set<NodeId>> registers;  // read when the rows alone do not say it
  auto in_register = [&](const auto& entry, const NodeId& agent) {
    auto it = registers.find(entry.first);
    if (it == registers.end()) it = registers.emplace(entry.first, register_of(by_id_.at(entry.first), false)).first;
    return it->second.contains(agent) && it->second.size() == entry.second.sum;
  };
  auto made_a_row_with = [&](const NodeId& relay, const NodeId& agent) {
    for (auto it = row_agents_.lower_bound({row.action, relay, {}}); it != row_agents_.end() && std::get<0>(it->first) == row.action && std::get<1>(it->first) == relay; ++it)
      if (it->second.contains(agent)) return true;
    return false;
  };
  // A hand-over may overtake a new question, or a new attachment of the reader, on a slow line: the home it went to is
  // unheard then, and the statement says so.
  auto at_an_unheard_home = [&](const NodeId& agent) {
    for (std::size_t i = 0; i < fleet_.relays(); ++i)
      if (const NodeId relay = fleet_.relay_id(i); !by_relay.contains(relay) && (register_of(fleet_.relay(i), false).contains(agent) || made_a_row_with(relay, agent))) return true;
    return false;
  };
  for (const NodeId& agent : before.agents) {
    // A row stays as it is when others come and as many go: then the register says whom it counts.
    const bool counted = !now.known || now.agents.contains(agent) ||
                         std::any_of(by_relay.begin(), by_relay.end(), [&](const auto& entry) { return !entry.second.known || entry.second.agents.contains(agent); }) ||
                         std::any_of(by_relay.begin(), by_relay.end(), [&](const auto& entry) { return in_register(entry, agent); }) ||
                         at_an_unheard_home(agent);
    check(16, counted, fmt::format("an agent that was counted is in no row any more: {}", agent.brief()));
  }
}

void Checks::statement_of(NodeIndex) {
  for (const auto& [key, asked] : asked_) {
    const Statement now = fleet_.statement(asked.action.id);
    auto& before = answered_[key];
    check(13, now.answered() >= before || !fleet_.mig().attached(), "fewer have answered than before");
    before = now.answered();
    std::size_t reachable = 0;
    for (const auto& relay : fleet_.mig().relays()) reachable += relay.reachable;
    check(18, now.relays_reporting <= reachable, "a relay is counted to which there is no way");
    if (!now.complete) continue;
    costs_.complete();
    bool all = true;
    if (now.remarks.empty())
      for (const auto& agent : asked.registered) all = all && receipts_[key].contains(agent);
    check(17, all, "COMPLETE, though an agent that was registered has no receipt");
    std::uint64_t closed = 0;
    for (const auto& [relay, counted] : counted_[key]) closed += counted.closed;
    check(17, closed <= receipts_[key].size(), fmt::format("COMPLETE, though {} answers are claimed and {} are here", closed, receipts_[key].size()));
  }
}

}  // namespace mig::simulate
