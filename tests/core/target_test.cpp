#include "node/core/target.h"

#include <catch2/catch.hpp>

#include "node/core/limits.h"

using namespace mig::core;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr WallMs now = 1'795'503'600'000;  // 2026-11-24T07:00:00Z
constexpr WallMs day = 86'400'000;

AgentFacts web1() {
  AgentFacts facts;
  facts.id = "3f9c02ab";
  facts.name = "web1.example.net";
  facts.queueloc = "linux.3f9c02ab";
  facts.mode = "daemon";
  facts.version = "0.1.0";
  facts.status = "online";
  facts.pid = 4242;
  facts.starttime = now - 40 * day;
  facts.heartbeattime = now;
  facts.destructiontime = never_destroyed;
  facts.environment = {{"os", "linux"}, {"arch", "amd64"}, {"ident", "Debian GNU/Linux 12 (bookworm)"},
                       {"isproxied", true}, {"publicip", nullptr}, {"addresses", {"10.1.2.3/24", "fe80::1/64"}},
                       {"aws", {{"instanceid", "i-0abc"}}}, {"modules", {"file", "memory"}}};
  facts.tags = {{"operator", "it's us"}, {"ram", "64"}, {"rate", "100%_x"}};
  return facts;
}

const Target::Answered nobody_asked = [](std::string_view, bool) -> bool {
  FAIL("the journal was asked");
  return false;
};

bool matches(const std::string& text, const AgentFacts& facts = web1()) {
  INFO(text);
  Result<Target> target = Target::parse(text);
  if (!target) FAIL(target.error().text);
  CHECK(target->text() == text);
  return target->matches(facts, now, nobody_asked);
}

std::string trouble(const std::string& text) {
  Result<Target> target = Target::parse(text);
  return target ? "accepted" : target.error().text;
}

// True, false or NULL, told apart by asking for the condition and for its opposite.
std::string verdict(const std::string& text) {
  if (matches(text)) return "true";
  return matches("NOT (" + text + ")") ? "false" : "null";
}

}  // namespace

TEST_CASE("nothing and 'all' mean everyone") {
  for (const char* text : {"", "  \n", "all", "ALL", " All "}) {
    CHECK(matches(text));
    CHECK(Target::parse(text)->everyone());
  }
  CHECK_FALSE(Target::parse("status='online'")->everyone());
}

TEST_CASE("MIG's idioms mean what they meant") {
  for (const char* yes :
       {"status='online'", "agents.status = 'online'", "STATUS='online' and Environment->>'os'='linux'",
        "environment->>'os' = 'linux'", "environment#>>'{os}' = 'linux'", "environment->'aws'->>'instanceid' LIKE 'i-%'",
        "environment#>>'{aws,instanceid}' = 'i-0abc'", "environment#>>'{ aws , \"instanceid\" }' = 'i-0abc'",
        "environment#>'{aws}'->>'instanceid'='i-0abc'", "tags->>'operator' = 'it''s us'", "tags#>>'{operator}' ILIKE 'IT%US'",
        "name LIKE 'web%'", "name like 'web_.example.net'", "name ILIKE '%EXAMPLE.NET'", "name NOT LIKE 'db%'", "name ~ '^web[0-9]+'",
        "name ~* 'WEB'", "name !~ '^db'", "name !~* '^DB'", "mode != 'checkin'", "mode <> 'checkin'",
        "id IN ('x', '3f9c02ab')", "name NOT IN ('a','b')", "environment->>'isproxied' = 'true'",
        "environment->>'isproxied' = true", "(environment->>'isproxied')::boolean", "heartbeattime > NOW() - INTERVAL '30 days'",
        "starttime < now() - interval '30 days'", "starttime BETWEEN now() - interval '41 days' AND now()",
        "pid > 4000 AND pid < 5000", "pid = '4242'", "pid BETWEEN 1 AND 65535", "destructiontime > '9000-01-01'",
        "starttime > '2026-10-01T00:00:00Z'", "starttime > '2026-10-01 00:00:00+00'", "starttime < TIMESTAMP '2026-11-01'",
        "heartbeattime = '2026-11-24 08:00:00+01:00'", "heartbeattime >= 'now'", "heartbeattime::date = '2026-11-24'",
        "environment->>'ident' LIKE 'Debian%'", "environment::text LIKE '%bookworm%'", "tags::text LIKE '%\"ram\":\"64\"%'",
        "(tags->>'ram')::numeric >= 64", "CAST(tags->>'ram' AS int) = 64", "environment->>'os'='linux'::text",
        "environment->>'addresses' LIKE '%\"10.1.2.%'", "environment->>'addresses' = '[\"10.1.2.3/24\",\"fe80::1/64\"]'",
        "environment->'addresses'->>0 = '10.1.2.3/24'", "environment#>>'{addresses,-1}' = 'fe80::1/64'",
        "environment->>'modules' ~ '\"memory\"'", "lower(name) = 'web1.example.net'", "upper(environment->>'os') = 'LINUX'",
        "\"name\" = 'web1.example.net'", "true", "NOT false", "status = 'online' IS TRUE",
        "queueloc like 'linux.%' and (name='x' or name='web1.example.net')"})
    CHECK(matches(yes));
  for (const char* no :
       {"status='idle'", "name = 'WEB1.example.net'", "name LIKE 'web'", "name LIKE 'WEB%'", "name LIKE 'web_'", "pid < 4242",
        "starttime > NOW() - INTERVAL '30 days'", "id NOT IN ('3f9c02ab')", "name !~ 'web'", "environment->>'os' = 'windows'",
        "false", "environment->'addresses'->>2 = 'x'", "environment->>'os' IS NULL", "environment->>'os' = 'Linux'"})
    CHECK_FALSE(matches(no));
}

