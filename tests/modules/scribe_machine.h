// A made-up machine for the tests of scribe, and what documents come to on it.
#pragma once

#include "modules/scribe/document.h"
#include "pkg_machine.h"

namespace mig::test::scribed {

using namespace mig::test::pkg;

inline std::string stanza(const std::string& name, const std::string& version) {
  return fmt::format("Package: {}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {}\n\n", name, version);
}

struct Scribed : Machine {
  Scribed() {
    root.file("/var/lib/dpkg/status", stanza("libc6", "2.36-9+deb12u4") + stanza("openssl", "3.0.0~rc1-1") + stanza("linux-image-1", "1.0") + stanza("linux-image-2", "2.0"));
    root.file("/lab/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=14.04\nDISTRIB_CODENAME=trusty\n");
    root.file("/lab/sub/one-1.5.jar", "x");
    root.file("/lab/sub/version", "major 7\nminor 3\n");
    root.file("/lab/sub/patch", "level 9\n");
  }
  Answer ask(const Json& document, Json parameters = Json::object(), double seconds = 60, std::size_t bytes = 0) const {
    Budget budget(seconds, bytes);
    parameters["scribedoc"] = document;
    return modules::run("scribe", parameters, Host{.root = root.path()}, budget);
  }
  /// testid -> what it came to, in short: "true [true libc6]".
  std::map<std::string, std::string> outcomes(const std::string& text) const {
    const auto document = modules::scribe::read_document(text);
    REQUIRE(document);
    std::map<std::string, std::string> out;
    const Answer answer = ask(*document);
    CHECK(answer.success);
    UNSCOPED_INFO(answer.to_json());
    for (const Json& test : answer.elements["results"]) {
      std::string& line = out[test["testid"]];
      line = test["iserror"] == true ? test["error"].get<std::string>() : test["masterresult"] == true ? "true" : "false";
      for (const Json& sub : test["results"]) line += fmt::format(" [{} {}]", sub["result"].get<bool>(), sub["identifier"].get<std::string>());
    }
    return out;
  }
};

using Outcomes = std::map<std::string, std::string>;

}  // namespace mig::test::scribed
