// Packed files: unpacked in whatever pieces they come, and refused in words where they are broken.
#include "modules/scan/unpack.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <catch2/catch.hpp>

#include "tests/modules/file_tree.h"

using namespace mig;
using core::Json;
using test::FileTree;

namespace {

std::string xz(const std::string& text) {
  std::string out(text.size() + 1024, '\0');
  std::size_t size = 0;
  lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()),
                          text.size(), reinterpret_cast<std::uint8_t*>(out.data()), &size, out.size());
  return out.substr(0, size);
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  return out.substr(0, ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
}

std::string little(std::uint32_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> 8 * i);
  return out;
}

/// One stored member, one packed, and one whose size follows behind it; then the directory's beginning.
std::string zip(const std::string& first, const std::string& second, const std::string& third) {
  auto raw = [](const std::string& text) {
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    std::string out(text.size() + 256, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
  };
  auto member = [](unsigned flags, unsigned method, std::uint32_t packed, const std::string& data) {
    return "PK\3\4" + little(20, 2) + little(flags, 2) + little(method, 2) + little(0, 4) + little(0, 4) +
           little(packed, 4) + little(0, 4) + little(1, 2) + little(0, 2) + "n" + data;
  };
  const std::string packed = raw(second), last = raw(third);
  return member(0, 0, static_cast<std::uint32_t>(first.size()), first) +
         member(0, 8, static_cast<std::uint32_t>(packed.size()), packed) + member(8, 8, 0, last) + "PK\7\10" +
         little(1, 4) + little(2, 4) + little(3, 4) + "PK\1\2 and so on";
}

struct Unpacked {
  std::string text, trouble;
};
Unpacked unpack(const std::string& packed, std::size_t piece) {
  Unpacked out;
  auto unpacker = modules::scan::unpacker_for(packed, [&](std::string_view part) { out.text += part; });
  REQUIRE(unpacker);
  bool good = true;
  for (std::size_t at = 0; at < packed.size() && good; at += piece)
    good = unpacker->feed(std::string_view(packed).substr(at, piece), [] { return true; });
  if (good) unpacker->finish();
  out.trouble = unpacker->trouble();
  return out;
}

}  // namespace

TEST_CASE("packed data is unpacked whatever the pieces it comes in") {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += std::to_string(i * 7919) + "\n";
  const std::pair<std::string, std::string> cases[] = {{test::gzipped(text), text},
                                                       {xz(text), text},
                                                       {xz(text) + xz("more"), text + "more"},
                                                       {zstd(text), text},
                                                       {zstd(text) + zstd("more"), text + "more"},
                                                       {zip("one", text, "three"), "one" + text + "three"}};
  for (const auto& [packed, wanted] : cases)
    for (std::size_t piece : {1, 13, 4096, 1 << 20}) {
      const auto got = unpack(packed, piece);
      CHECK(got.trouble == "");
      CHECK((got.text == wanted));
    }
}

TEST_CASE("packed data that is cut or spoilt is told in words, and what came before it is kept") {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += std::to_string(i * 7919) + "\n";
  for (std::string packed : {test::gzipped(text), xz(text), zstd(text), zip("one", text, "three")}) {
    const auto cut = unpack(packed.substr(0, packed.size() / 2), 4096);
    CHECK(cut.trouble.find("ends in the middle") != std::string::npos);
    for (std::size_t at = packed.size() / 3; at < packed.size() / 3 + 40; ++at)
      packed[at] = static_cast<char>(~packed[at]);
    const auto spoilt = unpack(packed, 4096);
    CHECK((!spoilt.trouble.empty() || spoilt.text != text));
  }
  CHECK(modules::scan::unpacker_for("plain text", nullptr) == nullptr);
}

TEST_CASE("decompress looks into xz, zstd and zip as into gzip") {
  FileTree tree;
  tree.file("packs/a.xz", xz("secret line\nother\n"));
  tree.file("packs/b.zst", zstd("other\nsecret line\n"));
  tree.file("packs/c.zip", zip("nothing\n", "secret line\n", "else\n"));
  tree.file("packs/d.txt", "secret line\n");
  tree.file("packs/e.zip", zip("nothing\n", "secret line\n", "else\n").substr(0, 50));
  modules::Budget budget(30, 0);
  const auto answer = modules::run("file",
                                   {{"searches",
                                     {{"s1",
                                       {{"paths", {tree.path("packs")}},
                                        {"contents", {"^secret line$"}},
                                        {"options", {{"matchall", true}, {"decompress", true}}}}}}}},
                                   {}, budget);
  CHECK(answer.elements["s1"].size() == 4);
  CHECK(answer.statistics["shortreads"] == 1);
  CHECK(answer.errors.size() == 1);
}
