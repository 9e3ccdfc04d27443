#include "node/core/links.h"

#include <algorithm>

#include "node/core/check.h"

namespace mig::core {
namespace {

constexpr std::size_t data_cap = 4 * 1024 * 1024;   // class 3 of one link
constexpr std::size_t other_cap = 8 * 1024 * 1024;  // classes 1 and 2: over this the peer is not keeping up at all

}  // namespace

Link& Links::opened(const Now& now, const Linked& linked) {
  Link link;
  link.id = linked.link;
  link.direction = linked.direction;
  link.peer_key = linked.peer;
  link.address = linked.address;
  link.dead_at = now.at + limits::handshake;
  link.beat_at = Instant::never();
  due(link.dead_at);
  peers_.erase(linked.link);
  return links_.insert_or_assign(linked.link, std::move(link)).first->second;
}

Link* Links::find(LinkId id) {
  auto it = links_.find(id);
  return it == links_.end() ? nullptr : &it->second;
}

Link* Links::find_relay(const NodeId& relay) {
  for (auto& [id, link] : peers_)
    if (link->role == Role::relay && link->node == relay) return link;
  return nullptr;
}

Link* Links::find_sink(const SinkId& sink) {
  for (auto& [id, link] : peers_)
    if (link->role == Role::investigator && link->sink == sink) return link;
  return nullptr;
}

void Links::up(const Now& now, Link& link, std::uint32_t peer_window, std::uint32_t own_window,
               bool leaf) {
  link.phase = Link::Phase::up;
  link.up_since = now.at;
  link.leaf = leaf;
  link.beat_every = leaf ? limits::beat_leaf : limits::beat_relay;
  link.dead_after = leaf ? limits::dead_leaf : limits::dead_relay;
  link.dead_at = now.at + link.dead_after;
  link.beat_at = now.at + link.beat_every;
  due(std::min(link.dead_at, link.beat_at));
  if (link.role != Role::agent) peers_[link.id] = &link;
  link.peer_window = peer_window;
  link.own_window = own_window;
}

void Links::heard(const Now& now, Link& link, std::size_t frame_bytes, bool counted, const Hash& root, Effects& out) {
  if (counted) link.consumed += frame_bytes;
  if (link.phase != Link::Phase::up) return;
  link.dead_at = now.at + link.dead_after;
  if (link.consumed - link.reported >= link.own_window / 4) beat(now, link, root, out);
}

void Links::on_beat(Link& link, const Beat& beat, Effects& out) {
  // Totals are cumulative: a repeated or reordered report does no harm. More than was sent is a lie.
  link.peer_consumed = std::min(std::max(link.peer_consumed, beat.consumed), link.sent);
  drain(link, out);
}

void Links::send_now(LinkId id, const Message& message, Effects& out, bool promise) {
  Bytes frame = encode(message);
  if (Link* link = find(id); link && !std::holds_alternative<Beat>(message) && !std::holds_alternative<Bye>(message))
    link->sent += frame.size();
  out.push_back({Send{id, std::move(frame)}, promise});
}

bool Links::send(LinkId id, int frame_class, const Message& message, Effects& out, BytesView key) {
  return send_frame(id, frame_class, encode(message), out, key);
}

bool Links::send_frame(LinkId id, int frame_class, Bytes frame, Effects& out, BytesView key) {
  MIG_CHECK(frame_class >= 1 && frame_class <= 3, "queued frames have class 1 to 3");
  Link* link = find(id);
  if (!link || link->phase != Link::Phase::up) return false;
  if (frame_class == 3) {
    const bool kept = link->data.push(key, std::move(frame), data_cap) == 0;
    drain(*link, out);
    return kept;
  }
  auto& queue = link->queues[frame_class];
  auto& bytes = link->queued_bytes[frame_class];
  if (!key.empty()) {
    auto same = std::find_if(queue.begin(), queue.end(), [&](const auto& waiting) { return waiting.key == key; });
    if (same != queue.end()) {
      bytes = bytes - same->frame.size() + frame.size();
      same->frame = std::move(frame);
      drain(*link, out);
      return true;
    }
  }
  if (bytes + frame.size() > other_cap) {
    bye(id, {ByeCode::quota, 1000, 0, {}, "this peer does not take what is sent to it"}, out);
    return false;
  }
  bytes += frame.size();
  queue.push_back({Bytes(key), std::move(frame)});
  drain(*link, out);
  return true;
}

void Links::drain(Link& link, Effects& out) {
  // A frame larger than what the reserve leaves may still go when nothing is in flight: it would wait for ever.
  auto fits = [&](std::uint64_t size, std::uint64_t reserve) {
    const std::uint64_t in_flight = link.sent - link.peer_consumed;
    return in_flight == 0 || in_flight + size + reserve <= link.peer_window;
  };
  auto go = [&](Bytes frame) {
    link.sent += frame.size();
    out.push_back({Send{link.id, std::move(frame)}, false});
  };
  for (int c = 1; c <= 2; ++c) {
    auto& queue = link.queues[c];
    while (!queue.empty()) {
      if (!fits(queue.front().frame.size(), c == 2 ? link.peer_window / 10 : 0)) return;
      link.queued_bytes[c] -= queue.front().frame.size();
      go(std::move(queue.front().frame));
      queue.pop_front();
    }
  }
  while (!link.data.empty() && fits(link.data.front().size(), link.peer_window / 4)) go(link.data.pop());
}

void Links::bye(LinkId id, const Bye& bye, Effects& out) {
  if (!find(id)) return;
  out.push_back({Send{id, encode(bye)}, false});
  out.push_back({Close{id}, false});
  closed(id);
}

void Links::forgive(Duration late) {
  for (auto& [id, link] : links_) link.dead_at = link.dead_at + late;
}

void Links::beat(const Now& now, Link& link, const Hash& root, Effects& out) {
  link.reported = link.consumed;
  link.beat_at = now.at + link.beat_every;
  due(link.beat_at);
  Beat beat{++link.beats, now.wall, link.consumed, link.leaf ? Hash{} : root};
  out.push_back({Send{link.id, encode(beat)}, false});
}

std::vector<LinkId> Links::tick(const Now& now, const Hash& root, Effects& out) {
  std::vector<LinkId> dead;
  if (now.at < due_) return dead;
  due_ = Instant::never();
  for (auto& [id, link] : links_) {
    if (now.at >= link.dead_at)
      dead.push_back(id);
    else if (now.at >= link.beat_at)
      beat(now, link, root, out);
    due(std::min(link.dead_at, link.beat_at));
  }
  return dead;
}

std::size_t Links::greeting() const {
  return static_cast<std::size_t>(std::count_if(links_.begin(), links_.end(), [](const auto& entry) {
    return entry.second.phase == Link::Phase::greeting;
  }));
}

Instant Backoff::failed(Instant now, Random& random) {
  // Decorrelated jitter: between the least wait and three times the last one.
  const std::int64_t low = limits::redial_min.us;
  const std::int64_t high = std::min(std::max(wait_.us * 3, low + 1), limits::redial_max.us);
  wait_ = Duration{low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(std::max<std::int64_t>(high - low, 1))))};
  return now + wait_;
}

}  // namespace mig::core
