// Time as an argument: what a machine is told about "now". Nothing here reads a clock.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "node/core/result.h"

namespace mig::core {

/// A point on the monotonic clock, in microseconds since some start. For waits, ages and back-offs.
struct Instant {
  std::int64_t us = 0;
  auto operator<=>(const Instant&) const = default;
  static constexpr Instant never() { return {std::numeric_limits<std::int64_t>::max()}; }
};

struct Duration {
  std::int64_t us = 0;
  auto operator<=>(const Duration&) const = default;
  static constexpr Duration seconds(std::int64_t s) { return {s * 1'000'000}; }
  static constexpr Duration millis(std::int64_t ms) { return {ms * 1'000}; }
};

constexpr Instant operator+(Instant at, Duration by) {
  return at == Instant::never() ? at : Instant{at.us + by.us};
}
constexpr Duration operator-(Instant a, Instant b) { return {a.us - b.us}; }
constexpr Duration operator+(Duration a, Duration b) { return {a.us + b.us}; }
constexpr Duration operator*(Duration a, std::int64_t n) { return {a.us * n}; }

/// Wall-clock time in milliseconds since 1970 (UTC). For validity windows; it may jump either way.
using WallMs = std::int64_t;

/// The two clocks of one moment. `at` never goes back; `wall` is what the machine's own clock claims.
struct Now {
  Instant at;
  WallMs wall = 0;
};

/// RFC 3339, UTC, whole seconds or milliseconds: "2026-11-24T07:00:00Z", "...:00.250Z".
std::string to_rfc3339(WallMs wall);
/// Any RFC 3339 text with offset and up to nine fractional digits (cut to ms); years 1970 to 9999.
Result<WallMs> from_rfc3339(std::string_view text);

/// A span for people, one unit, rounded down: "45s", "5m", "2h", "31d". The sign is dropped.
std::string rough_span(WallMs span);

/// Go's syntax: a signed sum of number and unit, units ns us µs ms s m h ("1h30m", "1.5h"). No days.
Result<Duration> parse_duration(std::string_view text);
/// Go's Duration.String(): "1.234567ms", "12.5s", "1m30.2s", "0s".
std::string format_duration(Duration duration);

}  // namespace mig::core
