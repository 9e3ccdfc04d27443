#include "investigator/lab_mesh.h"

#include <fmt/format.h>

#include "investigator/station.h"

namespace mig::investigator {
namespace {

constexpr core::Duration ask_again = core::Duration::millis(500);

double seconds_until(LabDeadline deadline) {
  return std::max(0.0, std::chrono::duration<double>(deadline - std::chrono::steady_clock::now()).count());
}

core::Instant instant_of(const Station& station, LabDeadline deadline) {
  return station.now().at + core::Duration::millis(static_cast<std::int64_t>(seconds_until(deadline) * 1000));
}

std::set<std::string> names_of(const Lab& lab, bool relays) {
  std::set<std::string> names;
  for (const LabNode& node : lab.nodes)
    if (node.relay == relays) names.insert(node.name);
  return names;
}

core::Error missing(Station& station, const std::set<std::string>& names, const char* what) {
  if (station.interrupted()) return {core::Code::later, "lab: interrupted"};
  if (!station.trouble().empty()) return {core::Code::world, "lab: " + station.trouble()};
  return {core::Code::world, fmt::format("lab: not {} yet: {}", what, fmt::join(names, ", "))};
}

std::set<std::string> out_of_reach(const Station& station, const Lab& lab) {
  std::set<std::string> names = names_of(lab, true);
  for (const RelayView& relay : station.machine().relays())
    if (relay.reachable) names.erase(relay.name);
  return names;
}

std::set<std::string> not_online(const Station& station, const Lab& lab) {
  std::set<std::string> names = names_of(lab, false);
  for (const RelayView& relay : station.machine().relays())
    for (const core::AgentLine& agent : station.machine().agents_at(relay.id))
      if (agent.online) names.erase(agent.name);
  return names;
}

}  // namespace

LabMesh::LabMesh(std::unique_ptr<Station> station) : station_(std::move(station)) {}
LabMesh::LabMesh(LabMesh&&) noexcept = default;
LabMesh::~LabMesh() = default;

core::Result<LabMesh> LabMesh::attach(const Lab& lab, LabDeadline deadline) {
  Globals globals;
  globals.home = lab.mig_home();
  globals.relay = "relay-1";
  auto station = Station::open(globals);
  if (!station) return station.error();
  core::Status attached = (*station)->attach(seconds_until(deadline));
  if (!attached) return attached.error();
  return LabMesh(*std::move(station));
}

core::Status LabMesh::await_relays(const Lab& lab, LabDeadline deadline) {
  auto all_there = [&] { return out_of_reach(*station_, lab).empty(); };
  if (station_->run(all_there, instant_of(*station_, deadline)) == Station::End::done) return core::Done{};
  return missing(*station_, out_of_reach(*station_, lab), "within reach");
}

core::Status LabMesh::await_agents(const Lab& lab, LabDeadline deadline) {
  auto all_there = [&] { return not_online(*station_, lab).empty(); };
  while (std::chrono::steady_clock::now() < deadline && !station_->interrupted() && station_->trouble().empty()) {
    station_->ask({core::AskRegister{}});
    const core::Instant until = std::min(station_->now().at + ask_again, instant_of(*station_, deadline));
    if (station_->run(all_there, until) == Station::End::done) return core::Done{};
  }
  return missing(*station_, not_online(*station_, lab), "attached");
}

}  // namespace mig::investigator
