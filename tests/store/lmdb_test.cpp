// What is LMDB's alone: its files, its bounds, full disks, damaged files, and processes that are killed.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <set>

#include "tests/store/disks.h"

using namespace mig;
using namespace mig::store;
using namespace mig::store::testing;
using Catch::Matchers::Contains;
using core::Bytes;
using core::BytesView;

namespace {

constexpr std::size_t roomy = 64 << 20;

std::unique_ptr<Store> opened(const std::string& directory, std::size_t map_bytes = roomy) {
  auto store = open_lmdb(directory, map_bytes);
  INFO((store ? "" : store.error().text));
  REQUIRE(store);
  return std::move(*store);
}

std::string refusal(const std::string& directory) {
  auto store = open_lmdb(directory, roomy);
  REQUIRE_FALSE(store);
  return store.error().text;
}

unsigned mode(const std::string& path) {
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  return about.st_mode & 07777;
}

/// What `work` writes, line by line, from a process of its own, and how that ended. Stopped after `lines` by
/// SIGKILL.
struct Ending {
  std::vector<std::string> lines;
  bool killed = false;
  int status = 0;
};
Ending in_a_child(const std::function<void(int out)>& work, std::size_t kill_after = SIZE_MAX) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    ::signal(SIGABRT, SIG_DFL);  // an abort is a child's own matter, not Catch's
    work(ends[1]);
    ::_exit(0);
  }
  ::close(ends[1]);
  Ending out;
  std::string line;
  for (char c; ::read(ends[0], &c, 1) == 1;) {
    if (c != '\n') {
      line += c;
      continue;
    }
    out.lines.push_back(std::exchange(line, {}));
    if (out.lines.size() == kill_after)
      ::kill(child, SIGKILL);  // what is in the pipe already was said before
  }
  ::close(ends[0]);
  ::waitpid(child, &out.status, 0);
  out.killed = WIFSIGNALED(out.status) && WTERMSIG(out.status) == SIGKILL;
  return out;
}

void say(int out, const std::string& line) { (void)!::write(out, (line + "\n").data(), line.size() + 1); }

}  // namespace

TEST_CASE("directory and files belong to their owner alone", "[store][lmdb]") {
  Place place;
  const mode_t before = ::umask(0);
  auto store = opened(place / "state");
  store->put("a", "1");
  CHECK(committed(*store));
  ::umask(before);
  CHECK(mode(place / "state") == 0700);
  for (const auto& file : std::filesystem::directory_iterator(place / "state")) {
    CAPTURE(file.path().string());
    CHECK(mode(file.path().string()) == 0600);
  }
}

TEST_CASE("a directory is one process's at a time, and the other is told whose", "[store][lmdb]") {
  Place place;
  auto first = opened(place / "state");
  CHECK_THAT(refusal(place / "state"),
             Contains(place / "state") && Contains(fmt::format("process {} uses it", ::getpid())));
  auto child = in_a_child([&](int out) {
    auto store = open_lmdb(place / "state", roomy);
    say(out, store ? "opened" : store.error().text);
  });
  REQUIRE(child.lines.size() == 1);
  CHECK_THAT(child.lines[0], Contains(fmt::format("process {} uses it", ::getpid())));
  first.reset();
  CHECK(opened(place / "state"));
}

TEST_CASE("the lock of a killed process is gone with it", "[store][lmdb]") {
  Place place;
  auto child = in_a_child(
      [&](int out) {
        auto store = open_lmdb(place / "state", roomy);
        say(out, store ? "opened" : store.error().text);
        ::pause();
      },
      1);
  CHECK(child.killed);
  CHECK(child.lines == std::vector<std::string>{"opened"});
  CHECK(opened(place / "state"));
}

TEST_CASE("a directory that cannot be used is refused with its name and what helps", "[store][lmdb]") {
  Place place;
  SECTION("no parent") {
    CHECK_THAT(refusal(place / "no/such"), Contains(place / "no/such") && Contains("its parent must exist"));
  }
  SECTION("a file") {
    std::ofstream(place / "file") << "x";
    CHECK_THAT(refusal(place / "file"), Contains(place / "file") && Contains("not a directory"));
  }
  SECTION("open to everybody") {
    REQUIRE(::mkdir((place / "wide").c_str(), 0700) == 0);
    REQUIRE(::chmod((place / "wide").c_str(), 0777) == 0);
    CHECK_THAT(refusal(place / "wide"), Contains(place / "wide") && Contains("chmod 700"));
  }
  SECTION("of somebody else") {
    REQUIRE(::chmod(place.path().c_str(), 0755) == 0);
    REQUIRE(::mkdir((place / "theirs").c_str(), 0755) == 0);
    auto child = in_a_child([&](int out) {
      if (::getuid() == 0 && ::setuid(65534) != 0) return;
      if (::getuid() != 65534) ::chmod((place / "theirs").c_str(), 0500);
      auto store = open_lmdb(place / "theirs", roomy);
      say(out, store ? "opened" : store.error().text);
    });
    REQUIRE(child.lines.size() == 1);
    CHECK_THAT(child.lines[0], Contains(place / "theirs") && Contains("Permission denied") &&
                                   Contains("give it to the user"));
  }
}

