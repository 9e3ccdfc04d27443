#include "node/core/target_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "node/core/json.h"
#include "node/core/schema_text.h"

namespace mig::core::target {
namespace {

constexpr std::array<std::string_view, 22> operators{"->>", "#>>", "!~*", "->", "#>", "::", "<=", ">=", "<>", "!=", "!~",
                                                     "~*",  "~",   "=",   "<",  ">",  "(",  ")",  ",",  "+",  "-",  "."};
constexpr std::string_view blanks = " \t\r\n";

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool starts(std::string_view text, std::string_view lead) { return text.substr(0, lead.size()) == lead; }

// Why a character cannot be, and what helps; the likely slips first.
std::string odd_character(std::string_view rest) {
  if (rest[0] == ';')
    return "a target is one condition, so ';' and what follows it have no place; remove them";
  if (starts(rest, "--") || starts(rest, "/*")) return "comments are not understood; remove it";
  for (std::string_view quote : {"\xE2\x80\x98", "\xE2\x80\x99", "\xE2\x80\x9C", "\xE2\x80\x9D", "`"})
    if (starts(rest, quote)) return "a typographic quote; put text in plain ones: 'online'";
  if (starts(rest, "&&")) return "'&&' is not understood; write AND";
  if (starts(rest, "||")) return "'||' is not understood; for conditions write OR";
  if (rest[0] == '$') return "'$' is not understood; put text in plain quotes: 'online'";
  if (rest[0] == '!') return "'!' is not understood; write NOT (...), !=, or !~";
  std::size_t size = 1;
  while (size < rest.size() && size < 4 && (rest[size] & 0xC0) == 0x80) ++size;
  return fmt::format("'{}' is not understood here", readable_utf8(rest.substr(0, size)));
}

class Cutter {
 public:
  explicit Cutter(std::string_view source) : source_(source) {}

  Result<std::vector<Piece>> cut() {
    while ((at_ = std::min(source_.find_first_not_of(blanks, at_), source_.size())) < source_.size()) {
      Result<Piece> next = piece();
      if (!next) return next.error();
      pieces_.push_back(*std::move(next));
    }
    pieces_.push_back({Token::end, "", source_.size(), 0});
    return std::move(pieces_);
  }

 private:
  Result<Piece> piece() {
    std::string_view rest = source_.substr(at_);
    if (rest[0] == '\'' || rest[0] == '"') return quoted(rest[0]);
    if (digit(rest[0]) || (rest[0] == '.' && rest.size() > 1 && digit(rest[1]))) return number(rest);
    if (letter(rest[0])) return word(rest);
    if (!starts(rest, "--") && !starts(rest, "/*"))
      for (std::string_view op : operators)
        if (starts(rest, op)) return take(Token::op, std::string(op), op.size());
    return error_at(source_, at_, odd_character(rest));
  }

  Piece take(Token token, std::string text, std::size_t size) {
    Piece out{token, std::move(text), at_, size};
    at_ += size;
    return out;
  }

  Result<Piece> quoted(char quote) {
    std::string text;
    for (std::size_t i = at_ + 1; i < source_.size(); ++i) {
      if (source_[i] != quote) {
        text += source_[i];
      } else if (i + 1 < source_.size() && source_[i + 1] == quote) {
        text += source_[i++];
      } else {
        Token token = quote == '"' ? Token::quoted_word : Token::text;
        return take(token, std::move(text), i + 1 - at_);
      }
    }
    return error_at(source_, at_, fmt::format("the quote {} opens here and is never closed", quote));
  }

  Result<Piece> number(std::string_view rest) {
    std::size_t size = 0;
    while (size < rest.size() && (letter(rest[size]) || digit(rest[size]) || rest[size] == '.')) ++size;
    std::string text(rest.substr(0, size));
    double value = 0;
    auto read = std::from_chars(text.data(), text.data() + size, value);
    bool whole = read.ec == std::errc() && read.ptr == text.data() + size;
    return take(whole ? Token::number : Token::odd_number, text, size);
  }

  Result<Piece> word(std::string_view rest) {
    std::size_t size = 0;
    while (size < rest.size() && (letter(rest[size]) || digit(rest[size]))) ++size;
    if (size == 1 && rest.size() > 1 && rest[1] == '\'' && std::string_view("eEbBxXnN").find(rest[0]) != std::string_view::npos)
      return error_at(source_, at_, fmt::format("texts like {}'..' are not understood; write '..' with '' for a quote", rest[0]));
    return take(Token::word, lowered(rest.substr(0, size)), size);
  }

  std::string_view source_;
  std::size_t at_ = 0;
  std::vector<Piece> pieces_;
};

std::size_t letters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

Error error_at(std::string_view source, std::size_t at, std::string_view what) {
  constexpr std::size_t before_max = 50, line_max = 76;
  at = std::min(at, source.size());
  std::size_t start = at == 0 ? std::string_view::npos : source.rfind('\n', at - 1);
  start = start == std::string_view::npos ? 0 : start + 1;
  auto line_number = std::count(source.begin(), source.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
  std::size_t column = letters(source.substr(start, at - start)) + 1;
  // Long lines: only the part around the place. Never cut inside a letter.
  std::string lead;
  while (at - start > before_max || (start < source.size() && (source[start] & 0xC0) == 0x80)) ++start, lead = "..";
  std::string_view line = source.substr(start, source.find('\n', start) - start);
  std::string tail = line.size() > line_max ? ".." : "";
  line = line.substr(0, line_max);
  while (!tail.empty() && !line.empty() && (line.back() & 0x80) != 0) line.remove_suffix(1);
  std::string shown = lead + readable_utf8(line) + tail;
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  std::string indent(2 + lead.size() + letters(source.substr(start, at - start)), ' ');
  return invalid(fmt::format("target: line {}, column {}: {}\n  {}\n{}^", line_number, column, what, shown, indent));
}

Result<std::vector<Piece>> pieces_of(std::string_view source) { return Cutter(source).cut(); }

}  // namespace mig::core::target
