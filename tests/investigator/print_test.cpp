// Tables, foreign text, and answers as people and scripts see them.
#include <catch2/catch.hpp>

#include "investigator/answers.h"
#include "investigator/print.h"
#include "investigator/report.h"

namespace {

using namespace mig;
using namespace mig::investigator;

core::NodeId agent_number(unsigned char n) {
  core::NodeId id;
  id.octets[0] = n;
  return id;
}

std::string result(bool found) {
  modules::Answer answer;
  answer.found_anything = found;
  return answer.to_json();
}

AnswerPart part(unsigned char agent, std::uint16_t number, std::uint16_t parts, std::string slice) {
  return {agent_number(agent), "agent-" + std::to_string(agent), number, parts, core::State::found, {}, {}, std::move(slice)};
}

TEST_CASE("foreign text cannot steer a terminal") {
  CHECK(printable("a\x1b[31mb") == "a\\x1b[31mb");
  CHECK(printable("line\nnext\r") == "line\\x0anext\\x0d");
  CHECK(printable("caf\xc3\xa9\t!") == "caf\xc3\xa9\t!");
  CHECK(printable("\xff\xfe") == "\\xff\\xfe");
  CHECK(printable("a\xe2\x80\xae" "b") == "a\\u{202e}b");
  CHECK(printable("\xc2\x9b" "2J") == "\\u{009b}2J");
}

TEST_CASE("a table aligns its columns by letters, not by octets") {
  Table table({"NAME", "N"});
  table.add({"caf\xc3\xa9-1", "1"});
  table.add({"b", ""});
  CHECK(table.text() == "NAME    N\ncaf\xc3\xa9-1  1\nb       -\n");
}

// A reply without the rows of its module once ended mig: agents are strangers, and may be other programs.
TEST_CASE("a result that does not have the form of its module is named, and ends nothing") {
  for (const modules::Module* module : modules::all())
    for (const char* elements : {R"({"s1":[{"file":"/etc/passwd"}]})", R"({"s1":[{"file":""}]})", R"({"s1":[{"file":7}]})", R"({"s1":[[]]})",
                                 R"({"s1":7})", R"({"s1":null})", R"({"s1":[{"file":"x","fileinfo":[],"search":7}]})", "[]", "7", R"(["x"])",
                                 R"({"s1":[{"file":"","search":{"options":7}}]})", R"([{"a":{"b":[null]}}])", R"({"hostname":[],"addresses":7})"}) {
      AgentAnswer answer;
      answer.state = core::State::found;
      modules::Answer operation;
      operation.found_anything = true;
      operation.elements = *core::parse_json(elements, 4096);
      operation.statistics = *core::parse_json(R"({"filescount":"many"})", 4096);
      answer.operations.push_back(operation);
      INFO(module->parameters().name << ": " << elements);
      for (Show show : {Show::found, Show::all}) CHECK_NOTHROW(answer_lines(answer, {module}, show));
    }
}

TEST_CASE("an answer in parts is given once, when the last part is there, in whatever order they come") {
  Answers answers;
  const std::string text = "[" + result(true) + "]";
  CHECK_FALSE(answers.add(part(1, 1, 2, text.substr(10))));
  auto answer = answers.add(part(1, 0, 2, text.substr(0, 10)));
  REQUIRE(answer);
  CHECK(answer->name == "agent-1");
  REQUIRE(answer->operations.size() == 1);
  CHECK(answer->operations[0].found_anything);
  CHECK_FALSE(answers.add(part(1, 0, 2, text.substr(0, 10))));
  CHECK_FALSE(answers.add(part(1, 1, 2, text.substr(10))));
}

TEST_CASE("an answer that is no list of results is said to be broken, not dropped") {
  Answers answers;
  auto answer = answers.add(part(1, 0, 1, "{\"x\":1}"));
  REQUIRE(answer);
  CHECK_FALSE(answer->broken.empty());
  CHECK(answer->operations.empty());
}

TEST_CASE("a reply for scripts is one line with the keys of the contract") {
  AgentAnswer answer{agent_number(7), "a\"b\n", core::State::failed, {}, "timeout", {modules::Answer{}}, {}};
  const std::string line = reply_json("ab", answer);
  CHECK(line.find('\n') == std::string::npos);
  core::Json json = core::Json::parse(line);
  CHECK(json["type"] == "reply");
  CHECK(json["action"] == "ab");
  CHECK(json["agent"] == agent_number(7).hex());
  CHECK(json["name"] == "a\"b\n");
  CHECK(json["state"] == "failed");
  CHECK(json["trouble"] == "timeout");
  REQUIRE(json["operations"].size() == 1);
  CHECK(json["operations"][0]["success"] == true);
}

TEST_CASE("with -show found an operation that found nothing prints no line") {
  AgentAnswer answer{agent_number(1), "a", core::State::clean, {}, {}, {modules::Answer{}}, {}};
  const modules::Module* module = modules::all().front();
  CHECK(answer_lines(answer, {module}, Show::found).empty());
  auto all = answer_lines(answer, {module}, Show::all);
  REQUIRE_FALSE(all.empty());
  CHECK(all.back() == "command success");
}

TEST_CASE("results of a module this build does not know are pointed out") {
  AgentAnswer answer{agent_number(1), "a", core::State::found, {}, {}, {modules::Answer{}}, {}};
  answer.operations[0].found_anything = true;
  auto lines = answer_lines(answer, {nullptr}, Show::found);
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::Contains("--json"));
}

}  // namespace