TEST_CASE("NOT binds before AND, and AND before OR") {
  CHECK(matches("true OR true AND false"));
  CHECK_FALSE(matches("(true OR true) AND false"));
  CHECK(matches("NOT false AND true"));
  CHECK_FALSE(matches("NOT true OR false"));
  CHECK(matches("NOT status = 'idle'"));
  CHECK(matches("NOT NOT true"));
  CHECK(matches("status='idle' AND pid=1 OR name='web1.example.net'"));
  CHECK(matches("NOT environment->>'os' = 'windows'"));
  CHECK(matches("name IN ('a') = false"));
}

TEST_CASE("what is missing is NULL, and NULL is neither true nor false") {
  CHECK(verdict("tags->>'nope' = 'x'") == "null");
  CHECK(verdict("tags->>'nope' <> 'x'") == "null");
  CHECK(verdict("tags->>'nope' LIKE '%'") == "null");
  CHECK(verdict("tags->>'nope' ~ '.*'") == "null");
  CHECK(verdict("tags->>'nope' NOT LIKE 'x'") == "null");
  CHECK(verdict("tags->>'nope' IN ('a','b')") == "null");
  CHECK(verdict("tags->>'nope' BETWEEN 'a' AND 'b'") == "null");
  CHECK(verdict("environment->'nope'->>'deeper' = 'x'") == "null");
  CHECK(verdict("environment->'os'->>'deeper' = 'x'") == "null");
  CHECK(verdict("environment->>'publicip' = 'x'") == "null");
  CHECK(verdict("environment->>'publicip' IS NULL") == "true");
  CHECK(verdict("tags->>'nope' IS NULL") == "true");
  CHECK(verdict("tags->>'nope' IS NOT NULL") == "false");
  CHECK(verdict("loadername IS NULL") == "true");
  CHECK(verdict("refreshtime > now()") == "null");
  CHECK(verdict("(tags->>'operator')::numeric > 1") == "null");
  CHECK(verdict("(tags->>'nope' = 'x') IS NULL") == "true");
  CHECK(verdict("tags->>'nope' = 'x' IS NOT TRUE") == "true");
  CHECK(verdict("tags->>'nope' = 'x' IS FALSE") == "false");
  CHECK(verdict("tags->>'nope' = 'x' OR true") == "true");
  CHECK(verdict("tags->>'nope' = 'x' OR false") == "null");
  CHECK(verdict("tags->>'nope' = 'x' AND false") == "false");
  CHECK(verdict("tags->>'nope' = 'x' AND true") == "null");
  CHECK(verdict("name IN ('a', tags->>'nope')") == "null");
  CHECK(verdict("name IN ('web1.example.net', tags->>'nope')") == "true");
  CHECK(verdict("upper(tags->>'nope') = 'X'") == "null");
}

