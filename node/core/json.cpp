#include "node/core/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "node/core/check.h"
#include "node/core/limits.h"

namespace mig::core {
namespace {

// nlohmann's events carry no position, so the reader is fed through an iterator that counts what it took.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char** taken) : at_(at), taken_(taken) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *taken_ = ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** taken_;
};

std::string place(std::string_view text, std::size_t offset) {
  offset = std::min(offset, text.size());
  std::string_view before = text.substr(0, offset);
  auto line = std::count(before.begin(), before.end(), '\n') + 1;
  std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  std::string_view lead = before.substr(start);
  auto letters = std::count_if(lead.begin(), lead.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return fmt::format("json: line {}, column {}: ", line, letters + 1);
}

// The library's sentence without its own prefix and place; what it read last is cut to a glance.
std::string reworded(std::string_view what) {
  for (std::string_view lead : {"column ", "at byte "})
    if (std::size_t at = what.find(lead); at != std::string_view::npos)
      if (std::size_t colon = what.find(": ", at); colon != std::string_view::npos) {
        what.remove_prefix(colon + 2);
        break;
      }
  if (what.substr(0, 1) == "[") what.remove_prefix(std::min(what.size(), what.find("] ") + 2));
  std::string out(what);
  if (constexpr std::string_view lead = "syntax error while parsing "; out.rfind(lead, 0) == 0)
    out = "in " + out.substr(lead.size());
  if (std::size_t last = out.find("; last read: "); last != std::string::npos && out.size() - last > 60)
    out = out.substr(0, last + 50) + "..'";
  return readable_utf8(out);
}

class Builder {
 public:
  Builder(std::string_view text, const char* const* taken) : text_(text), taken_(taken) {}

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(std::int64_t value) {
    if (value < -json_integer_max || value > json_integer_max) return too_large(std::to_string(value));
    return put(value);
  }
  bool number_unsigned(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(json_integer_max)) return too_large(std::to_string(value));
    return put(static_cast<std::int64_t>(value));
  }
  bool number_float(double value, const std::string& literal) {
    if (std::fabs(value) > static_cast<double>(json_integer_max)) return too_large(literal);
    // 5.0 and 5 are one number: one spelling inside, so that nobody can tell them apart by type
    if (value == std::floor(value)) return put(static_cast<std::int64_t>(value));
    return put(value);
  }
  bool string(std::string& value) { return put(value); }  // a copy has no room to spare, and the lexer keeps its own
  bool binary(Json::binary_t&) { return refuse(offset(), "binary values do not exist in JSON"); }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    if (open_.back()->contains(name))
      return refuse(key_offset(), fmt::format("the key \"{}\" stands twice in one object; keep one of them", name));
    key_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t byte, const std::string&, const nlohmann::detail::exception& why) {
    return refuse(byte == 0 ? 0 : byte - 1, reworded(why.what()));
  }

  std::string trouble;
  Json root;

 private:
  std::size_t offset() const { return static_cast<std::size_t>(*taken_ - text_.data()); }
  // Back from the closing quote, which was taken last, to the opening one.
  std::size_t key_offset() const {
    std::size_t at = offset() - 1;
    while (at > 0) {
      --at;
      std::size_t slashes = 0;
      while (slashes < at && text_[at - 1 - slashes] == '\\') ++slashes;
      if (text_[at] == '"' && slashes % 2 == 0) break;
    }
    return at;
  }
  bool refuse(std::size_t at, const std::string& why) {
    if (trouble.empty()) trouble = place(text_, at) + why;
    return false;
  }
  bool too_large(const std::string& literal) {
    return refuse(offset() - std::min(offset(), literal.size() + 1),
                  fmt::format("the number {} is beyond 9007199254740991 (2^53 - 1), where numbers stop being exact; "
                              "write it as text, in quotes",
                              literal.substr(0, 40)));
  }
  Json* place_for(Json value) {
    if (open_.empty()) return &(root = std::move(value));
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return &open_.back()->back();
    }
    return &((*open_.back())[key_] = std::move(value));
  }
  bool put(Json value) {
    place_for(std::move(value));
    return true;
  }
  bool open(Json empty) {
    if (open_.size() >= limits::json_depth)
      return refuse(offset() - 1, fmt::format("nested deeper than {} levels; flatten it", limits::json_depth));
    open_.push_back(place_for(std::move(empty)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  const char* const* taken_;
  std::vector<Json*> open_;  // from the root to the container being filled
  std::string key_;
};

// ECMAScript's Number::toString, radix 10: the shortest digits that read back as the same double.
std::string ecmascript_number(double value) {
  MIG_CHECK(std::isfinite(value), "a canonical document holds only finite numbers");
  if (value == 0) return "0";
  char buffer[32];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(value), std::chars_format::scientific).ptr;
  std::string_view shortest(buffer, static_cast<std::size_t>(end - buffer));
  std::size_t e = shortest.find('e');
  std::string digits(shortest.substr(0, 1));
  if (e > 2) digits += shortest.substr(2, e - 2);
  int exponent = std::atoi(std::string(shortest.substr(e + 1)).c_str());
  int count = static_cast<int>(digits.size()), point = exponent + 1;  // digits before the decimal point
  std::string out = value < 0 ? "-" : "";
  if (count <= point && point <= 21) return out + digits + std::string(static_cast<std::size_t>(point - count), '0');
  if (0 < point && point <= 21)
    return out + digits.insert(static_cast<std::size_t>(point), 1, '.');
  if (-6 < point && point <= 0) return out + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  if (count > 1) digits.insert(1, 1, '.');
  return out + digits + (exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(exponent));
}

void append_string(std::string_view text, std::string& out) {
  MIG_CHECK(is_utf8(text), "a canonical document holds only UTF-8");
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\f': out += "\\f"; break;
      case '\r': out += "\\r"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        else
          out += c;
    }
  }
  out += '"';
}

