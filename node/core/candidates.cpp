#include "node/core/candidates.h"

#include <algorithm>

namespace mig::core {
namespace {
constexpr std::size_t candidates_max = 64;  // configured ones and 32 learnt peers, with room
}

Candidates::Candidates(BytesView self, std::vector<Endpoint> relays, bool keep_order) : self_(self) {
  for (const auto& relay : relays) add(relay, keep_order);
}

void Candidates::add(const Endpoint& relay, bool keep_order) {
  if (find(relay) || candidates_.size() >= candidates_max) return;
  Candidate candidate{relay, blake2b(self_ + relay.key.bytes() + relay.address, 16), {}, {}};
  if (keep_order) {
    candidates_.push_back(std::move(candidate));
    return;
  }
  auto at = std::find_if(candidates_.begin(), candidates_.end(), [&](const Candidate& c) { return candidate.rank < c.rank; });
  candidates_.insert(at, std::move(candidate));
}

void Candidates::learn(const std::vector<std::string>& endpoints) {
  for (const auto& text : endpoints)
    if (auto endpoint = endpoint_from_text(text)) add(*endpoint, true);  // behind the configured ones
}

Candidates::Candidate* Candidates::find(const Endpoint& relay) {
  auto it = std::find_if(candidates_.begin(), candidates_.end(), [&](const Candidate& c) { return c.to == relay; });
  return it == candidates_.end() ? nullptr : &*it;
}

const Endpoint* Candidates::next(Instant now) const {
  for (const auto& candidate : candidates_)
    if (candidate.ready <= now) return &candidate.to;
  return nullptr;
}

Instant Candidates::ready_at() const {
  Instant earliest = Instant::never();
  for (const auto& candidate : candidates_) earliest = std::min(earliest, candidate.ready);
  return earliest;
}

void Candidates::failed(const Endpoint& relay, Instant now, Random& random) {
  if (auto* candidate = find(relay)) candidate->ready = candidate->backoff.failed(now, random);
}

void Candidates::wait(const Endpoint& relay, Instant until) {
  if (auto* candidate = find(relay)) candidate->ready = std::max(candidate->ready, until);
}

void Candidates::good(const Endpoint& relay) {
  if (auto* candidate = find(relay)) candidate->backoff.good();
}

std::vector<Endpoint> Candidates::all() const {
  std::vector<Endpoint> out;
  for (const auto& candidate : candidates_) out.push_back(candidate.to);
  return out;
}

}  // namespace mig::core
