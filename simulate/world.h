// The world of a simulation: machines, links, disks and jobs on one event heap, drawn from one seed.
//
// It runs the shipped machines; only sockets, disks, clocks and jobs are stand-ins, with the manners of the real ones:
// a dialler hears at once when its connection ends, a listener only when it next sends; a frame sent on a broken link
// is lost; promises wait for the disk. The same seed gives the same trace hash.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "node/core/machine.h"
#include "node/core/random.h"
#include "store/memory.h"

namespace mig::simulate {

using NodeIndex = std::size_t;

/// What a job gives back: one MIG Result (JSON) an operation.
using Work = std::function<std::vector<std::string>(NodeIndex node, const std::vector<core::Operation>& operations)>;

struct Body {
  std::string name;
  std::string address;                        ///< empty: listens on nothing
  core::LinkPublic key;
  /// Makes the machine over its store: at the start, and again after a crash.
  std::function<std::unique_ptr<core::Machine>(store::Store& store, const core::Seed& random)> make;
};

/// Sees everything from outside: what the invariants are checked against. Called in the order of events.
class Watch {
 public:
  virtual ~Watch() = default;
  virtual void sent(NodeIndex /*from*/, NodeIndex /*to*/, core::LinkId, core::BytesView /*frame*/) {}
  virtual void stepped(NodeIndex, const core::Input&, const core::Effects&) {}  ///< before its effects are carried out
  virtual void done(NodeIndex) {}              ///< after those that wait for no disk
  virtual void started(NodeIndex, const core::Start&) {}
  virtual void kept(NodeIndex, const core::Record&) {}
  virtual void told(NodeIndex, const core::Event&) {}
  virtual void swallowed(NodeIndex /*from*/, NodeIndex /*to*/) {}  ///< a frame, by a cut cable
  virtual void ended(NodeIndex) {}             ///< the machine is gone; its disk may be another one when it starts again
};

/// What becomes of one frame on its way.
struct Fate {
  unsigned copies = 1;                         ///< 0: lost
  core::Duration late{0};                      ///< on top of the wire's delay; such a frame may be overtaken
  core::Duration on_the_wire{0};               ///< how long it takes up a slow line; what follows waits
  core::Bytes instead;                         ///< not empty: this arrives
};

class World {
 public:
  World(std::uint64_t seed, core::WallMs wall, Work work);
  NodeIndex add(Body body);

  /// Takes events until `done` says so (asked after each) or `limit` of simulated time has passed. True: done.
  bool run(const std::function<bool()>& done, core::Duration limit);
  core::Now now() const { return {at_, wall_ + at_.us / 1000}; }
  core::Now now_of(NodeIndex node) const;      ///< by that node's own clock

  core::Machine& machine(NodeIndex node) { return *nodes_[node].machine; }
  bool alive(NodeIndex node) const { return nodes_[node].machine != nullptr; }
  /// Ends as kill -9 would; what was not on disk is gone.
  void crash(NodeIndex node);
  void start(NodeIndex node);
  store::MemoryStore& disk(NodeIndex node) { return *nodes_[node].store; }
  void post(NodeIndex node, core::Input input);
  /// Frames between these two are lost, both ways, as behind a cut cable.
  void cut(NodeIndex a, NodeIndex b, bool is_cut) { cut_way(a, b, is_cut), cut_way(b, a, is_cut); }
  void cut_way(NodeIndex from, NodeIndex to, bool is_cut);
  /// All connections between the two end; each end hears of it after its own time, a listener only when it sends.
  void break_wires(NodeIndex a, NodeIndex b);
  /// As SIGSTOP: what comes for it waits until then.
  void pause(NodeIndex node, core::Duration how_long);
  void set_clock(NodeIndex node, core::Duration offset, std::int64_t drift_ppm);
  /// A write takes between these; default 0.5 to 6 ms.
  void set_disk(NodeIndex node, core::Duration low, core::Duration high);
  /// What this node sends and is sent takes its time, so many octets a second.
  void set_rate(NodeIndex node, std::int64_t octets_per_second) { nodes_[node].rate = octets_per_second; }
  /// Another machine of the same name and key, as a copied virtual machine. Its disk is a copy, too, or empty. One that
  /// listens is reached by some of those who dial that address.
  enum class TwinDisk { copied, empty };
  NodeIndex twin(NodeIndex node, TwinDisk disk = TwinDisk::copied, bool listens = false);
  /// Every job takes this long, or as long as its budget; default 5 to 200 ms.
  void set_job(core::Duration how_long) { job_ = how_long; }
  /// Somebody says this on every connection `node` has.
  void strange_frame(NodeIndex node, const core::Bytes& frame);
  /// `from` says this to `to` on the connection they have, whatever the machine there would say.
  void say(NodeIndex from, NodeIndex to, const core::Bytes& frame);
  void watch(Watch* watch) { watch_ = watch; }
  /// The far end of this link, while the connection holds and the far end has heard of it.
  /// When the last frame that is under way on a line of this node, either way, will have arrived.
  core::Instant quiet_at(NodeIndex node) const;
  std::optional<std::pair<NodeIndex, core::LinkId>> other_end(NodeIndex node, core::LinkId link);
  const std::string& name_of(NodeIndex node) const { return nodes_[node].body.name; }
  std::size_t nodes() const { return nodes_.size(); }

