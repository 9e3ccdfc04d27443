#include "simulate/world.h"

#include <algorithm>

namespace mig::simulate {

using namespace core;

namespace {

Seed seed_of(std::uint64_t number, std::string_view what) {
  return *Seed::from(blake2b("simulation " + std::to_string(number) + " " + Bytes(what), Seed::size));
}

}  // namespace

World::World(std::uint64_t seed, WallMs wall, Work work) : random_(seed_of(seed, "world")), wall_(wall), work_(std::move(work)) {}

Duration World::delay(std::int64_t low_us, std::int64_t high_us) {
  return {low_us + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(high_us - low_us + 1)))};
}

NodeIndex World::add(Body body) {
  Node node;
  node.body = std::move(body);
  node.store = std::make_unique<store::MemoryStore>();
  nodes_.push_back(std::move(node));
  if (!nodes_.back().body.address.empty()) listening_[{nodes_.back().body.address, nodes_.back().body.key}] = {nodes_.size() - 1};
  start(nodes_.size() - 1);
  return nodes_.size() - 1;
}

NodeIndex World::twin(NodeIndex of, TwinDisk disk, bool listens) {
  Node node;
  node.body = nodes_[of].body;
  node.body.name += "-twin";
  node.store = disk == TwinDisk::copied ? std::make_unique<store::MemoryStore>(nodes_[of].store->after_crash()) : std::make_unique<store::MemoryStore>();
  nodes_.push_back(std::move(node));
  if (listens) listening_[{nodes_.back().body.address, nodes_.back().body.key}].push_back(nodes_.size() - 1);
  start(nodes_.size() - 1);
  return nodes_.size() - 1;
}

