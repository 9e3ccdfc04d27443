// Turns an RE2 expression into one that a byte automaton can look for: it finds at least every line the
// expression matches, perhaps more. What it finds is then judged by RE2 itself, so this may be loose but
// never too narrow.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mig::modules::scan {

struct Superset {
  std::string text;  ///< for the finder, over bytes
  bool caseless = false;
};

/// What is looked through: lines, which hold no newline and whose ends are ^ and $; or any bytes, where ^ and
/// $ are left to RE2.
enum class Text { lines, bytes };

/// None where the expression uses what is not understood here (classes of Unicode, flags in the middle), or
/// may match nothing at all: such expressions are tried on every line. REQUIRES: RE2 accepts `pattern`.
std::optional<Superset> superset_of(std::string_view pattern, Text text = Text::lines);

}  // namespace mig::modules::scan
