#include "simulate/link_checks.h"

#include <fmt/format.h>

#include "relay/notice.h"

namespace mig::simulate {

using namespace core;

namespace {

bool opens_or_ends(const Message& message) {
  return std::holds_alternative<Hello>(message) || std::holds_alternative<Welcome>(message) || std::holds_alternative<Enrol>(message) ||
         std::holds_alternative<Enrolled>(message) || std::holds_alternative<Bye>(message);
}

}  // namespace

void LinkChecks::sent(NodeIndex from, NodeIndex to, LinkId link, const Message& message, bool honest) {
  Spoken& spoken = ends_[from][link];
  if (std::holds_alternative<Welcome>(message)) spoken = {true, 0, {}};
  if (!opens_or_ends(message)) check_(20, spoken.open, fmt::format("node {} says {} outside of a session", from, name_of(message)));
  if (auto* bye = std::get_if<Bye>(&message)) {
    if (bye->code == ByeCode::timeout && spoken.open) given_up(from, to, link);
    spoken.open = false;
  }
  auto* put = std::get_if<Put>(&message);
  if (!put || !honest || !fleet_.is_relay(from) || !fleet_.is_relay(to)) return;
  for (const auto& object : put->objects)
    if (auto seen = relay::preview(object))
      check_(4, ++spoken.shown[{seen->key, seen->version}] <= 1 + spoken.asked, fmt::format("relay {} floods an object twice to relay {}", from, to));
}

void LinkChecks::given_up(NodeIndex from, NodeIndex to, LinkId link) {
  const Instant now = fleet_.world().now().at;
  const Duration patience = (fleet_.is_relay(from) && fleet_.is_relay(to) ? limits::dead_relay : limits::dead_leaf) + Duration::seconds(5);
  auto recent = [&](auto it, auto end) { return it != end && it->second + patience >= now; };
  const auto other = fleet_.world().other_end(from, link);
  const bool gone = !other || !ends_[other->first][other->second].open;
  const bool silent = recent(cut_at_.find(std::minmax(from, to)), cut_at_.end()) || recent(paused_until_.find(to), paused_until_.end()) ||
                      recent(slow_until_.find(from), slow_until_.end()) || recent(slow_until_.find(to), slow_until_.end());
  check_(25, gone || silent, fmt::format("node {} calls node {} dead, which lives and is within reach", from, to));
}

void LinkChecks::stepped(NodeIndex node, const Input& input, const Message* heard, const Effects& effects) {
  closing_.clear();
  if (auto* linked = std::get_if<Linked>(&input)) ends_[node][linked->link] = {};
  if (auto* frame = std::get_if<Heard>(&input); frame && heard) {
    Spoken& spoken = ends_[node][frame->from];
    if (std::holds_alternative<Welcome>(*heard)) spoken = {true, 0, {}};
    if (std::holds_alternative<Bye>(*heard)) spoken.open = false;
    if (std::holds_alternative<Sync>(*heard) || std::holds_alternative<Want>(*heard)) ++spoken.asked;
    if (std::holds_alternative<Unknown>(*heard) && spoken.open) {
      const bool stays = std::none_of(effects.begin(), effects.end(), [&](const Effect& effect) {
        auto* order = std::get_if<Close>(&effect.what);
        return order && order->link == frame->from;
      });
      check_(28, stays, fmt::format("an unknown frame makes node {} end the session", node));
    }
    if (!opens_or_ends(*heard) && !spoken.open) {
      const bool quiet = std::none_of(effects.begin(), effects.end(), [](const Effect& effect) { return std::holds_alternative<Start>(effect.what) || std::holds_alternative<Keep>(effect.what); });
      check_(20, quiet, fmt::format("node {} does something on account of a frame without a session", node));
    }
  }
  for (const auto& effect : effects)
    if (auto* order = std::get_if<Close>(&effect.what)) closing_.emplace_back(node, order->link);
}

void LinkChecks::done(NodeIndex) {
  for (const End& end : closing_) ends_[end.first].erase(end.second);
  closing_.clear();
}

void LinkChecks::ended(NodeIndex node) {
  ends_.erase(node);
}

}  // namespace mig::simulate
