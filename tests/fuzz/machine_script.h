// Turns any bytes into a life of a machine: links that come and go, frames good, damaged and made up, time, disks.
//
// Each step of the script is one octet and what it wants: bring a link up or down, let a peer say one of its prepared
// frames (whole, or with octets changed), let it say raw bytes, let time pass, let the disk answer or refuse. After each
// step the machine must have kept its manners: few effects, frames that others can read, no waking without end.
#pragma once

#include <functional>
#include <vector>

#include "node/core/check.h"
#include "node/core/limits.h"
#include "node/core/machine.h"
#include "store/memory.h"

namespace mig::fuzz {

using namespace core;

/// Takes octets off a script; zeros once it is used up.
class Script {
 public:
  explicit Script(BytesView bytes) : rest_(bytes) {}
  bool over() const { return rest_.empty(); }
  std::size_t octet() {
    if (rest_.empty()) return 0;
    const auto out = static_cast<unsigned char>(rest_[0]);
    rest_.remove_prefix(1);
    return out;
  }
  std::size_t pair() {
    const std::size_t high = octet();
    return high << 8 | octet();
  }
  BytesView bytes(std::size_t size) {
    BytesView out = rest_.substr(0, size);
    rest_.remove_prefix(out.size());
    return out;
  }

 private:
  BytesView rest_;
};

/// One possible other end: the key its link proves, and what it may say.
struct Peer {
  LinkPublic key;
  std::vector<Bytes> frames;
};

class Life {
 public:
  /// `inbound`: peers dial the machine, peer i on link first_inbound_link + i; else it dials and peer 0 answers.
  Life(Machine& machine, store::MemoryStore& store, const std::vector<Peer>& peers, bool inbound, WallMs began)
      : machine_(machine), store_(store), peers_(peers), inbound_(inbound), began_(began) {
    step(Woke{});
  }

  void play(Script script) {
    for (std::size_t steps = 0; !script.over() && steps < steps_max; ++steps) one(script);
    settle();
  }

 private:
  static constexpr std::size_t steps_max = 400, effects_max = 4096, woken_max = 200;
  static constexpr std::size_t bytes_out_max = 64 << 20, stored_max = 16 << 20;

  void one(Script& script) {
    const std::size_t what = script.octet();
    const std::size_t peer = what / 8 % peers_.size();
    switch (what % 8) {
      case 0: return link(peer, true);
      case 1: return link(peer, false);
      case 2: return hear(peer, Bytes(script.bytes(script.pair() % 4096)));
      case 3: return hear(peer, prepared(peer, script));
      case 4: return hear(peer, damaged(prepared(peer, script), script));
      case 5: return wait(Duration::millis(static_cast<std::int64_t>(script.octet()) * 100));
      case 6: return disk(script.octet());
      default: return yield(script);
    }
  }

  Bytes prepared(std::size_t peer, Script& script) const {
    return peers_[peer].frames.empty() ? Bytes() : peers_[peer].frames[script.octet() % peers_[peer].frames.size()];
  }
  static Bytes damaged(Bytes frame, Script& script) {
    for (std::size_t n = script.octet() % 4 + 1; n > 0 && !frame.empty(); --n)
      frame[script.pair() % frame.size()] = static_cast<char>(script.octet());
    if (script.octet() % 8 == 0) frame.resize(script.pair() % (frame.size() + 1));
    return frame;
  }

  LinkId id(std::size_t peer) const { return inbound_ ? first_inbound_link + peer + 1 : dialled_; }
  void link(std::size_t peer, bool up) {
    if (!inbound_ && dialled_ == 0) return;
    step(Linked{id(peer), inbound_ ? Direction::in : Direction::out, peers_[peer].key, up, "10.0.0.9:1"});
    if (!up && !inbound_) dialled_ = 0;
  }
  void hear(std::size_t peer, Bytes frame) {
    if (inbound_ || dialled_ != 0) step(Heard{id(peer), std::move(frame)});
  }
  void wait(Duration by) {
    at_ = at_ + by;
    settle();
  }
  /// Wakes as often as the machine wants at this instant; one that wants it for ever hangs its driver.
  void settle() {
    for (std::size_t times = 0; machine_.wake() <= at_; ++times) {
      MIG_CHECK(times < woken_max, "a machine lets time pass");
      step(Woke{});
    }
  }
  void disk(std::size_t how) {
    store_.full(how % 4 == 0);
    store_.slow(how % 3 == 0);
    commit();
    store_.slow(false);
    outcomes();
  }
  void yield(Script& script) {
    if (jobs_.empty()) return;
    const JobId job = jobs_[script.octet() % jobs_.size()];
    const std::size_t how = script.octet();
    Yielded yielded{job, {}, how % 2 == 0, how % 3 == 0 ? "timeout" : ""};
    if (how % 5 != 0) yielded.results.emplace_back(how % 4, how % 7 == 0 ? Bytes(script.bytes(64)) : R"({"foundanything":true,"success":true,"elements":null,"statistics":null,"errors":null})");
    step(yielded);
  }

  void step(const Input& input) {
    Effects effects;
    machine_.step({at_, began_ + at_.us / 1000}, input, effects);
    MIG_CHECK(effects.size() <= effects_max, "one fact leads to few orders");
    for (const auto& effect : effects) note(effect);
    commit();
  }
  void note(const Effect& effect) {
    if (auto* dial = std::get_if<Dial>(&effect.what)) dialled_ = dial->link;
    if (auto* close = std::get_if<Close>(&effect.what); close && !inbound_ && close->link == dialled_) dialled_ = 0;
    if (auto* start = std::get_if<Start>(&effect.what)) jobs_.push_back(start->job);
    if (auto* send = std::get_if<Send>(&effect.what)) {
      MIG_CHECK(send->frame.size() <= limits::frame_bytes, "no frame is larger than a frame may be");
      MIG_CHECK(decode(send->frame), "what a machine says can be read");
      bytes_out_ += send->frame.size();
      MIG_CHECK(bytes_out_ <= bytes_out_max, "a short script makes no flood");
    }
  }
  void commit() {
    store_.commit();
    outcomes();
  }
  void outcomes() {
    if (telling_) return;
    telling_ = true;
    for (std::size_t rounds = 0; rounds < 8; ++rounds) {
      auto done = store_.outcomes();
      if (done.empty()) break;
      for (const auto& outcome : done) step(Committed{outcome.batch, outcome.ok});
    }
    telling_ = false;
    MIG_CHECK(store_.backlog() <= stored_max, "what waits for the disk is bounded");
  }

  Machine& machine_;
  store::MemoryStore& store_;
  const std::vector<Peer>& peers_;
  bool inbound_, telling_ = false;
  WallMs began_;
  Instant at_{1'000'000};
  LinkId dialled_ = 0;
  std::vector<JobId> jobs_;
  std::size_t bytes_out_ = 0;
};

}  // namespace mig::fuzz