TEST_CASE("LIKE takes % and _ as any, and a backslash takes them back") {
  CHECK(matches("tags->>'rate' LIKE '100\\%\\_x'"));
  CHECK_FALSE(matches("name LIKE 'web\\_%'"));
  CHECK(matches("tags->>'rate' LIKE '100%'"));
  AgentFacts odd = web1();
  odd.name = "a.b\nc\xC3\xA9+(";
  CHECK(matches("name LIKE 'a.b_c_+('", odd));
  CHECK_FALSE(matches("name LIKE 'aXb_c_+('", odd));
  CHECK_FALSE(matches("name LIKE 'a.b_c+('", odd));
  CHECK(matches("name LIKE '%'", odd));
  odd.name = std::string(5000, 'a');
  CHECK_FALSE(matches("name LIKE '%a%a%a%a%a%a%a%a%a%a%a%b'", odd));
  CHECK_THAT(trouble("name LIKE 'x\\'"), Contains("backslash"));
}

TEST_CASE("intervals count months on the calendar") {
  AgentFacts facts = web1();
  auto at = [&](const char* time) { facts.starttime = *from_rfc3339(time); };
  at("2026-03-31T12:00:00Z");
  CHECK(matches("starttime + INTERVAL '1 month' = '2026-04-30T12:00:00Z'", facts));
  CHECK(matches("starttime - INTERVAL '1 month' = '2026-02-28 12:00:00'", facts));
  CHECK(matches("starttime + INTERVAL '1 year 2 mons 3 days 04:05:06' = '2027-06-03T16:05:06Z'", facts));
  CHECK(matches("INTERVAL '1 week' + starttime = '2026-04-07T12:00:00Z'", facts));
  CHECK(matches("starttime + '90 minutes' = '2026-03-31T13:30:00Z'", facts));
  CHECK(matches("starttime + INTERVAL '1 day ago' = '2026-03-30T12:00:00Z'", facts));
  CHECK(matches("starttime + '-36 hours'::interval = '2026-03-30T00:00:00Z'", facts));
  CHECK(matches("starttime + INTERVAL '1000000 years' > now()", facts));
  CHECK_THAT(trouble("starttime > now() - INTERVAL '30 dayz'"), Contains("is not an interval; write '30 days'"));
  CHECK_THAT(trouble("starttime > now() - INTERVAL 30 days"), Contains("expected a quoted length after INTERVAL"));
  CHECK_THAT(trouble("starttime > now() - INTERVAL ''"), Contains("is not an interval"));
}

TEST_CASE("agents are chosen by what they answered before") {
  std::string select = "id IN (select agentid from commands, json_array_elements(commands.results) as r "
                       "where actionid=1a2b3c and r#>>'{foundanything}' = 'true')";
  Result<Target> target = Target::parse(select + " AND status='online'");
  REQUIRE(target);
  CHECK(target->needs_journal());
  CHECK_FALSE(Target::parse("status='online'")->needs_journal());
  std::vector<std::string> asked;
  auto answered = [&](std::string_view action, bool found) {
    asked.push_back(std::string(action) + (found ? "+" : "-"));
    return action == "1a2b3c" && found;
  };
  CHECK(target->matches(web1(), now, answered));
  CHECK(asked == std::vector<std::string>{"1a2b3c+"});

  auto reads = [&](const std::string& text) {
    Result<Target> other = Target::parse(text);
    if (!other) FAIL(other.error().text);
    asked.clear();
    return other->matches(web1(), now, answered);
  };
  CHECK_FALSE(reads("id in (SELECT agentid FROM commands, json_array_elements(commands.results) r "
                    "WHERE actionid = '1A2B3C' AND r->>'foundanything' = false)"));
  CHECK(asked == std::vector<std::string>{"1a2b3c-"});
  CHECK(reads("id NOT IN (select agentid from commands, json_array_elements(commands.results) as r where "
              "actionid=6115472474113 and r#>>'{foundanything}' = 'true')"));
  CHECK(asked == std::vector<std::string>{"6115472474113+"});
  CHECK(reads("id IN (select agentid from commands, json_array_elements(commands.results) as r where "
              "actionid=abcdef12 and r#>>'{foundanything}' = 'true') OR true"));

  CHECK_THAT(trouble("id IN (select id from agents)"), Contains("the only SELECT understood"));
  CHECK_THAT(trouble("name IN (select agentid from commands)"), Contains("the only SELECT understood"));
  CHECK_THAT(trouble(select.substr(0, select.size() - 1) + " or true)"), Contains("to close the SELECT"));
  CHECK_THAT(trouble("id IN (select agentid from commands, json_array_elements(commands.results) as r "
                     "where actionid='x; drop' and r#>>'{foundanything}' = 'true')"),
             Contains("expected the id of an action"));
}

