// Times, intervals, numbers and truths as PostgreSQL writes them.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "node/core/schema_text.h"
#include "node/core/target_node.h"

namespace mig::core::target {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  std::size_t first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

struct Unit {
  std::string_view names[4];
  std::int64_t months, ms;
};
constexpr Unit units[] = {
    {{"year", "yr", "y", ""}, 12, 0},
    {{"month", "mon", "", ""}, 1, 0},
    {{"week", "w", "", ""}, 0, 7 * 86'400'000LL},
    {{"day", "d", "", ""}, 0, 86'400'000},
    {{"hour", "hr", "h", ""}, 0, 3'600'000},
    {{"minute", "min", "m", ""}, 0, 60'000},
    {{"second", "sec", "s", ""}, 0, 1000},
    {{"millisecond", "msec", "ms", ""}, 0, 1},
};

const Unit* unit_named(std::string_view name) {
  for (int pass = 0; pass < 2; ++pass) {
    for (const Unit& unit : units)
      for (std::string_view known : unit.names)
        if (!known.empty() && known == name) return &unit;
    if (name.size() < 2 || name.back() != 's') return nullptr;
    name.remove_suffix(1);
  }
  return nullptr;
}

// Cuts a number from the front; false if there is none.
bool cut_number(std::string_view& text, double& out) {
  bool minus = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  auto read = std::from_chars(text.data(), text.data() + text.size(), out, std::chars_format::fixed);
  if (read.ec != std::errc() || !(out <= 1e6) || text[0] == '-') return false;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  if (minus) out = -out;
  return true;
}

// "01:30" or "01:30:15" as one part of an interval.
bool clock_span(std::string_view text, Span& out) {
  unsigned parts[3] = {};
  std::size_t count = 0;
  while (count < 3) {
    auto read = std::from_chars(text.data(), text.data() + text.size(), parts[count]);
    if (read.ec != std::errc() || parts[count] > 100'000) return false;
    ++count;
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    if (text.empty()) break;
    if (text[0] != ':') return false;
    text.remove_prefix(1);
  }
  if (!text.empty() || count < 2) return false;
  out.ms += (std::int64_t{parts[0]} * 3600 + parts[1] * 60 + parts[2]) * 1000;
  return true;
}

}  // namespace

Value moment_from(const std::string& given) {
  std::string text(trimmed(given));
  if (text.size() == 10) text += "T00:00:00Z";
  // "2016-01-02 03:04:05", "...+00", "...+0100", "... UTC": bring the end into RFC 3339's form.
  if (text.size() >= 4 && text.substr(text.size() - 4) == " UTC") text = text.substr(0, text.size() - 4) + "Z";
  std::size_t zone = text.size() > 19 ? text.find_first_of("Zz+-", 19) : std::string::npos;
  if (zone == std::string::npos)
    text += "Z";
  else if (text.size() - zone == 3)
    text += ":00";
  else if (text.size() - zone == 5)
    text.insert(zone + 3, ":");
  Result<WallMs> read = from_rfc3339(text);
  if (!read) return Null{};
  return Moment{*read};
}

Value span_from(const std::string& given) {
  std::string lower = lowered(given);
  std::string_view rest = trimmed(lower);
  Span out;
  bool ago = rest.size() > 4 && rest.substr(rest.size() - 4) == " ago", any = false;
  if (ago) rest = trimmed(rest.substr(0, rest.size() - 4));
  while (!rest.empty()) {
    std::size_t part = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, part).find(':') != std::string_view::npos) {
      if (!clock_span(rest.substr(0, part), out)) return Null{};
      rest = trimmed(rest.substr(part));
      any = true;
      continue;
    }
    double count = 0;
    if (!cut_number(rest, count)) return Null{};
    rest = trimmed(rest);
    std::size_t end = std::min(rest.find_first_of(" 0123456789-+"), rest.size());
    const Unit* unit = unit_named(rest.substr(0, end));
    if (unit == nullptr || (unit->months != 0 && count != std::floor(count))) return Null{};
    out.months += unit->months * static_cast<std::int64_t>(count);
    out.ms += static_cast<std::int64_t>(std::llround(static_cast<double>(unit->ms) * count));
    rest = trimmed(rest.substr(end));
    any = true;
  }
  if (!any) return Null{};
  return ago ? Span{-out.months, -out.ms} : out;
}

Value number_from(const std::string& given) {
  std::string_view text = trimmed(given);
  double out = 0;
  auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size() || !std::isfinite(out)) return Null{};
  return out;
}

Value truth_from(const std::string& given) {
  std::string lower = lowered(trimmed(given));
  for (std::string_view yes : {"true", "t", "yes", "y", "on", "1"})
    if (lower == yes) return Truth{is_true};
  for (std::string_view no : {"false", "f", "no", "n", "off", "0"})
    if (lower == no) return Truth{is_false};
  return Null{};
}

Moment shifted(Moment from, Span by, int sign) {
  using namespace std::chrono;
  constexpr std::int64_t day_ms = 86'400'000, far = 300'000'000'000'000;  // 9,500 years: keeps all sums in range
  auto bounded = [=](std::int64_t ms) { return std::clamp<std::int64_t>(ms, -far, far); };
  std::int64_t start = bounded(from.ms), ms = bounded(by.ms);
  if (by.months == 0) return {bounded(start + sign * ms)};
  std::int64_t day_number = start >= 0 ? start / day_ms : -((-start + day_ms - 1) / day_ms);
  year_month_day date{sys_days{days{day_number}}};
  auto by_months = months{static_cast<int>(sign * std::clamp<std::int64_t>(by.months, -24'000, 24'000))};
  year_month month = date.year() / date.month() + by_months;
  year_month_day moved = month / date.day();
  if (!moved.ok()) moved = month / last;  // 31 January + 1 month is the last of February
  return {bounded(sys_days{moved}.time_since_epoch().count() * day_ms + (start - day_number * day_ms) + sign * ms)};
}

}  // namespace mig::core::target
