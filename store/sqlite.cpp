#include "store/sqlite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace mig::store {

using namespace core;

namespace {

Error ledger_trouble(const std::string& path, const std::string& what, Code code = Code::world) {
  return {code, fmt::format("ledger {}: {}", path, what)};
}

/// Made with its mode before SQLite sees it (whose own files follow it): what it holds are answers.
Status make_private_file(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  if (!directory.empty() && ::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return ledger_trouble(path, fmt::format("its directory cannot be made: {}", std::strerror(errno)));
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    const char* remedy = errno == EISDIR   ? "name a file"
                         : errno == ENOSPC ? "free some space on this disk"
                                           : "it must be yours to write";
    return ledger_trouble(path, fmt::format("cannot be opened: {}; {}", std::strerror(errno), remedy));
  }
  struct stat about {};
  const bool open_to_others = ::fstat(file, &about) == 0 && (about.st_mode & 077) != 0;
  const bool closed = !open_to_others || ::fchmod(file, 0600) == 0;
  ::close(file);
  if (!closed)
    return ledger_trouble(path, "others may read it, and it is not yours to change; `chmod 600` it");
  return Done{};
}

}  // namespace

Result<std::unique_ptr<Sqlite>> Sqlite::open(const std::string& path, int patience_ms) {
  if (Status made = make_private_file(path); !made) return made.error();
  sqlite3* handle = nullptr;
  // One thread at a time: its owner sees to that.
  const int rc = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Sqlite> db(new Sqlite(handle, path, patience_ms));
  if (rc != SQLITE_OK) return db->trouble(rc);
  sqlite3_extended_result_codes(handle, 0);
  sqlite3_busy_timeout(handle, patience_ms);
  // Changing the journal's mode needs the file alone, and SQLite does not wait for it as it does for other locks.
  constexpr int pause_ms = 20;
  Status ready = Done{};
  for (int waited = 0;; waited += pause_ms) {
    ready = db->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    if (ready || ready.error().code != Code::later || waited >= patience_ms) break;
    sqlite3_sleep(pause_ms);
  }
  if (!ready) return ready.error();
  return db;
}

Sqlite::~Sqlite() {
  for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

Error Sqlite::trouble(int rc) const {
  const std::string what = db_ ? sqlite3_errmsg(db_) : sqlite3_errstr(rc);
  switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ledger_trouble(
          path_,
          fmt::format("another process has been writing to it for {:g} s; try again when it is done",
                      patience_ms_ / 1000.0),
          Code::later);
    case SQLITE_FULL:
      return ledger_trouble(path_, fmt::format("{}; free some space on this disk", what));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ledger_trouble(
          path_,
          fmt::format("{}; move it away and start a new one: what relays still hold can be asked for again",
                      what));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return ledger_trouble(path_,
                            fmt::format("{}; the file and its directory must be yours to write", what));
    default:
      return ledger_trouble(path_, what);
  }
}

Status Sqlite::execute(const std::string& sql) {
  const int rc = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (rc == SQLITE_OK) return Done{};
  return trouble(rc);
}

// ---- statements ----

Sqlite::Query::Query(Sqlite& db, const char* sql) : db_(db), sql_(sql) {
  if (auto idle = db_.idle_.find(sql_); idle != db_.idle_.end()) {
    statement_ = idle->second;
    db_.idle_.erase(idle);
    return;
  }
  trouble_ = sqlite3_prepare_v3(db_.db_, sql_, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
}

Sqlite::Query::~Query() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  db_.idle_.emplace(sql_, statement_);
}

void Sqlite::Query::bound(int rc) {
  if (trouble_ == SQLITE_OK) trouble_ = rc;
}

Sqlite::Query& Sqlite::Query::blob(BytesView value) {
  bound(sqlite3_bind_blob64(statement_, ++parameters_, value.data() ? value.data() : "", value.size(),
                            SQLITE_TRANSIENT));
  return *this;
}

Sqlite::Query& Sqlite::Query::text(std::string_view value) {
  bound(sqlite3_bind_text64(statement_, ++parameters_, value.data() ? value.data() : "", value.size(),
                            SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Sqlite::Query& Sqlite::Query::number(std::int64_t value) {
  bound(sqlite3_bind_int64(statement_, ++parameters_, value));
  return *this;
}

Sqlite::Query& Sqlite::Query::unsigned_number(std::uint64_t value) {
  char octets[8];
  for (int i = 7; i >= 0; --i, value >>= 8) octets[i] = static_cast<char>(value & 0xff);
  return blob({octets, sizeof octets});
}

Status Sqlite::Query::run() {
  if (trouble_ == SQLITE_OK) trouble_ = sqlite3_step(statement_);
  if (trouble_ == SQLITE_DONE || trouble_ == SQLITE_ROW) return Done{};
  return db_.trouble(trouble_);
}

bool Sqlite::Query::row() {
  if (trouble_ == SQLITE_OK) {
    const int rc = sqlite3_step(statement_);
    if (rc == SQLITE_ROW) return true;
    if (rc == SQLITE_DONE) return false;
    trouble_ = rc;
  }
  std::fprintf(stderr, "%s\n", db_.trouble(trouble_).text.c_str());
  std::_Exit(2);
}

Bytes Sqlite::Query::bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return data ? Bytes(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))) : Bytes();
}

std::uint64_t Sqlite::Query::unsigned_integer(int column) const {
  std::uint64_t out = 0;
  for (const char octet : bytes(column)) out = out << 8 | static_cast<unsigned char>(octet);
  return out;
}

}  // namespace mig::store
