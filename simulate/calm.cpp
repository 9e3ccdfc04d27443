// The liveness half: what must be true once every fault is over and the mesh had its time.
#include <fmt/format.h>

#include "simulate/checks.h"

namespace mig::simulate {

using namespace core;

void Checks::calm(const std::vector<Fleet::Question>& questions) {
  World& world = fleet_.world();
  const auto board = fleet_.board_of(0);
  for (std::size_t i = 1; i < fleet_.relays(); ++i) {
    const auto other = fleet_.board_of(i);
    check(29, other == board, fleet_.board_difference(i));
    auto map_of = [](std::map<BoardKey, Version> all) { return std::erase_if(all, [](const auto& entry) { return entry.first[0] != static_cast<char>(ObjectKind::relay); }), all; };
    check(30, map_of(other) == map_of(board), fmt::format("relay-{} sees another map than relay-1", i + 1));
  }
  const auto homes = fleet_.homes_of_agents();
  std::size_t ghosts = 0;
  for (std::size_t i = 0; i < fleet_.agents(); ++i) {
    ghosts += std::max<std::size_t>(homes[i], 1) - 1;
    check(33, fleet_.has_home(fleet_.agent(i), homes[i]), fmt::format("agent-{} is in {} registers", i + 1, homes[i]));
    for (const auto& question : questions) {
      const auto& durable = world.disk(fleet_.agent(i)).durable();
      const bool has = receipts_[key_of(question.id)].contains(fleet_.agent_id(i));
      check(31, has || durable.contains("j/" + key_of(question.id).bytes()), fmt::format("agent-{} never had action {}", i + 1, question.id.brief()));
      check(32, has || fleet_.may_lack(fleet_.agent_id(i), key_of(question.id)), fmt::format("no receipt of agent-{} for action {}", i + 1, question.id.brief()));
    }
  }
  for (const auto& question : questions) {
    const std::string lacking = fleet_.lacking_of(question, ghosts);
    check(34, lacking.empty(), lacking);
  }
  // Quiet: nothing but beats, renewals, and what they cause, once a leaf has found out about a wire that broke before.
  world.run([] { return false; }, limits::dead_leaf + Duration::seconds(15));
  const std::uint64_t before = world.frames();
  const auto kinds_before = kinds_;
  world.run([] { return false; }, Duration::seconds(120));
  const std::uint64_t links = fleet_.links(), leaves = fleet_.agents() + 1;
  const std::uint64_t beats = 2 * (links * 24 + leaves * 4), renewals = 2 * links * (fleet_.relays() / 4 + 3) + 40;
  std::string kinds;
  for (const auto& [name, count] : kinds_)
    if (auto was = kinds_before.find(name); count > (was == kinds_before.end() ? 0 : was->second)) kinds += fmt::format(" {} {}", name, count - (was == kinds_before.end() ? 0 : was->second));
  check(35, world.frames() - before <= (beats + renewals) * 11 / 10, fmt::format("{} frames in two quiet minutes ({} beats and {} others were to be expected):{}", world.frames() - before, beats, renewals, kinds));
}

void Checks::forgotten(const ActionId& id) {
  const Bytes key = key_of(id).bytes();
  const Bytes pinned = "b/" + board_key(ObjectKind::action, id.view());
  for (NodeIndex node = 0; node < fleet_.world().nodes(); ++node) {
    if (!fleet_.is_relay(node) && !fleet_.is_agent(node)) continue;
    std::string left;
    for (const auto& [name, value] : fleet_.world().disk(node).durable())
      if (name == pinned || name.find(key) == 2) left = name.substr(0, 2);
    check(36, left.empty(), fmt::format("node {} still holds {}.. of an action that is long past", node, left));
  }
}

}  // namespace mig::simulate
