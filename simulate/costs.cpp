#include "simulate/costs.h"

#include <fmt/format.h>

#include <iterator>

namespace mig::simulate {

using namespace core;

namespace {
/// In the order of core::Routed.
constexpr std::string_view routed_names[] = {"TALLY", "PULL", "REPLIES", "HANDOVER", "HANDED", "ASK", "TOLD", "ENROL", "ENROLLED", "GONE"};
static_assert(std::size(routed_names) == std::variant_size_v<Routed>);
}  // namespace

void Costs::sent(NodeIndex from, NodeIndex to, const Message& message, std::size_t octets) {
  if (!counts()) return;
  std::string_view name = name_of(message);
  if (auto* route = std::get_if<Route>(&message))
    if (auto routed = decode_routed(route->payload)) name = routed_names[routed->index()];
  auto is = [&](NodeIndex node) { return fleet_.is_relay(node) ? 'r' : fleet_.is_agent(node) ? 'a' : 'i'; };
  const char *way = is(from) == 'r' ? (is(to) == 'r' ? "relay to relay" : is(to) == 'a' ? "relay to agent" : "relay to investigator")
                                    : (is(from) == 'a' ? "agent to relay" : "investigator to relay");
  auto& sum = sums_[{name, way}];
  ++sum.frames;
  sum.octets += octets;
}

std::string Costs::table() const {
  std::string out = fmt::format("{:<12} {:<22} {:>10} {:>14}\n", "message", "way", "frames", "octets");
  for (const auto& [kind, sum] : sums_) out += fmt::format("{:<12} {:<22} {:>10} {:>14}\n", std::get<0>(kind), std::get<1>(kind), sum.frames, sum.octets);
  auto since = [&](Instant at) { return at == Instant::never() ? std::string("never") : fmt::format("{:.1f} ms", static_cast<double>((at - asked_).us) / 1000); };
  return out + fmt::format("after the question, simulated: first row {}, last agent starts {}, complete {}\n", since(first_row_), since(last_started_), since(complete_));
}

}  // namespace mig::simulate
