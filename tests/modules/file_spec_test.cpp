// Module file: parameters, candidates and texts, rule by rule, where a small tree and whole documents do not
// reach.
#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <grp.h>
#include <openssl/evp.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "node/core/schema.h"
#include "tests/modules/child.h"
#include "tests/modules/file_tree.h"

using namespace mig;
using core::Json;
using test::ask;
using test::FileTree;

namespace {

Json all_of(const std::string& path, Json values, Json options = Json::object()) {
  options["matchall"] = true;
  values["paths"] = {path};
  values["options"] = std::move(options);
  return values;
}

/// What is found, one path a line, then the counts and the errors.
std::string told(const modules::Answer& answer, const std::string& under) {
  std::string out;
  for (const Json& one : answer.elements["s1"]) out += one["file"].get<std::string>() + "\n";
  out += fmt::format("checked {} failed {}\n", answer.statistics["filescount"].get<int>(),
                     answer.statistics["openfailed"].get<int>());
  for (const std::string& error : answer.errors) out += error + "\n";
  for (std::size_t at; (at = out.find(under)) != out.npos;) out.replace(at, under.size(), "$");
  return out;
}

/// As somebody without rights. Says so if this process cannot become nobody.
std::string as_nobody(const std::function<std::string()>& work) {
  return test::in_child([&]() -> std::string {
    if (geteuid() == 0 && (setgroups(0, nullptr) != 0 || setresgid(65534, 65534, 65534) != 0 ||
                           setresuid(65534, 65534, 65534) != 0))
      return "skipped";
    return work();
  });
}

std::string hex_of(const char* algorithm, const std::string& text) {
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), sum, &size, EVP_get_digestbyname(algorithm), nullptr);
  std::string out;
  for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02X}", sum[i]);
  return out;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

TEST_CASE(
    "file: a path without a leading slash counts from where the agent stands; wildcards stand for "
    "themselves") {
  FileTree tree;
  tree.file("deep*/starred", "x");
  const std::string said = test::in_child([&]() -> std::string {
    if (chdir(tree.root().c_str()) != 0) return "no directory";
    return told(ask({{"s1", all_of("deep", {{"names", {"."}}})}}), tree.root());
  });
  CHECK(said == "deep/one/middle\ndeep/one/two/three/bottom\ndeep/top\nchecked 3 failed 0\n");
  CHECK(told(ask({{"s1", all_of(tree.path("deep*"), {{"names", {"."}}})}}), tree.root()) ==
        "$/deep*/starred\nchecked 1 failed 0\n");
  CHECK(told(ask({{"s1", all_of(tree.path("siz*"), {{"names", {"."}}})}}), tree.root()) ==
        "\nchecked 0 failed 1\nERROR: open $/siz*: No such file or directory\n");
}

TEST_CASE("file: what may not be read is counted with its cause, and only what has to be opened is opened") {
  FileTree tree;
  tree.file("guarded/secret", "needle", 0);
  tree.file("guarded/open", "needle");
  tree.file("guarded/shut/inside", "needle");
  REQUIRE(chmod(tree.root().c_str(), 0755) == 0);
  REQUIRE(chmod(tree.path("guarded/shut").c_str(), 0) == 0);
  auto look = [&](const Json& values) {
    return as_nobody([&] { return told(ask({{"s1", all_of(tree.path("guarded"), values)}}), tree.root()); });
  };
  const std::string shut = "ERROR: open $/guarded/shut: Permission denied\n";
  const std::string contents = look({{"contents", {"needle"}}});
  chmod(tree.path("guarded/shut").c_str(), 0755);
  if (contents == "skipped") {
    WARN("this process cannot become another user: skipped");
    return;
  }
  CHECK(contents ==
        "$/guarded/open\nchecked 2 failed 2\nERROR: open $/guarded/secret: Permission denied\n" + shut);
  chmod(tree.path("guarded/shut").c_str(), 0);
  // The name is judged first: nothing is opened for a file that is out already, and for none that needs no
  // reading.
  CHECK(look({{"names", {"^open$"}}, {"contents", {"needle"}}}) ==
        "$/guarded/open\nchecked 2 failed 1\n" + shut);
  CHECK(look({{"sizes", {"7"}}, {"contents", {"needle"}}}) == "\nchecked 2 failed 1\n" + shut);
  CHECK(look({{"names", {"."}}, {"modes", {"-"}}}) ==
        "$/guarded/open\n$/guarded/secret\nchecked 2 failed 1\n" + shut);
  CHECK(as_nobody([&] {
          return told(ask({{"s1", all_of(tree.path("guarded/shut"), {{"names", {"."}}})}}), tree.root());
        }) == "\nchecked 0 failed 1\n" + shut);
  chmod(tree.path("guarded/shut").c_str(), 0755);
}

