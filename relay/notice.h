// A notice: an object of the board, verified and read.
//
// preview() is cheap and proves nothing; it lets a relay drop what it already holds before any signature is checked.
#pragma once

#include <variant>

#include "node/core/cancel.h"
#include "node/core/membership.h"
#include "node/core/message.h"
#include "node/core/roster.h"

namespace mig::relay {

struct Preview {
  core::BoardKey key;
  core::Version version;
};
core::Result<Preview> preview(const core::Object& object);

struct RelayNotice {
  core::RelayRecord record;
  core::Certificate certificate;
};
struct SinkNotice {
  core::SinkRecord record;
  core::Session session;
  std::string investigator;                ///< name
  /// Its life is shorter than clocks may differ or jump: it is measured from when the relay heard of it.
  core::Instant until{};
};
struct StopNotice {};                      ///< the relay's Membership takes it
struct DraftNotice {                       ///< an action that lacks weight: for people to sign, for no agent
  core::Action action;
};

struct Notice {
  core::BoardKey key;
  core::Version version;
  core::WallMs expires = 0;
  std::variant<core::Admission, core::CancelAdmission, RelayNotice, SinkNotice, StopNotice, DraftNotice> content;
};

/// Of everything but rosters, which Membership judges. Size, role of the author, life, then signatures. Codes: `later` (a newer roster is needed), `refused`, `invalid`.
core::Result<Notice> verify_notice(const core::Object& object, const core::Membership& membership, core::WallMs now);
/// A stop of our own store: who signed it was judged when it came, and may have left the roster since.
core::Result<Notice> kept_stop(const core::Object& object, const core::Membership& membership, core::WallMs now);

}  // namespace mig::relay
