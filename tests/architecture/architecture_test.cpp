// The rules of the house, held against the code: who includes whom, and that ARCHITECTURE.md names what exists.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace {

const std::string source_dir = MIG_SOURCE_DIR;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> sources() {
  std::vector<std::string> out;
  for (const char* folder : {"node", "relay", "investigator", "modules", "store", "simulate"})
    for (const auto& entry : fs::recursive_directory_iterator(source_dir + "/" + folder))
      if (entry.path().extension() == ".cpp" || entry.path().extension() == ".h")
        out.push_back(fs::relative(entry.path(), source_dir).string());
  std::sort(out.begin(), out.end());
  return out;
}

std::string room_of(const std::string& path) {
  for (const char* room : {"node/core", "node/wire", "node", "relay", "investigator", "modules", "store", "simulate"})
    if (path.starts_with(std::string(room) + "/")) return room;
  return "";
}

struct Include {
  int line;
  std::string what;
};
std::vector<Include> includes_of(const std::string& path) {
  std::vector<Include> out;
  std::istringstream text(read(source_dir + "/" + path));
  std::string line;
  for (int number = 1; std::getline(text, line); ++number) {
    if (!line.starts_with("#include")) continue;
    const auto open = line.find_first_of("\"<"), close = line.find_last_of("\">");
    if (open != close) out.push_back({number, line.substr(open + 1, close - open - 1)});
  }
  return out;
}

const std::vector<std::pair<std::string, std::set<std::string>>> may_include = {
    {"node/core", {"node/core"}},
    {"modules", {"node/core", "modules"}},
    {"store", {"node/core", "store"}},
    {"node/wire", {"node/core", "store", "node/wire"}},
    {"node", {"node/core", "modules", "store", "node/wire", "node"}},
    {"relay", {"node/core", "store", "node/wire", "relay"}},
    {"investigator", {"node/core", "modules", "store", "node/wire", "investigator"}},
    {"simulate", {"node/core", "modules", "store", "node", "relay", "investigator", "simulate"}},
};

}  // namespace

TEST_CASE("a folder includes only what it may lean on") {
  for (const auto& path : sources()) {
    const std::string room = room_of(path);
    const auto rule = std::find_if(may_include.begin(), may_include.end(), [&](const auto& r) { return r.first == room; });
    REQUIRE(rule != may_include.end());
    for (const auto& include : includes_of(path)) {
      const std::string from = room_of(include.what);
      if (from.empty() || rule->second.contains(from)) continue;
      FAIL_CHECK(path << ":" << include.line << ": " << room << " may not include " << include.what << "; move what both need to node/core");
    }
  }
}

TEST_CASE("foreign libraries stay behind their doors") {
  const std::vector<std::pair<std::string, std::string>> doors = {
      {"zmq", "node/wire/"}, {"msgpack", "node/core/codec"}, {"gpgme", "investigator/gpg"}, {"lmdb.h", "store/lmdb"}, {"sqlite3.h", "store/"}, {"seccomp.h", "node/wall_calls"}, {"nlohmann", "node/core/json"}};
  for (const auto& path : sources())
    for (const auto& include : includes_of(path))
      for (const auto& [library, door] : doors)
        if (room_of(include.what).empty() && include.what.starts_with(library) && !path.starts_with(door))
          FAIL_CHECK(path << ":" << include.line << ": " << include.what << " is included outside " << door << "*");
}

TEST_CASE("machines touch no clock, thread, file or random device") {
  const std::set<std::string> impure = {"thread", "mutex", "fstream", "iostream", "random", "filesystem", "unistd.h", "fcntl.h", "ctime", "unordered_map", "unordered_set"};
  const std::set<std::string> machines = {"node/agent.cpp", "node/home_link.cpp", "node/journal.cpp", "node/audit.cpp", "investigator/investigator.cpp", "investigator/pursuit.cpp"};
  for (const auto& path : sources()) {
    const bool relay = path.starts_with("relay/") && path != "relay/main.cpp";
    if (!path.starts_with("node/core/") && !relay && !machines.contains(path)) continue;
    // Calendar arithmetic is pure; asking what time it is is not.
    if (read(source_dir + "/" + path).find("_clock::now") != std::string::npos) FAIL_CHECK(path << " asks a clock");
    for (const auto& include : includes_of(path))
      if (impure.contains(include.what)) FAIL_CHECK(path << ":" << include.line << ": " << include.what << " has no place in a machine; let the driver hand in what it needs");
  }
}

TEST_CASE("the table of one action's life names at most ten files, and every file and function in it exists") {
  std::istringstream text(read(source_dir + "/ARCHITECTURE.md"));
  std::string line;
  std::set<std::string> files;
  bool in_table = false;
  while (std::getline(text, line)) {
    if (line.starts_with("## ")) in_table = line == "## One action's life";
    if (!in_table || !line.starts_with("| ") || line.starts_with("| step")) continue;
    std::vector<std::string> quoted;
    for (std::size_t at = line.find('`'); at != std::string::npos;) {
      const std::size_t end = line.find('`', at + 1);
      quoted.push_back(line.substr(at + 1, end - at - 1));
      at = line.find('`', end + 1);
    }
    REQUIRE(quoted.size() >= 2);
    files.insert(quoted[0]);
    const std::string code = read(source_dir + "/" + quoted[0]);
    CHECK(!code.empty());
    for (std::size_t i = 1; i < quoted.size(); ++i) {
      INFO(quoted[0] << " should define " << quoted[i]);
      CHECK((code.find(" " + quoted[i] + "(") != std::string::npos || code.find("::" + quoted[i] + "(") != std::string::npos));
    }
  }
  CHECK(files.size() >= 8);
  CHECK(files.size() <= 10);
}

TEST_CASE("no source file is longer than five hundred lines") {
  for (const auto& path : sources()) {
    const std::string code = read(source_dir + "/" + path);
    if (auto lines = std::count(code.begin(), code.end(), '\n'); lines > 500) FAIL_CHECK(path << " has " << lines << " lines; a noun wants out");
  }
}

TEST_CASE("every patch of tests/mutations applies and names its test") {
  if (std::system("patch --version >/dev/null 2>&1") != 0) {
    WARN("skipped: there is no program patch here");
    return;
  }
  for (const auto& entry : fs::recursive_directory_iterator(source_dir + "/tests/mutations")) {
    if (entry.path().extension() != ".patch") continue;
    const std::string text = read(entry.path()), name = fs::relative(entry.path(), source_dir).string();
    if (text.find("\n# test: ") == std::string::npos) FAIL_CHECK(name << " has no line \"# test: TARGET FILTER\"");
    const std::string dry_run = "patch --dry-run --force --fuzz=0 --strip=1 --directory='" + source_dir + "' --input='" + entry.path().string() + "' >/dev/null 2>&1";
    if (std::system(dry_run.c_str()) != 0) FAIL_CHECK(name << " no longer applies: make the same change by hand and put its `git diff -U1` in the place of the old one");
  }
}
