#include "investigator/print.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "node/core/check.h"
#include "node/core/json.h"

namespace mig::investigator {
namespace {

/// Octets of the well-formed sequence that begins here; 0: there is none.
std::size_t sequence(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0;
  return size > 0 && size <= text.size() && core::is_utf8(text.substr(0, size)) ? size : 0;
}

std::uint32_t code_point(std::string_view one) {
  const auto lead = static_cast<unsigned char>(one[0]);
  if (one.size() == 1) return lead;
  std::uint32_t out = lead & (0xffu >> (one.size() + 1));
  for (std::size_t i = 1; i < one.size(); ++i) out = out << 6 | (static_cast<unsigned char>(one[i]) & 0x3fu);
  return out;
}

bool harmful(std::uint32_t point) {
  return (point < 0x20 && point != '\t') || (point >= 0x7f && point < 0xa0) || (point >= 0x200b && point <= 0x200f) ||
         (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = sequence(text);
    const std::uint32_t point = size > 0 ? code_point(text.substr(0, size)) : static_cast<unsigned char>(text[0]);
    if (size == 0 || (harmful(point) && point < 0x80))
      out += fmt::format("\\x{:02x}", point);
    else if (harmful(point))
      out += fmt::format("\\u{{{:04x}}}", point);
    else
      out += text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

std::string printable_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += printable(text.substr(0, end));
    if (end < text.size()) out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

bool wants_colour(std::FILE* stream) {
  const char* off = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (off != nullptr && *off != '\0') return false;
  if (terminal == nullptr || std::string_view(terminal) == "dumb") return false;
  return isatty(fileno(stream)) != 0;
}

std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, ",");
  return out;
}

std::string coloured(std::string_view text, Colour colour, bool wanted) {
  if (!wanted || colour == Colour::none) return std::string(text);
  static constexpr const char* codes[] = {"0", "31", "32", "33", "35", "2"};
  return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<int>(colour)], text);
}

void Table::add(std::vector<std::string> cells) {
  MIG_CHECK(cells.size() == heads_.size(), "a row has as many cells as the table has heads");
  for (std::string& cell : cells) cell = cell.empty() ? "-" : printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    std::size_t width = columns(heads_[i]);
    for (const auto& row : rows_) width = std::max(width, columns(row[i]));
    widths.push_back(width);
  }
  std::string out;
  auto line = [&](const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out += cells[i];
      if (i + 1 < cells.size()) out += std::string(widths[i] - columns(cells[i]) + 2, ' ');
    }
    out += '\n';
  };
  line(heads_);
  for (const auto& row : rows_) line(row);
  return out;
}

std::string ago(core::WallMs then, core::WallMs now) {
  if (then <= 0) return "never";
  if (now - then < 2000) return "now";
  return core::rough_span(now - then) + " ago";
}

LiveLine::LiveLine(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) != 0) {}

void LiveLine::show(const std::string& text) {
  if (quiet_ || (terminal_ ? text == shown_ : text == last_)) return;
  if (terminal_) {
    std::string line = text;
    if (columns(line) >= terminal_columns()) line.resize(terminal_columns() - 1);
    fmt::print(stderr, "\r\x1b[K{}", line);
    std::fflush(stderr);
    shown_ = text;
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  fmt::print(stderr, "{}\n", text);
  last_ = text;
  next_ = now + std::chrono::seconds(5);
}

void LiveLine::clear() {
  if (!terminal_ || shown_.empty()) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  shown_.clear();
}

}  // namespace mig::investigator
