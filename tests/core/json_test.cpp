#include "node/core/json.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "node/core/limits.h"

using namespace mig::core;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr std::size_t room = 1 << 20;

std::string trouble(std::string_view text) {
  Result<Json> read = parse_json(text, room);
  if (read) return "accepted as " + compact_json(*read);
  return read.error().text;
}

std::string canonical(std::string_view text) {
  Result<Json> read = parse_json(text, room);
  if (!read) return read.error().text;
  return canonical_json(*read);
}

double from_bits(std::uint64_t bits) {
  double out = 0;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}

}  // namespace

TEST_CASE("a plain document is read") {
  Result<Json> read = parse_json(R"( {"a":[1,-2,2.5,true,null,"x\u00e9\ud83d\ude00"],"b":{}} )", room);
  REQUIRE(read);
  CHECK((*read)["a"][5] == "x\xC3\xA9\xF0\x9F\x98\x80");
  CHECK((*read)["a"][1] == -2);
  CHECK((*read)["b"].is_object());
  CHECK(*parse_json("7", room) == 7);
}

TEST_CASE("a key that stands twice is refused where it stands") {
  CHECK_THAT(trouble("{\"a\":1,\n \"b\\\"c\":{\"x\":1},\"b\\\"c\":2}"), StartsWith("json: line 2, column 17: the key"));
  CHECK_THAT(trouble(R"({"a":{"k":1,"k":1}})"), Contains("\"k\" stands twice"));
  CHECK_THAT(trouble(R"({"a":1,"\u0061":2})"), Contains("\"a\" stands twice"));
  CHECK_THAT(trouble(R"({"a":1,"A":2})"), StartsWith("accepted"));
}

TEST_CASE("what is not JSON is refused with line and column") {
  CHECK_THAT(trouble(""), Contains("there is no text"));
  CHECK_THAT(trouble(" \n"), Contains("there is no text"));
  CHECK_THAT(trouble("{\"a\":\n  tru}"), StartsWith("json: line 2, column 6: "));
  CHECK_THAT(trouble("{\"a\":1,}"), StartsWith("json: line 1, column 8: ") && Contains("'}'"));
  CHECK_THAT(trouble("[1] x"), StartsWith("json: line 1, column 5: ") && Contains("end of input"));
  CHECK_THAT(trouble("[1][2]"), Contains("column 4"));
  CHECK_THAT(trouble("[1"), StartsWith("json: line 1, column 3"));
  CHECK_THAT(trouble("{'a':1}"), StartsWith("json: line 1, column 2"));
  for (const char* bad : {"[01]", "[1.]", "[.5]", "[+1]", "[NaN]", "[Infinity]", "// no\n1", "[\"\t\"]", "[\"\\x\"]", "\"a"})
    CHECK_THAT(trouble(bad), StartsWith("json: line "));
}

TEST_CASE("bytes hidden after a NUL are seen") {
  CHECK_THAT(trouble(std::string_view("{}\0{}", 5)), Contains("column 3") && Contains("NUL"));
  CHECK_THAT(trouble("\xEF\xBB\xBF{}"), Contains("byte order mark"));
}

TEST_CASE("text that is not Unicode is refused") {
  for (const char* bad : {"[\"\xff\"]", "[\"\xc0\xaf\"]", "[\"\xed\xa0\x80\"]", "[\"\xf4\x90\x80\x80\"]", "[\"\xe2\x82\"]",
                          R"(["\ud800"])", R"(["\ud800x"])", R"(["\udc00"])", R"(["\ud800\ud800"])"}) {
    std::string said = trouble(bad);
    CHECK_THAT(said, StartsWith("json: line 1"));
    CHECK(is_utf8(said));
  }
}

