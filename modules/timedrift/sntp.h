// One question to one time server (SNTP, RFC 4330 and 5905).
#pragma once

#include <cstdint>
#include <optional>

#include "modules/network.h"
#include "node/core/bytes.h"

namespace mig::modules::timedrift {

struct Sample {
  std::int64_t server_ns = 0;   ///< the server's time when its answer was here, since 1970
  std::int64_t drift_ns = 0;    ///< local minus server: positive when the machine's clock is ahead
  std::int64_t latency_ns = 0;  ///< from question to answer
};

/// What `packet` says to the question that held the eight octets `number`. Nothing if it is no answer to that.
std::optional<core::Result<Sample>> read_answer(core::BytesView packet, core::BytesView number, std::int64_t began_wall_ns, std::int64_t latency_ns);

/// Half the way is taken off, so the drift is right to within half the latency.
/// Errors say what came instead of a time; they do not name the server. An answer counts only if it repeats the number
/// we made up for the question, comes from a server that is itself in time, and names a time.
core::Result<Sample> ask_time(const Address& server, double seconds, Budget& budget);

}  // namespace mig::modules::timedrift
