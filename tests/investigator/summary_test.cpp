// From a statement to the lines people and scripts read, and to the exit code.
#include <catch2/catch.hpp>

#include "investigator/inquiry.h"
#include "investigator/summary.h"
#include "node/core/json.h"

namespace {

using namespace mig::investigator;
using mig::core::Json;

Statement statement(std::uint32_t found, std::uint32_t clean) {
  Statement out;
  out.found = found;
  out.clean = clean;
  out.relays = out.relays_reporting = 3;
  out.settled = out.complete = true;
  return out;
}

TEST_CASE("a complete action is summed up in one line") {
  CHECK(summary_line(statement(5, 3), 0.214) == "8 of 8 answered (5 found, 3 clean), 0 offline; 3 of 3 relays; complete in 0.21 s");
}

TEST_CASE("everything that is missing is spelled out") {
  Statement s = statement(1, 1);
  s.complete = false;
  s.failed = 1;
  s.refused = 2;
  s.not_targeted = 4;
  s.expired = 1;
  s.offline = 3;
  s.open = 1;
  s.unknown = 5;
  s.relays_reporting = 2;
  s.unheard = {"relay-2"};
  CHECK(summary_line(s, 12) ==
        "3 of 10 answered (1 found, 1 clean, 1 failed), 3 offline, 1 still open, 2 refused, 1 expired, 4 not targeted, 5 unknown; "
        "2 of 3 relays (unheard: relay-2); not complete after 12.00 s");
  CHECK(progress_line(s) == "3 of 10 answered, 1 running, 3 offline, 2 refused, 5 unknown; 2 of 3 relays");
}

TEST_CASE("how things stand is said in one honest line") {
  Statement s = statement(9, 1195);
  s.complete = false;
  s.offline = 69;
  s.open = 37;
  s.relays = 42;
  s.relays_reporting = 41;
  s.unheard = {"relay-9"};
  CHECK(status_line(s) == "1,204 of 1,310 answered (9 found, 1,195 clean), 69 offline, 37 at work; 41 of 42 relays reporting (unheard: relay-9); not complete");
  CHECK(status_line(statement(1, 0)) == "1 of 1 answered (1 found, 0 clean), 0 offline; 3 of 3 relays reporting; complete");
}

TEST_CASE("many unheard relays are cut to a few names") {
  Statement s = statement(0, 0);
  s.complete = false;
  for (int i = 1; i <= 7; ++i) s.unheard.push_back("r" + std::to_string(i));
  CHECK_THAT(summary_line(s, 1), Catch::Contains("unheard: r1, r2, r3, r4, r5 and 2 more"));
}

TEST_CASE("the summary for scripts has every key of the contract and its sums hold") {
  Statement s = statement(2, 3);
  s.complete = false;
  s.failed = 1;
  s.refused = 1;
  s.cancelled = 1;
  s.expired = 1;
  s.open = 2;
  s.offline = 4;
  Json json = Json::parse(summary_json("ab12", s, 1.5));
  for (const char* key : {"type", "action", "targeted", "answered", "found", "clean", "failed", "refused", "not_targeted", "cancelled",
                          "expired", "open", "offline", "unknown", "disputed", "relays", "relays_reporting", "complete", "seconds"})
    CHECK(json.contains(key));
  CHECK(json.size() == 19);
  CHECK(json["type"] == "summary");
  CHECK(json["answered"] == json["found"].get<int>() + json["clean"].get<int>() + json["failed"].get<int>());
  CHECK(json["targeted"] == json["answered"].get<int>() + json["refused"].get<int>() + json["cancelled"].get<int>() + json["expired"].get<int>() +
                                json["open"].get<int>() + json["offline"].get<int>());
  CHECK(json["complete"] == false);
  CHECK(json["seconds"] == 1.5);
}

TEST_CASE("exit codes: not complete wins over found, an interruption over all") {
  CHECK(exit_code(statement(1, 0), false) == 0);
  CHECK(exit_code(statement(0, 4), false) == 1);
  CHECK(exit_code(statement(0, 0), false) == 1);
  Statement open = statement(5, 0);
  open.complete = false;
  CHECK(exit_code(open, false) == 3);
  CHECK(exit_code(open, true) == 130);
  CHECK(exit_code(statement(1, 0), true) == 130);
}

TEST_CASE("patience ends only when nobody online is at work any more") {
  const Patience patience{10};
  Statement s = statement(1, 0);
  s.complete = false;
  s.offline = 1;
  CHECK_FALSE(patience.is_over(s, {true, true, 9.9}));
  CHECK(patience.is_over(s, {true, true, 10}));
  s.open = 1;
  CHECK_FALSE(patience.is_over(s, {true, true, 1000}));
}

TEST_CASE("patience lasts longer while relays within reach are silent or no relay is attached") {
  const Patience patience{10};
  Statement s = statement(0, 0);
  s.complete = false;
  CHECK_FALSE(patience.is_over(s, {true, false, 15}));
  CHECK_FALSE(patience.is_over(s, {false, true, 15}));
  CHECK(patience.is_over(s, {false, false, 30}));
}

TEST_CASE("--wait 0 still waits for rows to arrive") {
  const Patience patience{0};
  Statement s;
  CHECK_FALSE(patience.is_over(s, {true, false, 1}));
  CHECK_FALSE(patience.is_over(s, {true, true, 0}));
  CHECK(patience.is_over(s, {true, true, 0.5}));
}

}  // namespace