TEST_CASE("nesting ends at the bound") {
  auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  CHECK_THAT(trouble(nested(limits::json_depth)), StartsWith("accepted"));
  CHECK_THAT(trouble(nested(limits::json_depth + 1)), Contains("column 33") && Contains("nested deeper than 32"));
  CHECK_THAT(trouble(std::string(900'000, '[')), Contains("nested deeper"));
}

TEST_CASE("text over the size asked for is refused as too large") {
  Result<Json> read = parse_json("[1,2,3]", 6);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::too_large);
  CHECK(parse_json("[1,2,3]", 7));
}

TEST_CASE("numbers that lose precision are refused") {
  CHECK(canonical("9007199254740991") == "9007199254740991");
  CHECK(canonical("-9007199254740991") == "-9007199254740991");
  CHECK_THAT(trouble("[1, 9007199254740992]"), StartsWith("json: line 1, column 5: the number 9007199254740992"));
  CHECK_THAT(trouble("-9007199254740992"), Contains("in quotes"));
  CHECK_THAT(trouble("123456789012345678901234567890"), Contains("in quotes"));
  CHECK_THAT(trouble("1e16"), Contains("in quotes"));
  CHECK_THAT(trouble("1e400"), StartsWith("json: line 1"));
}

TEST_CASE("one number has one spelling") {
  CHECK(parse_json("5.0", room)->is_number_integer());
  CHECK(canonical("[5.0,5e0,50e-1,5,0.5e1]") == "[5,5,5,5,5]");
  CHECK(canonical("[-0,-0.0,0,0e5,1e-400]") == "[0,0,0,0,0]");
  CHECK(canonical("[0.1000000000000000055511151231257827]") == "[0.1]");
}

TEST_CASE("canonical numbers are those of RFC 8785, appendix B") {
  struct Sample {
    std::uint64_t bits;
    const char* text;
  };
  const Sample samples[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const Sample& sample : samples) CHECK(canonical_json(Json(from_bits(sample.bits))) == sample.text);
  CHECK(canonical_json(Json(1e-7)) == "1e-7");
  CHECK(canonical_json(Json(1e30)) == "1e+30");
  CHECK(canonical_json(Json(4.50)) == "4.5");
  CHECK(canonical_json(Json(2e-3)) == "0.002");
  CHECK(canonical_json(Json(1e-27)) == "1e-27");
}

TEST_CASE("canonical keys are sorted by UTF-16 code units") {
  std::string sorted = canonical(
      R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",)"
      R"("\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"})");
  CHECK(sorted == "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xC2\x80\":\"Control\","
                  "\"\xC3\xB6\":\"Latin Small Letter O With Diaeresis\",\"\xE2\x82\xAC\":\"Euro Sign\","
                  "\"\xF0\x9F\x98\x80\":\"Emoji: Grinning Face\","
                  "\"\xEF\xAC\xB3\":\"Hebrew Letter Dalet With Dagesh\"}");
  CHECK(canonical(R"({"b":1,"a":{"d":2,"c":[ ]},"":0, "ab":3})") == R"({"":0,"a":{"c":[],"d":2},"ab":3,"b":1})");
}

TEST_CASE("canonical text escapes only what it must") {
  CHECK(canonical(R"(["\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/\b\t\f\r\u007f<"])") ==
        "[\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\\t\\f\\r\x7f<\"]");
}

TEST_CASE("what is written canonically reads back as itself") {
  const char* text = R"({"a":[0,1.5,-3,1e-7,"\u0001\ud83d\ude00",null,true,{}],"z":{"y":[[]]}})";
  std::string once = canonical(text);
  CHECK(canonical(once) == once);
}

TEST_CASE("results may hold bytes that are no text") {
  Json row = {{"file", "/tmp/\xff\xfe\xC3\xA9"}};
  CHECK(compact_json(row) == "{\"file\":\"/tmp/\xEF\xBF\xBD\xEF\xBF\xBD\xC3\xA9\"}");
  CHECK(parse_json(compact_json(row), room));
  CHECK(readable_utf8("a\xff\xC3") == "a\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(is_utf8("\xF0\x9F\x98\x80\xED\x9F\xBF\xEE\x80\x80"));
  CHECK_FALSE(is_utf8("\xF0\x9F\x98"));
  CHECK_FALSE(is_utf8("\xE0\x80\x80"));
}

TEST_CASE("people get two-space indent") { CHECK(pretty_json(Json{{"b", 1}, {"a", {1}}}) == "{\n  \"a\": [\n    1\n  ],\n  \"b\": 1\n}"); }
