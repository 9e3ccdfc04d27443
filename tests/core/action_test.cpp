#include "node/core/action.h"

#include <catch2/catch.hpp>

#include "node/core/limits.h"
#include "node/core/random.h"
#include "tests/core/gpg_fixtures.h"
#include "tests/core/made_up_people.h"

using namespace mig::core;
using made_up::why;
using Catch::Contains;

namespace {

/// Why the document is refused after `change`.
template <class Change>
std::string refusal(Change change) {
  Json document = to_json(made_up::action());
  change(document);
  return why(parse_action(canonical_json(document)));
}
std::string refusal_of(const char* field, const Json& value) {
  return refusal([&](Json& document) { document[field] = value; });
}
std::string refusal_of_limit(const char* field, const Json& value) {
  return refusal([&](Json& document) { document["limits"][field] = value; });
}

}  // namespace

TEST_CASE("an action says after reading what it said before writing") {
  Action action = made_up::action({"file", "agentdestroy"});
  action.description = {{"author", "Ann"}, {"revision", 2}};
  action.threat = {{"level", "info"}};
  action.disclose = Disclose::found;
  action.reply_key_wrapped = to_base64("wrapped");
  action.readers = {Fingerprint(40, 'A'), Fingerprint(40, 'B')};
  action.limits = {60, 120, 1 << 20, 3, true, true};
  action.valid_from += 250;
  Bytes text = made_up::text_of(action);
  Result<Action> read = parse_action(text);
  REQUIRE(why(read) == "accepted");
  CHECK(made_up::text_of(*read) == text);
  CHECK(read->id == action_id_of(text));
  CHECK(read->valid_from == action.valid_from);
  CHECK(read->disclose == Disclose::found);
  CHECK(read->readers == action.readers);
  CHECK(read->operations.at(1).module == "agentdestroy");
  CHECK(read->limits.prune);
  CHECK(read->limits.seconds == 120);
  CHECK(read->result_by() == action.expire_after + 60'000);
}

TEST_CASE("the document in the gpg fixtures is an action") {
  Result<Action> read = parse_action(fixtures::action_document());
  REQUIRE(why(read) == "accepted");
  CHECK(read->name == "is passwd there");
  CHECK(read->id.hex() == to_hex(blake2b(fixtures::action_document(), 32)));
  CHECK(fixtures::signing_text() == action_signing_text(fixtures::action_document()));
}

TEST_CASE("only the canonical spelling of an action is an action") {
  Bytes text = made_up::text_of(made_up::action());
  REQUIRE(parse_action(text));
  CHECK_THAT(why(parse_action(text + "\n")), Contains("not in its canonical form"));
  CHECK_THAT(why(parse_action(" " + text)), Contains("not in its canonical form, from byte 0"));
  CHECK_THAT(why(parse_action(pretty_json(*parse_json(text, text.size())))), Contains("not in its canonical form"));
  CHECK_THAT(refusal_of("validfrom", "2026-05-27T01:59:00+02:00"), Contains("not in its canonical form"));
  CHECK_THAT(refusal_of("validfrom", "2026-05-26T23:59:00.0Z"), Contains("not in its canonical form"));
  Bytes escaped = text;
  escaped.replace(escaped.find("passwd"), 1, "\\u0070");
  CHECK_THAT(why(parse_action(escaped)), Contains("not in its canonical form"));
  CHECK_THAT(why(parse_action(text + "{}")), Contains("json"));
}

TEST_CASE("a key that stands twice is refused, at the top and deep inside") {
  Bytes text = made_up::text_of(made_up::action());
  Bytes twice = text;
  twice.insert(1, "\"target\":\"name='just-this-one'\",");
  CHECK_THAT(why(parse_action(twice)), Contains("stands twice"));
  Bytes inside = text;
  inside.insert(inside.find("\"searches\""), "\"searches\":{},");
  CHECK_THAT(why(parse_action(inside)), Contains("stands twice"));
  CHECK_THAT(why(read_action_file(twice)), Contains("stands twice"));
}

TEST_CASE("a field nobody knows is refused, and so is a field that is missing") {
  CHECK_THAT(refusal_of("Target", "all"), Contains("Target: is not known here"));
  CHECK_THAT(refusal_of("pgpsignatures", Json::array()), Contains("pgpsignatures: is not known here"));
  CHECK_THAT(refusal_of_limit("cores", 4), Contains("limits.cores: is not known here"));
  CHECK_THAT(refusal([](Json& d) { d["operations"][0]["is_compressed"] = true; }),
             Contains("operations[0].is_compressed: is not known here"));
  const Json whole = to_json(made_up::action());
  for (const auto& field : whole.items()) {
    std::string name = field.key();
    CHECK(refusal([&](Json& d) { d.erase(name); }) == "action: " + name + ": is missing");
  }
  for (const auto& field : whole["limits"].items()) {
    std::string name = field.key();
    CHECK(refusal([&](Json& d) { d["limits"].erase(name); }) == "action: limits." + name + ": is missing");
  }
}

TEST_CASE("every field of an action has a type and bounds, and the refusal names them") {
  CHECK_THAT(refusal_of("syntaxversion", 2), Contains("syntaxversion: 2 is not a whole number in 3..3"));
  CHECK_THAT(refusal_of("name", ""), Contains("name: is empty"));
  CHECK_THAT(refusal_of("name", 5), Contains("name: is a number; text is needed"));
  CHECK_THAT(refusal_of("name", "red \x1b[31m"), Contains("name: holds control characters"));
  CHECK_THAT(refusal_of("name", std::string(2049, 'n')), Contains("name: has 2049 bytes"));
  CHECK_THAT(refusal_of("target", ""), Contains("target: is empty"));
  CHECK_THAT(refusal_of("target", "status ="), Contains("target: line 1"));
  CHECK_THAT(refusal_of("target", std::string(limits::target_bytes + 1, 't')), Contains("target: has 8193 bytes"));
  CHECK_THAT(refusal_of("description", Json::array()), Contains("description: is a list; an object is needed"));
  CHECK_THAT(refusal_of("threat", nullptr), Contains("threat: is null; an object is needed"));
  CHECK_THAT(refusal_of("operations", Json::array()), Contains("operations: has 0 entries"));
  Json many = Json::array();
  for (std::size_t i = 0; i <= limits::operations; ++i) many.push_back({{"module", "file"}, {"parameters", {}}});
  CHECK_THAT(refusal_of("operations", many), Contains("operations: has 65 entries"));
  CHECK_THAT(refusal([](Json& d) { d["operations"][0]["module"] = "File"; }),
             Contains("operations[0].module: holds more than a-z"));
  CHECK_THAT(refusal_of("mesh", "00"), Contains("mesh: must be 32 hex digits, lower case"));
  CHECK_THAT(refusal_of("mesh", std::string(32, 'A')), Contains("mesh: must be 32 hex digits, lower case"));
  CHECK_THAT(refusal_of("nonce", std::string(30, '0')), Contains("nonce: must be 32 hex digits"));
  CHECK_THAT(refusal_of("rosterversion", -1), Contains("rosterversion: -1 is not a whole number"));
  CHECK_THAT(refusal_of("rosterversion", 1.5), Contains("rosterversion: 1.5 is not a whole number"));
  CHECK_THAT(refusal_of("disclose", "all"), Contains("disclose: 'all' is not one of: status, found, none"));
  CHECK_THAT(refusal([](Json& d) { d["replykey"]["public"] = ""; }), Contains("replykey.public: must be 64 hex"));
  CHECK_THAT(refusal([](Json& d) { d["replykey"]["wrapped"] = "%"; }), Contains("replykey.wrapped: is not base64"));
  CHECK_THAT(refusal_of("readers", {"ann"}), Contains("readers[0]: is not a fingerprint"));
  CHECK_THAT(refusal_of("readers", {std::string(40, 'A'), std::string(40, 'A')}), Contains("readers[1]: stands twice"));
  CHECK_THAT(refusal_of("validfrom", "yesterday"), Contains("validfrom: 'yesterday' is not a time"));
  CHECK_THAT(refusal_of("expireafter", to_rfc3339(made_up::now - made_up::minute)), Contains("is not after validfrom"));
  CHECK_THAT(refusal_of("expireafter", to_rfc3339(made_up::now + 31 * made_up::day)),
             Contains("31d after validfrom; 31d are allowed"));
  CHECK(refusal_of("expireafter", to_rfc3339(made_up::now + 30 * made_up::day)) == "accepted");
  CHECK_THAT(refusal_of_limit("priority", 4), Contains("limits.priority: 4 is not a whole number in 1..3"));
  CHECK_THAT(refusal_of_limit("seconds", 0), Contains("limits.seconds: 0 is not"));
  CHECK_THAT(refusal_of_limit("bytes", 1LL << 40), Contains("limits.bytes: 1099511627776 is not"));
  CHECK_THAT(refusal_of_limit("idempotent", 1), Contains("limits.idempotent: is a number; true or false is needed"));
  CHECK_THAT(why(parse_action("[]")), Contains("action: is a list, not an object"));
  CHECK_THAT(why(parse_action("")), Contains("action: json"));
}

TEST_CASE("an action of more than 64 KiB is refused before it is parsed") {
  Result<Action> read = parse_action(Bytes(limits::action_bytes + 1, '{'));
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::too_large);
}