TEST_CASE(
    "file: regular files and links to them are looked at, wherever these lead; sockets, pipes and devices "
    "never") {
  FileTree tree;
  tree.file("outside/target", "needle\n");
  tree.file("kinds/plain", "needle\n");
  ::symlink("../outside/target", tree.path("kinds/far").c_str());
  ::symlink("far", tree.path("kinds/further").c_str());
  ::symlink("/dev/null", tree.path("kinds/null").c_str());
  ::symlink("circle", tree.path("kinds/circle").c_str());
  ::symlink("pipe", tree.path("kinds/to-pipe").c_str());
  ::mkfifo(tree.path("kinds/pipe").c_str(), 0644);
  if (::mknod(tree.path("kinds/device").c_str(), S_IFCHR | 0666, makedev(1, 5)) != 0)
    WARN("no device can be made here: left out");
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1, "{}", tree.path("kinds/socket"));
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  for (const Json& values : {Json{{"contents", {"^needle$"}}}, Json{{"names", {"."}}}}) {
    CHECK(told(ask({{"s1", all_of(tree.path("kinds"), values)}}), tree.root()) ==
          "$/kinds/far\n$/kinds/further\n$/kinds/plain\nchecked 3 failed 1\n"
          "ERROR: followSymLink() -> $/kinds/circle: Too many levels of symbolic links\n");
  }
  for (const char* kind : {"kinds/pipe", "kinds/socket", "kinds/device"})
    if (::access(tree.path(kind).c_str(), F_OK) == 0)
      CHECK(told(ask({{"s1", all_of(tree.path(kind), {{"names", {"."}}})}}), tree.root()) ==
            "\nchecked 0 failed 0\n");
  ::close(listener);
}

TEST_CASE("file: the files of a directory come before its directories, and a limit keeps the first") {
  FileTree tree;
  tree.file("order/a/first-below", "x");
  tree.file("order/z", "x");
  tree.file("order/y", "x");
  CHECK(told(ask({{"s1", all_of(tree.path("order"), {{"names", {"."}}}, {{"matchlimit", 2}})}}), tree.root())
            .starts_with("$/order/y\n$/order/z\n"));
  // Without matchall the limit counts values and files together.
  const auto any = ask({{"s1",
                         {{"paths", {tree.path("order")}},
                          {"names", {"."}},
                          {"sizes", {"1"}},
                          {"options", {{"matchlimit", 3}}}}}});
  CHECK(any.statistics["totalhits"] == 3);
}

TEST_CASE(
    "file: without matchall the values answer in the order contents, names, sizes, modes, mtimes, md5, sha1, "
    "sha2, sha3") {
  FileTree tree;
  tree.file("nine/it", "text\n");
  Json search{{"paths", {tree.path("nine")}}, {"options", Json::object()}};
  std::vector<std::pair<std::string, std::string>> wanted = {{"contents", "^text$"},
                                                             {"names", "^it$"},
                                                             {"sizes", "5"},
                                                             {"modes", "^-rw-r--r--$"},
                                                             {"mtimes", ">1d"},
                                                             {"md5", hex_of("md5", "text\n")},
                                                             {"sha1", hex_of("sha1", "text\n")}};
  for (const char* name : {"sha256", "sha384", "sha512"}) wanted.emplace_back("sha2", hex_of(name, "text\n"));
  for (const char* name : {"sha3-224", "sha3-256", "sha3-384", "sha3-512"})
    wanted.emplace_back("sha3", hex_of(name, "text\n"));
  for (const auto& [key, value] : wanted)
    search[key].push_back(wanted.size() % 2                     ? value
                          : key.find("sh") == 0 || key == "md5" ? lower(value)
                                                                : value);
  const auto answer = ask({{"s1", search}});
  REQUIRE(answer.elements["s1"].size() == wanted.size());
  std::string words;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    INFO(wanted[i].first);
    CHECK(answer.elements["s1"][i]["search"][wanted[i].first] == Json{wanted[i].second});
    CHECK(answer.elements["s1"][i]["file"] == tree.path("nine/it"));
  }
  // Printed, each says what it hit.
  const auto lines = modules::find("file")->print(answer, true);
  REQUIRE(lines.size() == wanted.size());
  const char* names[] = {"content", "name", "size", "mode", "mtime", "md5", "sha1"};
  for (std::size_t i = 0; i < wanted.size(); ++i)
    CHECK(lines[i] ==
          fmt::format("{} [lastmodified:{}, mode:-rw-r--r--, size:5] in search 's1' on checks {}='{}'",
                      tree.path("nine/it"), FileTree::old_text, i < 7 ? names[i] : wanted[i].first,
                      wanted[i].second));
}

