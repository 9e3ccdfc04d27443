// The contract of the command line: what is global, what is the module's, and what is refused in which words.
#include <catch2/catch.hpp>

#include "investigator/options.h"

namespace {

using namespace mig;
using investigator::Invocation;
using Words = std::vector<std::string>;

Invocation read(const Words& words) {
  auto call = investigator::read_invocation(words);
  INFO((call ? std::string() : call.error().text));
  REQUIRE(call);
  return *call;
}

std::string refusal(const Words& words) {
  auto call = investigator::read_invocation(words);
  REQUIRE_FALSE(call);
  return call.error().text;
}

TEST_CASE("two-dash global options are taken before, between and behind a module's flags") {
  for (const Words& words : {Words{"--json", "--relay", "relay-2", "file", "-path", "/etc", "-name", "passwd"},
                             Words{"file", "--json", "-path", "/etc", "--relay=relay-2", "-name", "passwd"},
                             Words{"file", "-path", "/etc", "-name", "passwd", "--relay", "relay-2", "--json"}}) {
    Invocation call = read(words);
    CHECK(call.command == "file");
    CHECK(call.words == Words{"-path", "/etc", "-name", "passwd"});
    CHECK(call.globals.json);
    CHECK(call.globals.relay == "relay-2");
  }
}

TEST_CASE("letters are global up to the first flag of the module, then they are the module's") {
  Invocation call = read({"file", "-t", "all", "-e", "30s", "-show", "all", "-path", "/etc", "-t", "x", "-s", "-n", "y"});
  CHECK(call.globals.target == "all");
  CHECK(call.globals.lifetime == "30s");
  CHECK(call.globals.show == "all");
  CHECK_FALSE(call.globals.sign_only);
  CHECK(call.globals.name.empty());
  CHECK(call.words == Words{"-path", "/etc", "-t", "x", "-s", "-n", "y"});
}

TEST_CASE("letters may stand before the module") {
  Invocation call = read({"-t", "local", "-c", "/tmp/home", "file", "-path", "/etc"});
  CHECK(call.globals.target == "local");
  CHECK(call.globals.home == "/tmp/home");
  CHECK(call.command == "file");
  CHECK(call.words == Words{"-path", "/etc"});
}

TEST_CASE("-y is yes wherever it stands, but not as the value of a module's flag") {
  CHECK(read({"-y", "file", "-path", "/etc"}).globals.yes);
  CHECK(read({"file", "-path", "/etc", "-y"}).globals.yes);
  CHECK(read({"sign", "a.json", "-o", "b.json", "-y"}).globals.yes);
  Invocation call = read({"file", "-path", "/etc", "-name", "-y"});
  CHECK_FALSE(call.globals.yes);
  CHECK(call.words == Words{"-path", "/etc", "-name", "-y"});
}

TEST_CASE("two dashes alone end global options and are dropped") {
  Invocation call = read({"file", "-path", "/etc", "--", "-name", "--json", "-y"});
  CHECK_FALSE(call.globals.json);
  CHECK_FALSE(call.globals.yes);
  CHECK(call.words == Words{"-path", "/etc", "-name", "--json", "-y"});
}

TEST_CASE("a value may stand behind an equals sign") {
  Invocation call = read({"file", "-t=all", "-e=1m", "--wait=2.5", "-name=x"});
  CHECK(call.globals.target == "all");
  CHECK(call.globals.lifetime == "1m");
  CHECK(call.globals.wait_s == Approx(2.5));
  CHECK(call.words == Words{"-name=x"});
}

TEST_CASE("what is not given has the defaults of the contract") {
  Invocation call = read({"file"});
  CHECK(call.globals.wait_s == Approx(10));
  CHECK(call.globals.target.empty());
  CHECK_FALSE(call.globals.json);
  CHECK_FALSE(call.globals.yes);
}

TEST_CASE("commands keep their own options, and letters go on being global") {
  Invocation call = read({"invite", "--role", "relay", "-name", "r", "-e", "5m"});
  CHECK(call.command == "invite");
  CHECK(call.words == Words{"--role", "relay", "-name", "r"});
  CHECK(call.globals.lifetime == "5m");
  CHECK(read({"lab", "up", "--relays", "3", "--dir", "/tmp/x"}).words == Words{"up", "--relays", "3", "--dir", "/tmp/x"});
}

TEST_CASE("help and version are asked for in the usual ways") {
  CHECK(read({"file", "--help"}).help);
  CHECK(read({"-h"}).help);
  CHECK(read({"-V"}).version);
  CHECK(read({"--version"}).version);
  CHECK_FALSE(read({"file", "-path", "/etc", "-h"}).help);
}

TEST_CASE("troubles on the command line are named with what would be right") {
  CHECK_THAT(refusal({"--jsn", "file"}), Catch::Contains("-jsn") && Catch::Contains("did you mean --json"));
  CHECK_THAT(refusal({"file", "-path", "/etc", "--jsn"}), Catch::Contains("did you mean --json"));
  CHECK_THAT(refusal({"-path", "/etc"}), Catch::Contains("mig file -path"));
  CHECK_THAT(refusal({"file", "-t"}), Catch::Contains("-t: needs a value"));
  CHECK_THAT(refusal({"file", "-show", "some"}), Catch::Contains("-show") && Catch::Contains("notfound"));
  CHECK_THAT(refusal({"file", "--wait", "soon"}), Catch::Contains("-wait") && Catch::Contains("soon"));
  CHECK_THAT(refusal({"file", "-e", "5x"}), Catch::Contains("-e") && Catch::Contains("5x"));
}

TEST_CASE("a word that is neither command nor module is met with the nearest one") {
  CHECK_THAT(investigator::unknown_command("fiel").text, Catch::Contains("did you mean file?"));
  CHECK_THAT(investigator::unknown_command("relay").text, Catch::Contains("did you mean relays?"));
  CHECK_THAT(investigator::unknown_command("zzzzzzzz").text, Catch::Contains("mig help"));
}

}  // namespace
