// What the specification of Store runs over: a store, and the disk beneath it that a test can stop, break and
// look at.
#pragma once

#include <signal.h>
#include <sys/poll.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>

#include "store/lmdb.h"
#include "store/memory.h"

namespace mig::store::testing {

/// A directory that is gone when the test is over.
class Place {
 public:
  Place() {
    std::string path = (std::filesystem::temp_directory_path() / "mig-store-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Waits, by the store's own descriptor, for the outcome of `batch`; all outcomes until then.
inline std::vector<Outcome> outcomes_until(Store& store, std::uint64_t batch) {
  std::vector<Outcome> out = store.outcomes();
  while (out.empty() || out.back().batch < batch) {
    pollfd ready{store.fd(), POLLIN, 0};
    REQUIRE(store.fd() >= 0);
    REQUIRE(::poll(&ready, 1, 60'000) == 1);
    for (const Outcome& outcome : store.outcomes()) out.push_back(outcome);
  }
  return out;
}

/// Commits and waits; was it taken?
inline bool committed(Store& store) {
  const std::uint64_t open = store.batch(), closed = store.commit();
  if (store.batch() == open) return true;
  return outcomes_until(store, closed).back().ok;
}

class MemoryDisk {
 public:
  Store& store() { return *store_; }
  /// From now on the disk takes nothing.
  void refuse() { store_->full(true); }
  void accept() { store_->full(false); }
  /// The process ends in order and comes back.
  void restart() {
    store_->commit();
    crash();
  }
  /// The process ends at once and comes back; what is on its way has been settled by the test.
  void crash() { store_ = std::make_unique<MemoryStore>(store_->after_crash()); }

 private:
  std::unique_ptr<MemoryStore> store_ = std::make_unique<MemoryStore>();
};

class LmdbDisk {
 public:
  LmdbDisk() { open(); }
  ~LmdbDisk() { accept(); }
  Store& store() { return *store_; }
  /// The kernel refuses every write behind the two meta pages.
  void refuse() {
    ::signal(SIGXFSZ, SIG_IGN);
    limit(8192);
  }
  void accept() { limit(RLIM_INFINITY); }
  void restart() {
    store_.reset();
    open();
  }
  /// Goes on with a copy of the file as it is now, while the store is still open, on a disk that takes
  /// everything.
  void crash() {
    accept();
    const std::string next = place_ / std::to_string(++life_);
    std::filesystem::create_directory(next);
    std::filesystem::copy_file(directory_ + "/data.mdb", next + "/data.mdb");
    store_.reset();
    directory_ = next;
    open();
  }

 private:
  void open() {
    auto store = open_lmdb(directory_, 64 << 20);
    INFO((store ? "" : store.error().text));
    REQUIRE(store);
    store_ = std::move(*store);
  }
  static void limit(rlim_t octets) {
    rlimit now{};
    ::getrlimit(RLIMIT_FSIZE, &now);
    now.rlim_cur = octets == RLIM_INFINITY ? now.rlim_max : octets;
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  Place place_;
  std::string directory_ = place_ / "0";
  int life_ = 0;
  std::unique_ptr<Store> store_;
};

}  // namespace mig::store::testing
