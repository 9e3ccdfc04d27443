// The door to SQLite: one connection, statements prepared once, errors in words.
#pragma once

#include <sqlite3.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "node/core/ids.h"
#include "node/core/result.h"

namespace mig::store {

class Sqlite {
 public:
  /// Makes the file (0600) and its directory (0700) if missing, then turns on WAL and full synchronisation.
  /// `patience_ms`: how long a statement waits for another process that writes.
  static core::Result<std::unique_ptr<Sqlite>> open(const std::string& path, int patience_ms);
  ~Sqlite();
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  /// One use of a statement. Parameters are bound in order, then it is run or stepped row by row.
  class Query {
   public:
    Query(Sqlite& db, const char* sql);
    ~Query();
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    Query& blob(core::BytesView value);
    Query& text(std::string_view value);
    Query& number(std::int64_t value);
    /// All 64 bits, as eight octets that sort as the numbers do.
    Query& unsigned_number(std::uint64_t value);

    /// For statements that give no rows.
    core::Status run();
    /// The next row? Ends the process, in words, if the file cannot be read: a record that is there must
    /// never be taken for one that is not.
    bool row();
    core::Bytes bytes(int column) const;
    std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
    std::uint64_t unsigned_integer(int column) const;
    template <class T>
    T id(int column) const {
      auto id = T::from(bytes(column));
      return id ? *id : T{};
    }

   private:
    void bound(int rc);
    Sqlite& db_;
    const char* sql_;
    sqlite3_stmt* statement_ = nullptr;
    int parameters_ = 0;
    int trouble_ = SQLITE_OK;
  };

  /// Statements without parameters or rows.
  core::Status execute(const std::string& sql);
  /// All that `work` writes, or nothing. Other writers wait until it is over.
  template <class Work>
  core::Status transaction(const Work& work) {
    core::Status status = execute("BEGIN IMMEDIATE");
    if (!status) return status;
    status = work();
    if (status) status = execute("COMMIT");
    if (!status) (void)execute("ROLLBACK");
    return status;
  }

 private:
  Sqlite(sqlite3* db, std::string path, int patience_ms)
      : db_(db), path_(std::move(path)), patience_ms_(patience_ms) {}
  core::Error trouble(int rc) const;

  sqlite3* db_;
  std::string path_;
  int patience_ms_;
  std::multimap<std::string_view, sqlite3_stmt*> idle_;  // prepared, not in use; by the text of a constant
};

}  // namespace mig::store
