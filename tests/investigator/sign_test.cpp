#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "investigator/action_text.h"
#include "investigator/commands/command.h"
#include "investigator/describe.h"
#include "investigator/draft.h"
#include "investigator/files.h"
#include "investigator/mesh_init.h"
#include "tests/investigator/gpg_home.h"

using namespace mig;
using namespace mig::investigator;
using Catch::Matchers::Contains;
using tests::GpgHome;
using tests::TempDir;

namespace {

const char* draft_text = R"({"name": "who is there", "target": "status='online'",
  "operations": [{"module": "file", "parameters": {"searches": {"s1": {"paths": ["/etc"], "names": ["^passwd$"]}}}}]})";

/// A mesh of two people who both must sign; each has a home of her own and both keys in one gpg.
struct TwoPeople {
  GpgHome gnupg;
  TempDir dir;
  core::Fingerprint ada, eve;

  TwoPeople() {
    auto first = gnupg.gpg().make_key("Ada <ada@example.org>"), second = gnupg.gpg().make_key("Eve <eve@example.org>");
    REQUIRE(first);
    REQUIRE(second);
    ada = *first;
    eve = *second;
    Gpg gpg = gnupg.gpg();
    core::Trust trust;
    trust.name = "demo";
    trust.roots = *gpg.signing_keys(ada);
    trust.mesh = core::mesh_id_of(trust.roots, trust.threshold);
    core::Seed enroller = fresh_seed();
    core::Roster roster;
    roster.mesh = trust.mesh;
    roster.version = 1;
    roster.issued = wall_now();
    roster.expires = roster.issued + 3600'000;
    for (const auto& person : {ada, eve}) roster.investigators.push_back({person.substr(0, 4), person, *gpg.signing_keys(person)});
    roster.access["default"] = {2, {{ada, 1}, {eve, 1}}};
    roster.enrollers.push_back(core::Keys(enroller).sign_public());
    core::SignedText text{core::canonical_json(core::to_json(roster)), {}};
    text.signatures.push_back(*gpg.sign(core::roster_signing_text(text.text), ada));
    for (const auto& [word, key] : {std::pair{"/ada", ada}, std::pair{"/eve", eve}}) {
      auto home = Home::create(dir.path() + word, {"demo", key, gnupg.path(), "", {}}, trust, text, enroller);
      INFO((home ? "" : home.error().text));
      REQUIRE(home);
    }
  }

  Globals globals(const std::string& who) const {
    Globals out;
    out.home = dir.path() + "/" + who;
    out.yes = true;
    return out;
  }
  std::string file(const std::string& name, const std::string& text = "") const {
    std::string path = dir.path() + "/" + name;
    if (!text.empty()) std::ofstream(path) << text;
    return path;
  }
};

int sign(const TwoPeople& people, const std::string& who, const std::string& from, const std::string& to) {
  Globals globals = people.globals(who);
  return sign_command().run({from, "-o", to}, globals);
}

int verify(const TwoPeople& people, const std::string& file) {
  Globals globals = people.globals("ada");
  return verify_command().run({file}, globals);
}

core::ActionFile loaded(const std::string& path) {
  auto text = read_file(path);
  REQUIRE(text);
  auto file = core::read_action_file(*text);
  REQUIRE(file);
  return *file;
}

}  // namespace

TEST_CASE("two people sign the same bytes, and then agents take them") {
  TwoPeople people;
  std::string draft = people.file("draft.json", draft_text), once = people.file("once.json"), twice = people.file("twice.json");
  CHECK(verify(people, draft) == 1);
  REQUIRE(sign(people, "ada", draft, once) == 0);
  CHECK(verify(people, once) == 1);  // weight 1 of 2
  REQUIRE(sign(people, "eve", once, twice) == 0);
  CHECK(verify(people, twice) == 0);
  core::ActionFile first = loaded(once), second = loaded(twice);
  CHECK(first.canonical == second.canonical);
  CHECK(second.signatures.size() == 2);
  auto home = Home::open(people.dir.path() + "/ada");
  REQUIRE(home);
  auto admitted = core::admit({second.canonical, second.signatures}, home->roster(), wall_now());
  REQUIRE(admitted);
  CHECK(admitted->signers.size() == 2);
  auto half = core::admit({first.canonical, first.signatures}, home->roster(), wall_now());
  REQUIRE_FALSE(half);
  CHECK_THAT(half.error().text, Contains("weight 1 of 2"));
}

