#include "investigator/survey.h"

#include <fmt/format.h>

#include <algorithm>

#include "investigator/collect.h"
#include "investigator/draft.h"

namespace mig::investigator {
namespace {

constexpr core::Duration registers_wait = core::Duration::seconds(10);
constexpr core::Duration rows_wait = core::Duration::seconds(5);  ///< a relay may have no row: it never saw the action

}  // namespace

core::Result<Earlier> earlier(const store::Ledger& ledger, const std::string& word, std::string_view command) {
  auto kept = ledger.action(word);
  if (!kept) return core::Error{kept.error().code, fmt::format("{}: {}", command, kept.error().text)};
  auto action = core::parse_action(kept->signed_action.text);
  if (!action) return core::Error{action.error().code, fmt::format("{} {}: {}", command, word, action.error().text)};
  return Earlier{*std::move(action), *std::move(kept)};
}

std::string stage(const core::Action& action, core::WallMs now) {
  if (now <= action.expire_after) return "open for " + core::rough_span(action.expire_after - now);
  if (now <= action.result_by()) return "collecting for " + core::rough_span(action.result_by() - now);
  return "closed";
}

core::Follow order_from(const store::Ledger& ledger, const core::Action& action, const core::SignedText& signed_action, std::vector<core::Received> receipts) {
  core::Follow order{action.id, signed_action, {}, std::move(receipts), {}, {}};
  const core::ActionKey key = core::key_of(action.id);
  for (const store::LedgerCursor& cursor : ledger.cursors(key)) order.cursors.push_back({cursor.action, cursor.relay, cursor.next});
  for (const store::LedgerRow& kept : ledger.rows(key))
    if (auto row = core::unpack_row(kept.row)) order.rows.emplace_back(kept.relay, row->version);
  return order;
}

core::Result<core::Follow> order_to_follow(const store::Ledger& ledger, const Earlier& earlier, const Home& home) {
  const core::Action& action = earlier.action;
  std::vector<core::Received> receipts;
  for (const store::LedgerReceipt& one : ledger.receipts(core::key_of(action.id), 0)) receipts.push_back({one.agent, one.part, one.parts, one.state, one.relay});
  core::Follow order = order_from(ledger, action, earlier.kept.signed_action, std::move(receipts));
  const auto& readers = action.readers;
  if (std::find(readers.begin(), readers.end(), home.config().key) != readers.end()) {
    auto gpg = home.gpg();
    auto secret = gpg ? reply_secret(action, *gpg) : core::Result<core::LinkSecret>(gpg.error());
    if (!secret) return secret.error();
    order.reply_secret = *secret;
  }
  return order;
}

bool caught_up(const Station& station, const core::ActionId& action) {
  const auto relays = station.machine().relays();
  const auto reachable = std::count_if(relays.begin(), relays.end(), [](const RelayView& relay) { return relay.reachable; });
  const Statement now = station.machine().statement(action, station.now());
  return station.machine().synced() && now.all_read && now.relays_reporting >= static_cast<std::uint32_t>(reachable);
}

core::Result<std::set<core::NodeId>> ask_registers(Station& station, const std::optional<core::ActionKey>& action) {
  if (core::Status attached = station.attach(); !attached) {
    if (station.interrupted()) return attached.error();
    fmt::print(stderr, "mig: {}\nmig: what follows is what was known before\n", attached.error().text);
    return std::set<core::NodeId>{};
  }
  station.ask({core::AskRegister{action}});
  const auto end = station.run([&] { return station.machine().registers_told(); }, station.now().at + registers_wait);
  if (end == Station::End::broken) return core::Error{core::Code::world, station.trouble()};
  if (end == Station::End::interrupted) return core::Error{core::Code::later, "interrupted"};
  std::set<core::NodeId> told;
  for (const RelayView& relay : station.machine().relays())
    if (relay.reachable && (station.machine().registers_told() || !station.machine().agents_at(relay.id).empty())) told.insert(relay.id);
  return told;
}

core::Result<std::vector<Standing>> look_at(Station& station, const std::vector<Earlier>& actions) {
  const core::WallMs now = wall_now();
  std::vector<const Earlier*> followed;
  for (const Earlier& one : actions) {
    if (now > one.action.result_by()) continue;
    auto order = order_to_follow(station.ledger(), one, station.home());
    if (!order) {
      fmt::print(stderr, "mig: {}: {}; what is said of it is what was known before\n", one.action.id.brief(), order.error().text);
      continue;
    }
    station.ask({*std::move(order)});
    followed.push_back(&one);
  }
  bool attached = false;
  if (!followed.empty()) {
    core::Status reached = station.attach();
    if (!reached && station.interrupted()) return reached.error();
    if (!reached) fmt::print(stderr, "mig: {}\nmig: what follows is what was known before\n", reached.error().text);
    attached = static_cast<bool>(reached);
  }
  if (attached) {
    auto all = [&] { return std::all_of(followed.begin(), followed.end(), [&](const Earlier* one) { return caught_up(station, one->action.id); }); };
    const auto end = station.run(all, station.now().at + rows_wait);
    if (end == Station::End::broken) return core::Error{core::Code::world, station.trouble()};
    if (end == Station::End::interrupted) return core::Error{core::Code::later, "interrupted"};
    (void)station.run([&] { return station.machine().confirmed(); }, station.now().at + core::Duration::seconds(1));
  }
  std::vector<Standing> out;
  for (const Earlier& one : actions) {
    const bool live = attached && std::find(followed.begin(), followed.end(), &one) != followed.end();
    if (live)
      out.push_back({station.machine().statement(one.action.id, station.now()), true});
    else
      out.push_back({ledger_statement(core::key_of(one.action.id), station.ledger(), now > one.action.result_by()), false});
  }
  return out;
}

}  // namespace mig::investigator