TEST_CASE("what a relay does not hold counts as a match") {
  AgentFacts held = web1();
  held.status.clear();
  held.heartbeattime = 0;
  held.environment.erase("addresses");
  held.unheld = {"status", "heartbeattime", "environment.addresses"};
  for (const char* open :
       {"status='online'", "NOT status='online'", "status IS NULL", "status IS NOT NULL", "heartbeattime > now()",
        "environment->>'addresses' LIKE '%10.%'", "environment#>>'{addresses,0}' = 'x'", "environment::text LIKE '%x%'",
        "NOT (status = 'idle' AND name = 'web1.example.net')", "status IN ('a','b')", "status IN ('a') IS TRUE",
        "status ~ 'x' AND name LIKE 'web%'", "lower(status) = 'x'", "heartbeattime + '1 day' < now()",
        "(status='x')::text = 'true'", "environment->'addresses'->>0 = 'x'"}) {
    INFO(open);
    CHECK(matches(open, held));
  }
  for (const char* decided : {"status='online' AND name='db1'", "environment->>'os'='windows' AND heartbeattime > now()",
                              "tags->>'nope' = 'x' AND status = 'online'", "name IN ('a', 'b') AND status='online'"}) {
    INFO(decided);
    CHECK_FALSE(matches(decided, held));
  }
  Result<Target> before = Target::parse(
      "id NOT IN (select agentid from commands, json_array_elements(commands.results) as r where actionid=1 and "
      "r#>>'{foundanything}' = 'true')");
  REQUIRE(before);
  CHECK(before->matches(held, now, nullptr));
}

TEST_CASE("an unfinished condition is shown with its place") {
  CHECK(trouble("status = ") == "target: line 1, column 10: expected a value after '='\n  status = \n           ^");
  CHECK(trouble("status='online'\n  AND nme='x'") ==
        "target: line 2, column 7: 'nme' is no column; did you mean name?\n    AND nme='x'\n        ^");
  CHECK(trouble("name = '\xC3\xA9' AND stats='x'") ==
        "target: line 1, column 16: 'stats' is no column; did you mean status?\n  name = '\xC3\xA9' AND stats='x'\n                 ^");
  std::string far = trouble("name IN (" + std::string(400, ' ') + "'a' 'b'" + std::string(400, ' ') + ")");
  CHECK_THAT(far, StartsWith("target: line 1, column 414: "));
  std::size_t excerpt = far.find('\n') + 1, caret = far.rfind('\n') + 1;
  CHECK(far.size() < 400);
  CHECK(far[excerpt + (far.find('^', caret) - caret)] == '\'');
}

TEST_CASE("what could be injected into SQL is refused") {
  CHECK_THAT(trouble("status='online') ; RESET ROLE --"), Contains("column 16") || Contains("column 18"));
  CHECK_THAT(trouble("status='online'; DROP TABLE agents"), Contains("column 16: a target is one condition, so ';'"));
  CHECK_THAT(trouble("status='online' -- AND x"), Contains("comments are not understood"));
  CHECK_THAT(trouble("status='online' /* x */"), Contains("comments are not understood"));
  CHECK_THAT(trouble("true) OR (true"), Contains("this ')' closes nothing"));
  CHECK_THAT(trouble("pg_sleep(10) IS NULL"), Contains("the function 'pg_sleep' is not understood"));
  CHECK_THAT(trouble("name = version()"), Contains("function 'version'"));
  CHECK_THAT(trouble("EXISTS (SELECT 1)"), Contains("is not understood; a target is a condition"));
  CHECK_THAT(trouble("(SELECT true)"), Contains("'SELECT' is not understood"));
  CHECK_THAT(trouble("true UNION SELECT true"), Contains("expected AND, OR or the end, got 'UNION'"));
  CHECK_THAT(trouble("name = $$x$$"), Contains("'$' is not understood"));
  CHECK_THAT(trouble("name = E'x\\n'"), Contains("texts like E'..' are not understood"));
  CHECK_THAT(trouble("commands.status = 'x'"), Contains("is no table here"));
  CHECK_THAT(trouble(std::string("name='a\0b'", 10) + "\xff"), Contains("not UTF-8"));
}

