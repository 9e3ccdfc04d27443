#include "node/core/event.h"

#include <fmt/format.h>

namespace mig::core {

std::string_view to_text(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::alarm: return "alarm";
  }
  return "?";
}

std::string to_line(const Event& event) {
  std::string line = fmt::format("{} {}", to_text(event.level), event.name);
  for (const auto& [key, value] : event.fields) {
    // Values may come from strangers: a line stays one line and shows where a value ends.
    bool plain = !value.empty() && value.find_first_of(" \"\\=") == std::string::npos;
    std::string shown;
    for (unsigned char c : value) {
      if (c == '"' || c == '\\') shown += '\\';
      if (c < 0x20 || c == 0x7f) {
        plain = false;
        shown += fmt::format("\\x{:02x}", c);
      } else {
        shown += static_cast<char>(c);
      }
    }
    line += plain ? fmt::format(" {}={}", key, shown) : fmt::format(" {}=\"{}\"", key, shown);
  }
  return line;
}

}  // namespace mig::core
