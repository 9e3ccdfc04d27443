#include "node/core/mig2.h"

#include <catch2/catch.hpp>
#include <zlib.h>

#include "node/core/gzip.h"
#include "node/core/limits.h"
#include "tests/core/made_up_people.h"

using namespace mig::core;
using made_up::why;
using Catch::Contains;

namespace {

Json document(const std::string& text) {
  Result<Json> read = parse_json(text, 1 << 20);
  REQUIRE(why(read) == "accepted");
  return *read;
}

std::string operations_text(const std::string& operations) {
  Bytes text = mig2_signed_text(document("{\"operations\":" + operations + "}"));
  std::size_t start = text.find("operations=") + 11;
  return text.substr(start, text.size() - start - 1);
}
std::string parameters_text(const std::string& parameters) {
  std::string all = operations_text(R"([{"module":"m","parameters":)" + parameters + "}]");
  constexpr std::string_view before = R"([{"module":"m","parameters":)", after = "}]";
  return all.substr(before.size(), all.size() - before.size() - after.size());
}

Bytes gzipped(BytesView plain) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes out(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

const std::string worked_example = R"({
  "id": 7,
  "name": "pkg -s -name test ", "target": "status='online'",
  "description": {"author": "Julien", "revision": 201510251550},
  "threat": {},
  "validfrom": "2017-10-25T15:50:05.3Z", "expireafter": "2017-10-25T11:56:05.999999999-04:00",
  "operations": [{"module": "pkg", "parameters": {"vermatch": "", "pkgmatch": {"matches": ["test"]}}}],
  "pgpsignatures": ["wsBc=abcd", "wsBd=abcd"],
  "starttime": "0001-01-01T00:00:00Z", "finishtime": "0001-01-01T00:00:00Z", "lastupdatetime": "0001-01-01T00:00:00Z",
  "counters": {"sent": 4}, "status": "completed", "syntaxversion": 2
})";

}  // namespace

TEST_CASE("the text MIG signed is rebuilt to the byte, its formatting slip included") {
  CHECK(mig2_signed_text(document(worked_example)) ==
        "name=pkg -s -name test ;target=status='online';validfrom=1508946605;"
        "expireafter=%!s(int64=1508946965);operations=[{\"module\":\"pkg\",\"parameters\":"
        "{\"pkgmatch\":{\"matches\":[\"test\"]},\"vermatch\":\"\"}}];");
}

TEST_CASE("what Go leaves empty, the text of MIG shows as Go's zeros") {
  CHECK(mig2_signed_text(document("{}")) ==
        "name=;target=;validfrom=-62135596800;expireafter=%!s(int64=-62135596800);operations=null;");
  CHECK(mig2_signed_text(document(R"({"Name":"n","TARGET":"t","ValidFrom":"0001-01-01T00:00:00Z","operations":[]})")) ==
        "name=n;target=t;validfrom=-62135596800;expireafter=%!s(int64=-62135596800);operations=[];");
  CHECK(mig2_signed_text(Json("not a document")) == mig2_signed_text(document("{}")));
  CHECK(operations_text(R"([{"module":"m"}])") == R"([{"module":"m","parameters":null}])");
}

TEST_CASE("operations are written in Go's order with the flags that are true, and nothing else") {
  CHECK(operations_text(R"([{"extra":1,"want_compressed":true,"parameters":"H4s=","is_compressed":true,"module":"m"},
                            {"module":"n","parameters":{},"is_compressed":false}])") ==
        R"([{"module":"m","parameters":"H4s=","is_compressed":true,"want_compressed":true},)"
        R"({"module":"n","parameters":{}}])");
}

