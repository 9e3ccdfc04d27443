#include "node/core/candidates.h"

#include <algorithm>

#include "node/core/limits.h"

namespace mig::core {

Candidates::Candidates(const std::vector<Endpoint>& relays) {
  for (const auto& relay : relays)
    if (!find(relay)) candidates_.push_back({relay, {}, {}, false});
}

bool Candidates::learn(const std::vector<std::string>& endpoints) {
  bool any = false;
  for (const auto& text : endpoints) {
    auto endpoint = endpoint_from_text(text);
    if (!endpoint || find(*endpoint)) continue;
    const auto is_learnt = [](const Candidate& c) { return c.learnt; };
    if (static_cast<std::size_t>(std::count_if(candidates_.begin(), candidates_.end(), is_learnt)) >= limits::backups)
      candidates_.erase(std::find_if(candidates_.begin(), candidates_.end(), is_learnt));
    candidates_.push_back({*endpoint, {}, {}, true});
    any = true;
  }
  return any;
}

std::vector<Endpoint> Candidates::learnt() const {
  std::vector<Endpoint> out;
  for (const auto& candidate : candidates_)
    if (candidate.learnt) out.push_back(candidate.to);
  return out;
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
