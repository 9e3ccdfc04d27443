#include "relay/accounts.h"

#include <algorithm>

#include "node/core/target.h"

namespace mig::relay {

using namespace core;

bool Account::readable_by(const Fingerprint& investigator) const {
  return std::find(action_.readers.begin(), action_.readers.end(), investigator) != action_.readers.end();
}

bool Account::asked_by(const Fingerprint& investigator) const {
  return !action_.readers.empty() && action_.readers.front() == investigator;
}

bool Account::concerns(const Member& member, WallMs now) const {
  if (!action_.limits.prune || !member.facts) return true;
  auto target = Target::parse(action_.target);
  if (!target || target->needs_journal()) return true;  // what is not known here counts as a match
  AgentFacts facts = *member.facts;
  facts.status = "online";
  facts.heartbeattime = now;
  return target->matches(facts, now, [](std::string_view, bool) { return true; });
}

State Account::state_of(const Member& member) const {
  if (auto it = closed.find(member.id); it != closed.end()) return it->second;
  if (member.link == 0) {
    // It may never come back to answer here, too.
    auto it = elsewhere.find(member.id);
    return it == elsewhere.end() ? State::offline : it->second;
  }
  if (auto it = session.find(member.id); it != session.end()) return it->second;
  return State::queued;
}

Row Account::row(const Register& members, const NodeId& relay, WallMs reset_at, WallMs now) const {
  Row row;
  row.action = key();
  row.relay = relay;
  for (auto [instance, next] : log) row.log.push_back({instance, next});
  row.reset_at = reset_at;
  const bool over = now > action_.result_by();
  for (const auto& [id, member] : members.all()) {
    if (!concerns(member, now)) continue;
    switch (state_of(member)) {
      case State::queued: ++(over ? row.expired : row.queued); break;
      case State::delivered: ++(over ? row.expired : row.delivered); break;
      case State::running: ++(over ? row.expired : row.running); break;
      case State::offline: ++(over ? row.expired : row.offline); break;
      case State::found: ++row.found; [[fallthrough]];  // only if the action discloses it
      case State::answered:
      case State::clean:
      case State::failed: ++row.answered; break;
      case State::refused: ++row.refused; break;
      case State::not_targeted: ++row.not_targeted; break;
      case State::cancelled: ++row.cancelled; break;
      default: ++row.expired; break;
    }
  }
  return row;
}

bool Account::nothing_open_online(const Register& members, WallMs now) const {
  if (now > action_.result_by()) return true;
  return std::none_of(members.all().begin(), members.all().end(), [&](const auto& entry) {
    return entry.second.link != 0 && is_open(state_of(entry.second)) && concerns(entry.second, now);
  });
}

}  // namespace mig::relay
