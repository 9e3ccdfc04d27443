// The small languages of the module's parameters: sizes, periods, regexes, hashes; and the texts of its results.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "modules/scan/digest.h"
#include "node/core/bytes.h"
#include "node/core/result.h"

namespace re2 {
class RE2;
}

namespace mig::modules::file {

struct SizeRange {
  std::uint64_t low = 0, high = 0;  ///< bytes, both inclusive
};
/// "512" exactly, "<10k" at most, ">1m" at least; suffixes k m g t are multiples of 1024.
core::Result<SizeRange> parse_size(std::string_view text);

struct Period {
  bool newer = false;           ///< "<": changed within it (or in the future); ">": longer ago
  std::int64_t seconds = 0;
};
/// "<90d", ">5h", "<30m": days, hours, minutes.
core::Result<Period> parse_period(std::string_view text);

struct Pattern {
  bool inverse = false;         ///< it was written with a leading "!"
  std::shared_ptr<const re2::RE2> regex;
};
/// An RE2 pattern, searched anywhere in the text; a leading "!" (with something behind it) inverts.
core::Result<Pattern> parse_pattern(std::string_view text);
/// Like Go's regexp: bytes that are no UTF-8 count as U+FFFD, one each.
bool matches(const re2::RE2& regex, std::string_view text);

using scan::HashKind;
struct HashValue {
  HashKind kind{};
  core::Bytes digest;
};
/// `family`: "md5", "sha1", "sha2" or "sha3"; which of a family is told by the number of hex digits.
core::Result<HashValue> parse_hash(std::string_view family, std::string_view hex);

/// Go's FileMode.String(): "-rw-r--r--", "urwxr-xr-x" (setuid), "dtrwxrwxrwx", "Lrwxrwxrwx".
std::string mode_text(mode_t mode);
/// Go's Time.String() in UTC: "2016-07-05 15:32:42 +0000 UTC", with a fraction when there is one.
std::string time_text(const timespec& time);

}  // namespace mig::modules::file