  const std::vector<std::pair<NodeIndex, core::Record>>& kept() const { return kept_; }
  const std::vector<std::pair<NodeIndex, core::Event>>& told() const { return told_; }
  /// Jobs started, by node and action order.
  const std::vector<NodeIndex>& starts() const { return starts_; }
  std::uint64_t steps() const { return steps_; }
  std::uint64_t frames() const { return frames_; }
  /// Over every step: time, node, input kind and bytes.
  std::string trace_hash() const { return core::to_hex(trace_).substr(0, 16); }
  /// What this machine orders, before anybody sees it. For liars.
  std::function<void(NodeIndex node, const core::Input& input, core::Effects& effects)> twist;
  /// Sees every frame that leaves; true drops it. For faults and for tests that watch the wire.
  std::function<bool(NodeIndex from, NodeIndex to, core::BytesView frame)> lose;
  std::function<Fate(NodeIndex from, NodeIndex to, core::BytesView frame)> fate;

 private:
  struct Wire {
    NodeIndex dialler = 0, listener = 0;
    core::LinkId dialler_link = 0, listener_link = 0;  ///< listener_link 0: it has heard nothing yet
    bool up = false;
    bool torn[2] = {false, false};            ///< each way
    core::Instant busy[2];                    ///< frames keep their order, each way
  };
  struct Node {
    Body body;
    std::unique_ptr<store::MemoryStore> store;
    std::unique_ptr<core::Machine> machine;
    std::uint64_t life = 0;                   ///< counts starts: events of an earlier life are void
    core::Instant wake = core::Instant::never();
    core::LinkId next_inbound = core::first_inbound_link;
    std::map<std::uint64_t, core::Effects> promised;  ///< by batch
    core::Instant paused_until{};
    core::Duration clock_offset{0}, disk_low{500}, disk_high{6000};
    std::int64_t drift_ppm = 0, rate = 0;     ///< rate 0: no bound
    std::map<core::LinkId, Wire*> ends;
  };
  struct Happening {
    NodeIndex node = 0;
    std::uint64_t life = 0;
    core::Input input;
    std::uint64_t disk_batch = 0;             ///< not 0: the disk has finished this batch
  };

  void at(core::Duration delay, NodeIndex node, core::Input input, std::uint64_t disk_batch = 0);
  void step(NodeIndex node, const core::Input& input);
  void carry_out(NodeIndex node, const core::Effects& effects);
  void carry_out(NodeIndex node, const core::Effect& effect);
  void dial(NodeIndex node, const core::Dial& order);
  std::optional<NodeIndex> listener_at(const core::Endpoint& endpoint);
  void send(NodeIndex node, const core::Send& order);
  void close(NodeIndex node, core::LinkId link);
  void finish_disk(NodeIndex node, std::uint64_t batch);
  Wire* wire_of(NodeIndex node, core::LinkId link);
  void drop_wires(NodeIndex node);
  void note(NodeIndex node, const core::Input& input);
  core::Duration delay(std::int64_t low_us, std::int64_t high_us);

  core::Random random_;
  Watch* watch_ = nullptr;
  std::map<std::pair<std::string, core::LinkPublic>, std::vector<NodeIndex>> listening_;  ///< the second and later ones are twins
  core::WallMs wall_;
  Work work_;
  core::Instant at_{};
  core::Duration job_{0};
  std::uint64_t order_ = 0, steps_ = 0, frames_ = 0;
  core::Bytes trace_ = core::Bytes(32, '\0');
  std::vector<Node> nodes_;
  std::vector<std::unique_ptr<Wire>> wires_;
  std::set<std::pair<NodeIndex, NodeIndex>> cut_;
  std::map<std::pair<core::Instant, std::uint64_t>, Happening> heap_;
  std::vector<std::pair<NodeIndex, core::Record>> kept_;
  std::vector<std::pair<NodeIndex, core::Event>> told_;
  std::vector<NodeIndex> starts_;
};

}  // namespace mig::simulate
