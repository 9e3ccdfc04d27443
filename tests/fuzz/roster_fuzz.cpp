// leans on: core
// Rosters and trust anchors, as they are read once their signatures have passed or their join string was typed.
#include "node/core/identity.h"
#include "node/core/json.h"
#include "node/core/limits.h"
#include "node/core/roster.h"
#include "tests/fuzz/fuzz.h"

using namespace mig::core;

MIG_FUZZ(roster) {
  if (auto roster = parse_roster(input)) {
    MIG_CHECK(canonical_json(to_json(*roster)) == input, "what was signed is exactly what was read");
    for (const auto& person : roster->investigators)
      MIG_CHECK(roster->by_fingerprint(person.fingerprint) != nullptr, "everybody in it is found");
  }
  if (auto json = parse_json(input, limits::roster_bytes))
    if (auto trust = trust_from_json(*json)) MIG_CHECK(trust_from_json(to_json(*trust)), "what was read can be written");
  if (auto join = join_from_text(input)) MIG_CHECK(join_from_text(to_text(*join)), "a join string written again reads");
  (void)join_from_text("mig1." + to_base64url(input));
  if (auto endpoint = endpoint_from_text(input)) MIG_CHECK(endpoint_from_text(to_text(*endpoint)) , "an endpoint written again reads");
}