TEST_CASE("signing twice counts once") {
  TwoPeople people;
  std::string draft = people.file("draft.json", draft_text), out = people.file("out.json");
  REQUIRE(sign(people, "ada", draft, out) == 0);
  REQUIRE(sign(people, "ada", out, out) == 0);
  CHECK(loaded(out).signatures.size() == 1);
  CHECK(verify(people, out) == 1);
}

TEST_CASE("plain gpg accepts what mig signed, and nothing changed by a byte") {
  TwoPeople people;
  std::string out = people.file("out.json");
  REQUIRE(sign(people, "ada", people.file("draft.json", draft_text), out) == 0);
  core::ActionFile file = loaded(out);
  std::string text = people.file("text", core::action_signing_text(file.canonical));
  std::string packet = people.file("text.sig", file.signatures.at(0));
  CHECK(people.gnupg.run({"--verify", packet, text}) == 0);
  people.file("text", core::action_signing_text(file.canonical) + "\n");
  CHECK(people.gnupg.run({"--verify", packet, text}) != 0);
}

TEST_CASE("a changed file is not valid and is not signed further") {
  TwoPeople people;
  std::string out = people.file("out.json"), changed = people.file("changed.json");
  REQUIRE(sign(people, "ada", people.file("draft.json", draft_text), out) == 0);
  auto text = read_file(out);
  std::size_t at = text->find("^passwd$");
  REQUIRE(at != std::string::npos);
  text->replace(at, 8, "^shadow$");
  people.file("changed.json", *text);
  CHECK(verify(people, changed) == 1);
  CHECK(sign(people, "eve", changed, people.file("more.json")) == 2);
  CHECK_FALSE(std::filesystem::exists(people.file("more.json")));
}

TEST_CASE("the answers' key opens for the readers named, and for nobody else") {
  TwoPeople people;
  auto ada = Home::open(people.dir.path() + "/ada");
  REQUIRE(ada);
  Gpg gpg = people.gnupg.gpg();
  core::ActionFile draft = loaded(people.file("draft.json", draft_text));
  auto made = complete(draft.draft, {}, *ada, gpg, {.readers = {people.eve}});
  INFO((made ? "" : made.error().text));
  REQUIRE(made);
  CHECK(made->action.readers == std::vector{people.eve});
  CHECK(core::action_id_of(made->text) == made->action.id);
  auto secret = reply_secret(made->action, gpg);
  REQUIRE(secret);
  CHECK(*secret == made->reply_secret);
  GpgHome stranger;
  REQUIRE(stranger.gpg().make_key("Mallory <m@example.org>"));
  CHECK_FALSE(reply_secret(made->action, stranger.gpg()));
  auto again = complete(draft.draft, {}, *ada, gpg, {});
  REQUIRE(again);
  CHECK(again->action.id != made->action.id);  // a nonce of its own
  CHECK(again->action.readers == std::vector{people.ada});
}

TEST_CASE("a draft that cannot become an action says why") {
  TwoPeople people;
  auto ada = Home::open(people.dir.path() + "/ada");
  Gpg gpg = people.gnupg.gpg();
  core::Action draft = loaded(people.file("draft.json", draft_text)).draft;
  auto trouble = [&](const core::Action& action) {
    auto made = complete(action, {}, *ada, gpg, {});
    REQUIRE_FALSE(made);
    return made.error().text;
  };
  core::Action nameless = draft, empty = draft, late = draft, lost = draft, large = draft;
  nameless.name.clear();
  CHECK_THAT(trouble(nameless), Contains("name"));
  empty.operations.clear();
  CHECK_THAT(trouble(empty), Contains("operations"));
  late.expire_after = wall_now() - 1000;
  CHECK_THAT(trouble(late), Contains("expireafter"));
  lost.target = "status=(";
  CHECK_THAT(trouble(lost), Contains("target"));
  for (int i = 0; i < 6000; ++i) large.operations[0].parameters[std::to_string(i)] = "nothing long";
  CHECK_THAT(trouble(large), Contains("operations: the action would take ") && Contains("and 65536 are the most that is signed; ask in parts, or a machine at a time with -t local"));
}

