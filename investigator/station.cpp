#include "investigator/station.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "investigator/print.h"
#include "node/core/identity.h"

namespace mig::investigator {
namespace {

constexpr core::Duration glance = core::Duration::millis(200);  ///< how often `done` is asked at least
constexpr std::size_t attempts_most = 8;

std::atomic<wire::Driver*> running{nullptr};
std::atomic<bool> asked_to_end{false};

void on_signal(int) {
  if (asked_to_end.exchange(true)) _exit(130);  // a second Ctrl-C does not wait for anything
  if (wire::Driver* driver = running.load()) driver->stop();
}

/// Ctrl-C and TERM end run() in order while this lives.
class Signals {
 public:
  explicit Signals(wire::Driver* driver) {
    running = driver;
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, &interrupt_);
    sigaction(SIGTERM, &action, &terminate_);
  }
  ~Signals() {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGTERM, &terminate_, nullptr);
    running = nullptr;
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct sigaction interrupt_ {}, terminate_ {};
};

std::string field_of(const core::Event& event, std::string_view name) {
  for (const auto& [key, value] : event.fields)
    if (key == name) return value;
  return {};
}

}  // namespace

core::Result<std::unique_ptr<Station>> Station::open(const Globals& globals) {
  auto home = globals.open_home();
  if (!home) return home.error();
  std::unique_ptr<Station> station(new Station(*std::move(home), globals.verbose));
  auto ledger = station->home_.ledger();
  if (!ledger) return ledger.error();
  station->ledger_ = *std::move(ledger);
  auto slot = station->home_.session();
  if (!slot) return slot.error();
  station->slot_ = *std::move(slot);
  auto setting = station->home_.investigator_setting(*station->slot_, *station->ledger_, globals.relay);
  if (!setting) return setting.error();
  if (setting->relays.empty())
    return core::invalid("no relay is known here; mig relays add ENDPOINT#KEY names one");
  station->setting_ = *std::move(setting);
  station->machine_ = std::make_unique<Investigator>(station->setting_, wire::random_seed());
  const core::Keys keys(station->slot_->seed);
  wire::Setting wiring{.key = keys.link_public(), .secret = keys.link_secret(), .listen = {}, .socks_proxy = station->home_.config().socks};
  wire::Doors doors;
  doors.tell = [self = station.get()](const core::Event& event) { self->tell(event); };
  doors.keep = [self = station.get()](const std::vector<core::Record>& records) { self->keep(records); };
  station->driver_ = std::make_unique<wire::Driver>(*station->machine_, nullptr, std::move(wiring), std::move(doors));
  return station;
}

Station::~Station() = default;

bool Station::interrupted() const { return asked_to_end; }

Station::End Station::run(const std::function<bool()>& done, core::Instant deadline) {
  Signals signals(driver_.get());
  while (true) {
    if (asked_to_end) return End::interrupted;
    if (!trouble_.empty()) return End::broken;
    if (done && done()) return End::done;
    if (now().at >= deadline) return End::deadline;
    driver_->run([&] { return asked_to_end || !trouble_.empty() || (done && done()); }, std::min(deadline, now().at + glance));
  }
}

core::Status Station::attach(double seconds) {
  const core::Instant until = now().at + core::Duration{static_cast<std::int64_t>(seconds * 1e6)};
  const End end = run([&] { return machine_->synced(); }, until);
  if (end == End::done) return core::Done{};
  if (end == End::broken) return core::Error{core::Code::world, trouble_};
  if (end == End::interrupted) return core::Error{core::Code::later, "interrupted before a relay was reached"};
  std::string text = machine_->attached() ? fmt::format("a relay took us in, but did not tell its map within {:.0f} s", seconds)
                                          : fmt::format("no relay could be reached within {:.0f} s", seconds);
  std::vector<std::string> tried;
  for (const core::Endpoint& relay : setting_.relays) tried.push_back(relay.address);
  if (tried.size() > attempts_most) tried.resize(attempts_most);
  text += fmt::format("; tried {}", fmt::join(tried, ", "));
  for (const std::string& attempt : attempts_) text += "\n  " + printable(attempt);
  return core::Error{core::Code::later, text};
}

void Station::tell(const core::Event& event) {
  if (event.name == "not_attached" || event.name == "dismissed" || event.name == "false_relay") {
    std::string attempt = fmt::format("{}: {}", field_of(event, "relay"), field_of(event, "why"));
    if (std::find(attempts_.begin(), attempts_.end(), attempt) == attempts_.end() && attempts_.size() < attempts_most)
      attempts_.push_back(std::move(attempt));
  }
  if (verbose_ || event.level == core::Level::alarm) fmt::print(stderr, "mig: {}\n", printable(core::to_line(event)));
}

void Station::keep(const std::vector<core::Record>& records) {
  if (!trouble_.empty()) return;
  if (core::Status kept = ledger_->keep(records); !kept) {
    trouble_ = kept.error().text;
    return;
  }
  for (const core::Record& record : records) {
    if (auto* receipt = std::get_if<core::KeepReceipt>(&record); receipt != nullptr && on_receipt_) on_receipt_(*receipt);
    if (auto* roster = std::get_if<core::KeepRoster>(&record))
      if (core::Status kept = home_.keep_roster(roster->roster); !kept) fmt::print(stderr, "mig: {}\n", kept.error().text);
  }
}

}  // namespace mig::investigator
