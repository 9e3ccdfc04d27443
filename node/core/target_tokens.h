// A target's text cut into words, texts, numbers and operators. Internal to target*.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "node/core/result.h"

namespace mig::core::target {

enum class Token { word, quoted_word, text, number, odd_number, op, end };

struct Piece {
  Token token;
  std::string text;   ///< words in lower case; texts without their quotes
  std::size_t at = 0, size = 0;  ///< where in the source
};

/// The sentence with place, source line and caret.
Error error_at(std::string_view source, std::size_t at, std::string_view what);

/// Ends with a piece `end`. Refuses comments, ';' and characters that have no place in a condition.
Result<std::vector<Piece>> pieces_of(std::string_view source);

}  // namespace mig::core::target
