#include "relay/outbox.h"

#include <algorithm>

namespace mig::relay {

using namespace core;

namespace {
constexpr Duration wait_max = Duration::seconds(60);
Bytes key_for(const NodeId& old_home, const NodeId& agent) { return "o/" + old_home.bytes() + agent.bytes(); }
}  // namespace

Outbox::Outbox(store::Store& store) : store_(store) {
  store.scan("o/", [&](BytesView key, BytesView value) {
    auto old_home = NodeId::from(key.substr(2, NodeId::size));
    auto agent = NodeId::from(key.substr(2 + NodeId::size));
    if (old_home && agent)
      items_[{*old_home, *agent}] = {*old_home, *agent, std::strtoull(Bytes(value).c_str(), nullptr, 10), {}};
    return true;
  });
}

void Outbox::add(const NodeId& old_home, const NodeId& agent) {
  items_[{old_home, agent}] = {old_home, agent, 0, Instant::never()};
  store_.put(key_for(old_home, agent), "0");
}

void Outbox::release(const NodeId& agent, Instant now) {
  for (auto& [key, item] : items_)
    if (item.agent == agent && item.next_try == Instant::never()) item.next_try = now;
}

void Outbox::confirmed(const NodeId& old_home, const NodeId& agent, std::uint64_t instance) {
  auto it = items_.find({old_home, agent});
  if (it == items_.end()) return;
  it->second.confirmed_instance = instance;
  it->second.wait = Duration::seconds(1);
  store_.put(key_for(old_home, agent), std::to_string(instance));
}

void Outbox::drop(const NodeId& agent) {
  for (auto it = items_.begin(); it != items_.end();) {
    if (it->first.second != agent) {
      ++it;
      continue;
    }
    store_.erase(key_for(it->first.first, agent));
    it = items_.erase(it);
  }
}

std::vector<HandoverItem*> Outbox::due(Instant now) {
  std::vector<HandoverItem*> out;
  for (auto& [key, item] : items_)
    if (item.next_try <= now) out.push_back(&item);
  return out;
}

void Outbox::hurry(Instant now) {
  for (auto& [key, item] : items_) {
    if (item.next_try == Instant::never()) continue;
    item.next_try = std::min(item.next_try, now);
    item.wait = Duration::seconds(1);
  }
}

void Outbox::tried(HandoverItem& item, Instant now) {
  item.next_try = now + item.wait;
  item.wait = std::min(item.wait * 2, wait_max);
}

Instant Outbox::wake() const {
  Instant earliest = Instant::never();
  for (const auto& [key, item] : items_) earliest = std::min(earliest, item.next_try);
  return earliest;
}

}  // namespace mig::relay
