// Versions compared as dpkg, librpm and MIG compare them, against dpkg and librpm themselves.
#include "modules/pkg/versions.h"

#include <fstream>
#include <random>
#include <sstream>

#include "pkg_machine.h"

using namespace mig;
using namespace mig::test::pkg;
using modules::pkg::compare_dpkg;
using modules::pkg::compare_mig;
using modules::pkg::compare_rpm;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Half of them near relatives, since two random texts differ in their first letter.
Pairs random_pairs(const std::string& letters, std::size_t count) {
  std::mt19937 random(20260101);
  const auto below = [&](std::size_t n) { return random() % n; };
  const auto part = [&](std::size_t most) {
    std::string out(1, static_cast<char>('0' + below(10)));
    for (std::size_t n = below(most); n > 0; --n) out += letters[below(letters.size())];
    return out;
  };
  const auto version = [&] { return (below(5) == 0 ? std::to_string(below(3)) + ":" : "") + part(9) + (below(2) == 0 ? "-" + part(6) : ""); };
  Pairs out;
  while (out.size() < count) {
    std::string a = version(), b = version();
    if (out.size() % 2 == 0) {
      b = a;
      const std::size_t at = below(b.size() + 1);
      const std::string more(1, letters[below(letters.size())]);
      // Behind the first digit of a part, so that both stay versions.
      if (at > 0 && b[at - 1] != ':' && b[at - 1] != '-' && b.find(':', at) == b.npos) b.insert(at, more);
    }
    for (std::string* one : {&a, &b})
      if (one->back() == '-') *one += '0';  // an empty revision is no version
    out.emplace_back(std::move(a), std::move(b));
  }
  return out;
}

int sign(int value) { return value < 0 ? -1 : value > 0 ? 1 : 0; }

/// `theirs`: -1, 0 or 1 a line.
void agrees(const Pairs& pairs, const std::string& theirs, int (*compare)(std::string_view, std::string_view)) {
  std::istringstream lines(theirs);
  std::size_t answered = 0, differences = 0;
  for (int answer = 0; answered < pairs.size() && lines >> answer; ++answered) {
    const auto& [a, b] = pairs[answered];
    if (sign(answer) == sign(compare(a, b)) && sign(-answer) == sign(compare(b, a))) continue;
    if (++differences <= 10) UNSCOPED_INFO("'" << a << "' and '" << b << "': theirs " << answer << ", ours " << compare(a, b));
  }
  CHECK(answered == pairs.size());
  CHECK(differences == 0);
}

void write(const std::string& path, const Pairs& pairs) {
  std::ofstream file(path);
  for (const auto& [a, b] : pairs) file << a << ' ' << b << '\n';
}

}  // namespace

TEST_CASE("versions of dpkg compare as the manual has it", "[pkg]") {
  for (const auto& [a, b] : Pairs{{"1.0~rc1", "1.0"}, {"1.0~~", "1.0~~a"}, {"1.0~~a", "1.0~"}, {"1.0", "1.0a"}, {"1.0a", "1.0+"}, {"1.0+b", "1.0.1"},
                                  {"1.9", "1.10"}, {"9.9", "1:0.1"}, {"1.0-1", "1.0-1.1"}, {"1.0", "1.0-0.1"}, {"1.0-9", "1.0-10"}, {"1-2-3", "1-3-1"},
                                  {"1.99999999999999999998", "1.99999999999999999999"}}) {
    INFO(a << " < " << b);
    CHECK(compare_dpkg(a, b) < 0);
    CHECK(compare_dpkg(b, a) > 0);
  }
  for (const auto& [a, b] : Pairs{{"1.0", "0:1.0"}, {"1.0", "1.0-0"}, {"1.01", "1.1"}, {"1.0", "1.00"}}) CHECK(compare_dpkg(a, b) == 0);
}

