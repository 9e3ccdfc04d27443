#include "investigator/missing.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "investigator/print.h"
#include "node/core/limits.h"

namespace mig::investigator {
namespace {

using core::State;

struct Final {
  State state = State::unknown;
  std::string reason;
};

std::map<core::NodeId, Final> finals(const core::ActionKey& action, const store::Ledger& ledger) {
  std::map<core::NodeId, Final> out;
  std::map<core::NodeId, std::set<std::uint16_t>> parts;
  for (const store::LedgerReceipt& receipt : ledger.receipts(action, 0))
    if (parts[receipt.agent].insert(receipt.part).second && parts[receipt.agent].size() == receipt.parts) out[receipt.agent] = {receipt.state, receipt.reason};
  return out;
}

/// What the relay says of an agent whose answer is not here.
void judge(Missing& one, State said, bool over, core::WallMs now) {
  one.state = said;
  switch (said) {
    case State::queued: one.why = "not yet handed to it by " + one.relay; break;
    case State::delivered: one.why = "has it, has not begun"; break;
    case State::running: one.why = "at work on it"; break;
    case State::offline: one.why = fmt::format("offline, last seen {}", ago(one.seen, now)); break;
    case State::refused: one.why = "refused; its reason has not come yet"; break;
    case State::cancelled: one.why = "cancelled before it answered"; break;
    case State::expired: one.why = "did not answer before results stopped counting"; break;
    case State::unknown: one.why = one.relay + " does not hold this action"; break;
    default: one.why = "answered, but the answer has not come from " + one.relay; break;
  }
  if (!over || !(core::is_open(said) || said == State::unknown)) return;
  one.state = State::expired;
  one.why = said == State::offline ? "offline until results stopped counting" : "did not answer before results stopped counting";
}

}  // namespace

std::vector<Missing> missing(const core::Action& action, const store::Ledger& ledger, const Registers& registers, core::WallMs now) {
  const bool over = now > action.result_by();
  const auto answered = finals(core::key_of(action.id), ledger);
  std::map<core::NodeId, store::LedgerRelay> relays;
  for (store::LedgerRelay& relay : ledger.relays()) relays[relay.relay] = std::move(relay);
  std::vector<Missing> out;
  for (const store::LedgerAgent& agent : ledger.agents()) {
    Missing one{agent.agent, agent.name, State::unknown, {}, {}, agent.seen};
    auto home = relays.find(agent.home);
    if (!agent.home.empty()) one.relay = home != relays.end() && !home->second.name.empty() ? home->second.name : agent.home.brief();
    const bool told = registers.told.contains(agent.home);
    if (auto got = answered.find(agent.agent); got != answered.end()) {
      if (got->second.state != State::refused && got->second.state != State::cancelled) continue;
      one.state = got->second.state;
      one.why = one.state == State::cancelled ? "cancelled before it answered" : "refused" + (got->second.reason.empty() ? "" : ": " + got->second.reason);
    } else if (home != relays.end() && home->second.forgotten && !told) {
      continue;
    } else if (auto said = registers.states.find(agent.agent); told && said != registers.states.end()) {
      if (said->second == State::not_targeted) continue;
      judge(one, said->second, over, now);
    } else if (over) {
      one.state = State::expired;
      one.why = "did not answer before results stopped counting";
    } else if (agent.home.empty()) {
      one.why = "never attached";
    } else if (told) {
      one.why = one.relay + " does not list it any more";
    } else {
      one.why = fmt::format("behind {}, which cannot be heard{}", one.relay, home != relays.end() && home->second.seen > 0 ? " since " + core::to_rfc3339(home->second.seen / 1000 * 1000) : "");
    }
    out.push_back(std::move(one));
  }
  std::sort(out.begin(), out.end(), [](const Missing& a, const Missing& b) { return std::tie(a.state, a.name, a.agent) < std::tie(b.state, b.name, b.agent); });
  return out;
}

core::Result<std::string> target_on(const std::vector<Missing>& agents) {
  std::string out = "id IN (";
  for (std::size_t i = 0; i < agents.size(); ++i) {
    out += fmt::format("{}'{}'", i > 0 ? "," : "", agents[i].agent.hex());
    if (out.size() + 1 > core::limits::target_bytes)
      return core::Error{core::Code::too_large, fmt::format("{} agents are missing, and a target names at most {}; ask for some of them with -most {}",
                                                            grouped(agents.size()), i, i)};
  }
  return out + ")";
}

}  // namespace mig::investigator
