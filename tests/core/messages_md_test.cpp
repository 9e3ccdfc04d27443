// Holds MESSAGES.md against the code: every table of fields, every list of values, every example.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "node/core/map.h"
#include "node/core/message_fields.h"
#include "node/core/sodium.h"

using namespace mig::core;
using namespace mig::core::codec;

namespace {

template <class E>
const char* value_list = nullptr;
template <>
const char* value_list<Role> = "role";
template <>
const char* value_list<ObjectKind> = "kind";
template <>
const char* value_list<Journal> = "journal";
template <>
const char* value_list<ByeCode> = "bye code";
template <>
const char* value_list<VerdictCode> = "verdict code";
template <>
const char* value_list<AckCode> = "ack code";
template <>
const char* value_list<State> = "state";

/// Tables by heading, each row as "key | field | type | must".
using Tables = std::map<std::string, std::vector<std::string>>;

std::string range(std::size_t min, std::size_t max) {
  return min == max ? std::to_string(min) : fmt::format("{}..{}", min, max);
}

template <class T>
void describe(Tables& tables);

// The type of a field in the words of the page.
template <class T>
std::string type_of(Tables& tables, const T&) {
  if constexpr (std::is_same_v<T, bool>)
    return "bool";
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return "time";
  else if constexpr (std::is_integral_v<T>)
    return fmt::format("u{}", sizeof(T) * 8);
  else if constexpr (std::is_enum_v<T>)
    return value_list<T>;
  else if constexpr (Shaped<T>) {
    describe<T>(tables);
    return std::string(Shape<T>::name);
  } else
    return fmt::format("bin {}", T::size);
}
template <class T>
std::string type_of(Tables& tables, const std::optional<T>&) {
  return type_of(tables, T());
}
template <class A, class B>
std::string type_of(Tables& tables, const std::pair<A, B>&) {
  return fmt::format("[{}, {}]", type_of(tables, A()), type_of(tables, B()));
}
template <class S>
std::string type_of(Tables&, const Octets<S>& field) {
  return "bin " + range(field.min, field.max);
}
template <class S>
std::string type_of(Tables&, const Text<S>& field) {
  return "str " + range(0, field.max);
}
template <class L>
std::string type_of(Tables& tables, const List<L>& field) {
  return fmt::format("array {} of {}", range(0, field.max), type_of(tables, typename std::decay_t<L>::value_type()));
}
template <class L>
std::string type_of(Tables&, const OctetsList<L>& field) {
  return fmt::format("array {} of bin {}", range(0, field.max), range(0, field.size_max));
}
template <class L>
std::string type_of(Tables&, const TextList<L>& field) {
  return fmt::format("array {} of str {}", range(0, field.max), range(0, field.size_max));
}
template <class M>
std::string type_of(Tables&, const TextMap<M>& field) {
  return fmt::format("map {} of str {} to str {}", range(0, field.max), range(0, field.key_max), range(0, field.value_max));
}

struct Describing {
  Tables& tables;
  std::vector<std::string>& rows;
  template <class T>
  void must(unsigned key, std::string_view name, const T& value) {
    add(key, name, value, "must");
  }
  template <class T>
  void may(unsigned key, std::string_view name, const T& value) {
    add(key, name, value, "may");
  }
  template <class T>
  void add(unsigned key, std::string_view name, const T& value, const char* presence) {
    REQUIRE(key < Entries::keys);
    rows.push_back(fmt::format("{} | {} | {} | {}", key, name, type_of(tables, value), presence));
  }
};

template <class T>
void describe_as(Tables& tables, const std::string& heading) {
  std::vector<std::string> rows;
  Describing describing{tables, rows};
  T value;
  Shape<T>::fields(describing, value);
  tables[heading] = rows;
}
template <class T>
void describe(Tables& tables) {
  constexpr const char* form = is_tuple<T> ? "Array" : "Map";
  if constexpr (!requires { Shape<T>::number; }) describe_as<T>(tables, fmt::format("{}: {}", form, Shape<T>::name));
}
template <class Variant, std::size_t... I>
void describe_numbered(Tables& tables, const char* what, std::index_sequence<I...>) {
  auto one = [&]<class T>(const T&) {
    if constexpr (!std::is_same_v<T, Unknown>)
      describe_as<T>(tables, fmt::format("{} {}: {}", what, Shape<T>::number, Shape<T>::name));
  };
  (one(std::variant_alternative_t<I, Variant>{}), ...);
}

Tables tables_of_code() {
  Tables tables;
  describe_numbered<Message>(tables, "Frame", std::make_index_sequence<std::variant_size_v<Message>>());
  describe_numbered<Routed>(tables, "Payload", std::make_index_sequence<std::variant_size_v<Routed>>());
  describe<RelayRecord>(tables), describe<SinkRecord>(tables), describe<Row>(tables), describe<Pull>(tables), describe<Ask>(tables);
  describe<Signed>(tables), describe<Certificate>(tables), describe<Ticket>(tables), describe<Invite>(tables);
  describe<EnrolRequest>(tables), describe<ProvenRequest>(tables), describe<EnrolAnswer>(tables), describe<SignedText>(tables);
  describe<ReplyHeader>(tables), describe<ReplyBody>(tables);
  return tables;
}

// ---- the page ----

struct Page {
  Tables tables;                                        ///< by heading: cells of each row joined, but for the last one
  std::map<std::string, std::string> examples;          ///< name -> hex
};

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line.substr(1));
  for (std::string cell; std::getline(in, cell, '|');) {
    auto from = cell.find_first_not_of(' '), to = cell.find_last_not_of(' ');
    cells.push_back(from == std::string::npos ? "" : cell.substr(from, to - from + 1));
  }
  return cells;
}

