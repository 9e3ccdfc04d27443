#include "node/core/time.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>

namespace mig::core {
namespace {

// Howard Hinnant's civil calendar algorithms, from his public description of days_from_civil.
std::int64_t days_from_civil(std::int64_t y, unsigned m, unsigned d) {
  y -= m <= 2;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const unsigned yoe = static_cast<unsigned>(y - era * 400);
  const unsigned doy = (153 * (m + (m > 2 ? -3U : 9U)) + 2) / 5 + d - 1;
  const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + static_cast<std::int64_t>(doe) - 719468;
}

struct Civil {
  std::int64_t year;
  unsigned month, day;
};

Civil civil_from_days(std::int64_t z) {
  z += 719468;
  const std::int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const unsigned doe = static_cast<unsigned>(z - era * 146097);
  const unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const unsigned mp = (5 * doy + 2) / 153;
  const unsigned m = mp < 10 ? mp + 3 : mp - 9;
  return {static_cast<std::int64_t>(yoe) + era * 400 + (m <= 2), m, doy - (153 * mp + 2) / 5 + 1};
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  bool number(std::size_t digits, unsigned& out) {
    if (rest_.size() < digits) return false;
    out = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') return false;
      out = out * 10 + static_cast<unsigned>(rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return true;
  }
  bool literal(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_[0]) == std::string_view::npos) return false;
    last_ = rest_[0];
    rest_.remove_prefix(1);
    return true;
  }
  char last() const { return last_; }
  bool done() const { return rest_.empty(); }
  bool digit() const { return !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; }

 private:
  std::string_view rest_;
  char last_ = 0;
};

unsigned days_in(unsigned year, unsigned month) {
  static constexpr std::array<unsigned, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[month - 1];
}

struct Decimal {
  std::int64_t whole = 0, billionths = 0;
};

// Cuts "12", "1.5" or ".5" from the front; digits after the ninth decimal place are dropped.
bool cut_decimal(std::string_view& text, Decimal& out) {
  std::size_t digits = 0;
  auto digit = [&] { return !text.empty() && text[0] >= '0' && text[0] <= '9'; };
  for (; digit(); ++digits, text.remove_prefix(1)) {
    if (digits >= 16) return false;
    out.whole = out.whole * 10 + (text[0] - '0');
  }
  if (text.empty() || text[0] != '.') return digits > 0;
  text.remove_prefix(1);
  for (std::int64_t place = 100'000'000; digit(); ++digits, place /= 10, text.remove_prefix(1))
    out.billionths += place * (text[0] - '0');
  return digits > 0;
}

std::string trimmed(std::int64_t whole, std::int64_t fraction, int digits) {
  std::string out = fmt::format("{}", whole);
  if (fraction != 0) {
    std::string tail = fmt::format("{:0{}}", fraction, digits);
    while (tail.back() == '0') tail.pop_back();
    out += "." + tail;
  }
  return out;
}

}  // namespace

std::string to_rfc3339(WallMs wall) {
  std::int64_t days = wall / 86'400'000, ms = wall % 86'400'000;
  if (ms < 0) --days, ms += 86'400'000;
  Civil c = civil_from_days(days);
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", c.year, c.month, c.day, ms / 3'600'000,
                                ms / 60'000 % 60, ms / 1000 % 60);
  if (ms % 1000 != 0) out += fmt::format(".{:03}", ms % 1000);
  return out + "Z";
}

