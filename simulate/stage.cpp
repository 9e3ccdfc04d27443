#include "simulate/stage.h"

#include <fmt/format.h>

#include <algorithm>

#include "investigator/summary.h"
#include "node/core/json.h"
#include "node/core/links.h"
#include "node/core/message_fields.h"

namespace mig::simulate {

using namespace core;

namespace {

std::string times_of(unsigned count) { return count == 0 ? "never" : count == 1 ? "once" : fmt::format("{} times", count); }

/// Empty if `times` (default: at least one) is what was counted.
std::string compare(unsigned count, std::optional<unsigned> times, const std::string& what) {
  if (times ? count == *times : count > 0) return {};
  return fmt::format("{} {}", what, times_of(count));
}

template <class Variant>
std::string routed_name(const Variant& routed) {
  return std::visit([](const auto& held) { return std::string(codec::Shape<std::decay_t<decltype(held)>>::name); }, routed);
}

template <class T>
void add_name(std::vector<std::string>& to) {
  if constexpr (!std::is_same_v<T, Unknown>) to.emplace_back(codec::Shape<T>::name);
}
template <class... Ts>
void add_names(std::vector<std::string>& to, const std::variant<Ts...>*) {
  (add_name<Ts>(to), ...);
}

}  // namespace

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    add_names(out, static_cast<const Message*>(nullptr));
    add_names(out, static_cast<const Routed*>(nullptr));
    return out;
  }();
  return names;
}

std::string kind_of(BytesView frame) {
  auto message = decode(frame);
  if (!message) return "BAD";
  if (auto* route = std::get_if<Route>(&*message))
    if (auto routed = decode_routed(route->payload)) return routed_name(*routed);
  return std::string(name_of(*message));
}

Stage::Stage(FleetPlan plan, bool trace) : fleet_(plan), checks_(fleet_), plan_(plan) {
  world().watch(&checks_);
  checks_.trace(trace);
  world().lose = [this](NodeIndex from, NodeIndex to, BytesView frame) { return this->frame(from, to, frame); };
}

bool Stage::begin() {
  for (std::size_t i = 0; i < plan_.agents; ++i) world().crash(fleet_.agent(i));
  const bool relays_up = world().run([&] {
    const auto relays = fleet_.mig().relays();
    return std::count_if(relays.begin(), relays.end(), [](const auto& relay) { return relay.reachable; }) == static_cast<std::ptrdiff_t>(plan_.relays);
  }, Duration::seconds(60));
  for (std::size_t i = 0; i < plan_.agents; ++i) world().start(fleet_.agent(i));
  return relays_up && fleet_.settle();
}

bool Stage::frame(NodeIndex from, NodeIndex to, BytesView frame) {
  const Way way{kind_of(frame), from, to};
  ++sent_[way];
  if (plan_.agents <= 20) heard_[way].emplace_back(frame);
  return swallowed_.contains(way);
}

void Stage::ask(const std::string& name, const std::string& role, Duration valid, Attached attached) {
  constexpr std::size_t attached_bytes = 1'200'000;  // 13 chunks, more than are asked for at a time
  const std::string target = role.empty() ? "all" : fmt::format("tags->>'role'='{}'", role);
  auto asked = fleet_.question(target, valid.us / 1000, attached == Attached::nothing ? 0 : attached_bytes);
  if (attached == Attached::lost) asked.enclosed.clear();
  std::set<NodeIndex> targeted;
  for (std::size_t i = 0; i < plan_.agents; ++i)
    if (role.empty() || plan_.role_of(i) == role) targeted.insert(fleet_.agent(i));
  checks_.asked(*parse_action(asked.signed_action.text), std::move(targeted));
  fleet_.ask(asked);
  questions_[name] = asked;
  asked_.push_back(asked);
}

void Stage::cancel(const std::string& name) { fleet_.cancel(question(name).id, "asked by mistake"); }

void Stage::crash(NodeIndex node) {
  if (world().alive(node)) world().crash(node);
}

void Stage::lose_store(NodeIndex node) {
  world().disk(node) = store::MemoryStore();
  checks_.disk_replaced(node);
}

bool Stage::restore(NodeIndex node) {
  auto copy = copies_.find(node);
  if (copy == copies_.end()) return false;
  crash(node);
  world().disk(node) = copy->second;
  checks_.disk_replaced(node);
  world().start(node);
  return true;
}

void Stage::lie(NodeIndex relay, const std::string& lie) {
  checks_.lies(relay), checks_.harmed(relay);
  liars_.emplace(relay, Liar(fleet_, relay, lie));
  world().twist = [this](NodeIndex node, const Input& input, Effects& effects) {
    if (auto liar = liars_.find(node); liar != liars_.end()) liar->second.twist(input, effects);
  };
}

void Stage::steal(NodeIndex thief, NodeIndex agent, NodeIndex from) {
  if (auto frame = Liar::forged_handover(fleet_, thief, agent, from)) world().strange_frame(from, *frame);
}