TEST_CASE("a written action reads back with its signatures and its exact text") {
  SignedText action = made_up::signed_by({"ann", "ben"}, made_up::text_of(made_up::action()));
  std::string file = write_action_file(action);
  CHECK_THAT(file, Contains("\n  \"name\": \"is passwd there\""));
  Result<ActionFile> read = read_action_file(file);
  REQUIRE(why(read) == "accepted");
  CHECK(read->syntax_version == 3);
  CHECK(read->canonical == action.text);
  CHECK(read->signatures == action.signatures);
  CHECK(read->draft.id == action_id_of(action.text));
}

TEST_CASE("a file may leave fields open as long as nobody has signed it") {
  Result<ActionFile> draft =
      read_action_file(R"({"syntaxversion": 3, "name": "n", "target": "all", "limits": {"seconds": 30},
                           "operations": [{"module": "file", "parameters": {}}]})");
  REQUIRE(why(draft) == "accepted");
  CHECK(draft->canonical.empty());
  CHECK(draft->draft.name == "n");
  CHECK(draft->draft.valid_from == 0);
  CHECK(draft->draft.limits.seconds == 30);
  CHECK(draft->draft.limits.grace_s == ActionLimits{}.grace_s);
  CHECK(draft->draft.nonce.empty());

  CHECK_THAT(why(read_action_file(R"({"syntaxversion": 3, "name": "n", "pgpsignatures": ["aaaa"]})")),
             Contains("nobody can have signed this"));
  CHECK_THAT(why(read_action_file(R"({"syntaxversion": 3, "nam": "n"})")), Contains("nam: is not known here"));
  CHECK_THAT(why(read_action_file(R"({"syntaxversion": 1})")),
             Contains("syntaxversion: 1 is not known; 2 (MIG) and 3"));
  CHECK_THAT(why(read_action_file(R"({"name": "n", "limits": {"seconds": 30}})")),
             Contains(R"(limits: only actions of version 3 have it; write "syntaxversion": 3)"));
  CHECK_THAT(why(read_action_file("[]")), Contains("is not a JSON object"));
  CHECK_THAT(why(read_action_file("")), Contains("action: json"));
}

