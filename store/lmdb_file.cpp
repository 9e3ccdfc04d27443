#include "store/lmdb_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "store/store.h"

namespace mig::store {

using namespace core;

namespace {

MDB_val mdb_view(BytesView bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }

Error trouble(const std::string& directory, const std::string& what) {
  return {Code::world, fmt::format("state directory {}: {}", directory, what)};
}

/// What a person can do about an error number of LMDB or of the system.
std::string in_words(int rc) {
  const char* remedy = "see the system's log for what is wrong with this disk";
  if (rc == ENOSPC || rc == EDQUOT) remedy = "free some space on this disk";
  if (rc == EACCES || rc == EPERM || rc == EROFS)
    remedy = "give it to the user this runs as, or name another directory";
  if (rc == ENOMEM) remedy = "this machine cannot map a database so large; set a smaller bound";
  if (rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH || rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND)
    remedy =
        "data.mdb is damaged or no database of ours: move the directory away and start again with an empty "
        "one";
  return fmt::format("{}; {}", mdb_strerror(rc), remedy);
}

Status make_directory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return trouble(directory, fmt::format("cannot be made: {}; its parent must exist and be writable",
                                          std::strerror(errno)));
  struct stat about {};
  if (::stat(directory.c_str(), &about) != 0) return trouble(directory, in_words(errno));
  if (!S_ISDIR(about.st_mode)) return trouble(directory, "is not a directory; name another");
  if (about.st_mode & S_IWOTH)
    return trouble(directory, "everybody may write in it; `chmod 700` it, or name a directory of its own");
  return Done{};
}

/// The number of the process that holds the lock, as it wrote it there.
std::string holder(int lock) {
  char text[24] = {};
  const ssize_t got = ::pread(lock, text, sizeof text - 1, 0);
  return got > 0 ? fmt::format("process {}", std::strtoul(text, nullptr, 10)) : "another process";
}

Result<int> lock_directory(const std::string& directory) {
  const int lock = ::open((directory + "/in-use").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return trouble(directory, fmt::format("cannot be written: {}", in_words(errno)));
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) {
    const std::string self = fmt::format("{}\n", ::getpid());
    if (::ftruncate(lock, 0) == 0)
      (void)!::pwrite(lock, self.data(), self.size(), 0);  // a courtesy: a full disk may refuse it
    return lock;
  }
  Error error =
      errno == EWOULDBLOCK
          ? trouble(directory,
                    fmt::format("{} uses it; end that one, or name a directory of its own: agents and "
                                "relays cannot share one",
                                holder(lock)))
          : trouble(directory, fmt::format("cannot be locked: {}", in_words(errno)));
  ::close(lock);
  return error;
}

/// LMDB maps lock.mdb and writes to it; without blocks beneath, a full disk would end the process by a
/// signal.
int reserve_reader_table(const std::string& directory) {
  constexpr off_t octets = 8192;  // what LMDB makes for its 126 readers
  const int file = ::open((directory + "/lock.mdb").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return errno;
  const int rc = ::posix_fallocate(file, 0, octets);
  ::close(file);
  return rc;
}

}  // namespace

Result<std::unique_ptr<LmdbFile>> LmdbFile::open(const std::string& directory, std::size_t map_bytes) {
  if (Status made = make_directory(directory); !made) return made.error();
  Result<int> lock = lock_directory(directory);
  if (!lock) return lock.error();
  std::unique_ptr<LmdbFile> file(new LmdbFile(directory, map_bytes, *lock));
  if (const int rc = file->start(); rc != 0)
    return trouble(directory, fmt::format("cannot be opened: {}", in_words(rc)));
  if (Status whole = file->check_length(); !whole) return whole.error();
  // New files are only there after a power cut if their directory is.
  if (const int handle = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); handle >= 0) {
    ::fsync(handle);
    ::close(handle);
  }
  return file;
}

int LmdbFile::start() {
  int rc = reserve_reader_table(directory_);
  if (rc == 0) rc = mdb_env_create(&env_);
  if (rc == 0) rc = mdb_env_set_mapsize(env_, map_bytes_);
  if (rc == 0) rc = mdb_env_set_userctx(env_, this);
  // LMDB asserts that its pages make sense; say whose they are.
  if (rc == 0)
    rc = mdb_env_set_assert(env_, [](MDB_env* env, const char*) {
      static_cast<LmdbFile*>(mdb_env_get_userctx(env))->end_process(MDB_CORRUPTED);
    });
  // NOTLS: a read transaction belongs to its owner, not to a thread. NORDAHEAD: only pages asked for become
  // resident.
  if (rc == 0) rc = mdb_env_open(env_, directory_.c_str(), MDB_NOTLS | MDB_NORDAHEAD, 0600);
  MDB_txn* transaction = nullptr;
  if (rc == 0) rc = mdb_txn_begin(env_, nullptr, 0, &transaction);
  if (rc == 0) rc = mdb_dbi_open(transaction, nullptr, 0, &table_);
  if (rc == 0) return mdb_txn_commit(transaction);
  if (transaction) mdb_txn_abort(transaction);
  return rc;
}

