#include "investigator/collect.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace mig::investigator {
namespace {

void count(core::State state, Statement& out) {
  switch (state) {
    case core::State::found: ++out.found; break;
    case core::State::failed: ++out.failed; break;
    case core::State::refused: ++out.refused; break;
    case core::State::not_targeted: ++out.not_targeted; break;
    case core::State::cancelled: ++out.cancelled; break;
    default: ++out.clean; break;
  }
}

}  // namespace

Statement ledger_statement(const core::ActionKey& action, const store::Ledger& ledger, bool closed) {
  Statement out;
  std::map<core::NodeId, std::set<std::uint16_t>> parts;
  std::set<core::NodeId> told, forgotten, answered;
  for (const store::LedgerReceipt& receipt : ledger.receipts(action, 0)) {
    auto& held = parts[receipt.agent];
    if (!held.insert(receipt.part).second || held.size() != receipt.parts) continue;
    count(receipt.state, out);
    answered.insert(receipt.agent);
  }
  for (const store::LedgerRelay& relay : ledger.relays())
    if (relay.forgotten) forgotten.insert(relay.relay);
  for (const store::LedgerRow& kept : ledger.rows(action)) {
    auto row = core::unpack_row(kept.row);
    if (!row || forgotten.contains(row->relay)) continue;
    told.insert(row->relay);
    out.expired += row->expired;
    (closed ? out.expired : out.open) += row->queued + row->delivered + row->running;
    (closed ? out.expired : out.offline) += row->offline;
  }
  for (const store::LedgerRelay& relay : ledger.relays()) {
    if (relay.forgotten) continue;
    ++out.relays;
    if (told.contains(relay.relay))
      ++out.relays_reporting;
    else
      out.unheard.push_back(relay.name.empty() ? relay.relay.brief() : relay.name);
  }
  for (const store::LedgerAgent& agent : ledger.agents()) {
    const bool counted = agent.home.empty() || told.contains(agent.home) || forgotten.contains(agent.home);
    if (!counted && !answered.contains(agent.agent)) ++out.unknown;
  }
  out.settled = out.relays > 0 && out.relays_reporting == out.relays && out.open == 0;
  out.complete = out.settled && out.expired == 0 && out.offline == 0 && out.unknown == 0;
  return out;
}

Collection::Collection(Station& station, core::Action action, Report& report, Patience patience)
    : station_(station), action_(std::move(action)), report_(report), patience_(patience), last_news_(station.now().at) {
  station_.on_receipt([this](const core::KeepReceipt& receipt) { take(receipt); });
}

void Collection::take(const core::KeepReceipt& receipt) {
  if (receipt.action != core::key_of(action_.id)) return;
  last_news_ = station_.now().at;
  auto answer = answers_.add({receipt.agent, receipt.agent_name, receipt.part, receipt.parts, receipt.state, receipt.reason, receipt.trouble, receipt.results});
  if (answer) report_.answer(*answer);
}

std::vector<core::Received> Collection::recall() {
  std::vector<core::Received> out;
  for (const store::LedgerReceipt& receipt : station_.ledger().receipts(core::key_of(action_.id), 0)) {
    out.push_back({receipt.agent, receipt.part, receipt.parts, receipt.state, receipt.relay});
    auto answer = answers_.add({receipt.agent, receipt.agent_name, receipt.part, receipt.parts, receipt.state, receipt.reason, receipt.trouble, receipt.results});
    if (answer) report_.answer(*answer);
  }
  return out;
}

bool Collection::all_reachable_report(const Statement& statement) const {
  const auto relays = station_.machine().relays();
  const auto reachable = std::count_if(relays.begin(), relays.end(), [](const RelayView& relay) { return relay.reachable; });
  return statement.relays_reporting > 0 && statement.relays_reporting >= static_cast<std::uint32_t>(reachable);
}

bool Collection::is_over(bool fresh) {
  const Statement now = statement();
  report_.progress(now);
  if (now.open > 0) last_news_ = station_.now().at;
  const bool synced = station_.machine().synced();
  if (synced && now.complete) return true;
  if (fresh && now.answered() == 0)
    if (auto verdict = station_.machine().verdict(action_.id); verdict && verdict->code != core::VerdictCode::stored) return true;
  if (station_.now().wall >= (fresh ? action_.expire_after : action_.result_by())) return true;
  const double quiet_s = static_cast<double>((station_.now().at - last_news_).us) / 1e6;
  return patience_.is_over(now, {synced, all_reachable_report(now), quiet_s});
}

int Collection::run(bool fresh) {
  last_news_ = station_.now().at;
  const Station::End end = station_.run([&] { return is_over(fresh); });
  if (end == Station::End::broken) return fail({core::Code::world, station_.trouble()});
  // Pulls are gathered for a moment; the last one confirms what was read, so it should still leave.
  if (end == Station::End::done)
    (void)station_.run([&] { return station_.machine().confirmed(); }, station_.now().at + core::Duration::seconds(1));
  const Statement last = statement();
  auto verdict = station_.machine().verdict(action_.id);
  if (fresh && end == Station::End::done && last.answered() == 0 && verdict && verdict->code != core::VerdictCode::stored)
    return report_.pause(), fail(not_taken(*verdict));
  return report_.end(last, end == Station::End::interrupted);
}

int Collection::close() {
  Statement last = ledger_statement(core::key_of(action_.id), station_.ledger(), true);
  last.remarks.push_back(fmt::format("closed: its results counted until {}", core::to_rfc3339(action_.result_by())));
  return report_.end(last, false);
}

}  // namespace mig::investigator
