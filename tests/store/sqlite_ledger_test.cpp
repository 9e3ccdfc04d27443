// What is SQLite's alone: its files, other processes that hold it, full disks and damaged files.
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <fstream>

#include "tests/store/ledgers.h"

using namespace mig;
using namespace mig::store;
using namespace mig::store::testing;
using namespace mig::core;
using Catch::Matchers::Contains;

namespace {

const ActionKey key = key_of(action_id("asked"));

std::string refusal(const std::string& path) {
  auto ledger = open_sqlite_ledger(path, 50);
  REQUIRE_FALSE(ledger);
  return ledger.error().text;
}

/// Another program's hand on the file.
class Raw {
 public:
  explicit Raw(const std::string& path) { REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK); }
  ~Raw() { sqlite3_close(db_); }
  void execute(const std::string& sql) {
    char* trouble = nullptr;
    const int rc = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &trouble);
    INFO((trouble ? trouble : ""));
    REQUIRE(rc == SQLITE_OK);
  }

 private:
  sqlite3* db_ = nullptr;
};

}  // namespace

TEST_CASE("the ledger's files belong to their owner alone", "[ledger][sqlite]") {
  const mode_t before = ::umask(0);
  SqliteLedgers ledgers;
  auto ledger = ledgers.open();
  REQUIRE(ledger->keep({a_receipt(key, "ann")}));
  ::umask(before);
  const std::string home = std::filesystem::path(ledgers.path()).parent_path().string();
  CHECK(mode(home) == 0700);
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(home)) {
    CAPTURE(file.path().string());
    CHECK(mode(file.path().string()) == 0600);
    ++files;
  }
  CHECK(files >= 2);  // the write-ahead log too

  ledger.reset();
  REQUIRE(::chmod(ledgers.path().c_str(), 0644) == 0);
  ledger = ledgers.open();
  CHECK(mode(ledgers.path()) == 0600);
}

TEST_CASE("a ledger that another process holds is waited for, then said to be held", "[ledger][sqlite]") {
  SqliteLedgers ledgers;
  auto ledger = std::move(*open_sqlite_ledger(ledgers.path(), 50));
  Raw other(ledgers.path());
  other.execute("BEGIN IMMEDIATE");
  Status kept = ledger->keep({a_receipt(key, "ann")});
  REQUIRE_FALSE(kept);
  CHECK(kept.error().code == Code::later);
  CHECK_THAT(kept.error().text,
             Contains(ledgers.path()) && Contains("another process") && Contains("try again"));
  CHECK(ledger->receipts(key, 0).empty());  // reading does not wait
  CHECK(open_sqlite_ledger(ledgers.path(), 50));
  other.execute("ROLLBACK");
  CHECK(ledger->keep({a_receipt(key, "ann")}));
  CHECK(ledger->receipts(key, 0).size() == 1);
}

