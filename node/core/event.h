// The only voice of a machine: structured facts for logs, progress, metrics and tests. Prose is made by readers.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mig::core {

enum class Level { debug, info, warning, alarm };

/// One event: a fixed name ("attached", "refused", "link_down") and fields in order. Never holds a secret.
struct Event {
  Level level = Level::info;
  std::string name;
  std::vector<std::pair<std::string, std::string>> fields;
};

/// "warning link_down peer=relay-2 why=timeout": one line, values with blanks quoted. What log lines and traces show.
std::string to_line(const Event& event);
std::string_view to_text(Level level);

}  // namespace mig::core
