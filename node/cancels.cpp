#include "node/cancels.h"

#include "node/core/cancel.h"

namespace mig::node {

using namespace core;

namespace {

constexpr std::size_t cancels_max = 4096;  // the board holds no more actions of one investigator

Bytes row_of(const ActionKey& key, const Fingerprint& by) { return "c/" + key.bytes() + by; }

}  // namespace

void Cancels::load() {
  store_.scan("c/", [&](BytesView name, BytesView value) {
    auto key = ActionKey::from(name.substr(2, ActionKey::size));
    const auto blank = value.find(' ');
    if (key && blank != BytesView::npos)
      held_[*key][Fingerprint(name.substr(2 + ActionKey::size))] = {std::strtoll(Bytes(value).c_str(), nullptr, 10), std::string(value.substr(blank + 1))};
    return true;
  });
}

bool Cancels::add(const ActionKey& action, const Fingerprint& by, WallMs expires, const std::string& reason) {
  if (held_.size() >= cancels_max && !held_.contains(action)) return false;
  held_[action][by] = {expires, reason};
  store_.put(row_of(action, by), std::to_string(expires) + " " + reason);
  return true;
}

std::optional<std::string> Cancels::reason(const ActionKey& action, const std::vector<Fingerprint>& signers, const Roster& roster) const {
  auto held = held_.find(action);
  if (held == held_.end()) return {};
  for (const auto& [by, order] : held->second)
    if (may_cancel(by, signers, roster)) return order.reason;
  return {};
}

void Cancels::purge(WallMs now) {
  for (auto it = held_.begin(); it != held_.end();) {
    std::erase_if(it->second, [&](const auto& entry) {
      if (entry.second.expires >= now) return false;
      store_.erase(row_of(it->first, entry.first));
      return true;
    });
    it = it->second.empty() ? held_.erase(it) : std::next(it);
  }
}

}  // namespace mig::node