TEST_CASE("what does not fit into an action becomes an attachment, and is shown as one") {
  TwoPeople people;
  auto ada = Home::open(people.dir.path() + "/ada");
  Gpg gpg = people.gnupg.gpg();
  people.file("rules.txt", "rule");
  core::Json document = core::Json::parse(draft_text);
  document["operations"][0]["parameters"]["rules"] = {{"attachment", "rules.txt"}};
  auto file = load_action(people.file("draft.json", document.dump()));
  REQUIRE(file);
  core::Action draft = file->draft;
  core::Json hashes = core::Json::array();
  for (int i = 0; i < 2000; ++i) hashes.push_back(core::to_hex(core::blake2b(std::to_string(i), 32)));
  draft.operations[0].parameters["searches"] = {{"s1", {{"sha2", hashes}}}};
  auto made = complete(draft, file->enclosed, *ada, gpg, {});
  REQUIRE(made);
  REQUIRE(made->enclosed.size() == 2);
  CHECK(made->action.operations[0].parameters["searches"] == core::Json{{"s1", {{"sha2", {{"attachment", "sha2-2"}, {"as", "json"}}}}}});
  CHECK_THAT(describe(made->action, ada->roster()), Contains("attached  sha2-2: 134001 bytes, hash " + core::hash_of(made->action.attachments[1]).hex()) && Contains("rules.txt: 4 bytes"));
  core::Json parameters = made->action.operations[0].parameters;
  REQUIRE(core::fill_in(parameters, made->enclosed));
  CHECK(parameters["searches"]["s1"]["sha2"] == hashes);
  CHECK(parameters["rules"] == "rule");

  document["operations"][0]["parameters"]["rules"] = {{"attachment", "../secret"}};
  auto refused = load_action(people.file("draft.json", document.dump()));
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().text, Contains("attachment '../secret': a draft names files beside it alone"));
}

TEST_CASE("a document of MIG is signed anew; its old signatures are left out") {
  TwoPeople people;
  std::string old = people.file("old.json", R"({"id": 0, "name": "old", "target": "status='online'", "validfrom":
    "0001-01-01T00:00:00Z", "expireafter": "0001-01-01T00:00:00Z", "operations": [{"module": "file", "parameters":
    {"searches": {"s1": {"paths": ["/etc"], "names": ["^passwd$"]}}}}], "pgpsignatures": [], "syntaxversion": 2})");
  std::string out = people.file("out.json");
  REQUIRE(sign(people, "ada", old, out) == 0);
  CHECK(loaded(out).syntax_version == 3);
  CHECK(loaded(out).signatures.size() == 1);
}

TEST_CASE("signatures of MIG are checked over MIG's own text with gpg's keys") {
  TwoPeople people;
  Gpg gpg = people.gnupg.gpg();
  core::Json document = {{"name", "old"}, {"target", "status='online'"}, {"validfrom", "2017-10-25T14:16:45Z"},
                         {"expireafter", "2017-10-25T14:22:45Z"}, {"syntaxversion", 2},
                         {"operations", {{{"module", "pkg"}, {"parameters", {{"vermatch", ""}}}}}}};
  auto packet = gpg.sign(core::mig2_signed_text(document), people.ada);
  REQUIRE(packet);
  std::string plain = people.file("old.sig", *packet), armored = people.file("old.asc");
  REQUIRE(people.gnupg.run({"--output", armored, "--enarmor", plain}) == 0);
  // What MIG stored: the armor without its lines. gpg's --enarmor adds a comment header, which the blank line ends.
  std::string text = *read_file(armored), stored;
  text.erase(0, text.find("\n\n") + 2);
  text.erase(text.find("-----END"));
  for (char c : text)
    if (c != '\n') stored += c;
  document["pgpsignatures"] = {stored};
  CHECK(verify(people, people.file("old.json", core::pretty_json(document))) == 0);
  document["name"] = "other";
  CHECK(verify(people, people.file("changed.json", core::pretty_json(document))) == 1);
  document["pgpsignatures"] = core::Json::array();
  CHECK(verify(people, people.file("bare.json", core::pretty_json(document))) == 1);
}

TEST_CASE("what is about to be signed is said in words, without painting the terminal") {
  TwoPeople people;
  auto ada = Home::open(people.dir.path() + "/ada");
  Gpg gpg = people.gnupg.gpg();
  core::Action draft = loaded(people.file("draft.json", draft_text)).draft;
  draft.description = {{"author", "\x1b[2Jnobody"}};
  auto made = complete(draft, {}, *ada, gpg, {});
  REQUIRE(made);
  std::string text = describe(made->action, ada->roster());
  CHECK_THAT(text, Contains("who is there") && Contains("status='online'") && Contains("file") && Contains("^passwd$"));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(describe(weights(made->action, {people.ada, people.ada}, ada->roster())) == "file: weight 1 of 2\n");
}

TEST_CASE("without a terminal nothing is signed unless -y says so") {
  if (isatty(0)) return;
  TwoPeople people;
  Globals globals = people.globals("ada");
  globals.yes = false;
  CHECK(sign_command().run({people.file("draft.json", draft_text), "-o", people.file("out.json")}, globals) == 2);
  CHECK_FALSE(std::filesystem::exists(people.file("out.json")));
}
