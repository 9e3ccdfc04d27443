#include "node/core/time.h"

#include <catch2/catch.hpp>
#include <cstdint>

using namespace mig::core;

namespace {

constexpr std::int64_t second = 1'000'000;

std::int64_t us(const char* text) {
  Result<Duration> read = parse_duration(text);
  INFO(text);
  REQUIRE(read);
  return read->us;
}

}  // namespace

TEST_CASE("times are written in UTC") {
  CHECK(to_rfc3339(0) == "1970-01-01T00:00:00Z");
  CHECK(to_rfc3339(1'795'503'600'000) == "2026-11-24T07:00:00Z");
  CHECK(to_rfc3339(1'795'503'600'250) == "2026-11-24T07:00:00.250Z");
  CHECK(to_rfc3339(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(to_rfc3339(951'782'400'000) == "2000-02-29T00:00:00Z");
}

TEST_CASE("times are read with any offset and fraction") {
  CHECK(*from_rfc3339("2026-11-24T07:00:00Z") == 1'795'503'600'000);
  CHECK(*from_rfc3339("2026-11-24t07:00:00z") == 1'795'503'600'000);
  CHECK(*from_rfc3339("2026-11-24T08:30:00+01:30") == 1'795'503'600'000);
  CHECK(*from_rfc3339("2026-11-24T02:00:00-05:00") == 1'795'503'600'000);
  CHECK(*from_rfc3339("2026-11-24T07:00:00.2Z") == 1'795'503'600'200);
  CHECK(*from_rfc3339("2026-11-24T07:00:00.123456789Z") == 1'795'503'600'123);
  CHECK(*from_rfc3339("1970-01-01T00:00:00+01:00") == -3'600'000);
  CHECK(*from_rfc3339("9998-01-11T11:11:11.000000011Z") == 253'340'133'071'000);
}

TEST_CASE("every day of four centuries is written and read alike") {
  for (std::int64_t day = 0; day < 146'097; ++day) {
    WallMs wall = day * 86'400'000 + 1;
    Result<WallMs> back = from_rfc3339(to_rfc3339(wall));
    if (!back || *back != wall) FAIL(to_rfc3339(wall));
  }
  SUCCEED();
}

TEST_CASE("what is no time is refused") {
  for (const char* bad : {"", "now", "2026-11-24", "2026-11-24T07:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
                          "1900-02-29T00:00:00Z", "2026-11-24T24:00:00Z", "2026-11-24T07:60:00Z", "2026-11-24T07:00:60Z",
                          "2026-11-24T07:00:00.Z", "2026-11-24T07:00:00.1234567890Z", "2026-11-24T07:00:00+1:00",
                          "2026-11-24T07:00:00+24:00", "2026-11-24T07:00:00Z ", "1969-12-31T00:00:00Z", "2026-00-01T00:00:00Z",
                          "2026-1-24T07:00:00Z", "+026-11-24T07:00:00Z"}) {
    INFO(bad);
    CHECK_FALSE(from_rfc3339(bad));
  }
}

TEST_CASE("durations are Go's") {
  CHECK(us("90s") == 90 * second);
  CHECK(us("1h30m") == 5400 * second);
  CHECK(us("1.5h") == 5400 * second);
  CHECK(us("+5m") == 300 * second);
  CHECK(us("-1m30s") == -90 * second);
  CHECK(us("100ms") == 100'000);
  CHECK(us("7us") == 7);
  CHECK(us("7\xC2\xB5s") == 7);
  CHECK(us("2500ns") == 2);
  CHECK(us(".5s") == 500'000);
  CHECK(us("0") == 0);
  CHECK(us("-0") == 0);
  CHECK(us("1.000001s") == 1'000'001);
  CHECK(us("4.35s") == 4'350'000);
  CHECK(us("2562047h") == second * 3600 * 2'562'047);
  for (const char* bad : {"", "-", "5", "s", "1d", "1 h", "1h 30m", "1..5h", ".s", "1e3s", "--5s", "1h-5m", "3000000000h",
                          "99999999999999999h", "NaNs", "infs"}) {
    INFO(bad);
    CHECK_FALSE(parse_duration(bad));
  }
}

TEST_CASE("durations are written as Go writes them") {
  CHECK(format_duration({0}) == "0s");
  CHECK(format_duration({7}) == "7\xC2\xB5s");
  CHECK(format_duration({1500}) == "1.5ms");
  CHECK(format_duration({12'500'000}) == "12.5s");
  CHECK(format_duration({90'200'000}) == "1m30.2s");
  CHECK(format_duration(Duration::seconds(3600)) == "1h0m0s");
  CHECK(format_duration(Duration::seconds(-90)) == "-1m30s");
  CHECK(format_duration({1'000'001}) == "1.000001s");
  CHECK(format_duration({INT64_MIN}).substr(0, 1) == "-");
}

TEST_CASE("never stays never") {
  CHECK(Instant::never() + Duration::seconds(1) == Instant::never());
  CHECK(Instant{5} + Duration{7} == Instant{12});
}
