#include "store/lmdb.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>

#include "node/core/check.h"
#include "store/lmdb_file.h"

namespace mig::store {

using namespace core;

namespace {

constexpr auto retry_gap = std::chrono::seconds(1);  // a disk that refuses is not asked more often

/// Batches that go to the disk together.
struct Group {
  Writes writes;
  std::uint64_t first = 0, last = 0;
};
using GroupPtr = std::shared_ptr<Group>;  // shared: a scan looks at it while the writer lets it go

class Lmdb : public Store {
 public:
  Lmdb(std::unique_ptr<LmdbFile> file, int event) : file_(std::move(file)), event_(event) {
    // Signals are for the program's own threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      writer_ = std::thread([this] { write_loop(); });
    } catch (...) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      ::close(event_);
      throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Lmdb() override;

  std::optional<Bytes> get(BytesView key) const override;
  void put(BytesView key, BytesView value) override;
  void erase(BytesView key) override;
  void scan(BytesView prefix, const std::function<bool(BytesView, BytesView)>& visit) const override;
  std::uint64_t batch() const override { return batch_; }
  std::uint64_t commit() override;
  std::vector<Outcome> outcomes() override;
  int fd() const override { return event_; }
  std::size_t backlog() const override;

 private:
  void write_loop();
  std::vector<GroupPtr> groups() const;
  void settle(bool ok);
  void take_back_failed();

  std::unique_ptr<LmdbFile> file_;
  int event_;
  Writes open_;
  std::uint64_t batch_ = 1;

  // Newest first: open_, waiting_, going_, failed_ (its last first), the file. Something stands in failed_
  // only while nothing is over it but open_: what failed is back in the open batch before that is closed.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  GroupPtr waiting_, going_;
  std::vector<GroupPtr> failed_;
  std::vector<Outcome> outcomes_;
  bool ending_ = false;
  std::thread writer_;
};

Lmdb::~Lmdb() {
  commit();
  {
    std::lock_guard guard(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  writer_.join();
  ::close(event_);
}

std::optional<Bytes> Lmdb::get(BytesView key) const {
  if (auto* value = open_.find(key)) return *value;
  for (const auto& group : groups())
    if (auto* value = group->writes.find(key)) return *value;
  // What has left the groups since is in the file by now.
  LmdbFile::Reading now(*file_);
  auto value = now.get(key);
  return value ? std::optional(Bytes(*value)) : std::nullopt;
}

void Lmdb::put(BytesView key, BytesView value) {
  MIG_CHECK(!key.empty() && key.size() <= key_bytes_max, "a key has 1 to 511 octets");
  MIG_CHECK(value.size() <= value_bytes_max, "a value has at most 1 MiB");
  open_.set(key, Bytes(value));
}

void Lmdb::erase(BytesView key) {
  MIG_CHECK(!key.empty() && key.size() <= key_bytes_max, "a key has 1 to 511 octets");
  open_.set(key, std::nullopt);
}

void Lmdb::scan(BytesView prefix, const std::function<bool(BytesView, BytesView)>& visit) const {
  const std::vector<GroupPtr> held = groups();
  std::map<BytesView, const Writes::Value*> newer;
  auto add = [&](const Writes& writes) {
    const auto& all = writes.all();
    for (auto it = all.lower_bound(prefix); it != all.end() && it->first.starts_with(prefix); ++it)
      newer.emplace(it->first, &it->second);  // the newest layer comes first and stays
  };
  add(open_);
  for (const auto& group : held) add(group->writes);

  LmdbFile::Reading file(*file_);
  file.seek(prefix);
  auto over = newer.begin();
  while (true) {
    const bool below = file.here() && file.key().starts_with(prefix);
    if (!below && over == newer.end()) return;
    if (over == newer.end() || (below && file.key() < over->first)) {
      if (!visit(file.key(), file.value())) return;
      file.next();
      continue;
    }
    if (below && file.key() == over->first) file.next();
    if (*over->second && !visit(over->first, **over->second)) return;
    ++over;
  }
}

std::uint64_t Lmdb::commit() {
  std::lock_guard guard(mutex_);
  take_back_failed();
  const std::uint64_t closed = batch_;
  if (open_.empty()) return closed;
  ++batch_;
  if (waiting_) {
    open_.lie_over(std::move(waiting_->writes));
    waiting_->writes = std::exchange(open_, {});
    waiting_->last = closed;
  } else {
    waiting_ = std::make_shared<Group>(Group{std::exchange(open_, {}), closed, closed});
  }
  wake_.notify_one();
  return closed;
}

std::vector<Outcome> Lmdb::outcomes() {
  std::lock_guard guard(mutex_);
  std::uint64_t count = 0;
  (void)!::read(event_, &count, sizeof count);
  take_back_failed();
  return std::exchange(outcomes_, {});
}

std::size_t Lmdb::backlog() const {
  std::size_t octets = open_.octets();
  for (const auto& group : groups()) octets += group->writes.octets();
  return octets;
}

/// Newest first. Their writes are changed by the owner of open_ alone, so that it may look at them unlocked.
std::vector<GroupPtr> Lmdb::groups() const {
  std::vector<GroupPtr> out;
  std::lock_guard guard(mutex_);
  if (waiting_) out.push_back(waiting_);
  if (going_) out.push_back(going_);
  out.insert(out.end(), failed_.rbegin(), failed_.rend());
  return out;
}

/// REQUIRES: mutex_ is held, by the thread that owns open_.
void Lmdb::take_back_failed() {
  for (; !failed_.empty(); failed_.pop_back()) open_.lie_over(std::move(failed_.back()->writes));
}

void Lmdb::write_loop() {
  std::unique_lock guard(mutex_);
  while (true) {
    wake_.wait(guard, [this] { return ending_ || waiting_; });
    if (!waiting_) return;
    going_ = std::exchange(waiting_, nullptr);
    guard.unlock();
    const bool ok = file_->write(going_->writes);
    guard.lock();
    settle(ok);
    if (!ok) wake_.wait_for(guard, retry_gap, [this] { return ending_; });
  }
}

/// REQUIRES: mutex_ is held. A failed group takes the one behind it along.
void Lmdb::settle(bool ok) {
  std::vector<GroupPtr> settled{std::exchange(going_, nullptr)};
  if (!ok && waiting_) settled.push_back(std::exchange(waiting_, nullptr));
  for (const auto& group : settled)
    for (std::uint64_t batch = group->first; batch <= group->last; ++batch) outcomes_.push_back({batch, ok});
  if (!ok) failed_ = std::move(settled);
  const std::uint64_t one = 1;
  (void)!::write(event_, &one, sizeof one);
}

}  // namespace

Result<std::unique_ptr<Store>> open_lmdb(const std::string& directory, std::size_t map_bytes) {
  auto file = LmdbFile::open(directory, map_bytes);
  if (!file) return file.error();
  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event < 0)
    return Error{Code::world, fmt::format("state directory {}: no descriptor for its writer: {}", directory,
                                          std::strerror(errno))};
  try {
    return std::unique_ptr<Store>(new Lmdb(std::move(*file), event));
  } catch (const std::exception& error) {
    return Error{Code::world,
                 fmt::format("state directory {}: no thread for its writer: {}", directory, error.what())};
  }
}

}  // namespace mig::store