// UTF-8 sorts like code points; UTF-16 puts the surrogate pairs (leads F0..F4) before U+E000..U+FFFF (EE, EF).
bool utf16_less(const std::string& a, const std::string& b) {
  auto weight = [](char c) {
    auto octet = static_cast<unsigned char>(c);
    return octet == 0xEE || octet == 0xEF ? octet + 0x10 : int{octet};
  };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return weight(x) < weight(y); });
}

void append_canonical(const Json& value, std::string& out) {
  switch (value.type()) {
    case Json::value_t::string: return append_string(value.get_ref<const std::string&>(), out);
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float: out += ecmascript_number(value.get<double>()); return;
    case Json::value_t::boolean: out += value.get<bool>() ? "true" : "false"; return;
    case Json::value_t::array:
      out += '[';
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (i != 0) out += ',';
        append_canonical(value[i], out);
      }
      out += ']';
      return;
    case Json::value_t::object: {
      std::vector<Json::const_iterator> members;
      for (auto it = value.begin(); it != value.end(); ++it) members.push_back(it);
      std::sort(members.begin(), members.end(),
                [](const auto& a, const auto& b) { return utf16_less(a.key(), b.key()); });
      out += '{';
      for (std::size_t i = 0; i < members.size(); ++i) {
        if (i != 0) out += ',';
        append_string(members[i].key(), out);
        out += ':';
        append_canonical(members[i].value(), out);
      }
      out += '}';
      return;
    }
    default: out += "null";
  }
}

// Length of the well-formed UTF-8 sequence at the front of `text`, or 0 (Unicode, table 3-7).
std::size_t utf8_length(std::string_view text) {
  auto octet = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto within = [](unsigned c, unsigned low, unsigned high) { return low <= c && c <= high; };
  unsigned lead = octet(0);
  if (lead < 0x80) return 1;
  if (within(lead, 0xC2, 0xDF)) return within(octet(1), 0x80, 0xBF) ? 2 : 0;
  unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (!within(lead, 0xE0, 0xF4) || !within(octet(1), low, high) || !within(octet(2), 0x80, 0xBF)) return 0;
  if (lead < 0xF0) return 3;
  return within(octet(3), 0x80, 0xBF) ? 4 : 0;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t size_max) {
  if (text.size() > size_max)
    return Error{Code::too_large, fmt::format("json: {} bytes are over the {} allowed here", text.size(), size_max)};
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return invalid("json: there is no text; expected a value such as {}");
  // Both would be passed over in silence by the library: a mark at the start, and all that follows a NUL.
  if (text.substr(0, 3) == "\xEF\xBB\xBF")
    return invalid(place(text, 0) + "a byte order mark; save the text as UTF-8 without it");
  if (std::size_t nul = text.find('\0'); nul != std::string_view::npos)
    return invalid(place(text, nul) + "a NUL byte; JSON is text");
  const char* taken = text.data();
  Builder builder(text, &taken);
  CountingIterator first(text.data(), &taken), last(text.data() + text.size(), &taken);
  if (!Json::sax_parse(first, last, &builder)) return invalid(builder.trouble);
  return std::move(builder.root);
}

Bytes canonical_json(const Json& value) {
  std::string out;
  append_canonical(value, out);
  return out;
}

std::string pretty_json(const Json& value) { return value.dump(2, ' ', false, Json::error_handler_t::replace); }
std::string compact_json(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

bool is_utf8(std::string_view text) {
  for (;;) {
    for (std::uint64_t eight = 0; text.size() >= sizeof eight; text.remove_prefix(sizeof eight)) {
      std::memcpy(&eight, text.data(), sizeof eight);
      if ((eight & 0x8080808080808080U) != 0) break;
    }
    if (text.empty()) return true;
    std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
}

std::string readable_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t length = utf8_length(text);
    if (length == 0)
      out += "\xEF\xBF\xBD";
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

}  // namespace mig::core
