#include "modules/scan/superset.h"

#include <fmt/format.h>

#include <bitset>
#include <charconv>
#include <utility>

namespace mig::modules::scan {
namespace {

using Set = std::bitset<128>;

std::string hex(unsigned byte) { return fmt::format("\\x{:02x}", byte); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

Set range(unsigned low, unsigned high) {
  Set out;
  for (unsigned c = low; c <= high; ++c) out.set(c);
  return out;
}
const Set digits = range('0', '9');
const Set word = range('0', '9') | range('A', 'Z') | range('a', 'z') | range('_', '_');
const Set space = range('\t', '\n') | range('\f', '\r') | range(' ', ' ');

std::optional<Set> named(std::string_view name) {
  if (name == "alpha") return range('A', 'Z') | range('a', 'z');
  if (name == "digit") return digits;
  if (name == "alnum") return range('A', 'Z') | range('a', 'z') | digits;
  if (name == "upper") return range('A', 'Z');
  if (name == "lower") return range('a', 'z');
  if (name == "space") return space | range('\v', '\v');
  if (name == "word") return word;
  if (name == "xdigit") return digits | range('a', 'f') | range('A', 'F');
  if (name == "punct") return range('!', '/') | range(':', '@') | range('[', '`') | range('{', '~');
  return std::nullopt;
}

class Translator {
 public:
  Translator(std::string_view pattern, Text text) : rest_(pattern), lines_(text == Text::lines) {}

  std::optional<Superset> run() {
    if (const std::size_t end = rest_.find(')'); rest_.starts_with("(?") && end != rest_.npos && end > 2)
      if (const auto flags = rest_.substr(2, end - 2); flags.find_first_not_of("is") == flags.npos) {
        out_.caseless = flags.find('i') != flags.npos;
        dot_is_all_ = flags.find('s') != flags.npos;
        rest_.remove_prefix(end + 1);
      }
    while (!rest_.empty())
      if (!piece()) return std::nullopt;
    return std::move(out_);
  }

 private:
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  bool piece() {
    const char c = take();
    switch (c) {
      case '(':
        return open_group();
      case ')':
        return quantified(")");
      case '|':
        out_.text += '|';
        return true;
      case '^':
        return assertion(lines_ ? "^" : "");
      case '$':
        return assertion(lines_ ? "(?:\\r?$)" : "");
      case '.':
        return any(lines_ || !dot_is_all_ ? "[^\\n]" : "[\\x00-\\xff]");
      case '[':
        return bracket();
      case '\\':
        return escape();
      case '*':
      case '+':
      case '?':
        return false;  // what they stand behind is not known here
      default:
        break;
    }
    return literal(c);
  }

  bool open_group() {
    if (!rest_.starts_with("?")) return out_.text += "(?:", true;
    if (rest_.starts_with("?:")) return rest_.remove_prefix(2), out_.text += "(?:", true;
    if (!rest_.starts_with("?P<") && !rest_.starts_with("?<")) return false;
    const std::size_t end = rest_.find('>');
    if (end == rest_.npos) return false;
    rest_.remove_prefix(end + 1);
    return out_.text += "(?:", true;
  }

  struct Repeat {
    std::string text;  ///< as written; empty if there is none
    unsigned low = 1, high = 1;
    bool endless = false;
  };
  Repeat repeat() {
    Repeat out;
    if (rest_.empty()) return out;
    if (const char c = rest_.front(); c == '*' || c == '+' || c == '?') {
      out = {std::string(1, take()), c == '+' ? 1U : 0U, 1, c != '?'};
    } else if (c == '{') {
      const std::size_t end = rest_.find('}');
      if (end == rest_.npos) return out;
      std::string_view inside = rest_.substr(1, end - 1);
      const std::size_t comma = inside.find(',');
      if (!number(inside.substr(0, comma), out.low)) return out;
      out.high = out.low;
      if (comma != inside.npos) {
        if (comma + 1 == inside.size())
          out.endless = true;
        else if (!number(inside.substr(comma + 1), out.high))
          return Repeat{};
      }
      out.text = rest_.substr(0, end + 1);
      rest_.remove_prefix(end + 1);
    } else {
      return out;
    }
    if (rest_.starts_with("?")) take();  // lazy or not: the same lines match
    return out;
  }
  static bool number(std::string_view text, unsigned& out) {
    auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), out);
    return !text.empty() && trouble == std::errc() && end == text.data() + text.size();
  }

  bool quantified(const std::string& atom) {
    out_.text += atom + repeat().text;
    return !repeated_again();
  }
  bool repeated_again() const {
    return !rest_.empty() && (rest_.front() == '*' || rest_.front() == '+' || rest_.front() == '?');
  }

  bool assertion(const std::string& text) {
    out_.text += text;
    return repeat().text.empty();
  }

  /// A set that holds characters beyond ASCII: one of them is up to four bytes.
  bool any(const std::string& set) {
    const Repeat times = repeat();
    if (times.endless)
      out_.text += times.low == 0   ? set + "*"
                   : times.low == 1 ? set + "+"
                                    : fmt::format("{}{{{},}}", set, times.low);
    else
      out_.text += fmt::format("{}{{{},{}}}", set, times.low, std::max(1U, times.high) * 4);
    return !repeated_again();
  }