/// A file cut off behind its last page would end the process by a signal when such a page is read.
Status LmdbFile::check_length() {
  MDB_envinfo info{};
  MDB_stat about{};
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &about);
  const auto expected = static_cast<off_t>((info.me_last_pgno + 1) * about.ms_psize);
  const std::string path = directory_ + "/data.mdb";
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return trouble(directory_, in_words(errno));
  if (file.st_size >= expected) return Done{};
  // The last pages may have been given up before they were written: all is well if everything can be read.
  if (::truncate(path.c_str(), expected) != 0) return trouble(directory_, in_words(errno));
  std::size_t seen = 0;
  Reading all(*this);
  for (all.seek({}); all.here(); all.next()) ++seen;
  if (seen == about.ms_entries) return Done{};
  return trouble(directory_, fmt::format("cannot be opened: {}", in_words(MDB_CORRUPTED)));
}

LmdbFile::~LmdbFile() {
  if (env_) mdb_env_close(env_);
  ::close(lock_);
}

void LmdbFile::end_process(int rc) const {
  std::fprintf(stderr, "%s\n",
               trouble(directory_, fmt::format("cannot be read: {}", in_words(rc))).text.c_str());
  std::abort();
}

// ---- reading ----

LmdbFile::Reading::Reading(const LmdbFile& file) : file_(file) {
  std::lock_guard guard(file_.mutex_);
  if (const int rc = mdb_txn_begin(file_.env_, nullptr, MDB_RDONLY, &transaction_); rc != 0)
    file_.end_process(rc);
  ++file_.readers_;
}

LmdbFile::Reading::~Reading() {
  if (cursor_) mdb_cursor_close(cursor_);
  mdb_txn_abort(transaction_);
  std::lock_guard guard(file_.mutex_);
  if (--file_.readers_ == 0) file_.unread_.notify_all();
}

std::optional<BytesView> LmdbFile::Reading::get(BytesView key) const {
  if (key.empty() || key.size() > key_bytes_max) return {};
  MDB_val name = mdb_view(key), value;
  const int rc = mdb_get(transaction_, file_.table_, &name, &value);
  if (rc == MDB_NOTFOUND) return {};
  if (rc != 0) file_.end_process(rc);
  return BytesView(static_cast<const char*>(value.mv_data), value.mv_size);
}

void LmdbFile::Reading::seek(BytesView from) {
  if (!cursor_)
    if (const int rc = mdb_cursor_open(transaction_, file_.table_, &cursor_); rc != 0) file_.end_process(rc);
  key_ = mdb_view(from);
  move(from.empty() ? MDB_FIRST : MDB_SET_RANGE);
}

void LmdbFile::Reading::move(MDB_cursor_op how) {
  const int rc = mdb_cursor_get(cursor_, &key_, &value_, how);
  if (rc != 0 && rc != MDB_NOTFOUND) file_.end_process(rc);
  here_ = rc == 0;
}

// ---- writing ----

bool LmdbFile::write(const Writes& writes) {
  int rc = put_all(writes);
  if (rc != MDB_MAP_FULL && rc != ENOSPC) return rc == 0;
  const bool bounded = rc == MDB_MAP_FULL;
  // Even an erasure needs new pages before it gives back old ones; and what one transaction gives back is
  // used by the second after it, which a refused one is not.
  if (bounded) resize(2 * map_bytes_ + (1 << 20));
  if (bounded && shrinks(writes)) rc = put_all(writes);
  turn_over();
  turn_over();
  if (bounded) resize(map_bytes_);
  if (rc != 0) rc = put_all(writes);
  return rc == 0;
}

/// A transaction that changes nothing but is one.
void LmdbFile::turn_over() {
  const Bytes any(key_bytes_max, '\xff');
  MDB_txn* transaction = nullptr;
  if (mdb_txn_begin(env_, nullptr, 0, &transaction) != 0) return;
  MDB_val name = mdb_view(any), nothing{};
  if (mdb_put(transaction, table_, &name, &nothing, MDB_NOOVERWRITE) == 0 &&
      mdb_del(transaction, table_, &name, nullptr) == 0)
    mdb_txn_commit(transaction);
  else
    mdb_txn_abort(transaction);
}

int LmdbFile::put_all(const Writes& writes) {
  MDB_txn* transaction = nullptr;
  if (const int rc = mdb_txn_begin(env_, nullptr, 0, &transaction); rc != 0) return rc;
  for (const auto& [key, value] : writes.all()) {
    MDB_val name = mdb_view(key), data = value ? mdb_view(*value) : MDB_val{};
    const int rc =
        value ? mdb_put(transaction, table_, &name, &data, 0) : mdb_del(transaction, table_, &name, nullptr);
    if (rc == 0 || (rc == MDB_NOTFOUND && !value)) continue;
    mdb_txn_abort(transaction);
    return rc;
  }
  return mdb_txn_commit(transaction);
}

bool LmdbFile::shrinks(const Writes& writes) const {
  std::size_t added = 0, freed = 0;
  Reading now(*this);
  for (const auto& [key, value] : writes.all()) {
    if (value) added += key.size() + value->size();
    if (auto old = now.get(key)) freed += key.size() + old->size();
  }
  return freed > added;
}

void LmdbFile::resize(std::size_t bytes) {
  std::unique_lock guard(mutex_);
  unread_.wait(guard, [this] { return readers_ == 0; });
  if (const int rc = mdb_env_set_mapsize(env_, bytes); rc != 0) end_process(rc);
}

}  // namespace mig::store
