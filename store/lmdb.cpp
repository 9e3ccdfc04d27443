#include "store/lmdb.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "node/core/check.h"

namespace mig::store {

using namespace core;

namespace {

using Writes = std::map<Bytes, std::optional<Bytes>>;  // nullopt: erased
constexpr auto retry_gap = std::chrono::seconds(1);    // a disk that refuses is not asked more often

MDB_val view(BytesView bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }
BytesView view(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

class Lmdb : public Store {
 public:
  Lmdb(MDB_env* env, MDB_dbi table, int lock) : env_(env), table_(table), lock_(lock), event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    writer_ = std::thread([this] { write_loop(); });
  }

  ~Lmdb() override {
    commit();
    {
      std::lock_guard guard(mutex_);
      ending_ = true;
    }
    wake_.notify_one();
    writer_.join();
    mdb_env_close(env_);
    ::close(event_);
    ::close(lock_);
  }

  std::optional<Bytes> get(BytesView key) const override {
    if (auto it = open_.find(Bytes(key)); it != open_.end()) return it->second;
    std::lock_guard guard(mutex_);
    for (auto batch = waiting_.rbegin(); batch != waiting_.rend(); ++batch)
      if (auto it = batch->second->find(Bytes(key)); it != batch->second->end()) return it->second;
    Reading reading(env_);
    MDB_val name = view(key), value;
    if (!reading.txn || mdb_get(reading.txn, table_, &name, &value) != 0) return {};
    return Bytes(view(value));
  }

  void put(BytesView key, BytesView value) override {
    MIG_CHECK(!key.empty() && key.size() <= 511, "LMDB's keys have 1 to 511 octets");
    open_[Bytes(key)] = Bytes(value);
  }
  void erase(BytesView key) override { open_[Bytes(key)] = std::nullopt; }

  void scan(BytesView prefix, const std::function<bool(BytesView, BytesView)>& visit) const override {
    // What is newer than the database, merged; later batches over earlier ones.
    Writes newer;
    std::lock_guard guard(mutex_);
    auto add = [&](const Writes& writes) {
      for (auto it = writes.lower_bound(Bytes(prefix)); it != writes.end() && it->first.starts_with(prefix); ++it) newer[it->first] = it->second;
    };
    for (const auto& [batch, writes] : waiting_) add(*writes);
    add(open_);
    Reading reading(env_);
    MDB_cursor* cursor = nullptr;
    if (!reading.txn || mdb_cursor_open(reading.txn, table_, &cursor) != 0) return;
    MDB_val name = view(prefix), value;
    int got = mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE);
    auto over = newer.begin();
    bool more = true;
    while (more && ((got == 0 && view(name).starts_with(prefix)) || over != newer.end())) {
      const bool in_db = got == 0 && view(name).starts_with(prefix);
      const bool take_over = over != newer.end() && (!in_db || BytesView(over->first) <= view(name));
      if (take_over) {
        if (in_db && BytesView(over->first) == view(name)) got = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
        if (over->second) more = visit(over->first, *over->second);
        ++over;
      } else {
        more = visit(view(name), view(value));
        got = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
      }
    }
    mdb_cursor_close(cursor);
  }

  std::uint64_t batch() const override { return batch_; }

  std::uint64_t commit() override {
    const std::uint64_t closed = batch_;
    if (open_.empty()) return closed;
    ++batch_;
    {
      std::lock_guard guard(mutex_);
      waiting_.emplace_back(closed, std::make_shared<const Writes>(std::exchange(open_, {})));
    }
    wake_.notify_one();
    return closed;
  }

  std::vector<Outcome> outcomes() override {
    std::uint64_t drained = 0;
    (void)!::read(event_, &drained, sizeof drained);
    std::lock_guard guard(mutex_);
    for (auto& writes : std::exchange(failed_, {}))  // readable still, and tried again with the open batch
      for (const auto& [key, value] : *writes)
        if (!overwritten(key)) open_.emplace(key, value);
    return std::exchange(outcomes_, {});
  }

