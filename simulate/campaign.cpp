#include "simulate/campaign.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "simulate/liar.h"

namespace mig::simulate {

using namespace core;

const std::vector<std::string>& fault_names() {
  static const std::vector<std::string> names{"break", "drop", "duplicate", "delay", "partition", "oneway", "relay-crash", "relay-lost", "relay-restored",
                                              "agent-crash", "investigator-move", "pause", "clock", "slow-disk", "full-disk", "unknown", "forged", "cancel",
                                              "journal-lost", "herd", "slow-link", "replay", "versions", "clone", "liar"};
  return names;
}

namespace {

constexpr WallMs retention_ms = 10 * 60'000;   // short, so that a run sees its end
constexpr std::int64_t octet_on_a_slow_line_us = 800;  // 10 kbit/s
constexpr std::size_t most_for_space = 1000;   // agents; with more, that end is waited for in vain

/// The same frame with a field that is not known yet: [number, {..., 120: "later"}]. Frames with 15 fields stay.
Bytes as_of_a_later_version(BytesView frame) {
  Bytes out(frame);
  if (out.size() < 3 || (static_cast<unsigned char>(out[2]) & 0xf0) != 0x80 || (out[2] & 0x0f) == 0x0f) return out;
  ++out[2];
  return out += "\x78\xa5later";
}

/// The harm of one run: which kinds, how often, and the end of each.
class Campaign {
 public:
  explicit Campaign(const CampaignPlan& plan)
      : plan_(plan), dice_(*Seed::from(blake2b(fmt::format("campaign {}", plan.seed), Seed::size))), fleet_(fleet_plan(plan)), checks_(fleet_) {}