TEST_CASE("file: printed are also the sum in small letters, what was not found, errors and numbers") {
  FileTree tree;
  const Json search = all_of(tree.path("sizes"), {{"names", {"^s1k$"}}}, {{"returnsha256", true}});
  const auto* file = modules::find("file");
  CHECK(file->print(ask({{"s1", search}}), true)[0] ==
        fmt::format("{} [lastmodified:{}, mode:-rw-r--r--, size:1024, sha256:{}] in search 's1'",
                    tree.path("sizes/s1k"), FileTree::old_text,
                    lower(hex_of("sha256", std::string(1024, 's')))));
  Json none = all_of(tree.path("absent"), {{"names", {"."}}});
  auto answer = ask({{"s1", none}});
  const auto lines = file->print(answer, false);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "0 match found in search 's1'");
  CHECK(lines[1] == "ERROR: open " + tree.path("absent") + ": No such file or directory");
  CHECK(lines[2].starts_with("Statistics: 0 files checked, 1 failed to open, 0 matched, ran in "));
  file->mask(answer);
  CHECK(answer.errors == std::vector<std::string>{"masked"});
}

TEST_CASE("file: the command line makes one search, s1, with MIG's defaults; matchany wins over matchall") {
  const auto& schema = modules::find("file")->parameters();
  auto flags = [&](const std::vector<std::string>& words) {
    auto document = core::from_flags(schema, words);
    return document ? *document : Json(document.error().text);
  };
  auto holds = [](const Json& options, const Json& wanted) {
    for (const auto& [key, value] : wanted.items())
      CHECK(std::pair(key, options.value(key, Json())) == std::pair(key, value));
  };
  const Json plain = flags({"-path", "/etc", "-path", "/usr", "-name", "^a$"});
  CHECK(plain["searches"]["s1"]["paths"] == Json{"/etc", "/usr"});
  holds(plain["searches"]["s1"]["options"], {{"matchall", true},
                                             {"maxdepth", 1000},
                                             {"maxerrors", 30},
                                             {"matchlimit", 1000},
                                             {"macroal", false},
                                             {"returnsha256", false},
                                             {"decompress", false}});
  const std::string m(32, 'a'), s1(40, 'b'), s2(64, 'c'), s3(56, 'd');
  Json all = flags({"-path",       "/",
                    "-name",       "n",
                    "-size",       ">1k",
                    "-mode",       "^-",
                    "-mtime",      "<5d",
                    "-content",    "c",
                    "-md5",        m,
                    "-sha1",       s1,
                    "-sha2",       s2,
                    "-sha3",       s3,
                    "-mismatch",   "name",
                    "-mismatch",   "sha3",
                    "-maxdepth",   "7",
                    "-maxerrors",  "8",
                    "-matchlimit", "9",
                    "-matchall",   "-matchany",
                    "-macroal",    "-returnsha256",
                    "-decompress", "-verbose"})["searches"]["s1"];
  CHECK(all["options"]["matchall"] == false);
  holds(all["options"], {{"macroal", true},
                         {"returnsha256", true},
                         {"decompress", true},
                         {"maxdepth", 7},
                         {"maxerrors", 8},
                         {"matchlimit", 9},
                         {"mismatch", {"name", "sha3"}}});
  holds(all, {{"names", Json{"n"}},
              {"sizes", Json{">1k"}},
              {"modes", Json{"^-"}},
              {"mtimes", Json{"<5d"}},
              {"contents", Json{"c"}},
              {"md5", Json{m}},
              {"sha1", Json{s1}},
              {"sha2", Json{s2}},
              {"sha3", Json{s3}}});
}

