// How things look: tables, colours on terminals only, one live line of progress, and foreign text made harmless.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "node/core/time.h"

namespace mig::investigator {

/// Text that may come from a stranger, safe on a terminal: control characters, invalid UTF-8 and marks that turn the
/// direction of writing become \xNN or \u{NNNN}. Tabs stay.
std::string printable(std::string_view text);

/// The same for text of several lines.
std::string printable_lines(std::string_view text);

/// How many columns valid UTF-8 takes, one a code point.
std::size_t columns(std::string_view text);

/// Whether `stream` is a terminal that wants colours (NO_COLOR and TERM=dumb say no).
bool wants_colour(std::FILE* stream);

/// "1,204".
std::string grouped(std::uint64_t number);

enum class Colour { none, red, green, yellow, magenta, faint };
std::string coloured(std::string_view text, Colour colour, bool wanted);

/// Columns as wide as their widest cell, two blanks between, the last one ragged.
class Table {
 public:
  explicit Table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
  /// REQUIRES: as many cells as heads. Cells are made printable.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  std::string text() const;

 private:
  std::vector<std::string> heads_;
  std::vector<std::vector<std::string>> rows_;
};

/// "now", "40s ago", "2h ago"; "never" for zero.
std::string ago(core::WallMs then, core::WallMs now);

/// One line on stderr that replaces itself on a terminal; elsewhere a line now and then.
class LiveLine {
 public:
  /// `quiet`: shows nothing at all.
  explicit LiveLine(bool quiet);
  ~LiveLine() { clear(); }
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  void show(const std::string& text);
  /// Takes the line away, so that something else can be printed.
  void clear();

 private:
  bool quiet_, terminal_;
  std::string shown_, last_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace mig::investigator
