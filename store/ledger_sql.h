// The ledger's tables and statements, the same for every SQL database it may live in.
//
// The monotone rules of ledger.h are part of the statements, so that several processes cannot break them
// between a read and a write. Parameters stand in order ($1, $2 ...), each once. Ids, documents and
// signatures are octets; 64 bit unsigned numbers (instances, epochs, versions) are eight octets, most
// significant first, which sort as they count.
#pragma once

#include <string>

#include <fmt/format.h>

namespace mig::store::sql {

constexpr int schema_version = 1;

/// How a database calls what they all have.
struct Dialect {
  const char* octets;   ///< any bytes
  const char* number;   ///< 64 bits, signed
  const char* counter;  ///< a primary key that counts up by itself and never again gives a number
};
constexpr Dialect sqlite{"BLOB", "INTEGER", "INTEGER PRIMARY KEY AUTOINCREMENT"};

inline std::string schema(const Dialect& dialect) {
  return fmt::format(R"sql(
CREATE TABLE actions (id {octets} PRIMARY KEY, hex TEXT NOT NULL UNIQUE, document {octets} NOT NULL,
  asked {number} NOT NULL);
CREATE TABLE signatures (action {octets} NOT NULL, n {number} NOT NULL, signature {octets} NOT NULL,
  PRIMARY KEY (action, signature));
CREATE TABLE receipts (sequence {counter}, action {octets} NOT NULL, agent {octets} NOT NULL, part {number} NOT NULL,
  parts {number} NOT NULL, relay {octets} NOT NULL, agent_name TEXT NOT NULL, state {number} NOT NULL,
  reason TEXT NOT NULL, trouble TEXT NOT NULL, results TEXT NOT NULL, started {number} NOT NULL,
  finished {number} NOT NULL, certificate {octets} NOT NULL, header {octets} NOT NULL, signature {octets} NOT NULL,
  body {octets} NOT NULL, UNIQUE (action, agent, part));
CREATE INDEX receipts_in_order ON receipts (action, sequence);
CREATE TABLE cursors (action {octets} NOT NULL, relay {octets} NOT NULL, instance {octets} NOT NULL,
  next {octets} NOT NULL, PRIMARY KEY (action, relay, instance));
CREATE TABLE tally (action {octets} NOT NULL, relay {octets} NOT NULL, major {octets} NOT NULL,
  minor {octets} NOT NULL, packed {octets} NOT NULL, signature {octets} NOT NULL, PRIMARY KEY (action, relay));
CREATE TABLE relays (relay {octets} PRIMARY KEY, name TEXT NOT NULL, segment TEXT NOT NULL, seen {number} NOT NULL,
  forgotten {number} NOT NULL, record {octets} NOT NULL);
CREATE TABLE agents (agent {octets} PRIMARY KEY, name TEXT NOT NULL, home {octets} NOT NULL, online {number} NOT NULL,
  seen {number} NOT NULL, attributes TEXT NOT NULL);
CREATE TABLE epochs (sink {octets} PRIMARY KEY, epoch {octets} NOT NULL);
CREATE TABLE roster (one {number} PRIMARY KEY CHECK (one = 1), version {octets} NOT NULL, document {octets} NOT NULL);
CREATE TABLE roster_signatures (n {number} PRIMARY KEY, signature {octets} NOT NULL);
)sql",
                     fmt::arg("octets", dialect.octets), fmt::arg("number", dialect.number),
                     fmt::arg("counter", dialect.counter));
}

// ---- keeping ----

constexpr const char* keep_action =
    "INSERT INTO actions (id, hex, document, asked) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
constexpr const char* keep_signature =
    "INSERT INTO signatures (action, n, signature) VALUES ($1, (SELECT count(*) FROM signatures WHERE action "
    "= $2), $3) "
    "ON CONFLICT DO NOTHING";
constexpr const char* keep_receipt =
    "INSERT INTO receipts (action, agent, part, parts, relay, agent_name, state, reason, trouble, results, "
    "started, "
    "finished, certificate, header, signature, body) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING";
constexpr const char* keep_cursor =
    "INSERT INTO cursors (action, relay, instance, next) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (action, relay, instance) DO UPDATE SET next = excluded.next WHERE excluded.next > "
    "cursors.next";
