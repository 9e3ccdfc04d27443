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
  std::string_view rest = text;
  double sign = 1, total_us = 0;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    sign = rest[0] == '-' ? -1 : 1;
    rest.remove_prefix(1);
  }
  if (rest == "0") return Duration{0};
  if (rest.empty()) return wrong;
  static constexpr std::pair<std::string_view, double> units[] = {
      {"ns", 1e-3}, {"us", 1}, {"µs", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 6e7}, {"h", 3.6e9}};
  while (!rest.empty()) {
    std::size_t n = rest.find_first_not_of("0123456789.");
    if (n == 0 || n == std::string_view::npos || n > 18) return wrong;
    std::string number(rest.substr(0, n));
    if (number == "." || number.find('.') != number.rfind('.')) return wrong;
    rest.remove_prefix(n);
    std::size_t u = std::min(rest.find_first_of("0123456789."), rest.size());
    double scale = 0;
    for (auto& [name, us] : units)
      if (rest.substr(0, u) == name) scale = us;
    if (scale == 0) return wrong;
    total_us += std::strtod(number.c_str(), nullptr) * scale;
    rest.remove_prefix(u);
  }
  if (total_us > 9e18) return wrong;
  return Duration{static_cast<std::int64_t>(sign * total_us)};
}

std::string format_duration(Duration duration) {
  std::int64_t us = duration.us;
  if (us == 0) return "0s";
  std::string sign = us < 0 ? "-" : "";
  us = std::llabs(us);
  if (us < 1000) return sign + fmt::format("{}µs", us);
  if (us < 1'000'000) return sign + trimmed(us / 1000, us % 1000, 3) + "ms";
  std::int64_t minutes = us / 60'000'000;
  std::string seconds = trimmed(us / 1'000'000 % 60, us % 1'000'000, 6) + "s";
  if (minutes == 0) return sign + seconds;
  if (minutes < 60) return sign + fmt::format("{}m{}", minutes, seconds);
  return sign + fmt::format("{}h{}m{}", minutes / 60, minutes % 60, seconds);
}

}  // namespace mig::core
