// The ledger in SQLite.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "node/core/message.h"
#include "node/core/roster.h"
#include "store/ledger.h"
#include "store/ledger_sql.h"
#include "store/sqlite.h"

namespace mig::store {

using namespace core;

namespace {

constexpr int application_id = 0x4d49474c;  // "MIGL": tells a ledger from any other SQLite file
constexpr std::size_t matches_named = 4;
using Query = Sqlite::Query;

class SqliteLedger : public Ledger {
 public:
  explicit SqliteLedger(std::unique_ptr<Sqlite> db) : db_(std::move(db)) {}

  Status keep(const std::vector<Record>& records) override {
    if (records.empty()) return Done{};
    std::lock_guard guard(mutex_);
    return db_->transaction([&]() -> Status {
      for (const auto& record : records)
        if (Status kept = std::visit([this](const auto& one) { return write(one); }, record); !kept)
          return kept;
      return Done{};
    });
  }

  Status close(const ActionId& action) override;
  std::vector<LedgerAction> actions(std::size_t most) const override;
  Result<LedgerAction> action(const std::string& hex_prefix) const override;
  std::vector<LedgerReceipt> receipts(const ActionKey& action, std::int64_t after) const override;
  std::optional<Reply> evidence(const ActionKey& action, const NodeId& agent,
                                std::uint16_t part) const override;
  std::vector<LedgerAgent> agents() const override;
  std::vector<LedgerRelay> relays() const override;
  std::vector<LedgerCursor> cursors(const ActionKey& action) const override;
  std::vector<LedgerRow> rows(const ActionKey& action) const override;
  std::uint64_t epoch(const SinkId& sink) const override;
  std::optional<SignedText> roster() const override;

 private:
  Status write(const KeepAction& kept);
  Status write(const KeepReceipt& kept);
  Status write(const KeepCursor& kept);
  Status write(const KeepRow& kept);
  Status write(const KeepRelay& kept);
  Status write(const KeepAgent& kept);
  Status write(const KeepEpoch& kept);
  Status write(const KeepRoster& kept);
  Status write(const KeepForgotten& kept);
  LedgerAction action_of(const Query& row) const;