TEST_CASE("likely slips are answered with the right words") {
  CHECK_THAT(trouble("os='linux'"), Contains("environment->>'os'"));
  CHECK_THAT(trouble("hostname='x'"), Contains("the host name is called name"));
  CHECK_THAT(trouble("status=\"online\""), Contains("for text write 'online'"));
  CHECK_THAT(trouble("status=online"), Contains("'online' is no column; put text in quotes ('online')"));
  CHECK_THAT(trouble("status == 'online'"), Contains("compare with one of ="));
  CHECK_THAT(trouble("status = 'a' && true"), Contains("write AND"));
  CHECK_THAT(trouble("status = 'a' || true"), Contains("write OR"));
  CHECK_THAT(trouble("!(status = 'a')"), Contains("write NOT"));
  CHECK_THAT(trouble("status = \xE2\x80\x98online\xE2\x80\x99"), Contains("typographic quote"));
  CHECK_THAT(trouble("environment->'os' = 'linux'"), Contains("take its text with ->>"));
  CHECK_THAT(trouble("name->>'os' = 'x'"), Contains("it works on environment and tags"));
  CHECK_THAT(trouble("tags->>'ram' > 4"), Contains("(tags->>'ram')::numeric > 4"));
  CHECK_THAT(trouble("environment->>os = 'x'"), Contains("expected a quoted key"));
  CHECK_THAT(trouble("tags#>>'operator' = 'x'"), Contains("braces"));
  CHECK_THAT(trouble("name = NULL"), Contains("write IS NULL"));
  CHECK_THAT(trouble("name"), Contains("this is text; compare it"));
  CHECK_THAT(trouble("status='online' AND name"), Contains("AND needs a condition"));
  CHECK_THAT(trouble("NOT name"), Contains("NOT needs a condition"));
  CHECK_THAT(trouble("pid = 'abc'"), Contains("'abc' is not a number"));
  CHECK_THAT(trouble("starttime > 'yesterday-ish'"), Contains("is not a time; write '2026-11-24T07:00:00Z'"));
  CHECK_THAT(trouble("1 < pid < 5"), Contains("do not chain"));
  CHECK_THAT(trouble("name = 'x"), Contains("the quote ' opens here and is never closed"));
  CHECK_THAT(trouble("(name = 'x'"), Contains("this '(' is never closed"));
  CHECK_THAT(trouble("name IN ()"), Contains("expected a value after '('"));
  CHECK_THAT(trouble("name IN 'a'"), Contains("expected '(' after IN"));
  CHECK_THAT(trouble("name ('a')"), Contains("is not understood"));
  CHECK_THAT(trouble("id = 12ab"), Contains("put text in quotes: '12ab'"));
  CHECK_THAT(trouble("name SIMILAR TO 'x'"), Contains("write LIKE"));
  CHECK_THAT(trouble("name LIKE name"), Contains("expected a quoted pattern"));
  CHECK_THAT(trouble("pid ~ '4'"), Contains("cast it: ...::text"));
  CHECK_THAT(trouble("name IS 'x'"), Contains("expected NULL, TRUE or FALSE"));
  CHECK_THAT(trouble("name = 'x' AND"), Contains("expected a value after 'AND'"));
  CHECK_THAT(trouble("AND true"), Contains("expected a value at the start, got 'AND'"));
  CHECK_THAT(trouble("name::regclass = 'x'"), Contains("expected a type"));
  CHECK_THAT(trouble("heartbeattime > now() - 5"), Contains("does not add up"));
  CHECK_THAT(trouble("NULL"), Contains("NULL alone"));
}

TEST_CASE("a pattern that does not compile is refused when it is written") {
  CHECK_THAT(trouble("name ~ 'web('"), Contains("column 8: the regular expression does not work"));
  CHECK_THAT(trouble("name ~ '(?=x)'"), Contains("the regular expression does not work"));
  CHECK_THAT(trouble("name ~ '((((x{100}){100}){100}){100})'"), Contains("the regular expression does not work"));
}