Result<WallMs> from_rfc3339(std::string_view text) {
  Error wrong = invalid(fmt::format("time: '{}' is not RFC 3339, such as 2026-11-24T07:00:00Z", text));
  Reader r(text);
  unsigned y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, ms = 0, oh = 0, om = 0;
  if (!r.number(4, y) || !r.literal("-") || !r.number(2, mo) || !r.literal("-") || !r.number(2, d) ||
      !r.literal("Tt ") || !r.number(2, h) || !r.literal(":") || !r.number(2, mi) || !r.literal(":") ||
      !r.number(2, s))
    return wrong;
  if (y < 1970 || mo < 1 || mo > 12 || d < 1 || d > days_in(y, mo) || h > 23 || mi > 59 || s > 59) return wrong;
  if (r.literal(".")) {
    int digits = 0;
    for (unsigned digit = 0; r.digit(); ++digits) {
      if (!r.number(1, digit) || digits >= 9) return wrong;
      if (digits < 3) ms = ms * 10 + digit;
    }
    if (digits == 0) return wrong;
    for (; digits < 3; ++digits) ms *= 10;
  }
  std::int64_t offset_min = 0;
  if (r.literal("+-")) {
    std::int64_t sign = r.last() == '-' ? -1 : 1;
    if (!r.number(2, oh) || !r.literal(":") || !r.number(2, om) || oh > 23 || om > 59) return wrong;
    offset_min = sign * static_cast<std::int64_t>(oh * 60 + om);
  } else if (!r.literal("Zz")) {
    return wrong;
  }
  if (!r.done()) return wrong;
  std::int64_t seconds = days_from_civil(y, mo, d) * 86'400 + h * 3600 + mi * 60 + s - offset_min * 60;
  return WallMs{seconds * 1000 + ms};
}

std::string rough_span(WallMs span) {
  std::int64_t s = std::llabs(span) / 1000;
  if (s < 120) return fmt::format("{}s", s);
  if (s < 2 * 3600) return fmt::format("{}m", s / 60);
  if (s < 2 * 86'400) return fmt::format("{}h", s / 3600);
  return fmt::format("{}d", s / 86'400);
}

Result<Duration> parse_duration(std::string_view text) {
  Error wrong = invalid(fmt::format("duration: '{}' is not a sum of number and unit, such as 90s, 5m or 1h30m", text));
  static constexpr std::pair<std::string_view, std::int64_t> units[] = {
      {"ns", 1},      {"us", 1000},  {"µs", 1000},           {"μs", 1000},
      {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}};
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::string_view rest = text;
  bool minus = !rest.empty() && rest[0] == '-';
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) rest.remove_prefix(1);
  if (rest == "0") return Duration{0};
  if (rest.empty()) return wrong;
  std::int64_t total_ns = 0;
  while (!rest.empty()) {
    Decimal number;
    if (!cut_decimal(rest, number)) return wrong;
    std::size_t u = std::min(rest.find_first_of("0123456789."), rest.size());
    std::int64_t scale = 0;
    for (auto& [name, ns] : units)
      if (rest.substr(0, u) == name) scale = ns;
    if (scale == 0 || number.whole > most / scale) return wrong;
    // Whole numbers, not floats: 1.000001s is not to lose its last microsecond.
    for (std::int64_t ns : {number.whole * scale, number.billionths * (scale / 1000) / 1'000'000}) {
      if (ns > most - total_ns) return wrong;
      total_ns += ns;
    }
    rest.remove_prefix(u);
  }
  return Duration{(minus ? -total_ns : total_ns) / 1000};
}

std::string format_duration(Duration duration) {
  std::int64_t us = duration.us;
  if (us == 0) return "0s";
  std::string sign = us < 0 ? "-" : "";
  us = us == std::numeric_limits<std::int64_t>::min() ? std::numeric_limits<std::int64_t>::max() : std::llabs(us);
  if (us < 1000) return sign + fmt::format("{}µs", us);
  if (us < 1'000'000) return sign + trimmed(us / 1000, us % 1000, 3) + "ms";
  std::int64_t minutes = us / 60'000'000;
  std::string seconds = trimmed(us / 1'000'000 % 60, us % 1'000'000, 6) + "s";
  if (minutes == 0) return sign + seconds;
  if (minutes < 60) return sign + fmt::format("{}m{}", minutes, seconds);
  return sign + fmt::format("{}h{}m{}", minutes / 60, minutes % 60, seconds);
}

}  // namespace mig::core