  mutable std::mutex mutex_;  // a program's wire thread keeps while its main thread asks
  std::unique_ptr<Sqlite> db_;
};

// ---- keeping ----

/// Deleted pages are overwritten, also those that wait in the write-ahead file.
Status SqliteLedger::close(const ActionId& action) {
  std::lock_guard guard(mutex_);
  Status status = db_->execute("PRAGMA secure_delete = ON");
  if (status)
    status = db_->transaction([&]() -> Status {
      const ActionKey key = key_of(action);
      for (const char* statement : {"DELETE FROM receipts WHERE action = $1", "DELETE FROM cursors WHERE action = $1", "DELETE FROM tally WHERE action = $1"})
        if (Status done = Query(*db_, statement).blob(key.view()).run(); !done) return done;
      for (const char* statement : {"DELETE FROM signatures WHERE action = $1", "DELETE FROM actions WHERE id = $1"})
        if (Status done = Query(*db_, statement).blob(action.view()).run(); !done) return done;
      return Done{};
    });
  return status ? db_->execute("PRAGMA wal_checkpoint(TRUNCATE)") : status;
}

Status SqliteLedger::write(const KeepAction& kept) {
  Status status = Query(*db_, sql::keep_action)
                      .blob(kept.id.view())
                      .text(kept.id.hex())
                      .blob(kept.signed_action.text)
                      .number(kept.asked)
                      .run();
  for (const Bytes& signature : kept.signed_action.signatures)
    if (status)
      status =
          Query(*db_, sql::keep_signature).blob(kept.id.view()).blob(kept.id.view()).blob(signature).run();
  return status;
}

Status SqliteLedger::write(const KeepReceipt& kept) {
  return Query(*db_, sql::keep_receipt)
      .blob(kept.action.view())
      .blob(kept.agent.view())
      .number(kept.part)
      .number(kept.parts)
      .blob(kept.relay.view())
      .text(kept.agent_name)
      .number(static_cast<std::int64_t>(kept.state))
      .text(kept.reason)
      .text(kept.trouble)
      .text(kept.results)
      .number(kept.started)
      .number(kept.finished)
      .blob(kept.agent_certificate)
      .blob(kept.reply.header)
      .blob(kept.reply.signature)
      .blob(kept.reply.body)
      .run();
}

Status SqliteLedger::write(const KeepCursor& kept) {
  return Query(*db_, sql::keep_cursor)
      .blob(kept.action.view())
      .blob(kept.relay.view())
      .unsigned_number(kept.next.instance)
      .unsigned_number(kept.next.index)
      .run();
}

Status SqliteLedger::write(const KeepRow& kept) {
  auto row = unpack_row(kept.row);
  if (!row) return Done{};  // it says nothing; what else this step learnt must not be lost for it
  return Query(*db_, sql::keep_row)
      .blob(kept.action.view())
      .blob(kept.relay.view())
      .unsigned_number(row->version.major)
      .unsigned_number(row->version.minor)
      .blob(kept.row)
      .blob(kept.signature)
      .run();
}

Status SqliteLedger::write(const KeepRelay& kept) {
  return Query(*db_, sql::keep_relay)
      .blob(kept.relay.view())
      .text(kept.name)
      .text(kept.segment)
      .number(kept.seen)
      .blob(kept.record)
      .run();
}

Status SqliteLedger::write(const KeepAgent& kept) {
  return Query(*db_, sql::keep_agent)
      .blob(kept.agent.view())
      .text(kept.name)
      .blob(kept.home.view())
      .number(kept.online ? 1 : 0)
      .number(kept.seen)
      .text(kept.attributes)
      .run();
}

Status SqliteLedger::write(const KeepEpoch& kept) {
  return Query(*db_, sql::keep_epoch).blob(kept.sink.view()).unsigned_number(kept.epoch).run();
}

Status SqliteLedger::write(const KeepRoster& kept) {
  auto roster = parse_roster(kept.roster.text);
  if (!roster) return Done{};  // as with an unreadable row
  if (Query(*db_, sql::roster_at_least).unsigned_number(roster->version).row()) return Done{};
  Status status = Query(*db_, sql::drop_roster).run();
  if (status) status = Query(*db_, sql::drop_roster_signatures).run();
  if (status)
    status = Query(*db_, sql::keep_roster).unsigned_number(roster->version).blob(kept.roster.text).run();
  std::int64_t n = 0;
  for (const Bytes& signature : kept.roster.signatures)
    if (status) status = Query(*db_, sql::keep_roster_signature).number(n++).blob(signature).run();
  return status;
}

Status SqliteLedger::write(const KeepForgotten& kept) {
  return Query(*db_, sql::forget_relay).blob(kept.relay.view()).blob({}).run();
}

// ---- asking ----

LedgerAction SqliteLedger::action_of(const Query& row) const {
  LedgerAction out{row.id<ActionId>(0), {row.bytes(1), {}}, row.integer(2)};
  Query signatures(*db_, sql::signatures);
  signatures.blob(out.id.view());
  while (signatures.row()) out.signed_action.signatures.push_back(signatures.bytes(0));
  return out;
}

std::vector<LedgerAction> SqliteLedger::actions(std::size_t most) const {
  std::lock_guard guard(mutex_);
  std::vector<LedgerAction> out;
  Query query(*db_, sql::actions);
  query.number(static_cast<std::int64_t>(std::min<std::size_t>(most, INT64_MAX)));
  while (query.row()) out.push_back(action_of(query));
  return out;
}

Result<LedgerAction> SqliteLedger::action(const std::string& hex_prefix) const {
  const bool hex = hex_prefix.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!hex || hex_prefix.size() < 8)
    return invalid(
        fmt::format("action '{}': an id is 8 or more hex digits; `mig actions` lists them", hex_prefix));
  std::string first = hex_prefix;
  for (char& digit : first)
    if (digit >= 'A' && digit <= 'F') digit = static_cast<char>(digit - 'A' + 'a');
  std::lock_guard guard(mutex_);
  std::vector<LedgerAction> found;
  Query query(*db_, sql::actions_from_to);
  query.text(first).text(first + "g").number(matches_named + 1);
  while (query.row()) found.push_back(action_of(query));
  if (found.size() == 1) return std::move(found.front());
  if (found.empty())
    return Error{
        Code::not_found,
        fmt::format("action '{}': none in the ledger has this id; `mig actions` lists them", hex_prefix)};
  std::string names;
  for (std::size_t i = 0; i < std::min(found.size(), matches_named); ++i) names += " " + found[i].id.hex();
  if (found.size() > matches_named) names += " and more";
  return invalid(
      fmt::format("action '{}': several ids begin like this, type more of one:{}", hex_prefix, names));
}

std::vector<LedgerReceipt> SqliteLedger::receipts(const ActionKey& action, std::int64_t after) const {
  std::lock_guard guard(mutex_);
  std::vector<LedgerReceipt> out;
  Query query(*db_, sql::receipts);
  query.blob(action.view()).number(after);
  while (query.row()) {
    LedgerReceipt one;
    one.action = action;
    one.agent = query.id<NodeId>(0);
    one.relay = query.id<NodeId>(1);
    one.agent_name = query.bytes(2);
    one.part = static_cast<std::uint16_t>(query.integer(3));
    one.parts = static_cast<std::uint16_t>(query.integer(4));
    one.state = static_cast<State>(query.integer(5));
    one.reason = query.bytes(6);
    one.trouble = query.bytes(7);
    one.results = query.bytes(8);
    one.started = query.integer(9);
    one.finished = query.integer(10);
    one.sequence = query.integer(11);
    out.push_back(std::move(one));
  }
  return out;
}

std::optional<Reply> SqliteLedger::evidence(const ActionKey& action, const NodeId& agent,
                                            std::uint16_t part) const {
  std::lock_guard guard(mutex_);
  Query query(*db_, sql::evidence);
  query.blob(action.view()).blob(agent.view()).number(part);
  if (!query.row()) return {};
  return Reply{query.bytes(0), query.bytes(1), query.bytes(2)};
}

std::vector<LedgerAgent> SqliteLedger::agents() const {
  std::lock_guard guard(mutex_);
  std::vector<LedgerAgent> out;
  Query query(*db_, sql::agents);
  while (query.row())
    out.push_back({query.id<NodeId>(0), query.bytes(1), query.id<NodeId>(2), query.integer(3) != 0,
                   query.integer(4), query.bytes(5)});
  return out;
}

std::vector<LedgerRelay> SqliteLedger::relays() const {
  std::lock_guard guard(mutex_);
  std::vector<LedgerRelay> out;
  Query query(*db_, sql::relays);
  while (query.row())
    out.push_back({query.id<NodeId>(0), query.bytes(1), query.bytes(2), query.integer(3),
                   query.integer(4) != 0, query.bytes(5)});
  return out;
}

std::vector<LedgerCursor> SqliteLedger::cursors(const ActionKey& action) const {
  std::lock_guard guard(mutex_);
  std::vector<LedgerCursor> out;
  Query query(*db_, sql::cursors);
  query.blob(action.view());
  while (query.row())
    out.push_back({action, query.id<NodeId>(0), {query.unsigned_integer(1), query.unsigned_integer(2)}});
  return out;
}

std::vector<LedgerRow> SqliteLedger::rows(const ActionKey& action) const {
  std::lock_guard guard(mutex_);
  std::vector<LedgerRow> out;
  Query query(*db_, sql::rows);
  query.blob(action.view());
  while (query.row()) out.push_back({action, query.id<NodeId>(0), query.bytes(1), query.bytes(2)});
  return out;
}

std::uint64_t SqliteLedger::epoch(const SinkId& sink) const {
  std::lock_guard guard(mutex_);
  Query query(*db_, sql::epoch);
  query.blob(sink.view());
  return query.row() ? query.unsigned_integer(0) : 0;
}

std::optional<SignedText> SqliteLedger::roster() const {
  std::lock_guard guard(mutex_);
  Query query(*db_, sql::roster);
  if (!query.row()) return {};
  SignedText out{query.bytes(0), {}};
  Query signatures(*db_, sql::roster_signatures);
  while (signatures.row()) out.signatures.push_back(signatures.bytes(0));
  return out;
}

/// Makes the tables in an empty file; refuses one of another program or of a newer mig.
Status settle_schema(Sqlite& db, const std::string& path) {
  auto number = [&db](const char* sql) {
    Query query(db, sql);
    return query.row() ? query.integer(0) : 0;
  };
  auto version = [&] { return number("PRAGMA user_version"); };
  auto application = [&] { return number("PRAGMA application_id"); };
  if (application() != application_id) {
    Status made = db.transaction([&]() -> Status {  // several processes may meet an empty file
      if (application() == application_id) return Done{};
      if (version() != 0 || application() != 0 || number("SELECT count(*) FROM sqlite_master") != 0)
        return invalid(fmt::format("ledger {}: is a database of another program; name another file", path));
      return db.execute(fmt::format("{} PRAGMA user_version = {}; PRAGMA application_id = {};",
                                    sql::schema(sql::sqlite), sql::schema_version, application_id));
    });
    if (!made) return made;
  }
  if (version() > sql::schema_version)
    return Error{
        Code::unsupported,
        fmt::format("ledger {}: written by a newer mig (its tables are of version {}, this one knows {}); "
                    "use that one",
                    path, version(), sql::schema_version)};
  return Done{};
}

}  // namespace

Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::string& path, int patience_ms) {
  auto db = Sqlite::open(path, patience_ms);
  if (!db) return db.error();
  if (Status ready = settle_schema(**db, path); !ready) return ready.error();
  return std::unique_ptr<Ledger>(new SqliteLedger(std::move(*db)));
}

}  // namespace mig::store