TEST_CASE("a file that is no ledger of ours is refused with its name and what helps", "[ledger][sqlite]") {
  Place place;
  SECTION("no database") {
    std::ofstream(place / "file") << Bytes(10'000, 'z');
    CHECK_THAT(refusal(place / "file"),
               Contains(place / "file") && Contains("not a database") && Contains("move it away"));
  }
  SECTION("another program's") {
    Raw(place / "file").execute("CREATE TABLE bookmarks (name TEXT)");
    CHECK_THAT(refusal(place / "file"),
               Contains(place / "file") && Contains("another program") && Contains("name another file"));
    Raw(place / "file").execute("INSERT INTO bookmarks VALUES ('untouched')");
  }
  SECTION("of a newer mig") {
    REQUIRE(open_sqlite_ledger(place / "file"));
    Raw(place / "file").execute("PRAGMA user_version = 999");
    CHECK_THAT(refusal(place / "file"), Contains(place / "file") && Contains("newer mig") && Contains("999"));
  }
  SECTION("a directory") {
    REQUIRE(::mkdir((place / "file").c_str(), 0700) == 0);
    CHECK_THAT(refusal(place / "file"), Contains(place / "file") && Contains("Is a directory"));
  }
  SECTION("no parent") {
    CHECK_THAT(refusal(place / "no/such/file"),
               Contains(place / "no/such/file") && Contains("its directory cannot be made"));
  }
  SECTION("of somebody else") {
    REQUIRE(::chmod(place.path().c_str(), 0755) == 0);
    REQUIRE(open_sqlite_ledger(place / "file"));
    auto child = in_a_child([&](int out) {
      if (::getuid() == 0 && ::setuid(65534) != 0) return;
      if (::getuid() != 65534) ::chmod((place / "file").c_str(), 0);
      auto ledger = open_sqlite_ledger(place / "file", 50);
      say(out, ledger ? "opened" : ledger.error().text);
    });
    REQUIRE(child.lines.size() == 1);
    CHECK_THAT(child.lines[0], Contains(place / "file") && Contains("Permission denied"));
  }
}

TEST_CASE("a step that the disk refuses leaves nothing, and can be kept later", "[ledger][sqlite]") {
  SqliteLedgers ledgers;
  auto child = in_a_child([&](int out) {
    ::signal(SIGXFSZ, SIG_IGN);
    auto ledger = ledgers.try_open();
    if (!ledger || !ledger->keep({a_receipt(key, "before")})) return;
    const rlimit none{100, RLIM_INFINITY}, all{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &none);
    const std::vector<Record> step{a_receipt(key, "ann"), KeepCursor{key, node("r"), {1, 1}},
                                   a_receipt(key, "ben")};
    Status kept = ledger->keep(step);
    say(out, kept ? "kept" : kept.error().text);
    say(out, fmt::format("{} {}", ledger->receipts(key, 0).size(), ledger->cursors(key).size()));
    ::setrlimit(RLIMIT_FSIZE, &all);
    say(out, ledger->keep(step) ? "kept" : "not kept");
  });
  REQUIRE(child.lines.size() == 3);
  CHECK_THAT(child.lines[0], Contains(ledgers.path()));
  CHECK(child.lines[1] == "1 0");
  CHECK(child.lines[2] == "kept");
  CHECK(ledgers.open()->receipts(key, 0).size() == 3);
}

TEST_CASE("on a disk that is really full a step is refused in words until there is room",
          "[ledger][sqlite]") {
  Place place;
  auto child = in_a_child([&](int out) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", place.path().c_str(), "tmpfs", 0, "size=2m,mode=0700") != 0)
      return say(out, "skipped");
    std::ofstream(place / "ballast") << Bytes(1 << 20, 'b');
    auto ledger = open_sqlite_ledger(place / "ledger");
    if (!ledger) return say(out, ledger.error().text);
    int kept = 0;
    Status status = Done{};
    while (status && kept < 2000) {
      status = (*ledger)->keep(
          {a_receipt(key, fmt::format("a {}", kept)), a_receipt(key, fmt::format("b {}", kept))});
      kept += status ? 1 : 0;
    }
    say(out, status ? "never refused" : status.error().text);
    say(out, (*ledger)->receipts(key, 0).size() == static_cast<std::size_t>(2 * kept) ? "whole" : "torn");
    std::filesystem::remove(place / "ballast");
    say(out, (*ledger)->keep({a_receipt(key, "after")}) ? "kept" : "refused still");
  });
  REQUIRE_FALSE(child.lines.empty());
  if (child.lines[0] == "skipped") {
    WARN("skipped: mounting a small disk needs root");
    return;
  }
  REQUIRE(child.lines.size() == 3);
  CHECK_THAT(child.lines[0], Contains(place / "ledger") && Contains("full") && Contains("free some space"));
  CHECK(child.lines[1] == "whole");
  CHECK(child.lines[2] == "kept");
}

TEST_CASE("a ledger found damaged while it is read ends the process in words, not in an empty answer",
          "[ledger][sqlite]") {
  SqliteLedgers ledgers;
  {
    auto ledger = ledgers.open();
    std::vector<Record> records;
    for (int i = 0; i < 500; ++i) records.push_back(a_receipt(key, fmt::format("agent {}", i)));
    REQUIRE(ledger->keep(records));
  }
  const auto size = std::filesystem::file_size(ledgers.path());
  {
    std::fstream file(ledgers.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size / 4));
    file << Bytes(static_cast<std::size_t>(size / 2), '\xee');
  }
  auto child = in_a_child([&](int out) {
    ::dup2(out, STDERR_FILENO);
    auto ledger = ledgers.try_open();
    if (!ledger) return say(out, "not opened");
    say(out, fmt::format("{} receipts", ledger->receipts(key, 0).size()));
  });
  REQUIRE(child.lines.size() == 1);
  CHECK_THAT(child.lines[0], Contains(ledgers.path()) && Contains("malformed") && Contains("move it away"));
  CHECK(WIFEXITED(child.status));
  CHECK(WEXITSTATUS(child.status) == 2);
}
