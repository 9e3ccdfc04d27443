// mig relays forget: a relay that will not come back no longer keeps anything incomplete.
#include <fmt/format.h>

#include <algorithm>

#include "investigator/commands/command.h"
#include "investigator/print.h"

namespace mig::investigator {
namespace {

constexpr core::WallMs young_ms = 120'000;  ///< heard so lately, it may well live
constexpr std::size_t digits_least = 8;

core::Result<store::LedgerRelay> relay_called(const std::string& word, const std::vector<store::LedgerRelay>& relays) {
  std::vector<store::LedgerRelay> meant;
  std::vector<std::string> known;
  for (const store::LedgerRelay& relay : relays) {
    if (!relay.forgotten) known.push_back(printable(relay.name.empty() ? relay.relay.brief() : relay.name));
    if (relay.name == word || (word.size() >= digits_least && relay.relay.hex().starts_with(word))) meant.push_back(relay);
  }
  if (meant.size() == 1) return meant[0];
  if (meant.empty())
    return core::Error{core::Code::not_found, fmt::format("relays forget: no relay '{}' in the ledger; it knows {}", word, known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")))};
  std::vector<std::string> ids;
  for (const store::LedgerRelay& relay : meant) ids.push_back(relay.relay.hex());
  return core::invalid(fmt::format("relays forget: '{}' is the name of {}; give an id: {}", word, meant.size(), fmt::join(ids, ", ")));
}

}  // namespace

int forget_relay(const std::vector<std::string>& words, Globals& globals) {
  if (words.size() != 1) return fail(core::invalid("relays forget: give the name or id of one relay"));
  auto home = globals.open_home();
  if (!home) return fail(home.error());
  auto ledger = home->ledger();
  if (!ledger) return fail(ledger.error());
  const auto relays = (*ledger)->relays();
  auto relay = relay_called(words[0], relays);
  if (!relay) return fail(relay.error());
  const std::string name = printable(relay->name.empty() ? relay->relay.brief() : relay->name);

  std::size_t relays_counted = 0, agents_counted = 0, here = 0;
  for (const store::LedgerRelay& one : relays)
    if (!one.forgotten) ++relays_counted;
  for (const store::LedgerAgent& agent : (*ledger)->agents()) {
    auto at = std::find_if(relays.begin(), relays.end(), [&](const store::LedgerRelay& one) { return one.relay == agent.home; });
    if (at == relays.end() || !at->forgotten) ++agents_counted;
    if (agent.home == relay->relay) ++here;
  }
  const std::string effect = fmt::format("{} relays are counted instead of {}, {} agents instead of {}", grouped(relays_counted - 1), grouped(relays_counted),
                                         grouped(agents_counted - here), grouped(agents_counted));
  if (relay->forgotten) {
    fmt::print(stderr, "{} was forgotten before; it is not counted until it lives again\n", name);
  } else {
    if (wall_now() - relay->seen < young_ms && !globals.json)
      fmt::print(stderr, "{} was heard {}: if it lives it is counted again as soon as it is heard\n", name, ago(relay->seen, wall_now()));
    auto yes = agreed(fmt::format("{} and the {} agents last known there will no longer be missed: {}. Forget it?", name, here, effect), globals);
    if (!yes) return fail(yes.error());
    if (!*yes) return fail(core::refused("not forgotten"));
    if (core::Status kept = (*ledger)->keep({core::KeepForgotten{relay->relay}}); !kept) return fail(kept.error());
  }
  const std::size_t gone_relays = relay->forgotten ? 0 : 1, gone_agents = relay->forgotten ? 0 : here;
  if (globals.json)
    fmt::print("{}\n", core::compact_json({{"type", "forgotten"}, {"relay", relay->name}, {"id", relay->relay.hex()}, {"agents_there", here},
                                           {"relays_counted", relays_counted - gone_relays}, {"agents_counted", agents_counted - gone_agents}}));
  else if (!relay->forgotten)
    fmt::print("{} is forgotten: {}, until it lives again\n", name, effect);
  return 0;
}

}  // namespace mig::investigator
