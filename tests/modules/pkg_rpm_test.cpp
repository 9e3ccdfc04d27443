// pkg on rpm's databases in their three forms, whole, cut and foreign; and what rpm itself says of them.
#include <sqlite3.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

#include "modules/pkg/packages.h"
#include "pkg_machine.h"

using namespace mig;
using namespace mig::test::pkg;

namespace {

const std::vector<std::string> headers = {header("bash", "5.1.8", "6.el9"), header("gpg-pubkey", "fd431d51", "4ae0493b", -1, ""),
                                          header("openssl", "3.0.7", "24.el9", 1, "x86_64", 20'000, true), header("tzdata", "2023c", "1.el9", 0, "noarch", 300'000)};
const Json rows = {row("bash", "5.1.8-6.el9", "rpm", "x86_64"), row("gpg-pubkey", "fd431d51-4ae0493b", "rpm", "(none)"),
                   row("openssl", "1:3.0.7-24.el9", "rpm", "x86_64"), row("tzdata", "0:2023c-1.el9", "rpm", "noarch")};

using Database = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;

Database open(const std::string& path) {
  sqlite3* out = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &out) == SQLITE_OK);
  return {out, sqlite3_close};
}

void insert(sqlite3* database, const std::vector<std::string>& all) {
  sqlite3_stmt* statement = nullptr;
  REQUIRE(sqlite3_prepare_v2(database, "INSERT INTO Packages (blob) VALUES (?)", -1, &statement, nullptr) == SQLITE_OK);
  for (const std::string& one : all) {
    sqlite3_bind_blob(statement, 1, one.data(), static_cast<int>(one.size()), SQLITE_STATIC);
    CHECK(sqlite3_step(statement) == SQLITE_DONE);
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
}

const std::string create = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);";