TEST_CASE("a damaged database is refused with its name and what helps", "[store][lmdb]") {
  Place place;
  const std::string directory = place / "state", file = directory + "/data.mdb";
  {
    auto store = opened(directory);
    for (int i = 0; i < 3000; ++i) store->put(fmt::format("key {:05}", i), Bytes(100, 'x'));
    REQUIRE(committed(*store));
  }
  const auto size = std::filesystem::file_size(file);
  SECTION("no database at all") {
    std::ofstream(file, std::ios::trunc) << Bytes(static_cast<std::size_t>(size), 'z');
    CHECK_THAT(refusal(directory),
               Contains(directory) && Contains("data.mdb is damaged") && Contains("move the directory away"));
  }
  SECTION("cut off within its head") {
    std::filesystem::resize_file(file, 100);
    CHECK_THAT(refusal(directory), Contains(directory) && Contains("data.mdb is damaged"));
  }
  SECTION("cut off behind it") {
    // The first look at the missing part may end the process, in the same words.
    std::filesystem::resize_file(file, size / 2);
    auto child = in_a_child([&](int out) {
      ::dup2(out, STDERR_FILENO);
      auto store = open_lmdb(directory, roomy);
      say(out, store ? "opened" : store.error().text);
    });
    REQUIRE_FALSE(child.lines.empty());
    CHECK_THAT(child.lines[0], Contains(directory) && Contains("data.mdb is damaged"));
  }
}

TEST_CASE("a database whose last pages were never needed opens", "[store][lmdb]") {
  // LMDB does not write pages that were given up in the transaction that took them, so a file may be shorter
  // than its own count says. Made here by cutting off pages that are free.
  Place place;
  const std::string directory = place / "state", file = directory + "/data.mdb";
  {
    auto store = opened(directory);
    store->put("kept", "1");
    REQUIRE(committed(*store));
    for (int i = 0; i < 100; ++i) store->put(fmt::format("key {}", i), Bytes(8000, 'x'));
    REQUIRE(committed(*store));
    for (int i = 0; i < 100; ++i) store->erase(fmt::format("key {}", i));
    REQUIRE(committed(*store));
    store->put("kept", "2");
    REQUIRE(committed(*store));
    store->put("kept", "3");
    REQUIRE(committed(*store));
  }
  const auto size = std::filesystem::file_size(file);
  std::filesystem::resize_file(file, size / 2);
  auto store = opened(directory);
  CHECK(store->get("kept") == "3");
  CHECK(std::filesystem::file_size(file) >= size);
}

TEST_CASE("a store that has reached its bound refuses, and can be emptied", "[store][lmdb]") {
  Place place;
  auto store = opened(place / "state", 1 << 20);
  int written = 0;  // records, twenty a batch
  auto write_twenty = [&](const std::string& kind) {
    for (int i = 0; i < 20; ++i) store->put(fmt::format("{} {:04}", kind, written + i), Bytes(900, 'x'));
    return committed(*store);
  };
  while (write_twenty("key")) REQUIRE((written += 20) < 2000);
  CHECK(written > 100);
  const Bytes refused = fmt::format("key {:04}", written);
  CHECK(store->get(refused));
  CHECK_FALSE(committed(*store));
  CHECK(store->get("key 0000"));

  for (int i = 0; i < written; ++i) store->erase(fmt::format("key {:04}", i));
  CHECK(committed(*store));  // the refused ones go along
  CHECK(store->get(refused) == Bytes(900, 'x'));
  CHECK_FALSE(store->get("key 0000"));
  for (written = 0; written < 200; written += 20) CHECK(write_twenty("again"));
  store.reset();
  store = opened(place / "state", 1 << 20);
  CHECK(store->get(refused) == Bytes(900, 'x'));
  CHECK(store->get("again 0199") == Bytes(900, 'x'));
}

