#include "relay/chunks.h"

#include <algorithm>

#include "node/core/limits.h"

namespace mig::relay {

using namespace core;

namespace {

constexpr std::size_t awaited_max = 8 * limits::chunks_asked;  // by one link: of several actions at once

Bytes row_of(const Hash& chunk) { return "h/" + chunk.bytes(); }

/// Each once, in the order of the action.
std::vector<Hash> chunks_of(const Action& action) {
  std::vector<Hash> out;
  std::set<Hash> seen;
  for (const Attachment& attachment : action.attachments)
    for (const Hash& chunk : attachment.chunks)
      if (seen.insert(chunk).second) out.push_back(chunk);
  return out;
}

}  // namespace

bool Chunks::room(const Action& action) const {
  std::size_t more = 0;
  for (const Hash& chunk : chunks_of(action)) more += !named_.contains(chunk);
  return named_.size() + more <= limits::relay_chunks;
}

void Chunks::open(const Action& action) {
  const ActionKey key = key_of(action.id);
  if (action.attachments.empty() || supplies_.contains(key)) return;
  std::vector<Hash> chunks = chunks_of(action), missing;
  for (const Hash& chunk : chunks) {
    Named& named = named_[chunk];
    if (named.actions++ == 0) named.held = store_.get(row_of(chunk)).has_value();
    if (!named.held) missing.push_back(chunk);
  }
  if (!missing.empty()) incomplete_.insert(key);
  supplies_.emplace(key, Supply{std::move(chunks), Fetch(std::move(missing)), 0});
}

void Chunks::prefer(const ActionKey& key, LinkId from) {
  if (complete(key)) return;
  supplies_.at(key).from = from;
  supplies_.at(key).fetch.ask_anew();
}

void Chunks::forget(const ActionKey& key) {
  auto supply = supplies_.find(key);
  if (supply == supplies_.end()) return;
  for (const Hash& chunk : supply->second.chunks) {
    auto named = named_.find(chunk);
    if (--named->second.actions > 0) continue;
    if (named->second.held) store_.erase(row_of(chunk));
    named_.erase(named);
  }
  incomplete_.erase(key);
  supplies_.erase(supply);
}

void Chunks::tidy() {
  std::vector<Bytes> unnamed;
  store_.scan("h/", [&](BytesView name, BytesView) {
    auto chunk = Hash::from(name.substr(2));
    if (!chunk || !named_.contains(*chunk)) unnamed.emplace_back(name);
    return true;
  });
  for (const Bytes& name : unnamed) store_.erase(name);
}

bool Chunks::complete(const ActionKey& key) const { return !incomplete_.contains(key); }

template <class F>
void Chunks::each(const BoardKey& key, const F& visit) const {
  const BytesView id = BytesView(key).substr(1);
  const Hash first = *Hash::from(Bytes(id) + Bytes(Hash::size - id.size(), '\0'));
  for (auto at = named_.lower_bound(first); at != named_.end() && at->first.view().starts_with(id); ++at) visit(at->first, at->second);
}

std::optional<Bytes> Chunks::find(const BoardKey& key) const {
  std::optional<Bytes> out;
  each(key, [&](const Hash& chunk, const Named& named) {
    if (named.held && !out) out = store_.get(row_of(chunk));
  });
  return out;
}

void Chunks::awaited(const BoardKey& key, LinkId link) {
  each(key, [&](const Hash& chunk, const Named& named) {
    if (auto& waits = waiting_[link]; !named.held && waits.size() < awaited_max) waits.insert(chunk);
  });
}

std::optional<std::vector<LinkId>> Chunks::take(BytesView chunk, LinkId from, Instant now) {
  const Hash hash = hash_of(chunk);
  auto named = named_.find(hash);
  if (named == named_.end() || named->second.held || chunk.size() > limits::chunk_bytes) return {};
  named->second.held = true;
  store_.put(row_of(hash), chunk);
  for (auto at = incomplete_.begin(); at != incomplete_.end();) {
    Supply& supply = supplies_.at(*at);
    if (supply.fetch.misses(hash)) {
      supply.fetch.came(hash, now);
      supply.from = from;  // there is more where it came from
    }
    at = supply.fetch.complete() ? incomplete_.erase(at) : std::next(at);
  }
  std::vector<LinkId> waiting;
  for (auto& [link, chunks] : waiting_)
    if (chunks.erase(hash) > 0) waiting.push_back(link);
  return waiting;
}

std::vector<std::pair<LinkId, Want>> Chunks::ask(Instant now, const std::vector<LinkId>& neighbours) {
  std::vector<std::pair<LinkId, Want>> out;
  if (neighbours.empty()) return out;
  for (const ActionKey& key : incomplete_) {
    Supply& supply = supplies_.at(key);
    auto keys = supply.fetch.ask(now);
    if (keys.empty()) continue;
    const auto first = std::find(neighbours.begin(), neighbours.end(), supply.from);
    const auto turn = static_cast<std::size_t>(first == neighbours.end() ? 0 : first - neighbours.begin()) + supply.fetch.rounds_in_vain();
    out.emplace_back(neighbours[turn % neighbours.size()], Want{std::move(keys)});
  }
  return out;
}

void Chunks::way_opened() {
  for (const ActionKey& key : incomplete_) supplies_.at(key).fetch.ask_anew();
}

Instant Chunks::wake() const {
  Instant next = Instant::never();
  for (const ActionKey& key : incomplete_) next = std::min(next, supplies_.at(key).fetch.wake());
  return next;
}

}  // namespace mig::relay