TEST_CASE("versions of rpm compare as librpm's own tests have it", "[pkg]") {
  for (const auto& [a, b] : Pairs{{"1.0", "2.0"}, {"2.0", "2.0.1"}, {"2.0.1", "2.0.1a"}, {"5.5p1", "5.5p2"}, {"5.5p1", "5.5p10"}, {"xyz10", "xyz10.1"},
                                  {"xyz.4", "8"}, {"1.0a", "1.0.1"}, {"4.999.9", "5.0"}, {"6.0", "6.0.rc1"}, {"10.0001", "10.0039"},
                                  {"1.0~rc1", "1.0"}, {"1.0~rc1~git", "1.0~rc1"}, {"1.0", "1.0^"}, {"1.0^git1", "1.0.1"}, {"1.0^git1", "1.01"},
                                  {"1.0~rc1^git1", "1.0"}, {"9", "1:0"}, {"1.0", "1.0-1"}, {"1.0-1.el6", "1.0-1.el6_2.1"}}) {
    INFO(a << " < " << b);
    CHECK(compare_rpm(a, b) < 0);
    CHECK(compare_rpm(b, a) > 0);
  }
  for (const auto& [a, b] : Pairs{{"1.0", "1_0"}, {"10.0001", "10.1"}, {"a", "a_"}, {"a+", "a_"}, {"0:1", "1"}}) CHECK(compare_rpm(a, b) == 0);
}

TEST_CASE("versions compared in MIG's way know neither tildes nor plus signs", "[pkg]") {
  const auto is = [](const char* a, const char* b) { return *compare_mig(a, b); };
  CHECK(is("1.0", "1.0.1") < 0);
  CHECK(is("1.0.1", "1.0") > 0);
  CHECK(is("1.0~rc1", "1.0") > 0);
  CHECK(is("1.0+b", "1.0~b") == 0);
  CHECK(is("1.5", "1.a") > 0);
  CHECK(is("1:1", "2") > 0);
  CHECK(is("12", "9") > 0);
  CHECK(is("00", "0") == 0);
  CHECK(is("1.0-2", "1.0-10") < 0);
  CHECK(is("1.0", "1.0-1") < 0);
  CHECK(is("2.12-1.149.el6_6.9", "2.12-1.166.el6_7.7") < 0);
  CHECK(compare_mig("3:", "1").error().text == "'3:' is an epoch without a version");
  CHECK(compare_mig("1", "1.0-").error().text == "'1.0-' has nothing behind its last dash");
}

namespace {

constexpr const char* letters_of_dpkg = "0123456789abzAZ.+~.0-";

/// What `dpkg --compare-versions` says of each pair; it starts once or twice for each.
std::string asked_of_dpkg(const test::MadeUpRoot& folder, const Pairs& pairs) {
  write(folder.path("/some"), pairs);
  return shell("while read a b; do if dpkg --compare-versions $a lt $b; then echo -1; elif dpkg --compare-versions $a eq $b; then echo 0; else echo 1; fi; done < " + folder.path("/some"));
}

}  // namespace

TEST_CASE("ten thousand random pairs compare as dpkg's library compares them, some of them as dpkg itself", "[pkg]") {
  if (shell("perl -MDpkg::Version -e 1 && echo yes").empty() || missing("dpkg", "dpkg")) {
    WARN("left out: perl has no Dpkg::Version (Debian: libdpkg-perl)");
    return;
  }
  const test::MadeUpRoot folder;
  const Pairs pairs = random_pairs(letters_of_dpkg, 10'000), some(pairs.begin(), pairs.begin() + 150);
  write(folder.path("/pairs"), pairs);
  agrees(pairs, shell("perl -MDpkg::Version -lane 'print version_compare($F[0], $F[1])' " + folder.path("/pairs")), compare_dpkg);
  agrees(some, asked_of_dpkg(folder, some), compare_dpkg);
}

TEST_CASE("ten thousand random pairs compare as dpkg --compare-versions does; it takes a quarter of a minute", "[.pkg_slow]") {
  if (missing("dpkg", "dpkg")) return;
  const test::MadeUpRoot folder;
  const Pairs pairs = random_pairs(letters_of_dpkg, 10'000);
  agrees(pairs, asked_of_dpkg(folder, pairs), compare_dpkg);
}

TEST_CASE("ten thousand random pairs compare as librpm compares them", "[pkg]") {
  if (missing("rpm", "rpm")) return;
  const test::MadeUpRoot folder;
  const Pairs pairs = random_pairs("0123456789abzAZ.+~^._0", 10'000);
  write(folder.path("/pairs"), pairs);
  folder.file("/ask.lua", "for line in io.lines('" + folder.path("/pairs") + "') do local a, b = line:match('(%S+) (%S+)'); print(rpm.vercmp(a, b) .. ' ') end");
  agrees(pairs, shell("rpm --eval '%{lua: dofile(\"" + folder.path("/ask.lua") + "\")}'"), compare_rpm);
}