TEST_CASE("room that was given back is used again at the bound", "[store][lmdb]") {
  Place place;
  auto store = opened(place / "state", 1 << 20);
  for (int i = 0; i < 20; ++i) store->put(fmt::format("key {}", i), Bytes(25'000, 'x'));
  REQUIRE(committed(*store));
  for (int turn = 0; turn < 10; ++turn) {
    CAPTURE(turn);
    for (int i = 0; i < 20; ++i) store->erase(fmt::format("key {}", i));
    CHECK(committed(*store));
    for (int i = 0; i < 20; ++i) store->put(fmt::format("key {}", i), Bytes(25'000, 'x'));
    CHECK(committed(*store));
  }
}

TEST_CASE("on a disk that is really full batches are refused until there is room", "[store][lmdb]") {
  Place place;
  const std::string disk = place / "disk";
  REQUIRE(::mkdir(disk.c_str(), 0700) == 0);
  auto child = in_a_child([&](int out) {
    // In a mount namespace of its own: nobody else sees the small disk, and it goes with the process.
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=2m,mode=0700") != 0)
      return say(out, "skipped");
    std::ofstream(disk + "/ballast") << Bytes(1 << 20, 'b');
    auto store = open_lmdb(disk + "/state", roomy);
    if (!store) return say(out, store.error().text);
    int written = 0;
    do {
      (*store)->put(fmt::format("key {:04}", written), Bytes(4000, 'x'));
    } while (committed(**store) && ++written < 2000);
    say(out, written > 10 && written < 2000 ? "refused" : "never refused");
    say(out, (*store)->get(fmt::format("key {:04}", written)) ? "readable" : "lost");
    std::filesystem::remove(disk + "/ballast");
    say(out, committed(**store) ? "taken" : "refused still");
    store->reset();
    store = open_lmdb(disk + "/state", roomy);
    bool all = static_cast<bool>(store);
    for (int i = 0; all && i <= written; ++i)
      all = (*store)->get(fmt::format("key {:04}", i)) == Bytes(4000, 'x');
    say(out, all ? "all there" : "something lost");
    // A directory on a disk without any room at all.
    store->reset();
    std::ofstream(disk + "/ballast") << Bytes(2 << 20, 'b');
    auto second = open_lmdb(disk + "/second", roomy);
    say(out, second ? "opened" : second.error().text);
  });
  REQUIRE_FALSE(child.lines.empty());
  if (child.lines[0] == "skipped") {
    WARN("skipped: mounting a small disk needs root");
    return;
  }
  REQUIRE(child.lines.size() == 5);
  CHECK(child.lines[0] == "refused");
  CHECK(child.lines[1] == "readable");
  CHECK(child.lines[2] == "taken");
  CHECK(child.lines[3] == "all there");
  CHECK_THAT(child.lines[4], Contains(disk + "/second") && Contains("free some space"));
}

TEST_CASE("a process killed in the middle of commits loses nothing that was reported durable",
          "[store][lmdb]") {
  Place place;
  const std::string directory = place / "state";
  std::uint64_t before = 0;  // batches that were there at the start of a life
  for (std::size_t life = 1; life <= 12; ++life) {
    CAPTURE(life);
    // Every batch writes one number under three keys and a record of its own.
    auto child = in_a_child(
        [&](int out) {
          auto store = open_lmdb(directory, roomy);
          if (!store) return say(out, "0");
          for (std::uint64_t n = before + 1;; ++n) {
            for (const char* key : {"a", "m", "z"}) (*store)->put(key, std::to_string(n));
            (*store)->put(fmt::format("n {:08}", n), Bytes(n % 7 * 1000, 'x'));
            (*store)->commit();
            for (const Outcome& outcome : (*store)->outcomes())
              if (outcome.ok) say(out, std::to_string(before + outcome.batch));
          }
        },
        life * 5);
    REQUIRE(child.killed);
    REQUIRE(child.lines.size() >= life * 5);
    const std::uint64_t reported = std::stoull(child.lines.back());
    REQUIRE(reported > before);

    auto store = opened(directory);
    const auto found = store->get("a");
    REQUIRE(found);
    CHECK(store->get("m") == *found);  // a batch is whole
    CHECK(store->get("z") == *found);
    const std::uint64_t last = std::stoull(*found);
    CHECK(last >= reported);
    std::uint64_t expected = 0;  // in order, without a hole
    store->scan("n ", [&](BytesView key, BytesView value) {
      ++expected;
      CHECK(key == fmt::format("n {:08}", expected));
      CHECK(value.size() == expected % 7 * 1000);
      return true;
    });
    CHECK(expected == last);
    before = last;
  }
}

TEST_CASE("the bound of a database costs address space, not memory", "[store][lmdb]") {
#ifdef __SANITIZE_ADDRESS__
  return;
#endif
  Place place;
  auto child = in_a_child([&](int out) {
    auto resident_kib = [] {
      std::ifstream file("/proc/self/smaps_rollup");
      std::string word;
      while (file >> word && word != "Pss:") {
      }
      long kib = -1;
      file >> kib;
      return kib;
    };
    const long before = resident_kib();
    auto store = open_lmdb(place / "state", std::size_t{8} << 30);
    if (!store || before < 0) return say(out, store ? "no smaps_rollup" : store.error().text);
    for (int i = 0; i < 200; ++i) {
      (*store)->put(fmt::format("journal {}", i), Bytes(300, 'x'));
      if (i % 20 == 0) committed(**store);
    }
    say(out, std::to_string(resident_kib() - before));
  });
  REQUIRE(child.lines.size() == 1);
  INFO("KiB more: " << child.lines[0]);
  CHECK(std::stol(child.lines[0]) < 2048);
}