TEST_CASE("length, depth and patterns are bounded") {
  auto repeat = [](std::size_t n, const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i) out += text;
    return out;
  };
  Result<Target> long_one = Target::parse("name='" + std::string(limits::target_bytes, 'x') + "'");
  REQUIRE_FALSE(long_one);
  CHECK(long_one.error().code == Code::too_large);
  CHECK(trouble(repeat(60, "(") + "true" + repeat(60, ")")) == "accepted");
  CHECK_THAT(trouble(repeat(4000, "(") + "true"), Contains("nested too deep"));
  CHECK_THAT(trouble(repeat(2000, "NOT ") + "true"), Contains("nested too deep"));
  CHECK_THAT(trouble("tags" + repeat(1500, "->'a'") + "->>'b' = 'x'"), Contains("nested too deep"));
  CHECK_THAT(trouble("pid > 1" + repeat(2000, "+1")), Contains("nested too deep"));
  CHECK_THAT(trouble("true" + repeat(700, " IS TRUE")), Contains("nested too deep"));
  CHECK_THAT(trouble("name ~ 'a'" + repeat(40, " or name ~ 'a'")), Contains("more than 32 patterns"));
  CHECK(trouble("name = 'a'" + repeat(500, " or name='a'")) == "accepted");
  CHECK(trouble("id IN ('a'" + repeat(800, ",'abcdef'") + ")") == "accepted");
}

TEST_CASE("facts go over the wire and come back") {
  AgentFacts facts = web1();
  Result<AgentFacts> back = facts_from_json(to_json(facts));
  REQUIRE(back);
  CHECK(to_json(*back) == to_json(facts));
  CHECK(back->environment == facts.environment);
  CHECK(back->tags == facts.tags);
  CHECK(back->pid == 4242);
  CHECK(back->starttime == facts.starttime);
  CHECK(to_rfc3339(back->destructiontime) == "9998-01-11T11:11:11Z");

  Result<Json> attributes = parse_json(attributes_of(facts), limits::attributes_bytes);
  REQUIRE(attributes);
  Result<AgentFacts> held = facts_from_json(*attributes);
  REQUIRE(held);
  CHECK(held->status.empty());
  CHECK(held->unheld == std::set<std::string>{"status", "heartbeattime", "refreshtime"});
  CHECK(held->environment == facts.environment);
}

TEST_CASE("attributes stay in their bound, and what was left out is named") {
  AgentFacts facts = web1();
  for (int i = 0; i < 200; ++i) facts.environment["addresses"].push_back("10.0.0." + std::to_string(i) + "/24");
  facts.tags["note"] = "short";
  Result<Json> attributes = parse_json(attributes_of(facts), limits::attributes_bytes);
  REQUIRE(attributes);
  Result<AgentFacts> held = facts_from_json(*attributes);
  REQUIRE(held);
  CHECK(held->unheld.count("environment.addresses") == 1);
  CHECK(held->environment["os"] == "linux");
  CHECK(held->tags == facts.tags);

  for (int i = 0; i < 500; ++i) facts.environment["key" + std::to_string(i)] = "v";
  facts.tags["note"] = std::string(10'000, 'x');
  facts.name = std::string(5000, 'n');
  std::string text = attributes_of(facts);
  CHECK(text.size() <= limits::attributes_bytes);
  held = facts_from_json(*parse_json(text, limits::attributes_bytes));
  REQUIRE(held);
  CHECK(held->id == facts.id);
  CHECK(held->unheld.count("name") == 1);
  CHECK(held->unheld.count("tags") == 1);
  CHECK(Target::parse("name = 'x' AND tags->>'a' = 'b' AND environment->>'os' = 'solaris'")->matches(*held, now, nullptr) ==
        (held->unheld.count("environment") == 1));
}

TEST_CASE("facts of a stranger are checked") {
  for (const char* bad : {"[]", R"({"id":1})", R"({"pid":"1"})", R"({"starttime":"soon"})", R"({"environment":[]})",
                          R"({"tags":{"a":1}})", R"({"unheld":{}})", R"({"unheld":[1]})"}) {
    INFO(bad);
    CHECK_FALSE(facts_from_json(*parse_json(bad, 1000)));
  }
  CHECK(facts_from_json(*parse_json(R"({"id":"a","from_a_newer_agent":1})", 1000)));
}