Page read_page() {
  std::ifstream in(MIG_SOURCE_DIR "/node/core/MESSAGES.md");
  REQUIRE(in.good());
  Page page;
  std::string heading;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("#", 0) == 0) {
      heading = line.substr(line.find_first_not_of("# "));
      continue;
    }
    bool rule = line.rfind("|-", 0) == 0, head = line.rfind("| key |", 0) == 0 || line.rfind("| value |", 0) == 0 || line.rfind("| example |", 0) == 0;
    if (line.rfind("|", 0) != 0 || rule || head) continue;
    auto cells = cells_of(line);
    if (heading == "Examples") {
      REQUIRE(cells.size() == 2);
      CHECK(page.examples.emplace(cells[0], cells[1].substr(1, cells[1].size() - 2)).second);
      continue;
    }
    REQUIRE(cells.size() >= 2);
    std::string row = cells[0];
    for (std::size_t i = 1; i + 1 < cells.size(); ++i) row += " | " + cells[i];
    page.tables[heading].push_back(row);
  }
  return page;
}

std::string printed(const std::vector<std::string>& rows) {
  std::string out;
  for (const std::string& row : rows) out += "| " + row + " | |\n";
  return out;
}

Seed seed(unsigned char fill) {
  Seed out;
  out.octets.fill(fill);
  return out;
}

}  // namespace

TEST_CASE("MESSAGES.md lists every field of every frame and record as the code has it") {
  Page page = read_page();
  for (const auto& expected : tables_of_code()) {
    INFO("### " << expected.first << "\n" << printed(expected.second));
    INFO("the page says:\n" << printed(page.tables[expected.first]));
    CHECK(page.tables[expected.first] == expected.second);
  }
}

TEST_CASE("MESSAGES.md describes nothing the code does not know") {
  Tables code = tables_of_code();
  for (const auto& table : read_page().tables) {
    bool fields = table.first.rfind("Frame ", 0) == 0 || table.first.rfind("Payload ", 0) == 0 ||
                  table.first.rfind("Map: ", 0) == 0 || table.first.rfind("Array: ", 0) == 0;
    INFO(table.first);
    if (fields) CHECK(code.count(table.first) == 1);
  }
}

TEST_CASE("MESSAGES.md lists every value of every enumeration") {
  Page page = read_page();
  auto values = [&](const char* name, unsigned last, auto text) {
    std::vector<std::string> expected;
    for (unsigned i = 1; i <= last; ++i) expected.push_back(fmt::format("{} | {}", i, text(i)));
    INFO("### Values: " << name << "\n" << printed(expected));
    CHECK(page.tables[std::string("Values: ") + name] == expected);
  };
  values("role", last_of<Role>, [](unsigned i) { return to_text(static_cast<Role>(i)); });
  values("bye code", last_of<ByeCode>, [](unsigned i) { return to_text(static_cast<ByeCode>(i)); });
  values("state", last_of<State>, [](unsigned i) { return to_text(static_cast<State>(i)); });
  auto named = [](std::vector<std::string> names) { return [names](unsigned i) { return names.at(i - 1); }; };
  values("kind", 8, named({"action", "cancel", "relay", "sink", "roster", "stop", "draft", "chunk"}));
  values("journal", last_of<Journal>, named({"started", "done", "stored", "confirmed"}));
  values("verdict code", last_of<VerdictCode>, named({"stored", "refused", "quota", "late", "bad"}));
  values("ack code", last_of<AckCode>, named({"full", "unasked", "bad"}));
}

TEST_CASE("the examples of MESSAGES.md are what the code computes") {
  Page page = read_page();
  std::map<std::string, Bytes> expected;
  Keys keys(seed(1));
  expected["sign_key"] = keys.sign_public().bytes();
  expected["link_secret"] = keys.link_secret().bytes();
  expected["link_key"] = keys.link_public().bytes();
  expected["node id"] = keys.id().bytes();
  expected["sealing key"] = link_public_of(keys.sign_public())->bytes();
  expected["signature"] = keys.sign(domain::row, "text");
  Ticket ticket{keys.id(), 5, NodeId{}, 1'800'000'000'000};
  expected["ticket"] = write_ticket(ticket, keys);
  expected["BEAT"] = encode(Beat{1, 1'800'000'000'000, 300, {}});
  ReplyKeys reader;
  reader.secret = keys.link_secret(), reader.key = keys.link_public();
  ReplyHeader header;
  header.action = action_id_of("{}"), header.agent = keys.id(), header.state = State::not_targeted;
  Random random(seed(2));
  expected["reply header"] = make_reply(header, {}, {}, keys, random).header;
  for (const auto& example : expected) {
    INFO("| " << example.first << " | `" << to_hex(example.second) << "` |");
    CHECK(page.examples[example.first] == to_hex(example.second));
  }
  // Sealing uses a fresh key each time, so that of the page is opened instead.
  auto plain = open(*from_hex(page.examples["sealed"]), reader.key, reader.secret);
  INFO("| sealed | `" << to_hex(seal("text", reader.key, random)) << "` |");
  CHECK((plain ? *plain : plain.error().text) == "text");
  CHECK(page.examples.size() == expected.size() + 1);
}
