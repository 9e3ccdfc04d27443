#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "node/core/candidates.h"
#include "node/core/limits.h"
#include "node/core/random.h"

using namespace mig::core;

namespace {
Endpoint relay(int n) { return {fmt::format("tcp://10.0.0.{}:7447", n), *LinkPublic::from(std::string(32, static_cast<char>(n)))}; }
}  // namespace

TEST_CASE("a leaf turns first to the relays it was given, then to those it learnt of") {
  Random random(*Seed::from(std::string(32, 'r')));
  Candidates candidates({relay(1), relay(2)});
  CHECK(candidates.learn({to_text(relay(3)), to_text(relay(1)), "tcp://0.0.0.0:1#00", "nonsense"}));
  CHECK_FALSE(candidates.learn({to_text(relay(3))}));  // nothing new
  CHECK(candidates.learnt() == std::vector<Endpoint>{relay(3)});
  const Instant now{};
  for (int n : {1, 2, 3}) {
    REQUIRE(candidates.next(now));
    CHECK(*candidates.next(now) == relay(n));
    candidates.failed(relay(n), now, random);
  }
  CHECK_FALSE(candidates.next(now));
  CHECK(candidates.ready_at() > now);
}

TEST_CASE("a lying relay that names thousands does not crowd out the relays that were given") {
  Candidates candidates({relay(1)});
  for (int n = 2; n < 100; ++n) candidates.learn({to_text(relay(n))});
  CHECK(candidates.learnt().size() == limits::backups);
  CHECK(candidates.learnt().back() == relay(99));
  CHECK(*candidates.next({}) == relay(1));
}
