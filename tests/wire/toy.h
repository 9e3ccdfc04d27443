// Machines and peers to play with the driver.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "node/core/machine.h"
#include "node/wire/clock.h"
#include "node/wire/driver.h"

namespace mig::wire::test {

using namespace mig::core;

/// Writes down what it is told and does what the test says.
struct Toy : Machine {
  std::vector<Linked> linked;
  std::vector<Heard> heard;
  std::vector<Committed> committed;
  int woken = 0;
  Instant wake_at = Instant::never();
  std::function<void(const Input&, Effects&)> on = [](const Input&, Effects&) {};

  void step(const Now&, const Input& input, Effects& out) override {
    if (auto* fact = std::get_if<Linked>(&input)) linked.push_back(*fact);
    if (auto* fact = std::get_if<Heard>(&input)) heard.push_back(*fact);
    if (auto* fact = std::get_if<Committed>(&input)) committed.push_back(*fact);
    if (std::holds_alternative<Woke>(input)) ++woken;
    on(input, out);
  }
  Instant wake() const override { return wake_at; }
  bool up() const { return !linked.empty() && linked.back().up; }
  bool down() const { return !linked.empty() && !linked.back().up; }
};

inline Keys fresh_keys() { return Keys(random_seed()); }
inline Instant in_seconds(std::int64_t s) { return clock_now().at + Duration::seconds(s); }

/// A toy with its driver. Its events' names are written down as "name why".
struct Station {
  Keys keys = fresh_keys();
  Toy toy;
  std::vector<std::string> told;
  std::unique_ptr<Driver> driver;
  std::string address;

  explicit Station(bool listening, store::Store* store = nullptr, std::string proxy = "") {
    Setting setting{keys.link_public(), keys.link_secret(), {}, std::move(proxy)};
    if (listening) setting.listen = {"tcp://127.0.0.1:*"};
    Doors doors;
    doors.tell = [this](const Event& event) {
      std::string line = event.name;
      for (auto& [name, value] : event.fields)
        if (name == "why") line += " " + value;
      told.push_back(line);
    };
    driver = std::make_unique<Driver>(toy, store, std::move(setting), std::move(doors));
    if (listening) address = driver->listen()->front();
  }
  Endpoint endpoint() const { return {address, keys.link_public()}; }
  /// Runs until `done`; the deadline is only there for the day it does not work.
  bool until(const std::function<bool()>& done) { return driver->run(done, in_seconds(20)); }
  void post(std::function<void(Effects&)> orders) {
    // Orders come in by a fact; toys do not care which.
    pending_.push_back(std::move(orders));
    if (!wrapped_) {
      wrapped_ = true;
      toy.on = [this, before = toy.on](const Input& input, Effects& out) {
        before(input, out);
        if (std::holds_alternative<Asked>(input) && !pending_.empty()) {
          pending_.front()(out);
          pending_.erase(pending_.begin());
        }
      };
    }
    driver->post(Asked{AskRegister{}});
  }
  bool told_of(const std::string& line) const { return std::find(told.begin(), told.end(), line) != told.end(); }

 private:
  std::vector<std::function<void(Effects&)>> pending_;
  bool wrapped_ = false;
};

/// Runs a station in a thread of its own as long as this lives. Its toy must not be read meanwhile.
class Background {
 public:
  explicit Background(Station& station) : station_(station), thread_([&station] { station.driver->run({}, in_seconds(60)); }) {}
  ~Background() { end(); }
  void end() {
    if (!thread_.joinable()) return;
    station_.driver->stop();
    thread_.join();
  }

 private:
  Station& station_;
  std::thread thread_;
};

/// Sends every frame back.
inline void echo(const Input& input, Effects& out) {
  if (auto* heard = std::get_if<Heard>(&input)) out.push_back({Send{heard->from, heard->frame}});
}
/// Dials `to` and sends `first` when the link is up.
inline void dial(Station& station, Endpoint to, LinkId link, Bytes first) {
  station.toy.on = [link, first = std::move(first), before = station.toy.on](const Input& input, Effects& out) {
    before(input, out);
    if (auto* linked = std::get_if<Linked>(&input); linked && linked->up && linked->link == link) out.push_back({Send{link, first}});
  };
  station.post([to = std::move(to), link](Effects& out) { out.push_back({Dial{link, to}}); });
}

}  // namespace mig::wire::test