TEST_CASE("JSON is written as Go does: escapes, sorted keys, numbers") {
  CHECK(parameters_text(R"("a<b>&\"\\\/\n\r\t")") == R"("a\u003cb\u003e\u0026\"\\/\n\r\t")");
  CHECK(parameters_text("\"\\u2028\\u2029\\u2027 \\u0001\\u001f\x7f \xc3\xa9\"") ==
        "\"\\u2028\\u2029\xe2\x80\xa7 \\u0001\\u001f\x7f \xc3\xa9\"");
  CHECK(parameters_text(R"({"b":null,"a":[true,false,{}],"B":{"z":1,"a":2},"\u00e9":[]})") ==
        "{\"B\":{\"a\":2,\"z\":1},\"a\":[true,false,{}],\"b\":null,\"\xc3\xa9\":[]}");
  CHECK(parameters_text("[1, 1.0, 1.50, -3, 1e3, 0.000001, 1e-7, 1.5e-10, 123456789012]") ==
        "[1,1,1.5,-3,1000,0.000001,1e-7,1.5e-10,123456789012]");
  // Bytewise, not by UTF-16 units: U+FF61 (EF BD A1) before U+1F600 (F0 9F 98 80).
  CHECK(parameters_text("{\"\xf0\x9f\x98\x80\":1,\"\xef\xbd\xa1\":2}") ==
        "{\"\xef\xbd\xa1\":2,\"\xf0\x9f\x98\x80\":1}");
}

TEST_CASE("a document of MIG becomes a draft to be signed anew") {
  Result<ActionFile> file = read_action_file(worked_example);
  REQUIRE(why(file) == "accepted");
  CHECK(file->syntax_version == 2);
  CHECK(file->canonical.empty());
  CHECK(file->signatures.empty());
  CHECK(file->old_signatures == std::vector<std::string>{"wsBc=abcd", "wsBd=abcd"});
  CHECK(file->draft.name == "pkg -s -name test ");
  CHECK(file->draft.target == "status='online'");
  CHECK(file->draft.description["author"] == "Julien");
  CHECK(to_rfc3339(file->draft.valid_from) == "2017-10-25T15:50:05.300Z");
  CHECK(to_rfc3339(file->draft.expire_after) == "2017-10-25T15:56:05.999Z");
  REQUIRE(file->draft.operations.size() == 1);
  CHECK(file->draft.operations[0].module == "pkg");
  CHECK(file->draft.operations[0].parameters["pkgmatch"]["matches"][0] == "test");
  CHECK(file->draft.mesh.empty());
}

TEST_CASE("files of MIG are read as Go read them: no version, any case, unknown keys dropped, null is nothing") {
  Result<ActionFile> file = read_action_file(R"({"NAME": "n", "Target": "t", "threat": null, "validfrom": null,
      "expireafter": "0001-01-01T00:00:00Z", "whatever": [1], "pgpsignatures": null, "syntaxVersion": 0,
      "Operations": [{"Module": "file", "Parameters": {"Searches": {}}, "comment": "x"}]})");
  REQUIRE(why(file) == "accepted");
  CHECK(file->syntax_version == 2);
  CHECK(file->draft.name == "n");
  CHECK(file->draft.target == "t");
  CHECK(file->draft.valid_from == 0);
  CHECK(file->draft.expire_after == 0);
  CHECK(file->draft.threat == Json::object());
  CHECK(file->draft.operations.at(0).parameters == document(R"({"Searches": {}})"));
}

TEST_CASE("what is wrong in a file of MIG is named") {
  CHECK_THAT(why(read_action_file(R"({"name": 5})")), Contains("name: text is needed"));
  CHECK_THAT(why(read_action_file(R"({"validfrom": "soon"})")), Contains("validfrom: not a time"));
  CHECK_THAT(why(read_action_file(R"({"operations": {}})")), Contains("operations: a list is needed"));
  CHECK_THAT(why(read_action_file(R"({"operations": [{"parameters": 1}]})")), Contains("operations[0]: has no module"));
  CHECK_THAT(why(read_action_file(R"({"operations": [{"module": "m", "is_compressed": true, "parameters": "?"}]})")),
             Contains("operations[0]: base64"));
  CHECK_THAT(why(read_action_file(R"({"operations": [{"module": "m", "is_compressed": true, "parameters": {}}]})")),
             Contains("operations[0]: is marked is_compressed"));
  CHECK_THAT(why(read_action_file(R"({"operations": [{"module": "m", "is_compressed": true, "parameters": "aGk="}]})")),
             Contains("operations[0]: gzip: not one whole gzip file"));
}

TEST_CASE("compressed parameters are unpacked, and the text MIG signed keeps them packed") {
  std::string packed = to_base64(gzipped(R"({"searches":{"s1":{"paths":["/etc"]}}})"));
  std::string text = R"({"operations":[{"module":"file","parameters":")" + packed +
                     R"(","is_compressed":true,"want_compressed":true}]})";
  Result<ActionFile> file = read_action_file(text);
  REQUIRE(why(file) == "accepted");
  CHECK(file->draft.operations.at(0).parameters["searches"]["s1"]["paths"][0] == "/etc");
  CHECK_THAT(mig2_signed_text(document(text)),
             Contains("\"parameters\":\"" + packed + "\",\"is_compressed\":true,\"want_compressed\":true}]"));
}

TEST_CASE("gzip that unpacks to more than it should is stopped at the bound") {
  Bytes bomb = gzipped(Bytes(10 << 20, '0'));
  REQUIRE(bomb.size() < 20'000);
  Result<Bytes> unpacked = gunzip(bomb, limits::action_file_bytes);
  REQUIRE_FALSE(unpacked);
  CHECK(unpacked.error().code == Code::too_large);
  Bytes exact(1000, 'x');
  CHECK(why(gunzip(gzipped(exact), 1000)) == "accepted");
  CHECK_THAT(why(gunzip(gzipped(exact), 999)), Contains("more than the 999 bytes"));
  CHECK_THAT(why(gunzip(gzipped(exact) + "x", 1000)), Contains("not one whole gzip file"));
  CHECK_THAT(why(gunzip(gzipped(exact).substr(0, 15), 1000)), Contains("not one whole gzip file"));
  CHECK_THAT(why(gunzip("", 1000)), Contains("not one whole gzip file"));
}

TEST_CASE("a stored signature of MIG is armor without its lines") {
  // base64("hello") and the CRC-24 of "hello", as gpg --enarmor prints them
  CHECK(why(mig2_signature("aGVsbG8==")) != "accepted");
  Result<Bytes> read = mig2_signature("aGVsbG8==R/WK");
  INFO(why(read));
  REQUIRE(read);
  CHECK(*read == "hello");
  CHECK_THAT(why(mig2_signature("aGVsbG8==R/WP")), Contains("checksum is wrong"));
  CHECK_THAT(why(mig2_signature("")), Contains("not as MIG stores them"));
  CHECK_THAT(why(mig2_signature("aGVsbG8")), Contains("not as MIG stores them"));
}