constexpr const char* keep_row =
    "INSERT INTO tally (action, relay, major, minor, packed, signature) VALUES ($1, $2, $3, $4, $5, $6) "
    "ON CONFLICT (action, relay) DO UPDATE SET major = excluded.major, minor = excluded.minor, packed = "
    "excluded.packed, "
    "signature = excluded.signature WHERE (excluded.major, excluded.minor) > (tally.major, tally.minor)";
/// A relay that shows itself anew is no longer forgotten; what it leaves out stays.
constexpr const char* keep_relay =
    "INSERT INTO relays (relay, name, segment, seen, forgotten, record) VALUES ($1, $2, $3, $4, 0, $5) "
    "ON CONFLICT (relay) DO UPDATE SET "
    "name = CASE WHEN excluded.name = '' THEN relays.name ELSE excluded.name END, "
    "segment = CASE WHEN excluded.segment = '' THEN relays.segment ELSE excluded.segment END, "
    "seen = excluded.seen, forgotten = 0, "
    "record = CASE WHEN length(excluded.record) = 0 THEN relays.record ELSE excluded.record END "
    "WHERE excluded.seen > relays.seen";
/// It may never have been heard of but as the home of agents.
constexpr const char* forget_relay =
    "INSERT INTO relays (relay, name, segment, seen, forgotten, record) VALUES ($1, '', '', 0, 1, $2) "
    "ON CONFLICT (relay) DO UPDATE SET forgotten = 1";
constexpr const char* keep_agent =
    "INSERT INTO agents (agent, name, home, online, seen, attributes) VALUES ($1, $2, $3, $4, $5, $6) "
    "ON CONFLICT (agent) DO UPDATE SET "
    "name = CASE WHEN excluded.name = '' THEN agents.name ELSE excluded.name END, "
    "home = excluded.home, online = excluded.online, seen = excluded.seen, "
    "attributes = CASE WHEN excluded.attributes = '' THEN agents.attributes ELSE excluded.attributes END "
    "WHERE excluded.seen >= agents.seen";
constexpr const char* keep_epoch =
    "INSERT INTO epochs (sink, epoch) VALUES ($1, $2) "
    "ON CONFLICT (sink) DO UPDATE SET epoch = excluded.epoch WHERE excluded.epoch > epochs.epoch";
constexpr const char* roster_at_least = "SELECT 1 FROM roster WHERE version >= $1";
constexpr const char* drop_roster = "DELETE FROM roster";
constexpr const char* drop_roster_signatures = "DELETE FROM roster_signatures";
constexpr const char* keep_roster = "INSERT INTO roster (one, version, document) VALUES (1, $1, $2)";
constexpr const char* keep_roster_signature = "INSERT INTO roster_signatures (n, signature) VALUES ($1, $2)";

// ---- asking ----

constexpr const char* actions = "SELECT id, document, asked FROM actions ORDER BY asked DESC, id LIMIT $1";
/// Hex digits end before 'g'.
constexpr const char* actions_from_to =
    "SELECT id, document, asked FROM actions WHERE hex >= $1 AND hex < $2 ORDER BY hex LIMIT $3";
constexpr const char* signatures = "SELECT signature FROM signatures WHERE action = $1 ORDER BY n";
constexpr const char* receipts =
    "SELECT agent, relay, agent_name, part, parts, state, reason, trouble, results, started, finished, "
    "sequence "
    "FROM receipts WHERE action = $1 AND sequence > $2 ORDER BY sequence";
constexpr const char* evidence =
    "SELECT header, signature, body FROM receipts WHERE action = $1 AND agent = $2 AND part = $3";
constexpr const char* agents =
    "SELECT agent, name, home, online, seen, attributes FROM agents ORDER BY name, agent";
constexpr const char* relays =
    "SELECT relay, name, segment, seen, forgotten, record FROM relays ORDER BY name, relay";
constexpr const char* cursors =
    "SELECT relay, instance, next FROM cursors WHERE action = $1 ORDER BY relay, instance";
constexpr const char* rows = "SELECT relay, packed, signature FROM tally WHERE action = $1 ORDER BY relay";
constexpr const char* epoch = "SELECT epoch FROM epochs WHERE sink = $1";
constexpr const char* roster = "SELECT document FROM roster";
constexpr const char* roster_signatures = "SELECT signature FROM roster_signatures ORDER BY n";

}  // namespace mig::store::sql