void make_sqlite(const std::string& path, const std::vector<std::string>& all, const std::string& settings = "") {
  const Database database = open(path);
  sqlite3_exec(database.get(), (settings + create).c_str(), nullptr, nullptr, nullptr);
  sqlite3_exec(database.get(), "BEGIN", nullptr, nullptr, nullptr);
  insert(database.get(), all);
  sqlite3_exec(database.get(), "COMMIT", nullptr, nullptr, nullptr);
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string little_endian(std::uint32_t value) {
  const std::string big = big_endian(value);
  return {big.rbegin(), big.rend()};
}

/// As rpm's lib/backend/ndb/rpmpkg.c lays it out.
std::string ndb(const std::vector<std::string>& all) {
  std::string head = "RpmP" + little_endian(0) + little_endian(7) + little_endian(1) + little_endian(static_cast<std::uint32_t>(all.size() + 1)) + std::string(12, '\0');
  std::string blobs;
  std::uint32_t number = 0;
  for (const std::string& one : all) {
    ++number;
    const auto blocks = static_cast<std::uint32_t>((16 + one.size() + 12 + 15) / 16);
    head += "Slot" + little_endian(number) + little_endian(static_cast<std::uint32_t>((4096 + blobs.size()) / 16)) + little_endian(blocks);
    std::string blob = "BlbS" + little_endian(number) + little_endian(7) + little_endian(static_cast<std::uint32_t>(one.size())) + one;
    blob.resize(blocks * 16 - 12);
    blobs += blob + little_endian(0) + little_endian(static_cast<std::uint32_t>(one.size())) + "BlbE";
  }
  while (head.size() < 4096) head += "Slot" + std::string(12, '\0');
  return head + blobs;
}

std::string hex(const std::string& bytes) {
  std::string out;
  for (char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

/// By Berkeley DB's own program. `order`: 1234 or 4321.
bool make_berkeley(const std::string& path, const std::vector<std::string>& all, const char* order = "1234") {
  if (missing("db5.3_load", "db5.3-util")) return false;
  std::string dump = fmt::format("VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\ndb_lorder={}\nHEADER=END\n", order);
  dump += " 00000000\n " + hex(little_endian(static_cast<std::uint32_t>(all.size()))) + "\n";
  std::uint32_t number = 0;
  for (const std::string& one : all) dump += " " + hex(little_endian(++number)) + "\n " + hex(one) + "\n";
  std::ofstream(path + ".dump") << dump + "DATA=END\n";
  const bool made = std::system(fmt::format("db5.3_load -f {0}.dump {0}", path).c_str()) == 0;
  std::remove((path + ".dump").c_str());
  CHECK(made);
  return made;
}

std::string first_error(const Json& answer) { return answer["errors"].is_array() && !answer["errors"].empty() ? answer["errors"][0].get<std::string>() : ""; }

}  // namespace

TEST_CASE("rpm's packages are read from SQLite, with pages of any size and headers longer than one", "[pkg]") {
  for (const char* settings : {"", "PRAGMA page_size=512;", "PRAGMA page_size=65536;"}) {
    const Machine machine;
    make_sqlite(machine.root.path("/var/lib/rpm/rpmdb.sqlite"), headers, settings);
    CHECK(machine.find() == whole(rows));
    CHECK(machine.find("^openssl$") == whole({rows[2]}));
  }
}

TEST_CASE("a table of many pages is read to its end", "[pkg]") {
  const Machine machine;
  std::vector<std::string> many;
  for (int i = 1000; i < 4000; ++i) many.push_back(header(fmt::format("p{}", i), "1", "1"));
  make_sqlite(machine.root.path("/usr/lib/sysimage/rpm/rpmdb.sqlite"), many, "PRAGMA page_size=1024;");
  const Json all = machine.find()["elements"]["packages"];
  REQUIRE(all.size() == 3000);
  CHECK(all[0]["name"] == "p1000");
  CHECK(all[2999]["name"] == "p3999");
}

TEST_CASE("what stands only in the write-ahead log is told, without a change of the database or a lock", "[pkg]") {
  const Machine machine;
  const std::string path = machine.root.path("/var/lib/rpm/rpmdb.sqlite");
  make_sqlite(path, {headers[0]}, "PRAGMA journal_mode=WAL;");
  const Database database = open(path);
  sqlite3_exec(database.get(), "PRAGMA wal_autocheckpoint=0; BEGIN EXCLUSIVE", nullptr, nullptr, nullptr);
  insert(database.get(), {headers[1], headers[2], headers[3]});
  CHECK(machine.find() == whole({rows[0]}));  // not committed
  sqlite3_exec(database.get(), "COMMIT", nullptr, nullptr, nullptr);
  const std::string before = content_of(path);
  sqlite3_exec(database.get(), "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr);
  CHECK(machine.find() == whole(rows));
  CHECK(content_of(path) == before);
  std::string log = content_of(path + "-wal");
  log[24] = static_cast<char>(log[24] ^ 1);
  const Machine other;
  other.root.file("/var/lib/rpm/rpmdb.sqlite", before);
  other.root.file("/var/lib/rpm/rpmdb.sqlite-wal", log);
  CHECK(other.find() == whole({rows[0]}, {"/var/lib/rpm/rpmdb.sqlite: has a log of changes that is damaged; the newest are not told"}));
}

TEST_CASE("of a long header only what is wanted has to be there, and that its end is missing is told", "[pkg]") {
  const Machine other, cut, made, table;
  std::string holes = ndb(headers);
  std::fill(holes.end() - 200'000, holes.end(), 'y');
  other.root.file("/var/lib/rpm/Packages.db", holes);
  CHECK(other.find() == whole(rows));
  cut.root.file("/var/lib/rpm/Packages.db", holes.substr(0, holes.size() - 200'000));
  CHECK(cut.find() == whole(rows, {"/var/lib/rpm/Packages.db: is cut short within a package"}));
  make_sqlite(made.root.path("/rpmdb"), {headers[3]});
  const std::string good = content_of(made.root.path("/rpmdb"));
  table.root.file("/var/lib/rpm/rpmdb.sqlite", good.substr(0, good.size() - 4096));
  CHECK(table.find() == whole({rows[3]}, {fmt::format("/var/lib/rpm/rpmdb.sqlite: is cut short: 1 of its {} pages are missing", good.size() / 4096)}));
}

TEST_CASE("rpm's packages are read from an ndb database", "[pkg]") {
  const Machine machine;
  machine.root.file("/usr/lib/sysimage/rpm/Packages.db", ndb(headers));
  CHECK(machine.find() == whole(rows));
}

TEST_CASE("rpm's packages are read from a hash of Berkeley DB, of this byte order and the other", "[pkg]") {
  for (const char* order : {"1234", "4321"}) {
    const Machine machine;
    if (!make_berkeley(machine.root.path("/var/lib/rpm/Packages"), headers, order)) return;
    CHECK(machine.find() == whole(rows));
  }
}

TEST_CASE("rpm's databases that are cut, foreign or being changed are named with the reason", "[pkg]") {
  const std::string folder = "/var/lib/rpm/";
  const auto told = [&](const std::string& name, const std::string& content) {
    const Machine machine;
    machine.root.file(folder + name, content);
    const Json answer = machine.find();
    CHECK(answer["success"] == true);
    CHECK(answer["errors"].size() == 1);
    return first_error(answer);
  };
  CHECK(told("rpmdb.sqlite", "") == folder + "rpmdb.sqlite: is too short for a database");
  CHECK(told("rpmdb.sqlite", std::string(4096, 'x')) == folder + "rpmdb.sqlite: is no SQLite database");
  CHECK(told("Packages.db", std::string(4096, 'x')) == folder + "Packages.db: is no ndb database of rpm");
  CHECK(told("Packages", std::string(4096, 'x')) == folder + "Packages: is no hash of Berkeley DB");
  CHECK(told("Packages.db", ndb(headers).substr(0, 5000)) == folder + "Packages.db: is cut short within a package");
  const Machine machine;
  const std::string path = machine.root.path("/var/lib/rpm/rpmdb.sqlite");
  make_sqlite(path, headers);
  const std::string good = content_of(path);
  CHECK(told("rpmdb.sqlite", good.substr(0, good.size() / 2)) == folder + "rpmdb.sqlite: is cut short or damaged: a page is missing");
  const Database database = open(path);
  sqlite3_exec(database.get(), "PRAGMA journal_mode=DELETE; BEGIN", nullptr, nullptr, nullptr);
  insert(database.get(), {header("new", "1", "1")});
  CHECK(machine.find() == whole(rows, {folder + "rpmdb.sqlite: is being changed, or a change of it was cut off; what is told may be half of it"}));
  Machine empty;
  sqlite3_exec(open(empty.root.path("/var/lib/rpm/rpmdb.sqlite")).get(), "CREATE TABLE x (y)", nullptr, nullptr, nullptr);
  CHECK(empty.find() == whole(Json::array(), {folder + "rpmdb.sqlite: has no table of packages"}));
  CHECK(told("Packages.db", ndb({header("a", "1", "1"), "no header"})) == folder + "Packages.db: holds a package whose header is damaged");
  if (const Machine old; make_berkeley(old.root.path("/var/lib/rpm/Packages"), headers)) {
    const std::string whole_one = content_of(old.root.path("/var/lib/rpm/Packages"));
    CHECK_THAT(told("Packages", whole_one.substr(0, whole_one.size() / 2)), Catch::StartsWith(folder + "Packages: "));
  }
}

TEST_CASE("pkg and rpm -qa tell the same of what rpm itself wrote, and of the same as Berkeley DB", "[pkg]") {
  if (missing("rpmbuild", "rpm") || missing("sqlite3", "sqlite3")) return;
  const Machine machine;
  const std::string work = machine.root.path("/build");
  std::string spec = "Name: one\nVersion: 1.0\nRelease: 1\nSummary: s\nLicense: none\nBuildArch: noarch\n%description\nd\n%files\n";
  for (int i = 0; i < 12; ++i)
    spec += fmt::format("%package -n sub{0}\nSummary: s\n{1}Version: {0}.5~rc{0}\n%description -n sub{0}\nd\n%files -n sub{0}\n", i, i % 3 == 0 ? fmt::format("Epoch: {}\n", i) : "");
  machine.root.file("/build/x.spec", spec);
  const std::string rpm = fmt::format("rpm --dbpath {}", machine.root.path("/var/lib/rpm"));
  if (shell(fmt::format("rpmbuild -bb --define '_topdir {0}' {0}/x.spec && {1} --initdb && {1} -i --justdb --nodeps --nosignature --ignorearch {0}/RPMS/*/*.rpm && echo yes", work, rpm)).empty()) {
    WARN("left out: rpm cannot write a database here");
    return;
  }
  const auto theirs = [&](const std::string& dbpath) {
    std::multiset<std::string> out;
    std::istringstream lines(shell(fmt::format("rpm --dbpath {} -qa --queryformat '%{{NAME}} %{{EVR}} %{{ARCH}}\\n'", dbpath)));
    for (std::string line; std::getline(lines, line);) out.insert(line);
    return out;
  };
  const auto ours = [](const Machine& asked) {
    std::multiset<std::string> out;
    const Json answer = asked.find();
    for (const Json& one : answer["elements"]["packages"])
      out.insert(fmt::format("{} {} {}", one["name"].get<std::string>(), one["version"].get<std::string>(), one["arch"].get<std::string>()));
    return out;
  };
  const auto wanted = theirs(machine.root.path("/var/lib/rpm"));
  CHECK(wanted.size() == 13);
  CHECK(ours(machine) == wanted);

  std::vector<std::string> blobs;
  sqlite3_stmt* statement = nullptr;
  const Database database = open(machine.root.path("/var/lib/rpm/rpmdb.sqlite"));
  REQUIRE(sqlite3_prepare_v2(database.get(), "SELECT blob FROM Packages", -1, &statement, nullptr) == SQLITE_OK);
  while (sqlite3_step(statement) == SQLITE_ROW)
    blobs.emplace_back(static_cast<const char*>(sqlite3_column_blob(statement, 0)), static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
  sqlite3_finalize(statement);
  const Machine old;
  if (!make_berkeley(old.root.path("/var/lib/rpm/Packages"), blobs)) return;
  CHECK(ours(old) == wanted);
}