TEST_CASE("signatures in a file are base64, few and small") {
  Json document = to_json(made_up::action());
  document["pgpsignatures"] = {"-----BEGIN PGP SIGNATURE-----"};
  CHECK_THAT(why(read_action_file(document.dump())), Contains("pgpsignatures[0]: is not the base64"));
  document["pgpsignatures"] = {to_base64(Bytes(limits::signature_bytes + 1, 'x'))};
  CHECK_THAT(why(read_action_file(document.dump())), Contains("pgpsignatures[0]: is not the base64"));
  document["pgpsignatures"] = Json::array();
  for (std::size_t i = 0; i <= limits::signatures; ++i) document["pgpsignatures"].push_back("aaaa");
  CHECK_THAT(why(read_action_file(document.dump())), Contains("a list of at most 8"));
}

TEST_CASE("random damage to an action never crashes the reader and never keeps its id") {
  Random random(*Seed::from(Bytes(32, '\x03')));
  Bytes text = made_up::text_of(made_up::action());
  ActionId id = action_id_of(text);
  for (int round = 0; round < 3000; ++round) {
    Bytes damaged = text;
    for (std::uint64_t n = 1 + random.below(3); n > 0 && !damaged.empty(); --n) {
      std::size_t at = random.below(damaged.size());
      switch (random.below(3)) {
        case 0: damaged[at] = static_cast<char>(random.below(256)); break;
        case 1: damaged.erase(at, random.below(8)); break;
        default: damaged.insert(at, random.bytes(random.below(8))); break;
      }
    }
    Result<Action> read = parse_action(damaged);
    if (read && damaged != text) REQUIRE(read->id != id);
    (void)read_action_file(damaged);
  }
}