  CampaignResult run() {
    fleet_.world().watch(&checks_);
    checks_.trace(plan_.trace);
    const Duration limit = Duration::millis(static_cast<std::int64_t>(plan_.minutes * 60'000));
    if (!fleet_.settle(limit)) return give("the mesh did not come up: not all agents attached, or not all relays reachable");
    for (const auto& name : fault_names())
      if (plan_.faults.contains(name) && dice_.below(3) > 0) drawn_.push_back(name);
    ask("all");
    if (plan_.agents <= most_for_space) ask_in_passing();
    if (!drawn_.empty()) harm(limit);
    calm();
    return give(trouble_);
  }

 private:
  static FleetPlan fleet_plan(const CampaignPlan& plan) {
    FleetPlan out;
    out.seed = plan.seed;
    out.relays = plan.relays;
    out.agents = plan.agents;
    out.retention_ms = retention_ms;
    if (plan.answer_kb > 0) out.work = noise(plan.answer_kb);
    const std::uint64_t seed = plan.seed;
    if (plan.topology == "hubs")
      out.parent_of = [](std::size_t i) { return i < 2 ? 0 : i % 2; };  // two hubs, all others below them
    else
      out.parent_of = [seed](std::size_t i) -> std::size_t {
        // A tree whose first relays are a line: at least three deep, and full of cut vertices.
        if (i < 4) return i - 1;
        Random dice(*Seed::from(blake2b(fmt::format("topology {} {}", seed, i), Seed::size)));
        return static_cast<std::size_t>(dice.below(i));
      };
    return out;
  }

  /// Answers that no compression makes much smaller.
  static Work noise(std::size_t kb) {
    return [kb](NodeIndex node, const std::vector<Operation>& operations) {
      std::string hex;
      for (std::size_t i = 0; hex.size() < kb * 1024; ++i) hex += to_hex(blake2b(fmt::format("{} {}", node, i), 64));
      return std::vector<std::string>(operations.size(), fmt::format(R"({{"foundanything":true,"success":true,"elements":"{} {}","statistics":null,"errors":null}})", fleet_taint, hex));
    };
  }

  void ask(const std::string& target) {
    auto question = fleet_.question(target, 2 * 3600 * 1000);
    auto action = parse_action(question.signed_action.text);
    std::set<NodeIndex> targeted;
    for (std::size_t i = 0; i < plan_.agents; ++i)
      if (target == "all" || i % 3 == 0) targeted.insert(fleet_.agent(i));
    checks_.asked(*action, targeted);
    fleet_.ask(question);
    questions_.push_back(question);
  }

  /// A question that is over long before the run: nothing of it may stay anywhere.
  void ask_in_passing() {
    passing_ = fleet_.question("all", 60'000);
    std::set<NodeIndex> all;
    for (std::size_t i = 0; i < plan_.agents; ++i) all.insert(fleet_.agent(i));
    checks_.asked(*parse_action(passing_->signed_action.text), all);
    fleet_.ask(*passing_);
  }

  void harm(Duration limit) {
    World& world = fleet_.world();
    world.fate = [this](NodeIndex from, NodeIndex to, BytesView frame) { return fate_of(from, to, frame); };
    const Instant end = world.now().at + limit;
    while (world.now().at < end) {
      world.run([] { return false; }, Duration::millis(static_cast<std::int64_t>(200 + dice_.below(8000))));
      undo(false);
      start_again();
      strike(drawn_[dice_.below(drawn_.size())]);
      if (questions_.size() < 4 && dice_.below(8) == 0) ask(dice_.below(2) == 0 ? "all" : "tags->>'role'='db'");
    }
  }

  bool drew(const char* name) const { return std::find(drawn_.begin(), drawn_.end(), name) != drawn_.end(); }

  Fate fate_of(NodeIndex from, NodeIndex to, BytesView frame) {
    Fate fate;
    if (drew("replay") && dice_.below(10) == 0) {
      old_frames_.push_back({from, to, Bytes(frame)});
      if (old_frames_.size() > 500) old_frames_.pop_front();
    }
    if (newer_.contains(from)) fate.instead = as_of_a_later_version(frame);
    if (slow_.contains(from) || slow_.contains(to)) fate.on_the_wire = Duration{static_cast<std::int64_t>(frame.size()) * octet_on_a_slow_line_us};
    auto message = decode(frame);
    if (!message || !std::holds_alternative<Route>(*message)) return fate;
    if (drew("drop") && dice_.below(20) == 0) fate.copies = 0;
    if (drew("duplicate") && dice_.below(20) == 0) fate.copies = 2;
    if (drew("delay") && dice_.below(20) == 0) fate.late = Duration::millis(static_cast<std::int64_t>(dice_.below(20'000)));
    return fate;
  }

  NodeIndex any_relay() { return fleet_.relay(dice_.below(plan_.relays)); }
  NodeIndex any_agent() { return fleet_.agent(dice_.below(plan_.agents)); }

  /// A harm that ends by itself after a while.
  void until_later(std::function<void()> end) {
    const Instant when = fleet_.world().now().at + Duration::millis(static_cast<std::int64_t>(500 + dice_.below(120'000)));
    ends_.emplace_back(when, std::move(end));
  }
  void undo(bool all) {
    for (std::size_t i = 0; i < ends_.size();) {
      if (!all && ends_[i].first > fleet_.world().now().at) {
        ++i;
        continue;
      }
      auto end = std::move(ends_[i].second);
      ends_.erase(ends_.begin() + static_cast<std::ptrdiff_t>(i));
      end();
    }
  }

  void crash(NodeIndex node) {
    World& world = fleet_.world();
    if (!world.alive(node)) return;
    world.crash(node);
    until_later([this, node] {
      if (!fleet_.world().alive(node)) fleet_.world().start(node);
    });
  }

  /// It lies for as long as there is harm. Then somebody sets the machine up again with what is on its disk.
  void lie(NodeIndex relay) {
    liar_.emplace(fleet_, relay, Liar::lies()[dice_.below(Liar::lies().size())]);
    checks_.story(fmt::format("{} lies: {}", fleet_.world().name_of(relay), liar_->lie()));
    checks_.lies(relay), checks_.harmed(relay);
    fleet_.world().twist = [this](NodeIndex node, const Input& input, Effects& effects) {
      if (node == liar_->self()) liar_->twist(input, effects);
    };
  }
  void speak_truth() {
    if (!liar_) return;
    fleet_.world().twist = {};
    if (fleet_.world().alive(liar_->self())) fleet_.world().crash(liar_->self());
    checks_.honest_again(liar_->self());
  }

  /// A copy of this machine, for a while.
  void clone(NodeIndex node) {
    World& world = fleet_.world();
    if (!world.alive(node) || !cloned_.insert(node).second) return;
    const bool empty = fleet_.is_agent(node) && dice_.below(2) == 0, listens = fleet_.is_relay(node) && dice_.below(2) == 0;
    const NodeIndex copy = fleet_.twin(node, empty ? World::TwinDisk::empty : World::TwinDisk::copied, listens);
    checks_.harmed(node), checks_.harmed(copy);
    was_cloned_.insert(node);
    until_later([this, node, copy] {
      World& world = fleet_.world();
      if (world.alive(copy)) world.crash(copy);
      world.disk(copy) = store::MemoryStore();
      cloned_.erase(node);
    });
  }

  /// Whoever has taken the copy of a relay away starts the relay again that stands aside because of it.
  void start_again() {
    World& world = fleet_.world();
    for (; told_ < world.told().size(); ++told_)
      if (const auto& [node, event] = world.told()[told_]; event.name == "standing_aside" && !fleet_.is_twin(node)) aside_.insert(node);
    for (const NodeIndex node : std::set<NodeIndex>(aside_)) {
      if (cloned_.contains(node) || !was_cloned_.contains(node)) continue;
      if (world.alive(node)) world.crash(node), world.start(node);
      aside_.erase(node);
    }
  }

  /// A newer record of another relay than this one holds, under the signature of the old one.
  std::optional<Object> forged(NodeIndex relay) {
    const BoardKey key = board_key(ObjectKind::relay, fleet_.node_id(any_relay()).view());
    auto held = fleet_.world().disk(relay).get("b/" + key);
    auto object = held ? unpack_object(*held) : Result<Object>(invalid("none"));
    auto record = object ? unpack_relay_record(object->text) : Result<RelayRecord>(invalid("none"));
    if (!record) return {};
    record->n += 1000;
    object->text = pack(*record);
    return *object;
  }

  void strike(const std::string& name) {
    World& world = fleet_.world();
    const NodeIndex relay = any_relay(), agent = any_agent();
    checks_.story(fmt::format("HARM {} ({} or {})", name, world.name_of(relay), world.name_of(agent)));
    if (name == "break") {
      const NodeIndex other = dice_.below(2) == 0 ? any_relay() : any_agent();
      checks_.harmed(relay), checks_.harmed(other);
      world.break_wires(relay, other);
    } else if (name == "partition") {
      std::vector<std::pair<NodeIndex, NodeIndex>> cuts;
      for (std::size_t i = 0; i < plan_.relays; ++i)
        if (fleet_.relay(i) != relay) cuts.emplace_back(relay, fleet_.relay(i));
      for (auto [a, b] : cuts) world.cut(a, b, true), checks_.harmed(b);
      checks_.harmed(relay);
      until_later([this, cuts] {
        for (auto [a, b] : cuts) fleet_.world().cut(a, b, false);
      });
    } else if (name == "oneway") {
      const NodeIndex other = dice_.below(2) == 0 ? any_relay() : any_agent();
      world.cut_way(relay, other, true);
      checks_.harmed(relay), checks_.harmed(other);
      until_later([this, relay, other] { fleet_.world().cut_way(relay, other, false); });
    } else if (name == "relay-crash") {
      crash(relay);
    } else if (name == "relay-lost") {
      // The enroller's own store is its certificate: an administrator restores that one.
      if (relay == fleet_.relay(0) || !world.alive(relay)) return;
      crash(relay);
      world.disk(relay) = store::MemoryStore();
      checks_.disk_replaced(relay);
    } else if (name == "relay-restored") {
      if (!world.alive(relay)) return;
      if (!copies_.contains(relay)) {
        copies_[relay] = world.disk(relay).after_crash();
      } else {
        crash(relay);
        world.disk(relay) = copies_.at(relay);
        checks_.disk_replaced(relay);
        copies_.erase(relay);
      }
    } else if (name == "agent-crash") {
      crash(agent);
    } else if (name == "journal-lost") {
      if (!world.alive(agent)) return;
      crash(agent);
      auto& disk = world.disk(agent);
      std::vector<Bytes> journal;  // what was started, and the answers that nobody confirmed yet
      for (const char* kind : {"j/", "p/"}) disk.scan(kind, [&](BytesView key, BytesView) { return journal.emplace_back(key), true; });
      for (const auto& key : journal) disk.erase(key);
      disk.commit();
      checks_.disk_replaced(agent);
    } else if (name == "herd") {
      for (std::size_t i = 0; i < plan_.agents; ++i)
        if (world.alive(fleet_.agent(i)) && dice_.below(10) > 0) world.crash(fleet_.agent(i)), world.start(fleet_.agent(i));
      if (dice_.below(2) == 0) crash(relay);
    } else if (name == "slow-link") {
      slow_.insert(relay), checks_.slow(relay, true);
      until_later([this, relay] { slow_.erase(relay), checks_.slow(relay, false); });
    } else if (name == "replay") {
      for (int i = 0; i < 20 && !old_frames_.empty(); ++i) {
        const auto& [from, to, frame] = old_frames_[dice_.below(old_frames_.size())];
        checks_.harmed(from), checks_.harmed(to);
        world.say(from, to, frame);
      }
    } else if (name == "versions") {
      newer_.insert(dice_.below(2) == 0 ? relay : agent);
    } else if (name == "liar") {
      if (!liar_ && relay != fleet_.relay(0)) lie(relay);
    } else if (name == "clone") {
      // The enroller is one machine: its certificate is in its store, and an administrator watches it.
      clone(dice_.below(2) == 0 && relay != fleet_.relay(0) ? relay : agent);
    } else if (name == "investigator-move") {
      if (questions_.empty()) return;
      fleet_.restart_investigator(dice_.below(plan_.relays), questions_);
    } else if (name == "pause") {
      const NodeIndex node = dice_.below(2) == 0 ? relay : agent;
      const Duration how_long = Duration::millis(static_cast<std::int64_t>(1000 + dice_.below(dice_.below(10) == 0 ? 3'600'000 / 6 : 60'000)));
      checks_.paused(node, how_long);
      pauses_end_ = std::max(pauses_end_, world.now().at + how_long);
      world.pause(node, how_long);
    } else if (name == "clock") {
      const NodeIndex node = dice_.below(2) == 0 ? relay : agent;
      const std::int64_t ms = static_cast<std::int64_t>(dice_.below(2 * 300'000)) - 300'000;
      world.set_clock(node, Duration::millis(ms), static_cast<std::int64_t>(dice_.below(400)) - 200);
      until_later([this, node] { fleet_.world().set_clock(node, Duration{0}, 0); });
    } else if (name == "slow-disk") {
      world.set_disk(relay, Duration::millis(500), Duration::millis(5000));
      until_later([this, relay] { fleet_.world().set_disk(relay, Duration{500}, Duration{6000}); });
    } else if (name == "full-disk") {
      world.disk(relay).full(true);
      until_later([this, relay] { fleet_.world().disk(relay).full(false); });
    } else if (name == "unknown") {
      world.strange_frame(dice_.below(2) == 0 ? relay : agent, encode(Unknown{static_cast<std::uint32_t>(40 + dice_.below(100))}));
    } else if (name == "forged") {
      if (auto object = forged(relay)) world.strange_frame(relay, encode(Put{{*object}}));
    } else if (name == "cancel") {
      if (cancelled_ || questions_.size() < 2) return;
      cancelled_ = true;
      fleet_.cancel(questions_.back().id, "drawn");
    }
  }

  void calm() {
    World& world = fleet_.world();
    world.fate = {};
    undo(true);
    speak_truth();
    for (NodeIndex node = 0; node < world.nodes(); ++node)
      if (!world.alive(node) && !fleet_.is_twin(node)) world.start(node);
    // What was given to a line while it was slow has to arrive first: up to a window of a megabyte, at a kilobyte a second.
    Instant drained = world.now().at;
    for (NodeIndex node = 0; node < world.nodes(); ++node) drained = std::max(drained, world.quiet_at(node));
    world.run([] { return false; }, drained - world.now().at);
    // Until everything is said: back-offs end within a minute, a leaf finds out about a dead link within 75 s.
    std::string lacking;
    const bool done = world.run([this, &lacking, next = Instant{}]() mutable {
      if (fleet_.world().now().at < next) return false;
      next = std::max(fleet_.world().now().at + Duration::seconds(1), pauses_end_);
      start_again();
      lacking = fleet_.lacking(questions_);
      return lacking.empty();
    }, Duration::seconds(900));
    if (!done) trouble_ = "after 15 calm minutes: " + lacking;
    checks_.calm(questions_);
    if (!done || !passing_ || !checks_.violations().empty()) return;
    const auto action = parse_action(passing_->signed_action.text);
    const WallMs end = action->result_by() + retention_ms + 3 * 60'000;  // an agent looks every minute
    world.run([&] { return world.now().wall > end; }, Duration::seconds(3 * 3600));
    checks_.forgotten(passing_->id);
  }

  CampaignResult give(const std::string& trouble) {
    CampaignResult out;
    out.violations = checks_.violations();
    if (!trouble.empty()) out.violations.push_back(trouble);
    out.made = checks_.made();
    out.costs = checks_.costs().table();
    out.steps = fleet_.world().steps();
    out.frames = fleet_.world().frames();
    out.hash = fleet_.world().trace_hash();
    return out;
  }

  CampaignPlan plan_;
  Random dice_;
  Fleet fleet_;
  Checks checks_;
  std::vector<std::string> drawn_;
  std::vector<Fleet::Question> questions_;
  std::optional<Fleet::Question> passing_;
  std::optional<Liar> liar_;
  std::vector<std::pair<Instant, std::function<void()>>> ends_;
  std::map<NodeIndex, store::MemoryStore> copies_;
  struct OldFrame {
    NodeIndex from, to;
    Bytes frame;
  };
  std::deque<OldFrame> old_frames_;
  std::set<NodeIndex> newer_, slow_, cloned_, was_cloned_, aside_;
  std::size_t told_ = 0;
  Instant pauses_end_{};
  bool cancelled_ = false;
  std::string trouble_;
};

}  // namespace

CampaignResult run_campaign(const CampaignPlan& plan) { return Campaign(plan).run(); }

}  // namespace mig::simulate