void World::start(NodeIndex index) {
  Node& node = nodes_[index];
  node.store->slow(true);
  node.machine = node.body.make(*node.store, random_.id<Seed>());
  node.wake = Instant::never();
  node.life += 1;
  at(delay(0, 50'000), index, Woke{});
}

void World::crash(NodeIndex index) {
  Node& node = nodes_[index];
  if (watch_) watch_->ended(index);
  node.paused_until = at_;
  node.machine.reset();
  node.life += 1;
  node.promised.clear();
  *node.store = node.store->after_crash();
  drop_wires(index);
}

void World::post(NodeIndex node, Input input) { at(Duration{1}, node, std::move(input)); }

void World::cut_way(NodeIndex from, NodeIndex to, bool is_cut) {
  if (is_cut)
    cut_.insert({from, to});
  else
    cut_.erase({from, to});
}

void World::break_wires(NodeIndex a, NodeIndex b) {
  for (auto& wire : wires_) {
    if (!wire->up || std::pair(std::min(wire->dialler, wire->listener), std::max(wire->dialler, wire->listener)) != std::pair(std::min(a, b), std::max(a, b))) continue;
    wire->up = false;
    if (random_.below(4) > 0)  // else the dialler finds out by silence alone
      at(delay(0, 40'000'000), wire->dialler, Linked{wire->dialler_link, Direction::out, {}, false, {}});
  }
}

void World::pause(NodeIndex node, Duration how_long) { nodes_[node].paused_until = std::max(nodes_[node].paused_until, at_ + how_long); }

void World::set_clock(NodeIndex node, Duration offset, std::int64_t drift_ppm) {
  nodes_[node].clock_offset = offset;
  nodes_[node].drift_ppm = drift_ppm;
}

void World::set_disk(NodeIndex node, Duration low, Duration high) {
  nodes_[node].disk_low = low;
  nodes_[node].disk_high = high;
}

void World::strange_frame(NodeIndex node, const Bytes& frame) {
  for (const auto& [link, wire] : nodes_[node].ends)
    if (wire->up) at(delay(1, 1000), node, Heard{link, frame});
}

void World::say(NodeIndex from, NodeIndex to, const Bytes& frame) {
  for (const auto& [link, wire] : nodes_[to].ends)
    if (wire->up && (wire->dialler == from || wire->listener == from)) at(delay(1, 1000), to, Heard{link, frame});
}

Now World::now_of(NodeIndex index) const {
  const Node& node = nodes_[index];
  return {at_, wall_ + (at_.us + at_.us / 1'000'000 * node.drift_ppm + node.clock_offset.us) / 1000};
}

void World::at(Duration delay, NodeIndex node, Input input, std::uint64_t disk_batch) {
  heap_[{at_ + delay, ++order_}] = {node, nodes_[node].life, std::move(input), disk_batch};
}

bool World::run(const std::function<bool()>& done, Duration limit) {
  const Instant end = at_ + limit;
  while (!done()) {
    if (heap_.empty() || heap_.begin()->first.first > end) {
      at_ = end;
      return done();
    }
    auto [when, happening] = std::move(*heap_.begin());
    heap_.erase(heap_.begin());
    at_ = std::max(at_, when.first);
    Node& node = nodes_[happening.node];
    if (!node.machine || happening.life != node.life) continue;
    if (node.paused_until > at_) {
      heap_[{node.paused_until, when.second}] = std::move(happening);
      continue;
    }
    if (happening.disk_batch != 0) {
      finish_disk(happening.node, happening.disk_batch);
      continue;
    }
    // A wake-up that was moved since is void; the newer one stands in the heap.
    if (std::holds_alternative<Woke>(happening.input) && steps_ > 0 && node.wake != Instant::never() && node.wake > at_) continue;
    step(happening.node, happening.input);
  }
  return true;
}

void World::step(NodeIndex index, const Input& input) {
  Node& node = nodes_[index];
  note(index, input);
  Effects effects;
  node.machine->step(now_of(index), input, effects);
  if (twist) twist(index, input, effects);
  const std::uint64_t before = node.store->waiting();
  const std::uint64_t batch = node.store->commit();
  const bool wrote = node.store->waiting() > before;
  Effects now_due, later;
  for (auto& effect : effects) (effect.after_commit && wrote ? later : now_due).push_back(std::move(effect));
  if (!later.empty()) node.promised[batch] = std::move(later);
  if (wrote) at(delay(node.disk_low.us, node.disk_high.us), index, Woke{}, batch);
  if (watch_) watch_->stepped(index, input, effects);
  carry_out(index, now_due);
  if (watch_) watch_->done(index);
  if (!node.machine) return;
  const Instant wake = node.machine->wake();
  if (wake != Instant::never() && (wake != node.wake || wake <= at_)) {
    node.wake = wake;
    at(Duration{std::max<std::int64_t>((wake - at_).us, 1000)}, index, Woke{});
  }
  node.wake = wake;
}

void World::finish_disk(NodeIndex index, std::uint64_t batch) {
  Node& node = nodes_[index];
  node.store->finish(batch);
  for (const auto& outcome : node.store->outcomes()) {
    auto promised = node.promised.extract(outcome.batch);
    if (outcome.ok && !promised.empty()) carry_out(index, promised.mapped());
    step(index, Committed{outcome.batch, outcome.ok});
  }
}

void World::carry_out(NodeIndex node, const Effects& effects) {
  for (const auto& effect : effects) carry_out(node, effect);
}

void World::carry_out(NodeIndex index, const Effect& effect) {
  if (auto* order = std::get_if<Dial>(&effect.what)) return dial(index, *order);
  if (auto* order = std::get_if<Send>(&effect.what)) return send(index, *order);
  if (auto* order = std::get_if<Close>(&effect.what)) return close(index, order->link);
  if (auto* order = std::get_if<Keep>(&effect.what)) {
    kept_.emplace_back(index, order->record);
    if (watch_) watch_->kept(index, order->record);
  }
  if (auto* order = std::get_if<Tell>(&effect.what)) {
    told_.emplace_back(index, order->event);
    if (watch_) watch_->told(index, order->event);
  }
  if (auto* order = std::get_if<Start>(&effect.what)) {
    starts_.push_back(index);
    if (watch_) watch_->started(index, *order);
    Yielded yielded{order->job, {}, true, {}};
    std::size_t operation = 0;
    auto operations = order->operations;
    for (auto& one : operations)
      if (auto filled = fill_in(one.parameters, order->enclosed); !filled) yielded.trouble = filled.error().text;
    for (auto& result : work_(index, operations)) yielded.results.emplace_back(operation++, std::move(result));
    const Duration budget = Duration::millis(static_cast<std::int64_t>(order->budget.seconds * 1000));
    if (job_ > budget) yielded.results.clear(), yielded.trouble = "timeout: the job was ended when its time was over";
    at(job_.us > 0 ? std::min(job_, budget) : delay(5'000, 200'000), index, std::move(yielded));
  }
}

std::optional<NodeIndex> World::listener_at(const Endpoint& endpoint) {
  auto all = listening_.find({endpoint.address, endpoint.key});
  std::vector<NodeIndex> alive;
  if (all != listening_.end()) std::copy_if(all->second.begin(), all->second.end(), std::back_inserter(alive), [this](NodeIndex node) { return this->alive(node); });
  if (alive.empty()) return {};
  return alive.size() == 1 ? alive[0] : alive[random_.below(alive.size())];
}

void World::dial(NodeIndex index, const Dial& order) {
  const auto listener = listener_at(order.to);
  if (listener && !cut_.contains({index, *listener}) && !cut_.contains({*listener, index})) {
    const NodeIndex other = *listener;
    auto wire = std::make_unique<Wire>();
    wire->dialler = index;
    wire->listener = other;
    wire->dialler_link = order.link;
    wire->up = true;
    nodes_[index].ends[order.link] = wire.get();
    wires_.push_back(std::move(wire));
    at(delay(1'000, 20'000), index, Linked{order.link, Direction::out, order.to.key, true, order.to.address});
    return;
  }
  at(delay(500, 5'000), index, Linked{order.link, Direction::out, order.to.key, false, order.to.address});
}

World::Wire* World::wire_of(NodeIndex node, LinkId link) {
  const auto& ends = nodes_[node].ends;
  auto it = ends.find(link);
  return it == ends.end() ? nullptr : it->second;
}

void World::send(NodeIndex index, const Send& order) {
  Wire* wire = wire_of(index, order.to);
  if (!wire || !wire->up) {
    // A router finds out that a peer is gone when it sends to it.
    if (order.to >= first_inbound_link) at(Duration{1}, index, Linked{order.to, Direction::in, {}, false, {}});
    return;
  }
  const bool outward = wire->dialler == index && wire->dialler_link == order.to;
  const NodeIndex to = outward ? wire->listener : wire->dialler;
  ++frames_;
  if (watch_) watch_->sent(index, to, order.to, order.frame);
  // A connection loses nothing in the middle: once a cut has swallowed a frame, what follows is lost as well.
  if (cut_.contains({index, to})) wire->torn[outward] = true;
  if (watch_ && wire->torn[outward]) watch_->swallowed(index, to);
  if (wire->torn[outward] || (lose && lose(index, to, order.frame))) return;
  const Fate fate_of_it = fate ? fate(index, to, order.frame) : Fate{};
  if (fate_of_it.copies == 0) return;
  Node& receiver = nodes_[to];
  Instant arrives = std::max(at_ + delay(200, 3'000), wire->busy[outward] + Duration{1}) + fate_of_it.on_the_wire;
  for (const std::int64_t rate : {nodes_[index].rate, receiver.rate})
    if (rate > 0) arrives = arrives + Duration{static_cast<std::int64_t>(order.frame.size()) * 1'000'000 / rate};
  // A frame that is held back is overtaken: the wire's order goes on without it.
  if (fate_of_it.late.us == 0) wire->busy[outward] = arrives;
  Duration wait = arrives - at_;
  if (outward && wire->listener_link == 0) {
    wire->listener_link = receiver.next_inbound++;
    receiver.ends[wire->listener_link] = wire;
    at(wait, to, Linked{wire->listener_link, Direction::in, nodes_[index].body.key, true, nodes_[index].body.name});
  }
  for (unsigned copy = 0; copy < fate_of_it.copies; ++copy, wait = wait + delay(1, 100'000))
    at(wait + fate_of_it.late, to, Heard{outward ? wire->listener_link : wire->dialler_link, fate_of_it.instead.empty() ? order.frame : fate_of_it.instead});
}

void World::close(NodeIndex index, LinkId link) {
  Wire* wire = wire_of(index, link);
  if (!wire) return;
  nodes_[index].ends.erase(link);
  // The dialler's socket is gone for both; a router only forgets.
  if (wire->dialler == index) wire->up = false;
}

Instant World::quiet_at(NodeIndex node) const {
  Instant last = at_;
  for (const auto& [link, wire] : nodes_[node].ends)
    for (Instant way : wire->busy) last = std::max(last, way);
  return last;
}

std::optional<std::pair<NodeIndex, LinkId>> World::other_end(NodeIndex node, LinkId link) {
  const Wire* wire = wire_of(node, link);
  if (!wire || !wire->up || wire->listener_link == 0) return {};
  const bool outward = wire->dialler == node && wire->dialler_link == link;
  return outward ? std::pair(wire->listener, wire->listener_link) : std::pair(wire->dialler, wire->dialler_link);
}

void World::drop_wires(NodeIndex index) {
  for (auto& wire : wires_) {
    if (!wire->up || (wire->dialler != index && wire->listener != index)) continue;
    wire->up = false;
    if (wire->listener == index && wire->dialler != index)
      at(delay(500, 20'000), wire->dialler, Linked{wire->dialler_link, Direction::out, {}, false, {}});
  }
}

void World::note(NodeIndex node, const Input& input) {
  ++steps_;
  Bytes line = trace_ + std::to_string(at_.us) + " " + std::to_string(node) + " " + std::to_string(input.index());
  if (auto* heard = std::get_if<Heard>(&input)) line += heard->frame;
  trace_ = blake2b(line, 32);
}

}  // namespace mig::simulate
