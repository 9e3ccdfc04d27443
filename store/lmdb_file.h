// One LMDB database in a directory of its own: opened, read, and written a transaction at a time.
//
// The map is address space, not memory: pages are read when they are asked for and belong to the kernel. A
// database that has reached its bound can still be emptied: a transaction that frees more than it adds may go
// over it.
#pragma once

#include <lmdb.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "node/core/result.h"
#include "store/writes.h"

namespace mig::store {

class LmdbFile {
 public:
  /// Makes the directory (0700) and its files (0600) if needed and keeps every other process out of it.
  static core::Result<std::unique_ptr<LmdbFile>> open(const std::string& directory, std::size_t map_bytes);
  ~LmdbFile();
  LmdbFile(const LmdbFile&) = delete;
  LmdbFile& operator=(const LmdbFile&) = delete;

  /// One consistent look. Ends the process, in words, if the database cannot be read: a record that is there
  /// must never be taken for one that is not.
  class Reading {
   public:
    explicit Reading(const LmdbFile& file);
    ~Reading();
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    /// The view lives as long as this.
    std::optional<core::BytesView> get(core::BytesView key) const;

    // One walk at a time: from the first key that is not less than `from`, ascending.
    void seek(core::BytesView from);
    void next() { move(MDB_NEXT); }
    bool here() const { return here_; }
    core::BytesView key() const { return {static_cast<const char*>(key_.mv_data), key_.mv_size}; }
    core::BytesView value() const { return {static_cast<const char*>(value_.mv_data), value_.mv_size}; }

   private:
    void move(MDB_cursor_op how);
    const LmdbFile& file_;
    MDB_txn* transaction_ = nullptr;
    MDB_cursor* cursor_ = nullptr;
    MDB_val key_{}, value_{};
    bool here_ = false;
  };

  /// Durable when it returns true; else nothing of it is written. Called by one thread only.
  bool write(const Writes& writes);

 private:
  LmdbFile(std::string directory, std::size_t map_bytes, int lock)
      : directory_(std::move(directory)), map_bytes_(map_bytes), lock_(lock) {}
  int start();
  core::Status check_length();
  int put_all(const Writes& writes);
  void turn_over();
  bool shrinks(const Writes& writes) const;
  void resize(std::size_t bytes);
  [[noreturn]] void end_process(int trouble) const;

  std::string directory_;
  std::size_t map_bytes_;
  int lock_;
  MDB_env* env_ = nullptr;
  MDB_dbi table_ = 0;
  mutable std::mutex mutex_;  // the map may move only while nobody reads
  mutable std::condition_variable unread_;
  mutable int readers_ = 0;
};

}  // namespace mig::store