TEST_CASE("file: labels, sizes, periods and sums are bounded as MIG bounded them") {
  FileTree tree;
  auto good = [&](const std::string& label, const Json& values) {
    modules::Budget budget(30, 0);
    return modules::run("file", {{"searches", {{label, all_of(tree.path("sizes"), values)}}}}, {}, budget)
        .success;
  };
  const Json any{{"names", {"."}}};
  CHECK(good(std::string(64, 'l'), any));
  CHECK(good("backdoored/bin/ls", any));
  for (const std::string& label : {std::string(65, 'l'), std::string(), std::string("two\nlines")})
    CHECK_FALSE(good(label, any));
  for (const char* size : {"0", "<0", ">5t", "12g"}) CHECK(good("s1", {{"sizes", {size}}}));
  for (const char* size : {"", "m", "<", ">k", "1 k", "1K", "-1", "1kb", "=5", "<<5", "99999999999999999999"})
    CHECK_FALSE(good("s1", {{"sizes", {size}}}));
  for (const char* period : {"<90d", ">5h", "<30m", ">0d"}) CHECK(good("s1", {{"mtimes", {period}}}));
  for (const char* period : {"", "90d", "<90", "<d", "<1w", "=5d", "<-5d"})
    CHECK_FALSE(good("s1", {{"mtimes", {period}}}));
  for (const char* key : {"names", "contents", "modes"}) CHECK_FALSE(good("s1", {{key, {""}}}));
  for (const char* key : {"md5", "sha1", "sha2", "sha3"})
    for (const std::size_t digits : {0U, 31U, 32U, 40U, 56U, 64U, 96U, 128U, 130U}) {
      const std::string name = key;
      const bool right = name == "md5"    ? digits == 32
                         : name == "sha1" ? digits == 40
                                          : digits == 64 || digits == 96 || digits == 128 ||
                                                (name == "sha3" && digits == 56);
      INFO(key << digits);
      CHECK(good("s1", {{key, {std::string(digits, 'A')}}}) == right);
      CHECK_FALSE(good("s1", {{key, {std::string(digits, 'g')}}}));
    }
}

TEST_CASE("file: lines and times at their edges") {
  FileTree tree;
  const std::string top = tree.path("edges");
  tree.file("edges/two-returns", "one\r\r\n");
  tree.file("edges/return-at-end", "one\r");
  tree.file("edges/both", "hello world\nworld hello\n");
  auto is = [&](const Json& values, const Json& options = Json::object()) {
    return told(ask({{"s1", all_of(top, values, options)}}), top);
  };
  CHECK(is({{"contents", {"^one$"}}}).starts_with("$/return-at-end\nchecked"));
  CHECK(is({{"contents", {"^one\\r$"}}}).starts_with("$/two-returns\nchecked"));
  // macroal: every value on every line.
  CHECK(is({{"contents", {"hello", "world"}}}, {{"macroal", true}}).starts_with("$/both\nchecked"));
  CHECK(is({{"contents", {"hello", "^world"}}}, {{"macroal", true}}).starts_with("\nchecked"));
  CHECK(is({{"contents", {"hello", "!nowhere"}}}, {{"macroal", true}}).starts_with("$/both\nchecked"));
  // What was changed in the future was changed within any period.
  const timespec times[2] = {{0, UTIME_NOW}, {std::time(nullptr) + 86400, 0}};
  ::utimensat(AT_FDCWD, tree.path("edges/both").c_str(), times, 0);
  CHECK(is({{"mtimes", {"<1m"}}}).starts_with("$/both\nchecked"));
  CHECK(is({{"mtimes", {">1m"}}}).starts_with("$/return-at-end\n$/two-returns\nchecked"));
}

TEST_CASE("file: holes are read as zeros, and files of /proc without a size to their end") {
  FileTree tree;
  const std::string sparse = tree.path("holes/sparse");
  tree.file("holes/sparse", "begin\n");
  std::ofstream(sparse, std::ios::binary | std::ios::in | std::ios::out).seekp(48 << 20) << "\nneedle\n";
  CHECK(told(ask({{"s1", all_of(tree.path("holes"), {{"contents", {"^needle$"}}})}}), tree.root()) ==
        "$/holes/sparse\nchecked 1 failed 0\n");
  const std::string own = fmt::format("/proc/{}/status", getpid());
  CHECK(told(ask({{"s1", all_of(own, {{"contents", {fmt::format("^Pid:\\s{}$", getpid())}}})}}), "none") ==
        own + "\nchecked 1 failed 0\n");
}

TEST_CASE("file: files that come and go under the walk spoil nothing") {
  FileTree tree;
  const std::string top = tree.path("lively");
  tree.file("lively/zz-stays", "needle\n");
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    for (int i = 0; !stop; ++i) {
      const std::string name = fmt::format("{}/f{}", top, i % 50), below = fmt::format("{}/d{}", top, i % 7);
      std::ofstream(name) << "needle\n";
      std::filesystem::create_directory(below);
      std::ofstream(below + "/x") << "needle\n";
      ::unlink(fmt::format("{}/f{}", top, (i + 25) % 50).c_str());
      ::unlink((below + "/x").c_str());
      ::rmdir(below.c_str());
    }
  });
  for (int i = 0; i < 60; ++i) {
    const auto answer = ask({{"s1", all_of(top, {{"contents", {"needle"}}}, {{"returnsha256", true}})}});
    CHECK(answer.success);
    const auto& rows = answer.elements["s1"];
    CHECK(std::count_if(rows.begin(), rows.end(),
                        [&](const Json& one) { return one["file"] == top + "/zz-stays"; }) == 1);
  }
  stop = true;
  busy.join();
}
