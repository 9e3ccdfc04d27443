#include "relay/presence.h"

#include <fmt/format.h>

#include <algorithm>

#include "node/core/limits.h"
#include "relay/rivals.h"

namespace mig::relay {

using namespace core;

namespace {
constexpr Duration load_gap = Duration::seconds(60);  // numbers alone never cause more traffic than this
}

Presence::Presence(store::Store& store, NodeId self, std::string name, std::string segment, bool enroller,
                   std::string software, std::uint64_t boot_nonce)
    : store_(store) {
  record_.relay = self;
  record_.name = std::move(name);
  record_.segment = std::move(segment);
  record_.enroller = enroller;
  record_.software = std::move(software);
  record_.boot_nonce = boot_nonce;
}

void Presence::boot(WallMs wall) {
  if (auto stored = store_.get("m/version")) {
    char* rest = nullptr;
    held_at_boot_.major = std::strtoull(stored->c_str(), &rest, 10);
    held_at_boot_.minor = std::strtoull(rest, nullptr, 10);
  }
  if (auto stored = store_.get("m/reset_at")) reset_at_ = std::strtoll(stored->c_str(), nullptr, 10);
  version_ = {std::max(held_at_boot_.major + 1, static_cast<std::uint64_t>(wall)), 0};
  rival_instance_ = version_.major;
}

void Presence::reachable_at(const std::vector<Endpoint>& endpoints) {
  for (const auto& endpoint : endpoints)
    if (record_.endpoints.size() < limits::endpoints) record_.endpoints.push_back(to_text(endpoint));
}

void Presence::neighbours(Instant now, std::set<NodeId> relays) {
  std::set<NodeId> had;
  for (const auto& [id, cost] : record_.neighbours) had.insert(id);
  if (relays == had) return;
  const bool removed = !std::includes(relays.begin(), relays.end(), had.begin(), had.end());
  record_.neighbours.clear();
  for (const auto& id : relays) record_.neighbours.emplace_back(id, 1);
  want(removed ? now : std::max(now, last_ + limits::publish_gap));
}

void Presence::load(Instant now, std::uint32_t known, std::uint32_t online) {
  if (known == load_known_ && online == load_online_) return;
  load_known_ = known;
  load_online_ = online;
  want(std::max(now + limits::publish_gap, load_published_ == Instant{} ? now : load_published_ + load_gap));
}

std::optional<RelayRecord> Presence::due(const Now& now) {
  if (now.at < publish_at_) return {};
  version_.minor += 1;
  store_.put("m/version", fmt::format("{} {}", version_.major, version_.minor));
  record_.instance = version_.major;
  record_.n = version_.minor;
  record_.known = load_known_;
  record_.online = load_online_;
  record_.issued = now.wall;
  record_.expires = now.wall + limits::relay_record_life.us / 1000;
  last_ = load_published_ = now.at;
  publish_at_ = now.at + limits::relay_record_renew;
  return record_;
}

Instant Presence::wake() const { return publish_at_; }

bool Presence::seen_elsewhere(const Version& version, const Now& now) {
  if (version.major == version_.major || version <= held_at_boot_) return false;
  held_at_boot_ = std::max(version, version_);
  // Two machines that outbid each other at once must not agree on a number: it names places in a log.
  version_ = {held_at_boot_.major + 1 + record_.boot_nonce % 1000, 0};
  reset_at_ = now.wall;
  store_.put("m/reset_at", std::to_string(reset_at_));
  want(now.at);
  return true;
}

Presence::Rival Presence::rival_in(const RelayRecord& record, Instant now) {
  if (record.boot_nonce == record_.boot_nonce || record.instance <= rival_instance_) return Rival::none;
  rival_instance_ = record.instance;
  while (!outbid_.empty() && now > outbid_.front() + fight_window) outbid_.pop_front();
  outbid_.push_back(now);
  if (outbid_.size() < fight_turns) return Rival::none;
  outbid_.clear();
  return record.boot_nonce > record_.boot_nonce ? Rival::stronger : Rival::weaker;
}

}  // namespace mig::relay
