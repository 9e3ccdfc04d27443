// pkg on made-up machines: dpkg, apk, pip, npm, parameters, printing; and the live machine.
#include "modules/pkg/packages.h"

#include <set>
#include <sstream>

#include "pkg_machine.h"

using namespace mig;
using namespace mig::test::pkg;

namespace {

std::string stanza(const std::string& name, const std::string& version, const std::string& arch = "amd64",
                   const std::string& status = "install ok installed") {
  return fmt::format("Package: {}\nStatus: {}\nPriority: optional\nArchitecture: {}\nMulti-Arch: same\nVersion: {}\nDescription: a thing\n Package: not this\n .\n more\n\n",
                     name, status, arch, version);
}

}  // namespace

TEST_CASE("a package of dpkg is found by its name with and without its architecture", "[pkg]") {
  const Machine machine;
  machine.root.file("/var/lib/dpkg/status", stanza("zlib1g", "1:1.2.13.dfsg-1") + stanza("libc6", "2.36-9", "i386") + stanza("libc6", "2.36-9+deb12u4") +
                                                stanza("libc6-dev", "2.36-9"));
  const Json both = {row("libc6", "2.36-9", "dpkg", "i386"), row("libc6", "2.36-9+deb12u4", "dpkg", "amd64")};
  CHECK(machine.find("^libc6$") == whole(both));
  CHECK(machine.find("^libc6:amd64$") == whole({both[1]}));
  CHECK(machine.find("^libc6:") == whole(both));
  CHECK(machine.find("^libd") == whole(Json::array()));
}

TEST_CASE("each regex gives its own rows, and the version may be wanted or not wanted", "[pkg]") {
  const Machine machine;
  machine.root.file("/var/lib/dpkg/status", stanza("b", "1.0") + stanza("a", "2.0"));
  const Json a = row("a", "2.0", "dpkg", "amd64"), b = row("b", "1.0", "dpkg", "amd64");
  CHECK(machine.answer({{"pkgmatch", {{"matches", {"^b$", "."}}}}}) == whole({b, a, b}));
  CHECK(machine.answer({{"pkgmatch", {{"matches", {"."}}}}, {"vermatch", "^2"}}) == whole({a}));
  CHECK(machine.answer({{"pkgmatch", {{"matches", {"."}}}}, {"vermatch", "!^2"}}) == whole({b}));
  CHECK(machine.answer({{"PkgMatch", {{"Matches", {"."}}}}, {"vermatch", ""}}) == whole({a, b}));
}

TEST_CASE("what is removed or half there is not told, what is on hold or waits for triggers is", "[pkg]") {
  const Machine machine;
  machine.root.file("/var/lib/dpkg/status",
                    stanza("a", "1", "all", "deinstall ok config-files") + stanza("b", "1", "all", "hold ok installed") +
                        stanza("c", "1", "all", "install ok triggers-awaited") + stanza("d", "1", "all", "install ok triggers-pending") +
                        stanza("e", "1", "all", "install reinstreq half-installed") + "Package: f\nStatus: purge ok not-installed\nArchitecture: all\n\n");
  CHECK(machine.find() == whole({row("b", "1", "dpkg", "all"), row("c", "1", "dpkg", "all"), row("d", "1", "dpkg", "all")}));
}

TEST_CASE("what an interrupted dpkg left in updates counts, and so do images without dpkg", "[pkg]") {
  const Machine machine;
  machine.root.file("/var/lib/dpkg/status", stanza("a", "1") + stanza("b", "1"));
  machine.root.file("/var/lib/dpkg/updates/0001", stanza("a", "2"));
  machine.root.file("/var/lib/dpkg/updates/0002", stanza("b", "1", "amd64", "deinstall ok config-files"));
  machine.root.file("/var/lib/dpkg/updates/tmp.i", "rubbish");
  machine.root.file("/var/lib/dpkg/status.d/base", "Package: base-files\nArchitecture: amd64\nVersion: 12.4\n");
  machine.root.file("/var/lib/dpkg/status.d/base.md5sums", "d41d8cd98f00b204e9800998ecf8427e  x\n");
  CHECK(machine.find() == whole({row("a", "2", "dpkg", "amd64"), row("base-files", "12.4", "dpkg", "amd64")}));
}