  int fd() const override { return event_; }

 private:
  struct Reading {
    explicit Reading(MDB_env* env) {
      if (mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn) != 0) txn = nullptr;
    }
    ~Reading() {
      if (txn) mdb_txn_abort(txn);
    }
    MDB_txn* txn = nullptr;
  };

  bool overwritten(const Bytes& key) const {
    for (const auto& [batch, writes] : waiting_)
      if (writes->contains(key)) return true;
    return false;
  }

  void write_loop() {
    std::unique_lock guard(mutex_);
    while (true) {
      wake_.wait(guard, [&] { return ending_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const auto taken = waiting_;
      guard.unlock();
      const bool ok = write(taken);
      guard.lock();
      for (const auto& [batch, writes] : taken) {
        waiting_.pop_front();
        if (!ok) failed_.push_back(writes);
        outcomes_.push_back({batch, ok});
      }
      const std::uint64_t one = 1;
      (void)!::write(event_, &one, sizeof one);
      if (!ok && ending_) return;
      if (!ok) wake_.wait_for(guard, retry_gap, [&] { return ending_; });
    }
  }

  bool write(const std::deque<std::pair<std::uint64_t, std::shared_ptr<const Writes>>>& batches) {
    MDB_txn* txn = nullptr;
    if (mdb_txn_begin(env_, nullptr, 0, &txn) != 0) return false;
    for (const auto& [batch, writes] : batches)
      for (const auto& [key, value] : *writes) {
        MDB_val name = view(key), data = value ? view(*value) : MDB_val{};
        int rc = value ? mdb_put(txn, table_, &name, &data, 0) : mdb_del(txn, table_, &name, nullptr);
        if (rc != 0 && !(rc == MDB_NOTFOUND && !value)) {
          mdb_txn_abort(txn);
          return false;
        }
      }
    return mdb_txn_commit(txn) == 0;
  }

  MDB_env* env_;
  MDB_dbi table_;
  int lock_, event_;
  Writes open_;
  std::uint64_t batch_ = 1;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::pair<std::uint64_t, std::shared_ptr<const Writes>>> waiting_;
  std::vector<std::shared_ptr<const Writes>> failed_;
  std::vector<Outcome> outcomes_;
  bool ending_ = false;
  std::thread writer_;
};

Error trouble(const std::string& directory, const std::string& what) {
  return {Code::world, fmt::format("state directory {}: {}", directory, what)};
}

}  // namespace

Result<std::unique_ptr<Store>> open_lmdb(const std::string& directory, std::size_t map_bytes) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return trouble(directory, fmt::format("cannot be made: {}", std::strerror(errno)));
  const std::string lock_path = directory + "/in-use";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return trouble(directory, fmt::format("cannot be written: {}; give it to the user this runs as, or name another with --state", std::strerror(errno)));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return trouble(directory, "another process uses it; every agent and relay needs one of its own");
  }
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi table = 0;
  int rc = mdb_env_create(&env);
  if (rc == 0) rc = mdb_env_set_mapsize(env, map_bytes);
  // NOTLS: read transactions belong to their caller, not to a thread. NORDAHEAD: memory stays small.
  if (rc == 0) rc = mdb_env_open(env, directory.c_str(), MDB_NOTLS | MDB_NORDAHEAD, 0600);
  if (rc == 0) rc = mdb_txn_begin(env, nullptr, 0, &txn);
  if (rc == 0) rc = mdb_dbi_open(txn, nullptr, 0, &table);
  if (rc == 0) {
    rc = mdb_txn_commit(txn);
    txn = nullptr;
  }
  if (rc != 0) {
    if (txn) mdb_txn_abort(txn);
    if (env) mdb_env_close(env);
    ::close(lock);
    return trouble(directory, fmt::format("cannot be opened: {}; if the file data.mdb is damaged, move the directory away and start again", mdb_strerror(rc)));
  }
  return std::unique_ptr<Store>(new Lmdb(env, table, lock));
}

}  // namespace mig::store
