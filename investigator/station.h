// An investigator at work: her home, ledger and session slot, the machine, and the driver that runs it.
//
// One thread; everything happens inside run(). What the machine orders kept is in the ledger before anyone is told.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "investigator/commands/command.h"
#include "investigator/investigator.h"
#include "node/wire/driver.h"

namespace mig::investigator {

class Station {
 public:
  /// Opens home and ledger, locks a session slot (which may ask gpg once), and makes the machine. Nothing is dialled
  /// before run(). Errors: as Home; no relay known; --relay unknown (the known ones are listed).
  static core::Result<std::unique_ptr<Station>> open(const Globals& globals);
  ~Station();

  Home& home() { return home_; }
  store::Ledger& ledger() { return *ledger_; }
  const Investigator& machine() const { return *machine_; }
  core::Now now() const { return driver_->now(); }

  /// Handed to the machine in the next run().
  void ask(core::Asked asked) { driver_->post(std::move(asked)); }
  /// Called with every receipt after the ledger has it.
  void on_receipt(std::function<void(const core::KeepReceipt&)> receipt) { on_receipt_ = std::move(receipt); }

  enum class End { done, deadline, interrupted, broken };
  /// Runs until `done` (asked several times a second), `deadline`, Ctrl-C, or a ledger that cannot keep (see trouble()).
  End run(const std::function<bool()>& done, core::Instant deadline = core::Instant::never());
  /// Attaches and learns the map. `seconds` bounds it. Errors: which relays were tried and what became of it.
  core::Status attach(double seconds = 15);
  bool interrupted() const;
  /// Why the ledger could not keep, or may not any more; empty: all is well.
  const std::string& trouble() const { return trouble_; }

 private:
  Station(Home home, bool verbose) : home_(std::move(home)), verbose_(verbose) {}
  void tell(const core::Event& event);
  void keep(const std::vector<core::Record>& records);

  Home home_;
  bool verbose_;
  std::unique_ptr<store::Ledger> ledger_;
  std::unique_ptr<SessionSlot> slot_;
  InvestigatorSetting setting_;
  std::unique_ptr<Investigator> machine_;
  std::unique_ptr<wire::Driver> driver_;
  std::function<void(const core::KeepReceipt&)> on_receipt_;
  std::vector<std::string> attempts_;  ///< what became of each dial, newest last, at most a few
  std::string trouble_;
};

}  // namespace mig::investigator
