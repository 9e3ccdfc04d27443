#include "node/wire/driver.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

#include "node/core/check.h"
#include "node/core/limits.h"
#include "node/wire/clock.h"
#include "node/wire/dealer.h"
#include "node/wire/drops.h"
#include "node/wire/inbox.h"
#include "node/wire/poll.h"
#include "node/wire/promises.h"
#include "node/wire/router.h"

namespace mig::wire {

using namespace core;

namespace {

// A round stays short, so that timers, promises and fresh input get their turn: at 60 us a signature, 256 steps are 15 ms.
constexpr int steps_a_round = 256;
// Taking a frame out is far cheaper than a step, and what is taken can be bounded (Inbox).
constexpr int frames_a_round = 8192;
// A machine whose wake() stays in the past must not spin.
constexpr Duration wake_gap = Duration::millis(1);
// From here on comparing with the frame sent last is cheaper than copying it once more: a fan-out shares one message.
constexpr std::size_t worth_sharing = 256;
constexpr std::size_t sendable_bytes = limits::zmq_message_bytes - 1024;  // room for CURVE's box

}  // namespace

class Driver::Inside {
 public:
  Inside(Machine& machine, store::Store* store, Setting setting, Doors doors)
      : machine_(machine), setting_(std::move(setting)), doors_(std::move(doors)), storing_(store != nullptr), promises_(store) {
    if (promises_.fd() >= 0) poll_.add(promises_.fd(), [] {});
  }

  ~Inside() {
    for (auto& [link, out] : outbound_)
      if (out.dealer->state() == Dealer::State::up) out.dealer->part_gently();  // what was sent still leaves
  }

  Result<std::vector<std::string>> listen();
  bool run(const std::function<bool()>& done, Instant deadline);
  void post(Input input) {
    {
      std::lock_guard guard(mutex_);
      posted_.push_back(std::move(input));
    }
    poll_.ring();
  }
  void stop() {
    const int before = errno;  // a signal handler may have come between a call and its errno
    stopped_ = true;
    poll_.ring();
    errno = before;
  }
  Poll& poll() { return poll_; }

 private:
  struct Outbound {
    std::unique_ptr<Dealer> dealer;
    int fd = -1, monitor_fd = -1;
    bool stirred = true, told = false;
  };

  void round();
  void gather(Instant now);
  void take_inbound(Instant now);
  void take_outbound(Instant now);
  void take_posted();
  void take_outcomes(Instant now);
  void step(const Input& input);
  void carry_out(const Effects& effects);
  void carry_out(const Dial& dial);
  void carry_out(const Send& send);
  void carry_out(const Close& close);
  void drop_transport(LinkId link, bool gently);
  void cut(LinkId link, const std::string& why);
  void tell(const Event& event) const {
    if (doors_.tell) doors_.tell(event);
  }
  void wait(Instant deadline);
  bool idle();
  Instant machine_wake() const { return std::max(machine_.wake(), woke_at_ + wake_gap); }