  /// ASCII alone. Without regard to case the Kelvin sign is a k and the long s an s.
  bool of(Set set) {
    std::string extra;
    if (out_.caseless) {
      for (unsigned c = 'a'; c <= 'z'; ++c)
        if (set[c] || set[c - 32]) set.set(c).set(c - 32);
      if (set['k']) extra += "|\\xe2\\x84\\xaa";
      if (set['s']) extra += "|\\xc5\\xbf";
    }
    if (lines_) set.reset('\n');
    if (set.none()) return false;
    std::string text = "[" + members(set) + "]";
    return quantified(extra.empty() ? text : "(?:" + text + extra + ")");
  }
  static std::string members(const Set& set) {
    std::string out;
    for (unsigned c = 0; c < 128; ++c) {
      if (!set[c]) continue;
      unsigned end = c;
      while (end < 127 && set[end + 1]) ++end;
      out += hex(c);
      if (end > c) out += "-" + hex(end);
      c = end;
    }
    return out;
  }
  bool outside(Set set) {
    if (lines_) set.set('\n');
    return any(set.none() ? "[\\x00-\\xff]" : "[^" + members(set) + "]");
  }

  bool literal(char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      if (out_.caseless && (c == 'k' || c == 'K' || c == 's' || c == 'S')) return of(range(byte, byte));
      return quantified(is_letter(c) || is_digit(c) ? std::string(1, c) : hex(byte));
    }
    // U+FFFD also stands for bytes that are no text, and case beyond ASCII is RE2's affair.
    const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    if (out_.caseless || rest_.size() < length - 1) return false;
    std::string bytes = hex(byte);
    for (std::size_t i = 1; i < length; ++i) bytes += hex(static_cast<unsigned char>(take()));
    return bytes != "\\xef\\xbf\\xbd" && quantified("(?:" + bytes + ")");
  }

  /// A single character behind a backslash, in a set or outside; none if it is something else.
  std::optional<unsigned> character(char c) {
    switch (c) {
      case 'a':
        return '\a';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'v':
        return '\v';
      case 'x': {
        std::string_view digits = rest_.substr(0, 2);
        if (rest_.starts_with("{")) {
          const std::size_t end = rest_.find('}');
          if (end == rest_.npos) return std::nullopt;
          digits = rest_.substr(1, end - 1);
          rest_.remove_prefix(end + 1);
        } else {
          rest_.remove_prefix(digits.size());
        }
        unsigned value = 0;
        auto [end, trouble] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (digits.empty() || trouble != std::errc() || end != digits.data() + digits.size() || value >= 0x80)
          return std::nullopt;
        return value;
      }
      default:
        break;
    }
    if (is_letter(c) || is_digit(c) || (c & 0x80) != 0) return std::nullopt;
    return static_cast<unsigned char>(c);
  }

  bool escape() {
    if (rest_.empty()) return false;
    const char c = take();
    switch (c) {
      case 'd':
        return of(digits);
      case 'w':
        return of(word);
      case 's':
        return of(space);
      case 'D':
        return outside(digits);
      case 'W':
        return outside(word);
      case 'S':
        return outside(space);
      case 'b':
      case 'B':
        return repeat().text.empty();  // asks of the neighbours: left to RE2
      case 'A':
        return assertion(lines_ ? "^" : "");
      case 'z':
        return assertion(lines_ ? "(?:\\r?$)" : "");
      default:
        break;
    }
    auto one = character(c);
    if (!one) return false;
    return of(range(*one, *one));
  }

  bool bracket() {
    Set set;
    bool inverted = false, first = true;
    if (rest_.starts_with("^")) inverted = true, take();
    for (;; first = false) {
      if (rest_.empty()) return false;
      if (rest_.front() == ']' && !first) break;
      if (rest_.starts_with("[:")) {
        const std::size_t end = rest_.find(":]");
        auto group = end == rest_.npos ? std::nullopt : named(rest_.substr(2, end - 2));
        if (!group) return false;
        set |= *group;
        rest_.remove_prefix(end + 2);
        continue;
      }
      const char c = take();
      if (c == '\\' && !rest_.empty() &&
          (rest_.front() == 'd' || rest_.front() == 'w' || rest_.front() == 's')) {
        const char kind = take();
        set |= kind == 'd' ? digits : kind == 'w' ? word : space;
        continue;
      }
      auto low = one_of_bracket(c);
      if (!low) return false;
      unsigned high = *low;
      if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
        take();
        auto upper = one_of_bracket(take());
        if (!upper || *upper < *low) return false;
        high = *upper;
      }
      set |= range(*low, high);
    }
    take();
    // Without regard to case an inverted set lacks more than is said; leaving those in finds more, not less.
    return inverted ? outside(set) : of(set);
  }
  std::optional<unsigned> one_of_bracket(char c) {
    if ((c & 0x80) != 0) return std::nullopt;
    if (c != '\\') return static_cast<unsigned char>(c);
    if (rest_.empty()) return std::nullopt;
    return character(take());
  }

  std::string_view rest_;
  bool lines_, dot_is_all_ = false;
  Superset out_;
};

}  // namespace

std::optional<Superset> superset_of(std::string_view pattern, Text text) {
  return Translator(pattern, text).run();
}

}  // namespace mig::modules::scan
