// docs/security.md says who can do what. Every row must name tests, and every test it names must exist.
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::string read(const std::string& path) {
  std::ifstream file(std::string(MIG_SOURCE_DIR "/").append(path), std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Named {
  std::string file, test;
};
/// What stands between backticks and begins with "tests/".
std::vector<Named> tests_in(const std::string& line) {
  std::vector<Named> out;
  for (std::size_t open = line.find('`'); open != std::string::npos;) {
    const std::size_t close = line.find('`', open + 1);
    if (close == std::string::npos) break;
    const std::string quoted = line.substr(open + 1, close - open - 1);
    if (const std::size_t colon = quoted.find(": "); quoted.starts_with("tests/") && colon != std::string::npos) out.push_back({quoted.substr(0, colon), quoted.substr(colon + 2)});
    open = line.find('`', close + 1);
  }
  return out;
}

/// The text of a file with the strings that a line break cut put together again.
std::string whole_names(const std::string& path) {
  std::string code = read(path), out;
  for (std::size_t at = 0; at < code.size(); ++at) {
    if (code[at] == '"') {
      const std::size_t next = code.find_first_not_of(" \n", at + 1);
      if (next != std::string::npos && next > at + 1 && code[next] == '"' && code.substr(at, next - at).find('\n') != std::string::npos) {
        at = next;
        continue;
      }
    }
    out += code[at];
  }
  return out;
}

bool exists(const Named& named) {
  const std::string code = whole_names(named.file);
  if (named.file.ends_with(".py")) return code.find("def " + named.test + "(") != std::string::npos;
  const std::size_t at = code.find("\"" + named.test + "\"");
  if (at == std::string::npos) return false;
  const std::size_t opened = code.rfind("TEST_CASE", at);
  return opened != std::string::npos && code.substr(opened, at - opened).find('"') == std::string::npos;
}

}  // namespace

TEST_CASE("every row of docs/security.md names tests, and they exist") {
  std::istringstream text(read("docs/security.md"));
  std::string line;
  int rows = 0, number = 0;
  while (std::getline(text, line)) {
    ++number;
    const bool row = line.starts_with("| ") && !line.starts_with("| actor |") && !line.starts_with("| what |") && !line.starts_with("| a job cannot |");
    const auto named = tests_in(line);
    if (row && named.empty()) FAIL_CHECK("docs/security.md:" << number << ": this row names no test");
    const bool real = std::any_of(named.begin(), named.end(), [](const Named& one) {
      return one.file.starts_with("tests/real/") || one.file == "tests/node/jobs_test.cpp" || one.file == "tests/fuzz/corpus_test.cpp" || one.file == "tests/core/differential_test.cpp";
    });
    if (row && !real) FAIL_CHECK("docs/security.md:" << number << ": this row names no test against real processes");
    for (const auto& one : named)
      if (!exists(one)) FAIL_CHECK("docs/security.md:" << number << ": there is no test '" << one.test << "' in " << one.file);
    rows += row;
  }
  CHECK(rows >= 45);
}

TEST_CASE("a test that is not there is noticed") {
  CHECK(exists({"tests/core/seal_test.cpp", "without a body there is one part"}));
  CHECK(!exists({"tests/core/seal_test.cpp", "without a body there is no part"}));
  CHECK(!exists({"tests/core/nosuch_test.cpp", "without a body there is one part"}));
  CHECK(!exists({"tests/real/audit_test.py", "test_nothing"}));
}
