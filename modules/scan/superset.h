// Turns an RE2 expression into one that a byte automaton can look for: it finds at least every line the
// expression matches, perhaps more. What it finds is then judged by RE2 itself, so this may be loose but
// never too narrow.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mig::modules::scan {

struct Superset {
  std::string text;  ///< for the finder, over bytes, newline excluded; ^ and $ are those of lines
  bool caseless = false;
};

/// None where the expression uses what is not understood here (classes of Unicode, flags in the middle), or
/// may match nothing at all: such expressions are tried on every line. REQUIRES: RE2 accepts `pattern`.
std::optional<Superset> superset_of(std::string_view pattern);

}  // namespace mig::modules::scan
