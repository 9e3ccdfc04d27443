#include "store/lmdb_peek.h"

#include <fmt/format.h>
#include <lmdb.h>

#include <memory>

namespace mig::store {
namespace {

using namespace core;

using Environment = std::unique_ptr<MDB_env, decltype(&mdb_env_close)>;
using Transaction = std::unique_ptr<MDB_txn, decltype(&mdb_txn_abort)>;
using Cursor = std::unique_ptr<MDB_cursor, decltype(&mdb_cursor_close)>;

Error trouble(const std::string& directory, int rc) {
  return {Code::world, fmt::format("{}: {}; is there a state directory, and may you read it?", directory, mdb_strerror(rc))};
}

BytesView view_of(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

}  // namespace

Result<std::map<Bytes, Bytes>> peek_lmdb(const std::string& directory, BytesView prefix) {
  MDB_env* made = nullptr;
  if (const int rc = mdb_env_create(&made); rc != 0) return trouble(directory, rc);
  Environment environment(made, mdb_env_close);
  if (const int rc = mdb_env_open(made, directory.c_str(), MDB_RDONLY | MDB_NOTLS, 0600); rc != 0) return trouble(directory, rc);
  MDB_txn* begun = nullptr;
  if (const int rc = mdb_txn_begin(made, nullptr, MDB_RDONLY, &begun); rc != 0) return trouble(directory, rc);
  Transaction transaction(begun, mdb_txn_abort);
  MDB_dbi table = 0;
  if (const int rc = mdb_dbi_open(begun, nullptr, 0, &table); rc != 0) return trouble(directory, rc);
  MDB_cursor* opened = nullptr;
  if (const int rc = mdb_cursor_open(begun, table, &opened); rc != 0) return trouble(directory, rc);
  Cursor cursor(opened, mdb_cursor_close);
  std::map<Bytes, Bytes> out;
  MDB_val key{prefix.size(), const_cast<char*>(prefix.data())}, value{};
  for (int rc = mdb_cursor_get(opened, &key, &value, prefix.empty() ? MDB_FIRST : MDB_SET_RANGE); rc == 0 && view_of(key).starts_with(prefix); rc = mdb_cursor_get(opened, &key, &value, MDB_NEXT))
    out.emplace(view_of(key), view_of(value));
  return out;
}

}  // namespace mig::store
