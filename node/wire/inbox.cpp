#include "node/wire/inbox.h"

#include <algorithm>

namespace mig::wire {

using namespace core;

void Inbox::dialled(Linked linked) {
  const LinkId id = linked.link;
  links_.insert_or_assign(id, Link{std::move(linked)});
}

void Inbox::opened(Linked linked) {
  const LinkId id = linked.link;
  links_.insert_or_assign(id, Link{linked});
  waiting_.push_back({id, std::move(linked)});
}

std::optional<LinkId> Inbox::heard(LinkId link, Bytes frame) {
  auto it = links_.find(link);
  if (it == links_.end() || it->second.lost) return {};
  const std::size_t size = frame.size() + frame_overhead;
  it->second.bytes += size;
  bytes_ += size;
  waiting_.push_back({link, Heard{link, std::move(frame)}});
  if (it->second.bytes > link_bytes) return link;
  if (bytes_ <= all_bytes) return {};
  return std::max_element(links_.begin(), links_.end(), [](const auto& a, const auto& b) {
           return a.second.bytes < b.second.bytes;
         })->first;
}

void Inbox::lost(LinkId link, bool at_once) {
  auto it = links_.find(link);
  if (it == links_.end()) return;
  if (at_once && !it->second.deaf) {
    it->second.deaf = true;
    std::erase_if(waiting_, [&](const Waiting& waiting) {
      return waiting.link == link && std::holds_alternative<Heard>(waiting.input);
    });
    bytes_ -= it->second.bytes;
    it->second.bytes = 0;
  }
  if (it->second.lost) return;
  it->second.lost = true;
  Linked gone = it->second.linked;
  gone.up = false;
  waiting_.push_back({link, std::move(gone)});
}

std::optional<Input> Inbox::next() {
  while (!waiting_.empty()) {
    Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    auto it = links_.find(first.link);
    if (const Heard* heard = std::get_if<Heard>(&first.input)) {
      const std::size_t size = heard->frame.size() + frame_overhead;
      bytes_ -= size;
      if (it != links_.end()) it->second.bytes -= size;
    }
    if (first.link != 0 && it == links_.end()) continue;  // the machine has closed it meanwhile
    if (const Linked* linked = std::get_if<Linked>(&first.input); linked && !linked->up) links_.erase(it);
    return std::move(first.input);
  }
  return {};
}

bool Inbox::open(LinkId link) const {
  auto it = links_.find(link);
  return it != links_.end() && !it->second.lost;
}

const Linked* Inbox::linked(LinkId link) const {
  auto it = links_.find(link);
  return it == links_.end() ? nullptr : &it->second.linked;
}

}  // namespace mig::wire