TEST_CASE("a status file that is cut, damaged or no file is named, and the rest is told", "[pkg]") {
  const std::string path = "/var/lib/dpkg/status", good = stanza("a", "1");
  const Json a = row("a", "1", "dpkg", "amd64");
  {
    const Machine machine;
    machine.root.file(path, good + "Package: b\nStatus: install ok installed\nVersion: 1\nDescr");
    CHECK(machine.find() == whole({a, row("b", "1", "dpkg", "")}, {path + ": ends within a line; it is cut short, and packages may be missing"}));
  }
  {
    const Machine machine;
    machine.root.file(path, good + "Package: b\nStatus: install ok installed\n");
    CHECK(machine.find() == whole({a}, {path + ": line 12 begins a stanza without a package or a version; the file is damaged or another's"}));
  }
  {
    const Machine machine;
    machine.root.file(path, std::string(3000, '\0'));
    CHECK(machine.find() == whole(Json::array(), {path + ": line 1 begins a stanza without a package or a version; the file is damaged or another's"}));
  }
  {
    const Machine machine;
    machine.root.folder(path);
    CHECK(machine.find() == whole(Json::array(), {path + ": is not a regular file"}));
  }
  {
    const Machine machine;
    machine.root.file(path, std::string((16 << 20) + 1, 'x'));
    CHECK(machine.find() == whole(Json::array(), {path + ": holds a stanza that is too long; it is no list of packages"}));
  }
}

TEST_CASE("stanzas that are longer than one read are put together", "[pkg]") {
  const Machine machine;
  std::string status;
  Json rows = Json::array();
  for (int i = 100; i < 200; ++i) {
    status += fmt::format("Package: p{}\nStatus: install ok installed\nArchitecture: all\nConffiles:\n {}\nVersion: {}\n\n", i, std::string(static_cast<std::size_t>(i) * 997, 'x'), i);
    rows.push_back(row(fmt::format("p{}", i).c_str(), std::to_string(i).c_str(), "dpkg", "all"));
  }
  machine.root.file("/var/lib/dpkg/status", status);
  CHECK(machine.find() == whole(rows));
}

TEST_CASE("apk, pip and npm are told like the others, and types leaves some of them out", "[pkg]") {
  const Machine machine;
  machine.root.file("/var/lib/dpkg/status", stanza("a", "1"));
  machine.root.file("/lib/apk/db/installed", "C:Q1x\nP:musl\nV:1.2.4-r2\nA:x86_64\nS:1\n\nC:Q1y\nP:busybox\nV:1.36.1-r5\nA:x86_64\n\n");
  machine.root.file("/usr/lib/python3/dist-packages/six-1.16.0.egg-info", "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n");
  machine.root.file("/usr/local/lib/python3.11/site-packages/Foo_bar-2.dist-info/METADATA", "Metadata-Version: 2.1\r\nName: Foo.bar\r\nVersion: 2\r\n\r\nName: no\n");
  machine.root.file("/usr/local/lib/python3.11/dist-packages/old.egg-info/PKG-INFO", "Name: old\nVersion: 0.1\n");
  machine.root.file("/usr/local/lib/python3.11/dist-packages/bad.dist-info/METADATA", "Name: bad\n\nVersion: 1\n");
  machine.root.file("/usr/lib/node_modules/npm/package.json", R"({"name": "npm", "version": "9.2.0"})");
  machine.root.file("/usr/lib/node_modules/@scope/x/package.json", R"({"name": "@scope/x", "version": "1.0.0"})");
  machine.root.file("/usr/lib/node_modules/broken/package.json", R"({"name": "broken", )");
  machine.root.folder("/usr/lib/node_modules/.bin");
  const Json dpkg = row("a", "1", "dpkg", "amd64");
  const Json answer = machine.find();
  CHECK(answer["elements"]["packages"] ==
        Json({dpkg, row("busybox", "1.36.1-r5", "apk", "x86_64"), row("musl", "1.2.4-r2", "apk", "x86_64"),
              tree_row("Foo.bar", "2", "pip", "/usr/local/lib/python3.11/site-packages/Foo_bar-2.dist-info"),
              tree_row("old", "0.1", "pip", "/usr/local/lib/python3.11/dist-packages/old.egg-info"),
              tree_row("six", "1.16.0", "pip", "/usr/lib/python3/dist-packages/six-1.16.0.egg-info"),
              tree_row("@scope/x", "1.0.0", "npm", "/usr/lib/node_modules/@scope/x"), tree_row("npm", "9.2.0", "npm", "/usr/lib/node_modules/npm")}));
  REQUIRE(answer["errors"].size() == 2);
  CHECK(answer["errors"][0] == "/usr/local/lib/python3.11/dist-packages/bad.dist-info/METADATA: has no name or no version");
  CHECK(answer["errors"][1].get<std::string>().starts_with("/usr/lib/node_modules/broken/package.json: "));
  Json only = Machine::named(".");
  only["types"] = {"dpkg"};
  CHECK(machine.answer(only) == whole({dpkg}));
}

