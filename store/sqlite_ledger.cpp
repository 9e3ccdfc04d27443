// The ledger in SQLite. All SQL is here; the monotone rules of ledger.h are part of the statements themselves.
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "node/core/message.h"
#include "store/ledger.h"

namespace mig::store {

using namespace core;

namespace {

constexpr int schema_version = 1;
constexpr int busy_ms = 10'000;  // another `mig` of the same person may be writing

constexpr const char* schema = R"sql(
CREATE TABLE IF NOT EXISTS actions (id BLOB PRIMARY KEY, key BLOB NOT NULL, hex TEXT NOT NULL, text BLOB NOT NULL, asked INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS signatures (action BLOB NOT NULL, n INTEGER NOT NULL, signature BLOB NOT NULL, PRIMARY KEY (action, n));
CREATE TABLE IF NOT EXISTS receipts (sequence INTEGER PRIMARY KEY AUTOINCREMENT, action BLOB NOT NULL, agent BLOB NOT NULL, part INTEGER NOT NULL,
  parts INTEGER NOT NULL, relay BLOB NOT NULL, agent_name TEXT NOT NULL, state INTEGER NOT NULL, reason TEXT NOT NULL, trouble TEXT NOT NULL,
  results TEXT NOT NULL, started INTEGER NOT NULL, finished INTEGER NOT NULL, certificate BLOB NOT NULL, header BLOB NOT NULL,
  signature BLOB NOT NULL, body BLOB NOT NULL, UNIQUE (action, agent, part));
CREATE TABLE IF NOT EXISTS cursors (action BLOB NOT NULL, relay BLOB NOT NULL, instance INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (action, relay, instance));
CREATE TABLE IF NOT EXISTS tally (action BLOB NOT NULL, relay BLOB NOT NULL, major INTEGER NOT NULL, minor INTEGER NOT NULL, text BLOB NOT NULL,
  signature BLOB NOT NULL, PRIMARY KEY (action, relay));
CREATE TABLE IF NOT EXISTS relays (relay BLOB PRIMARY KEY, name TEXT NOT NULL, segment TEXT NOT NULL, seen INTEGER NOT NULL, forgotten INTEGER NOT NULL DEFAULT 0, record BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS agents (agent BLOB PRIMARY KEY, name TEXT NOT NULL, home BLOB NOT NULL, online INTEGER NOT NULL, seen INTEGER NOT NULL, attributes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS epochs (sink BLOB PRIMARY KEY, epoch INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS roster (one INTEGER PRIMARY KEY CHECK (one = 1), text BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS roster_signatures (n INTEGER PRIMARY KEY, signature BLOB NOT NULL);
)sql";

/// One prepared statement, bound in order, stepped row by row.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) { ok_ = sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr) == SQLITE_OK; }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& blob(BytesView value) {
    ok_ = ok_ && sqlite3_bind_blob(statement_, ++bound_, value.data() ? value.data() : "", static_cast<int>(value.size()), SQLITE_TRANSIENT) == SQLITE_OK;
    return *this;
  }
  Statement& text(std::string_view value) {
    ok_ = ok_ && sqlite3_bind_text(statement_, ++bound_, value.data() ? value.data() : "", static_cast<int>(value.size()), SQLITE_TRANSIENT) == SQLITE_OK;
    return *this;
  }
  Statement& number(std::int64_t value) {
    ok_ = ok_ && sqlite3_bind_int64(statement_, ++bound_, value) == SQLITE_OK;
    return *this;
  }
  bool row() { return ok_ && sqlite3_step(statement_) == SQLITE_ROW; }
  bool run() {
    if (!ok_) return false;
    const int rc = sqlite3_step(statement_);
    return rc == SQLITE_DONE || rc == SQLITE_ROW;
  }
  Bytes bytes(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return data ? Bytes(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))) : Bytes();
  }
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  template <class T>
  T id(int column) const {
    auto id = T::from(bytes(column));
    return id ? *id : T{};
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  bool ok_ = false;
};

class SqliteLedger : public Ledger {
 public:
  SqliteLedger(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  ~SqliteLedger() override { sqlite3_close(db_); }

  Status keep(const std::vector<Record>& records) override {
    if (sqlite3_exec(db_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK) return trouble();
    for (const auto& record : records) {
      if (std::visit([this](const auto& r) { return write(r); }, record)) continue;
      Status failed = trouble();
      sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
      return failed;
    }
    if (sqlite3_exec(db_, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK) return Done{};
    Status failed = trouble();
    sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
    return failed;
  }

  std::vector<LedgerAction> actions(std::size_t most) const override {
    std::vector<LedgerAction> out;
    Statement select(db_, "SELECT id, text, asked FROM actions ORDER BY asked DESC, id LIMIT ?");
    select.number(static_cast<std::int64_t>(most));
    while (select.row()) out.push_back({select.id<ActionId>(0), {select.bytes(1), signatures_of(select.bytes(0))}, select.integer(2)});
    return out;
  }

  Result<LedgerAction> action(const std::string& hex_prefix) const override {
    if (hex_prefix.size() < 8 || hex_prefix.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
      return invalid(fmt::format("action '{}': an id is 8 or more hex digits; `mig actions` lists them", hex_prefix));
    std::string lower = hex_prefix;
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::vector<LedgerAction> found;
    Statement select(db_, "SELECT id, text, asked FROM actions WHERE hex GLOB ? || '*' ORDER BY hex LIMIT 5");
    select.text(lower);
    while (select.row()) found.push_back({select.id<ActionId>(0), {select.bytes(1), signatures_of(select.bytes(0))}, select.integer(2)});
    if (found.size() == 1) return std::move(found.front());
    if (found.empty()) return Error{Code::not_found, fmt::format("action '{}': the ledger knows none of that id; `mig actions` lists them", hex_prefix)};
    std::string names;
    for (const auto& one : found) names += " " + one.id.hex().substr(0, 16);
    return invalid(fmt::format("action '{}': several begin like this:{}", hex_prefix, names));
  }

  std::vector<LedgerReceipt> receipts(const ActionKey& action, std::int64_t after) const override {
    std::vector<LedgerReceipt> out;
    Statement select(db_, "SELECT agent, relay, agent_name, part, parts, state, reason, trouble, results, started, finished, sequence FROM receipts "
                          "WHERE action = ? AND sequence > ? ORDER BY sequence");
    select.blob(action.view()).number(after);
    while (select.row())
      out.push_back({action, select.id<NodeId>(0), select.id<NodeId>(1), select.bytes(2), static_cast<std::uint16_t>(select.integer(3)),
                     static_cast<std::uint16_t>(select.integer(4)), static_cast<State>(select.integer(5)), select.bytes(6), select.bytes(7), select.bytes(8),
                     select.integer(9), select.integer(10), select.integer(11)});
    return out;
  }

  std::optional<Reply> evidence(const ActionKey& action, const NodeId& agent, std::uint16_t part) const override {
    Statement select(db_, "SELECT header, signature, body FROM receipts WHERE action = ? AND agent = ? AND part = ?");
    select.blob(action.view()).blob(agent.view()).number(part);
    if (!select.row()) return {};
    return Reply{select.bytes(0), select.bytes(1), select.bytes(2)};
  }

  std::vector<LedgerAgent> agents() const override {
    std::vector<LedgerAgent> out;
    Statement select(db_, "SELECT agent, name, home, online, seen, attributes FROM agents ORDER BY name, agent");
    while (select.row())
      out.push_back({select.id<NodeId>(0), select.bytes(1), select.id<NodeId>(2), select.integer(3) != 0, select.integer(4), select.bytes(5)});
    return out;
  }

  std::vector<LedgerRelay> relays() const override {
    std::vector<LedgerRelay> out;
    Statement select(db_, "SELECT relay, name, segment, seen, forgotten, record FROM relays ORDER BY name, relay");
    while (select.row())
      out.push_back({select.id<NodeId>(0), select.bytes(1), select.bytes(2), select.integer(3), select.integer(4) != 0, select.bytes(5)});
    return out;
  }

  std::vector<LedgerCursor> cursors(const ActionKey& action) const override {
    std::vector<LedgerCursor> out;
    Statement select(db_, "SELECT relay, instance, next FROM cursors WHERE action = ? ORDER BY relay, instance");
    select.blob(action.view());
    while (select.row())
      out.push_back({action, select.id<NodeId>(0), {static_cast<std::uint64_t>(select.integer(1)), static_cast<std::uint64_t>(select.integer(2))}});
    return out;
  }

  std::vector<LedgerRow> rows(const ActionKey& action) const override {
    std::vector<LedgerRow> out;
    Statement select(db_, "SELECT relay, text, signature FROM tally WHERE action = ? ORDER BY relay");
    select.blob(action.view());
    while (select.row()) out.push_back({action, select.id<NodeId>(0), select.bytes(1), select.bytes(2)});
    return out;
  }

  std::uint64_t epoch(const SinkId& sink) const override {
    Statement select(db_, "SELECT epoch FROM epochs WHERE sink = ?");
    select.blob(sink.view());
    return select.row() ? static_cast<std::uint64_t>(select.integer(0)) : 0;
  }

  std::optional<SignedText> roster() const override {
    Statement select(db_, "SELECT text FROM roster");
    if (!select.row()) return {};
    SignedText out{select.bytes(0), {}};
    Statement signatures(db_, "SELECT signature FROM roster_signatures ORDER BY n");
    while (signatures.row()) out.signatures.push_back(signatures.bytes(0));
    return out;
  }

 private:
  Status trouble() const {
    return Error{Code::world, fmt::format("ledger {}: {}; nothing of this step was kept", path_, sqlite3_errmsg(db_))};
  }

  std::vector<Bytes> signatures_of(BytesView action) const {
    std::vector<Bytes> out;
    Statement select(db_, "SELECT signature FROM signatures WHERE action = ? ORDER BY n");
    select.blob(action);
    while (select.row()) out.push_back(select.bytes(0));
    return out;
  }

  bool write(const KeepAction& r) {
    bool ok = Statement(db_, "INSERT INTO actions VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
                  .blob(r.id.view()).blob(key_of(r.id).view()).text(r.id.hex()).blob(r.signed_action.text).number(r.asked).run();
    for (std::size_t n = 0; ok && n < r.signed_action.signatures.size(); ++n)
      ok = Statement(db_, "INSERT INTO signatures VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
               .blob(r.id.view()).number(static_cast<std::int64_t>(n)).blob(r.signed_action.signatures[n]).run();
    return ok;
  }
  bool write(const KeepReceipt& r) {
    return Statement(db_, "INSERT INTO receipts (action, agent, part, parts, relay, agent_name, state, reason, trouble, results, started, finished, "
                          "certificate, header, signature, body) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING")
        .blob(r.action.view()).blob(r.agent.view()).number(r.part).number(r.parts).blob(r.relay.view()).text(r.agent_name)
        .number(static_cast<std::int64_t>(r.state)).text(r.reason).text(r.trouble).text(r.results).number(r.started).number(r.finished)
        .blob(r.agent_certificate).blob(r.reply.header).blob(r.reply.signature).blob(r.reply.body).run();
  }
  bool write(const KeepCursor& r) {
    return Statement(db_, "INSERT INTO cursors VALUES (?,?,?,?) ON CONFLICT (action, relay, instance) DO UPDATE SET next = max(next, excluded.next)")
        .blob(r.action.view()).blob(r.relay.view()).number(static_cast<std::int64_t>(r.next.instance)).number(static_cast<std::int64_t>(r.next.index)).run();
  }
  bool write(const KeepRow& r) {
    auto row = unpack_row(r.row);
    if (!row) return true;  // the machine verified it; an unreadable one says nothing
    return Statement(db_, "INSERT INTO tally VALUES (?,?,?,?,?,?) ON CONFLICT (action, relay) DO UPDATE SET major = excluded.major, minor = excluded.minor, "
                          "text = excluded.text, signature = excluded.signature WHERE (excluded.major, excluded.minor) > (major, minor)")
        .blob(r.action.view()).blob(r.relay.view()).number(static_cast<std::int64_t>(row->version.major)).number(static_cast<std::int64_t>(row->version.minor))
        .blob(r.row).blob(r.signature).run();
  }
  bool write(const KeepRelay& r) {
    return Statement(db_, "INSERT INTO relays (relay, name, segment, seen, record) VALUES (?,?,?,?,?) ON CONFLICT (relay) DO UPDATE SET name = excluded.name, "
                          "segment = excluded.segment, seen = excluded.seen, record = excluded.record, forgotten = 0 WHERE excluded.seen > seen")
        .blob(r.relay.view()).text(r.name).text(r.segment).number(r.seen).blob(r.record).run();
  }
  bool write(const KeepAgent& r) {
    return Statement(db_, "INSERT INTO agents VALUES (?,?,?,?,?,?) ON CONFLICT (agent) DO UPDATE SET name = excluded.name, home = excluded.home, "
                          "online = excluded.online, seen = excluded.seen, "
                          "attributes = CASE WHEN excluded.attributes = '' THEN attributes ELSE excluded.attributes END WHERE excluded.seen >= seen")
        .blob(r.agent.view()).text(r.name).blob(r.home.view()).number(r.online).number(r.seen).text(r.attributes).run();
  }
  bool write(const KeepEpoch& r) {
    return Statement(db_, "INSERT INTO epochs VALUES (?,?) ON CONFLICT (sink) DO UPDATE SET epoch = max(epoch, excluded.epoch)")
        .blob(r.sink.view()).number(static_cast<std::int64_t>(r.epoch)).run();
  }
  bool write(const KeepRoster& r) {
    bool ok = Statement(db_, "INSERT INTO roster VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET text = excluded.text").blob(r.roster.text).run();
    ok = ok && Statement(db_, "DELETE FROM roster_signatures").run();
    for (std::size_t n = 0; ok && n < r.roster.signatures.size(); ++n)
      ok = Statement(db_, "INSERT INTO roster_signatures VALUES (?, ?)").number(static_cast<std::int64_t>(n)).blob(r.roster.signatures[n]).run();
    return ok;
  }
  bool write(const KeepForgotten& r) { return Statement(db_, "UPDATE relays SET forgotten = 1 WHERE relay = ?").blob(r.relay.view()).run(); }

  sqlite3* db_;
  std::string path_;
};

}  // namespace

Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::string& path) {
  // Made with its mode before SQLite sees it: what it holds are answers.
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return Error{Code::world, fmt::format("ledger {}: cannot be opened: {}", path, std::strerror(errno))};
  ::close(file);
  sqlite3* db = nullptr;
  int version = 0;
  bool ok = sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, nullptr) == SQLITE_OK;
  ok = ok && sqlite3_busy_timeout(db, busy_ms) == SQLITE_OK;
  ok = ok && sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", nullptr, nullptr, nullptr) == SQLITE_OK;
  if (ok) {
    Statement asked(db, "PRAGMA user_version");
    if (asked.row()) version = static_cast<int>(asked.integer(0));
  }
  if (ok && version > schema_version) {
    sqlite3_close(db);
    return Error{Code::unsupported, fmt::format("ledger {}: written by a newer version of mig", path)};
  }
  if (ok && version < schema_version)
    ok = sqlite3_exec(db, fmt::format("BEGIN IMMEDIATE; {} PRAGMA user_version = {}; COMMIT;", schema, schema_version).c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
  if (!ok) {
    Error error{Code::world, fmt::format("ledger {}: {}; if the file is damaged, move it away: actions in flight can be collected again", path, sqlite3_errmsg(db))};
    sqlite3_close(db);
    return error;
  }
  return std::unique_ptr<Ledger>(new SqliteLedger(db, path));
}

}  // namespace mig::store
