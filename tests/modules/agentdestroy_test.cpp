// agentdestroy as a module: its parameters, and that it does nothing by itself. What an agent does: tests/node, tests/real.
#include <catch2/catch.hpp>

#include "made_up_root.h"
#include "modules/module.h"

using namespace mig;
using core::Json;

namespace {

Json document(const Json& parameters) {
  const test::MadeUpRoot root;
  root.folder("/proc/4711");
  modules::Budget budget(30, 0);
  return Json::parse(modules::run("agentdestroy", parameters, {root.path(), root.path("/proc")}, budget).to_json());
}
Json failed(const std::string& error) {
  return {{"foundanything", false}, {"success", false}, {"elements", nullptr}, {"statistics", nullptr}, {"errors", {error}}};
}

}  // namespace

TEST_CASE("agentdestroy does nothing outside of an agent, and refuses what is no order", "[agentdestroy]") {
  const std::string unsupported = "unsupported: only a running agent obeys agentdestroy, alone in its action";
  const std::string version = "version: is no version; write what `mig-agent -V` says behind the name";
  const std::vector<std::pair<Json, std::string>> cases = {
      {{{"version", "1.0"}}, unsupported},
      {{{"pid", 4711}, {"version", "1.0"}}, unsupported},
      {{{"pid", 4'194'304}, {"version", std::string(128, 'v')}}, unsupported},  // MIG knew no number above 65535
      {Json::object(), "version: is required; write \"version\": \"1.0.0\""},
      {nullptr, "version: is required; write \"version\": \"1.0.0\""},
      {{{"pid", 1}, {"version", "1.0"}}, "pid: 1 is outside 2..4194304"},
      {{{"pid", 4'194'305}, {"version", "1.0"}}, "pid: 4194305 is outside 2..4194304"},
      {{{"pid", "4711"}, {"version", "1.0"}}, "pid: expected a whole number, got the text \"4711\""},
      {{{"pid", 4711}, {"version", ""}}, version},
      {{{"pid", 4711}, {"version", "1\n2"}}, version},
      {{{"pid", 4711}, {"version", std::string(129, 'v')}}, version},
      {{{"pid", 4711}, {"version", "1.0"}, {"force", true}}, "agentdestroy: 'force' is not known; what it takes: pid, version"},
      {"4711", "agentdestroy: expected an object {...}, got the text \"4711\""},
  };
  for (const auto& [parameters, error] : cases) {
    INFO(parameters);
    CHECK(document(parameters) == failed(error));
  }
}

TEST_CASE("agentdestroy has no flags, prints its sentence and masks it", "[agentdestroy]") {
  const modules::Module& module = *modules::find("agentdestroy");
  CHECK_FALSE(core::from_flags(module.parameters(), {"-pid", "4711"}));
  modules::Answer answer;
  answer.found_anything = true;
  answer.elements = "PID 4711 from agent 1.0.0 has been killed and its executable removed from /usr/local/sbin/mig-agent";
  answer.errors = {"/x: no"};
  using Lines = std::vector<std::string>;
  CHECK(module.print(answer, true) == Lines{answer.elements});
  CHECK(module.print(answer, false) == Lines{answer.elements, "/x: no"});
  module.mask(answer);
  CHECK(answer.elements == "masked");
  CHECK(answer.errors == Lines{"masked"});
  CHECK(module.print({}, false) == Lines{});
}