TEST_CASE("parameters that make no sense are refused with what is right", "[pkg]") {
  const Machine machine;
  const auto refused = [&](const Json& parameters) {
    const Answer answer = machine.ask(parameters);
    CHECK_FALSE(answer.success);
    CHECK(answer.errors.size() == 1);
    return answer.errors.empty() ? "" : answer.errors[0];
  };
  CHECK_THAT(refused(Json::object()), Catch::Contains("pkgmatch"));
  CHECK_THAT(refused({{"pkgmatch", {{"matches", Json::array()}}}}), Catch::Contains("pkgmatch.matches"));
  CHECK_THAT(refused(Machine::named("(")), Catch::Contains("'(' is no regular expression"));
  CHECK_THAT(refused({{"pkgmatch", {{"matches", {"a"}}}}, {"vermatch", "!("}}), Catch::Contains("vermatch: '(' is no regular expression"));
  CHECK_THAT(refused({{"pkgmatch", {{"matches", {"a"}}}}, {"types", {"snap"}}}), Catch::Contains("types"));
}

TEST_CASE("pkg reads MIG's flags, of which -name may be repeated", "[pkg]") {
  const auto flags = core::from_flags(modules::find("pkg")->parameters(), {"-name", "^a$", "-name=b", "-version", "!^1", "-type", "dpkg"});
  REQUIRE(flags);
  CHECK(*flags == Json{{"pkgmatch", {{"matches", {"^a$", "b"}}}}, {"vermatch", "!^1"}, {"types", {"dpkg"}}});
  CHECK_FALSE(core::from_flags(modules::find("pkg")->parameters(), {"-version", "1"}));
}

TEST_CASE("pkg prints what MIG printed, masks paths, and stops at its budget", "[pkg]") {
  const Machine machine;
  machine.root.file("/var/lib/dpkg/status", stanza("a", "1") + stanza("b", "1"));
  machine.root.file("/usr/lib/node_modules/npm/package.json", R"({"name": "npm", "version": "9.2.0"})");
  Answer answer = machine.ask(Machine::named("^(a|npm)$"));
  const modules::Module& pkg = *modules::find("pkg");
  CHECK(pkg.print(answer, true) == std::vector<std::string>{"pkgmatch name=a version=1 type=dpkg arch=amd64",
                                                            "pkgmatch name=npm version=9.2.0 type=npm arch= path=/usr/lib/node_modules/npm"});
  answer.statistics = {{"execruntime", "1.5ms"}};
  CHECK(pkg.print(answer, false).back() == "Statistics: runtime 1.5ms");
  answer.errors = {"/x: no"};
  pkg.mask(answer);
  CHECK(answer.elements == Json{{"packages", {row("a", "1", "dpkg", "amd64"), tree_row("npm", "9.2.0", "npm", "masked")}}});
  CHECK(answer.errors == std::vector<std::string>{"masked"});
  const Answer small = machine.ask(Machine::named("."), 60, 10);
  CHECK_FALSE(small.success);
  CHECK(small.elements["packages"].size() == 1);
  CHECK(small.errors.size() == 1);
}

TEST_CASE("on this machine pkg and dpkg-query tell the same packages", "[pkg]") {
  if (missing("dpkg-query", "dpkg")) return;
  std::multiset<std::string> theirs, ours;
  std::istringstream lines(shell("dpkg-query -W -f '${Package} ${Version} ${Architecture} ${db:Status-Status}\\n'"));
  for (std::string line; std::getline(lines, line);)
    for (const char* state : {" installed", " triggers-pending", " triggers-awaited"})
      if (line.ends_with(state)) theirs.insert(line.substr(0, line.rfind(' ')));
  Budget budget(60, 0);
  for (const auto& package : modules::pkg::list_packages(Host{}, budget, {"dpkg"}).all)
    ours.insert(fmt::format("{} {} {}", package.name, package.version, package.arch));
  CHECK(!ours.empty());
  CHECK(ours == theirs);
}