  Machine& machine_;
  Setting setting_;
  Doors doors_;
  bool storing_;
  Poll poll_;
  Promises promises_;
  Inbox inbox_;
  Drops drops_;
  std::unique_ptr<Router> router_;
  bool inbound_stirred_ = false;
  std::uint64_t failed_handshakes_ = 0;
  std::map<LinkId, Outbound> outbound_;
  std::vector<Effects> due_;          ///< of this round's steps, a list a step
  zmq::message_t last_sent_;
  Instant woke_at_{};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::vector<Input> posted_;         ///< guarded by mutex_
};

Result<std::vector<std::string>> Driver::Inside::listen() {
  std::vector<std::string> out;
  if (setting_.listen.empty()) return out;
  try {
    router_ = std::make_unique<Router>(setting_);
  } catch (const zmq::error_t& trouble) {
    return Error{Code::world, std::string("listen: no socket to be had: ") + trouble.what()};
  }
  for (const std::string& address : setting_.listen) {
    auto bound = router_->bind(address);
    if (!bound) return bound.error();
    out.push_back(std::move(*bound));
  }
  inbound_stirred_ = true;
  for (int fd : {router_->fd(), router_->monitor_fd()}) poll_.add(fd, [this] { inbound_stirred_ = true; });
  return out;
}

bool Driver::Inside::run(const std::function<bool()>& done, Instant deadline) {
  while (!stopped_) {
    round();
    if (done && done()) return true;
    if (clock_now().at >= deadline) return false;
    wait(deadline);
  }
  return false;
}

void Driver::Inside::round() {
  gather(clock_now().at);
  if (machine_wake() <= clock_now().at) {
    woke_at_ = clock_now().at;
    step(Woke{});
  }
  for (int i = 0; i < steps_a_round; ++i) {
    auto input = inbox_.next();
    if (!input) break;
    step(*input);
  }
  const Effects free_promises = promises_.commit(clock_now().at);
  for (const Effects& effects : std::exchange(due_, {})) carry_out(effects);
  carry_out(free_promises);
  if (storing_ && promises_.fd() < 0) take_outcomes(clock_now().at);  // nothing else will tell of them
  last_sent_.rebuild();
}

void Driver::Inside::gather(Instant now) {
  if (doors_.wake && doors_.woke && doors_.wake() <= now) doors_.woke();
  take_inbound(now);
  take_outbound(now);
  take_posted();
  take_outcomes(now);
  for (const Event& event : drops_.due(now)) tell(event);
}

void Driver::Inside::take_inbound(Instant now) {
  if (!router_ || !inbound_stirred_) return;
  router_->look();
  bool drained = false;
  for (int i = 0; i < frames_a_round && !drained; ++i) {
    auto arrival = router_->take();
    if (!arrival) {
      drained = true;
      break;
    }
    if (arrival->why) drops_.count(arrival->why);
    if (arrival->link == 0) continue;
    if (arrival->opened) inbox_.opened(*arrival->opened);
    if (auto over = inbox_.heard(arrival->link, std::move(arrival->frame))) cut(*over, "sends more than its credit");
  }
  inbound_stirred_ = !drained;
  if (!drained) return;
  for (LinkId link : router_->departed(now)) inbox_.lost(link);
  const std::uint64_t failed = router_->failed_handshakes();
  drops_.count("handshake", failed - std::exchange(failed_handshakes_, failed));
}

void Driver::Inside::take_outbound(Instant now) {
  std::vector<LinkId> over, down;
  for (auto& [link, out] : outbound_) {
    if (!out.stirred && now < out.dealer->give_up()) continue;
    out.dealer->look(now);
    bool drained = false;
    for (int i = 0; i < frames_a_round && !drained; ++i) {
      auto arrival = out.dealer->take();
      // The handshake's end is in the monitor before the first frame is in the socket.
      if (arrival && !out.told) out.dealer->look(now);
      if (!out.told && out.dealer->state() != Dealer::State::dialling && (arrival || out.dealer->state() == Dealer::State::up)) {
        out.told = true;
        Linked up = *inbox_.linked(link);
        up.up = true;
        inbox_.opened(std::move(up));
      }
      drained = !arrival;
      if (arrival && arrival->why) drops_.count(arrival->why);
      if (arrival && !arrival->why)
        if (auto most = inbox_.heard(link, std::move(arrival->frame))) over.push_back(*most);
    }
    out.stirred = !drained;
    if (drained && out.dealer->state() == Dealer::State::down) down.push_back(link);
  }
  for (LinkId link : over) cut(link, "sends more than its credit");
  for (LinkId link : down) {
    auto it = outbound_.find(link);
    if (it == outbound_.end()) continue;
    tell({Level::debug, "connection_ended", {{"link", std::to_string(link)}, {"why", it->second.dealer->why()}}});
    drop_transport(link, false);
    inbox_.lost(link);
  }
}

void Driver::Inside::take_posted() {
  std::vector<Input> taken;
  {
    std::lock_guard guard(mutex_);
    taken.swap(posted_);
  }
  for (Input& input : taken) inbox_.post(std::move(input));
}

void Driver::Inside::take_outcomes(Instant now) {
  for (const Promises::Settled& settled : promises_.settled(now)) {
    carry_out(settled.promises);
    inbox_.post(settled.outcome);
  }
}

void Driver::Inside::step(const Input& input) {
  Effects out, now_due;
  machine_.step(clock_now(), input, out);
  for (Effect& effect : out) {
    if (effect.after_commit && storing_)
      promises_.hold(std::move(effect));
    else
      now_due.push_back(std::move(effect));
  }
  if (!now_due.empty()) due_.push_back(std::move(now_due));
}

void Driver::Inside::carry_out(const Effects& effects) {
  std::vector<Record> records;
  for (const Effect& effect : effects)
    if (const Keep* keep = std::get_if<Keep>(&effect.what)) records.push_back(keep->record);
  if (!records.empty() && doors_.keep) doors_.keep(records);
  for (const Effect& effect : effects) {
    if (const Send* send = std::get_if<Send>(&effect.what)) carry_out(*send);
    if (const Dial* dial = std::get_if<Dial>(&effect.what)) carry_out(*dial);
    if (const Close* close = std::get_if<Close>(&effect.what)) carry_out(*close);
    if (const Tell* said = std::get_if<Tell>(&effect.what)) tell(said->event);
    if (const Start* start = std::get_if<Start>(&effect.what); start && doors_.start) doors_.start(*start);
    if (const Stop* stop = std::get_if<Stop>(&effect.what); stop && doors_.stop) doors_.stop(stop->job);
  }
}

void Driver::Inside::carry_out(const Dial& dial) {
  MIG_CHECK(dial.link < first_inbound_link && !outbound_.contains(dial.link), "a machine numbers its dials anew");
  inbox_.dialled({dial.link, Direction::out, dial.to.key, false, dial.to.address});
  try {
    Outbound out;
    out.dealer = std::make_unique<Dealer>(setting_, dial.to, clock_now().at);
    out.fd = out.dealer->fd();
    out.monitor_fd = out.dealer->monitor_fd();
    const LinkId link = dial.link;
    for (int fd : {out.fd, out.monitor_fd})
      poll_.add(fd, [this, link] {
        if (auto it = outbound_.find(link); it != outbound_.end()) it->second.stirred = true;
      });
    outbound_.emplace(link, std::move(out));
  } catch (const zmq::error_t& trouble) {
    tell({Level::warning, "dial_failed", {{"to", dial.to.address}, {"why", trouble.what()}}});
    inbox_.lost(dial.link);
  }
}

void Driver::Inside::carry_out(const Send& send) {
  if (!inbox_.open(send.to)) return;
  if (send.frame.empty() || send.frame.size() > sendable_bytes) return drops_.count("unsendable");
  const bool same = send.frame.size() >= worth_sharing && last_sent_.size() == send.frame.size() &&
                    std::memcmp(last_sent_.data(), send.frame.data(), send.frame.size()) == 0;
  if (!same) last_sent_.rebuild(send.frame.data(), send.frame.size());
  zmq::message_t frame;
  frame.copy(last_sent_);
  Sent result = Sent::gone;
  if (auto it = outbound_.find(send.to); it != outbound_.end()) {
    it->second.stirred = true;  // the send may have read the notice of an input along
    result = it->second.dealer->send(frame);
    if (result == Sent::gone) return;  // not up yet, or its end is about to be told
  } else if (router_) {
    inbound_stirred_ = true;
    result = router_->send(send.to, frame);
  }
  // A thousand frames wait for this peer although credit bounds what is in flight: it does not read, or its path is
  // stuck. It may come back with a new link; until then it shall not hold memory.
  if (result == Sent::full) return cut(send.to, "does not take what is sent to it");
  if (result == Sent::gone) {
    drop_transport(send.to, false);
    inbox_.lost(send.to);
  }
}

void Driver::Inside::carry_out(const Close& close) {
  drop_transport(close.link, true);
  inbox_.closed(close.link);
}

void Driver::Inside::drop_transport(LinkId link, bool gently) {
  if (link >= first_inbound_link) {
    if (router_) router_->forget(link);
    return;
  }
  auto it = outbound_.find(link);
  if (it == outbound_.end()) return;
  poll_.remove(it->second.fd);
  poll_.remove(it->second.monitor_fd);
  if (gently && it->second.dealer->state() == Dealer::State::up) it->second.dealer->part_gently();
  outbound_.erase(it);
}

void Driver::Inside::cut(LinkId link, const std::string& why) {
  const Linked* linked = inbox_.linked(link);
  tell({Level::warning, "link_cut", {{"link", std::to_string(link)}, {"address", linked ? linked->address : ""}, {"why", why}}});
  drop_transport(link, false);
  inbox_.lost(link, true);
}

bool Driver::Inside::idle() {
  if (inbound_stirred_ || !inbox_.empty()) return false;
  for (const auto& [link, out] : outbound_)
    if (out.stirred) return false;
  std::lock_guard guard(mutex_);
  return posted_.empty();
}

void Driver::Inside::wait(Instant deadline) {
  if (!idle()) return poll_.wait(Duration{0});
  Instant until = std::min({deadline, promises_.wake(), machine_wake()});
  if (doors_.wake) until = std::min(until, doors_.wake());
  for (const auto& [link, out] : outbound_) until = std::min(until, out.dealer->give_up());
  const Instant now = clock_now().at;
  poll_.wait(until <= now ? Duration{0} : until - now);
}

Driver::Driver(Machine& machine, store::Store* store, Setting setting, Doors doors)
    : inside_(std::make_unique<Inside>(machine, store, std::move(setting), std::move(doors))) {}
Driver::~Driver() = default;
Result<std::vector<std::string>> Driver::listen() { return inside_->listen(); }
void Driver::watch(int fd, std::function<void()> ready) { inside_->poll().add(fd, std::move(ready)); }
void Driver::unwatch(int fd) { inside_->poll().remove(fd); }
void Driver::post(Input input) { inside_->post(std::move(input)); }
bool Driver::run(const std::function<bool()>& done, Instant deadline) { return inside_->run(done, deadline); }
void Driver::stop() { inside_->stop(); }
Now Driver::now() const { return clock_now(); }

}  // namespace mig::wire