void Stage::replay(const std::string& kind, NodeIndex from, NodeIndex to) {
  for (const auto& frame : heard_[{kind, from, to}]) world().strange_frame(to, frame);
}

void Stage::cut(NodeIndex from, NodeIndex to, bool is_cut) {
  world().cut_way(from, to, is_cut);
  checks_.harmed(from), checks_.harmed(to);
}

void Stage::attach(std::size_t relay) { fleet_.restart_investigator(relay, asked_); }

bool Stage::await(const std::string& kind, NodeIndex from, NodeIndex to, Duration limit) {
  const Way way{kind, from, to};
  const unsigned before = sent_[way];
  return world().run([&] { return sent_[way] > before; }, limit);
}

std::string Stage::calm() {
  std::string lacking;
  world().run([&, next = Instant{}]() mutable {
    if (world().now().at < next) return false;
    next = world().now().at + Duration::seconds(1);
    lacking = fleet_.lacking(asked_);
    return lacking.empty();
  }, Duration::seconds(900));
  if (lacking.empty()) checks_.calm(asked_);
  return lacking.empty() ? "" : "after 15 calm minutes: " + lacking;
}

std::string Stage::reads(const std::string& name, const std::string& line) {
  if (!world().alive(fleet_.investigator())) return "mig is down and reads nothing";
  const std::string now = investigator::status_line(fleet_.statement(question(name).id));
  return now == line ? "" : fmt::format("{} reads {}", name, now);
}

std::string Stage::notes(const std::string& name, const std::string& text) {
  if (!world().alive(fleet_.investigator())) return "mig is down and notes nothing";
  const auto remarks = fleet_.statement(question(name).id).remarks;
  if (text == "nothing" ? remarks.empty() : std::any_of(remarks.begin(), remarks.end(), [&](const auto& remark) { return remark.find(text) != std::string::npos; })) return {};
  return remarks.empty() ? name + " notes nothing" : fmt::format("{} notes {}", name, fmt::join(remarks, "; "));
}

std::string Stage::ran(const std::string& name, NodeIndex agent, unsigned times) {
  return compare(checks_.runs(agent, key_of(question(name).id)), times, fmt::format("{} ran on {}", name, world().name_of(agent)));
}

std::string Stage::answer(const std::string& name, NodeIndex agent, const std::string& state, const std::string& why) {
  const KeepReceipt* held = nullptr;
  for (const auto& [node, record] : world().kept())
    if (auto* receipt = std::get_if<KeepReceipt>(&record); receipt && receipt->action == key_of(question(name).id) && receipt->agent == fleet_.node_id(agent)) held = receipt;
  if (!held) return fmt::format("{} has no answer of {}", name, world().name_of(agent));
  const std::string words = held->reason + held->trouble;
  if (to_text(held->state) == state && words.find(why) != std::string::npos) return {};
  return fmt::format("{} from {} is {}{}{}", name, world().name_of(agent), to_text(held->state), words.empty() ? "" : " ", words);
}

std::string Stage::verdict(const std::string& name, VerdictCode code, const std::string& text) {
  if (!world().alive(fleet_.investigator())) return "mig is down";
  auto held = fleet_.mig().verdict(question(name).id);
  if (held && held->code == code && held->text.find(text) != std::string::npos) return {};
  if (!held) return "no relay has said anything of " + name;
  return fmt::format("the relay said {} of {}: {}", held->code == VerdictCode::stored ? "stored" : held->code == VerdictCode::quota ? "quota" : "refused", name, held->text);
}

std::string Stage::said(std::optional<NodeIndex> node, const std::string& event, std::optional<unsigned> times) {
  unsigned count = 0;
  for (const auto& [who, what] : world().told()) count += (!node || who == *node) && what.name == event;
  return compare(count, times, fmt::format("{} said {}", node ? world().name_of(*node) : "somebody", event));
}

std::string Stage::sent(const std::string& kind, NodeIndex from, NodeIndex to, std::optional<unsigned> times) {
  return compare(sent_[{kind, from, to}], times, fmt::format("{} sent {} to {}", world().name_of(from), kind, world().name_of(to)));
}

std::string Stage::at(NodeIndex agent, NodeIndex relay) {
  std::vector<std::string> homes;
  for (std::size_t i = 0; i < fleet_.relays(); ++i)
    if (world().alive(fleet_.relay(i)) && world().disk(fleet_.relay(i)).get("r/" + fleet_.node_id(agent).bytes())) homes.push_back(world().name_of(fleet_.relay(i)));
  if (homes == std::vector<std::string>{world().name_of(relay)}) return {};
  return homes.empty() ? world().name_of(agent) + " is in no register" : fmt::format("{} is at {}", world().name_of(agent), fmt::join(homes, " and "));
}

std::string Stage::keeps_nothing(NodeIndex node, const std::string& name) {
  const Bytes key = key_of(question(name).id).bytes();
  for (const auto& [row, value] : world().disk(node).durable())
    if (row.find(key) != Bytes::npos) return fmt::format("{} still holds {}... of {}", world().name_of(node), row.substr(0, 2), name);
  return {};
}

}  // namespace mig::simulate
