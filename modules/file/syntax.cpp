#include "modules/file/syntax.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <array>
#include <charconv>
#include <ctime>
#include <limits>

#include "node/core/json.h"

namespace mig::modules::file {
namespace {

/// Digits only; nothing else, no sign, no blank. False if there are none or too many.
bool parse_digits(std::string_view text, std::uint64_t& out) {
  auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && text[0] != '-' && trouble == std::errc() && end == text.data() + text.size();
}

}  // namespace

core::Result<SizeRange> parse_size(std::string_view text) {
  constexpr const char* right = "write 512, <10k or >1m (k, m, g, t: multiples of 1024)";
  std::string_view rest = text;
  char sign = 0;
  if (!rest.empty() && (rest.front() == '<' || rest.front() == '>')) {
    sign = rest.front();
    rest.remove_prefix(1);
  }
  std::uint64_t unit = 1, count = 0;
  if (constexpr std::string_view units = "kmgt"; !rest.empty() && units.find(rest.back()) != units.npos) {
    unit = 1ULL << 10 * (units.find(rest.back()) + 1);
    rest.remove_suffix(1);
  }
  if (rest.empty()) return core::invalid(fmt::format("'{}' has no number; {}", text, right));
  if (!parse_digits(rest, count)) return core::invalid(fmt::format("'{}' is not a size; {}", text, right));
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (count > most / unit) return core::invalid(fmt::format("'{}' is larger than any file; {}", text, right));
  const std::uint64_t size = count * unit;
  return SizeRange{sign == '<' ? 0 : size, sign == '>' ? most : size};
}

core::Result<Period> parse_period(std::string_view text) {
  constexpr const char* right = "write <90d (newer than 90 days), >5h or <30m";
  if (text.size() < 2 || (text.front() != '<' && text.front() != '>'))
    return core::invalid(fmt::format("'{}' does not begin with < or >; {}", text, right));
  std::int64_t unit = 0;
  switch (text.back()) {
    case 'd': unit = 24 * 3600; break;
    case 'h': unit = 3600; break;
    case 'm': unit = 60; break;
    default: return core::invalid(fmt::format("'{}' does not end in d, h or m; {}", text, right));
  }
  std::uint64_t count = 0;
  std::string_view digits = text.substr(1, text.size() - 2);
  if (digits.empty()) return core::invalid(fmt::format("'{}' has no number; {}", text, right));
  // A million years: far from overflowing the seconds of a clock.
  if (!parse_digits(digits, count) || count > 365'000'000)
    return core::invalid(fmt::format("'{}' is not a period; {}", text, right));
  return Period{text.front() == '<', static_cast<std::int64_t>(count) * unit};
}

core::Result<Pattern> parse_pattern(std::string_view text) {
  if (text.empty()) return core::invalid("the regular expression is empty; write .* to match everything");
  Pattern out;
  out.inverse = text.size() > 1 && text.front() == '!';
  std::string_view body = text.substr(out.inverse ? 1 : 0);
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto regex = std::make_shared<const re2::RE2>(re2::StringPiece(body.data(), body.size()), options);
  if (!regex->ok())
    return core::invalid(fmt::format("'{}' is not a regular expression: {}; RE2 syntax is understood", body, regex->error()));
  out.regex = std::move(regex);
  return out;
}

bool matches(const re2::RE2& regex, std::string_view text) {
  if (re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex)) return true;
  return !core::is_utf8(text) && re2::RE2::PartialMatch(core::readable_utf8(text), regex);
}

core::Result<HashValue> parse_hash(std::string_view family, std::string_view hex) {
  struct Known {
    std::string_view family;
    std::size_t digits;
    HashKind kind;
  };
  constexpr std::array<Known, 9> known = {{{"md5", 32, HashKind::md5},
                                           {"sha1", 40, HashKind::sha1},
                                           {"sha2", 64, HashKind::sha256},
                                           {"sha2", 96, HashKind::sha384},
                                           {"sha2", 128, HashKind::sha512},
                                           {"sha3", 56, HashKind::sha3_224},
                                           {"sha3", 64, HashKind::sha3_256},
                                           {"sha3", 96, HashKind::sha3_384},
                                           {"sha3", 128, HashKind::sha3_512}}};
  for (const Known& one : known) {
    if (one.family != family || one.digits != hex.size()) continue;
    auto digest = core::from_hex(hex);
    if (!digest) return core::invalid(fmt::format("'{}' is not hexadecimal; write only 0-9 and a-f", hex));
    return HashValue{one.kind, std::move(*digest)};
  }
  std::string right;
  for (const Known& one : known)
    if (one.family == family) right += fmt::format("{}{}", right.empty() ? "" : " or ", one.digits);
  return core::invalid(fmt::format("'{}' has {} digits; a {} sum has {} hexadecimal digits", hex, hex.size(), family, right));
}

std::string mode_text(mode_t mode) {
  std::string out;
  if (S_ISDIR(mode)) out += 'd';
  if (S_ISLNK(mode)) out += 'L';
  if (S_ISBLK(mode) || S_ISCHR(mode)) out += 'D';
  if (S_ISFIFO(mode)) out += 'p';
  if (S_ISSOCK(mode)) out += 'S';
  if ((mode & S_ISUID) != 0) out += 'u';
  if ((mode & S_ISGID) != 0) out += 'g';
  if (S_ISCHR(mode)) out += 'c';
  if ((mode & S_ISVTX) != 0) out += 't';
  if (out.empty()) out = "-";
  constexpr std::string_view letters = "rwxrwxrwx";
  for (int bit = 8; bit >= 0; --bit) out += (mode & (1U << bit)) != 0 ? letters[static_cast<std::size_t>(8 - bit)] : '-';
  return out;
}

std::string time_text(const timespec& time) {
  tm parts{};
  gmtime_r(&time.tv_sec, &parts);
  std::string out = fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  if (time.tv_nsec != 0) {
    std::string fraction = fmt::format(".{:09}", time.tv_nsec);
    out += fraction.substr(0, fraction.find_last_not_of('0') + 1);
  }
  return out + " +0000 UTC";
}

}  // namespace mig::modules::file
