#include <catch2/catch.hpp>

#include "node/wire/admission.h"

using namespace mig::core;
using mig::wire::Admission;

namespace {
LinkPublic key(std::uint32_t number) {
  LinkPublic out;
  std::memcpy(out.octets.data(), &number, sizeof number);
  return out;
}
}  // namespace

TEST_CASE("a crowd of new keys is let in up to the burst, then at a steady pace", "[admission]") {
  Admission admission(Instant{0});
  std::uint32_t next = 1;
  int in = 0;
  for (int i = 0; i < 1000; ++i) in += admission.admit(Instant{0}, key(next++));
  CHECK(in == Admission::burst);
  in = 0;
  for (int ms = 0; ms < 2000; ++ms) in += admission.admit(Instant{ms * 1000}, key(next++));
  CHECK(in >= 2 * Admission::per_second - 1);
  CHECK(in <= 2 * Admission::per_second);
}

TEST_CASE("a known key passes during a flood of strangers", "[admission]") {
  Admission admission(Instant{0});
  REQUIRE(admission.admit(Instant{0}, key(1)));
  for (std::uint32_t i = 2; i < 5000; ++i) (void)admission.admit(Instant{0}, key(i));
  CHECK_FALSE(admission.admit(Instant{0}, key(9999)));
  CHECK(admission.admit(Instant{0}, key(1)));
}

TEST_CASE("a bucket never holds more than the burst, however long it was quiet", "[admission]") {
  Admission admission(Instant{0});
  const Instant later{std::int64_t{100} * 365 * 24 * 3600 * 1'000'000};
  int in = 0;
  for (std::uint32_t i = 1; i < 1000; ++i) in += admission.admit(later, key(i));
  CHECK(in == Admission::burst);
}

TEST_CASE("only so many keys are remembered, the oldest is forgotten first", "[admission]") {
  Admission admission(Instant{0});
  Instant now{0};
  const auto many = static_cast<std::uint32_t>(Admission::remembered) + 10;
  for (std::uint32_t i = 1; i <= many; ++i) {
    now = now + Duration::seconds(1);
    REQUIRE(admission.admit(now, key(i)));
  }
  for (std::uint32_t i = many + 1; i < many + 2 * Admission::burst; ++i) (void)admission.admit(now, key(i));
  CHECK_FALSE(admission.admit(now, key(1)));
  CHECK(admission.admit(now, key(many)));
}
