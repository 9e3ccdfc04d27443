#include "relay/rivals.h"

#include <algorithm>

namespace mig::relay {

using namespace core;

namespace {
constexpr Duration first_hold_off = Duration::seconds(60), longest_hold_off = Duration::seconds(3600);
constexpr Duration remembered = longest_hold_off + longest_hold_off;
constexpr std::size_t processes_remembered = 8, identities_remembered = 4096;
}  // namespace

Rivals::Judgement Rivals::came(const NodeId& id, std::uint64_t boot_nonce, const std::string& address,
                               Instant now) {
  if (seen_.size() >= identities_remembered)
    std::erase_if(seen_, [&](const auto& entry) { return now > entry.second.last + fight_window; });
  Seen& seen = seen_[id];
  if (now > seen.last + remembered) seen = {};
  seen.last = now;
  auto& processes = seen.processes;
  auto before = std::find_if(processes.begin(), processes.end(),
                             [&](const auto& process) { return process.first == boot_nonce; });
  const bool returned = before != processes.end() && before + 1 != processes.end();
  if (before != processes.end()) processes.erase(before);
  processes.emplace_back(boot_nonce, address);
  if (processes.size() > processes_remembered) processes.erase(processes.begin());
  if (now < seen.held_until) return {false, seen.held_until - now, {}};
  while (!seen.turns.empty() && now > seen.turns.front() + fight_window) seen.turns.pop_front();
  if (returned) seen.turns.push_back(now);
  if (seen.turns.size() < fight_turns) return {};
  seen.turns.clear();
  seen.hold_off = std::clamp(seen.hold_off + seen.hold_off, first_hold_off, longest_hold_off);
  seen.held_until = now + seen.hold_off;
  return {true, seen.hold_off, processes[processes.size() - 2].second + " and " + address};
}

}  // namespace mig::relay
