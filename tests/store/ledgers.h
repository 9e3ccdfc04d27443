// What the specification of Ledger runs over: back ends, and records made up for it.
#pragma once

#include <fmt/format.h>

#include "node/core/message.h"
#include "store/ledger.h"
#include "tests/core/made_up_people.h"
#include "tests/store/place.h"

namespace mig::store::testing {

/// A back end: a place where ledgers of one person are, which can be opened more than once at a time.
class SqliteLedgers {
 public:
  std::unique_ptr<Ledger> open() const {
    auto ledger = open_sqlite_ledger(path());
    INFO((ledger ? "" : ledger.error().text));
    REQUIRE(ledger);
    return std::move(*ledger);
  }
  /// For children, which have no say in the test: null if it cannot be opened.
  std::unique_ptr<Ledger> try_open() const {
    auto ledger = open_sqlite_ledger(path());
    return ledger ? std::move(*ledger) : nullptr;
  }
  std::string path() const { return place_ / "home/ledger.sqlite"; }

 private:
  Place place_;
};
/// Every back end there is; another one is another name here.
#define EVERY_LEDGER mig::store::testing::SqliteLedgers

/// An id that begins with these octets and is else made of `fill`.
template <class T>
T made_up_id(core::BytesView first, unsigned char fill = 0) {
  T out;
  out.octets.fill(fill);
  std::memcpy(out.octets.data(), first.data(), std::min(first.size(), T::size));
  return out;
}

inline core::ActionId action_id(const std::string& name) { return core::action_id_of("action " + name); }
inline core::NodeId node(const std::string& name) { return made_up_id<core::NodeId>(name); }

inline core::KeepAction an_action(const core::ActionId& id, core::WallMs asked = 1000) {
  return {id, {"document of " + id.hex(), {"signature 1"}}, asked};
}

inline core::KeepReceipt a_receipt(const core::ActionKey& action, const std::string& agent,
                                   std::uint16_t part = 0, std::uint16_t parts = 1) {
  core::KeepReceipt out;
  out.action = action;
  out.agent = node(agent);
  out.relay = node("relay");
  out.agent_name = agent;
  out.agent_certificate = "certificate of " + agent;
  out.part = part;
  out.parts = parts;
  out.state = core::State::found;
  out.results = fmt::format("[\"{} {}\"]", agent, part);
  out.started = 5;
  out.finished = 9;
  out.reply = {fmt::format("header {}", part), core::Bytes("\0signature\xff", 11), core::Bytes(1000, '\0')};
  return out;
}

inline core::KeepRow a_row(const core::ActionKey& action, const std::string& relay, core::Version version,
                           std::uint32_t answered = 0) {
  core::Row row;
  row.action = action;
  row.relay = node(relay);
  row.version = version;
  row.answered = answered;
  return {action, row.relay, core::pack(row), fmt::format("signature {}.{}", version.major, version.minor)};
}

inline core::KeepRoster a_roster(std::uint64_t version, const std::string& signature = "root") {
  core::Roster roster = core::made_up::roster();
  roster.version = version;
  return {{core::made_up::text_of(roster), {signature}}};
}

}  // namespace mig::store::testing
