// Content checks over one file, line by line as the bytes come, in bounded memory.
//
// A line ends at "\n", and one "\r" before it does not belong to it; the last line needs no newline. A line of up to
// line_bytes_max is matched as a whole. A longer one (a disk image, a dump) is matched in overlapping windows: what
// matches within line_overlap bytes is found wherever it lies, and ^, $ and \b know the true neighbours of a window.
// Only a match longer than the overlap, in a line longer than the maximum, can be missed; such lines are counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "modules/file/search.h"

namespace mig::modules::file {

constexpr std::size_t line_bytes_max = 4 * 1024 * 1024;
constexpr std::size_t line_overlap = 1024 * 1024;

class ContentScan {
 public:
  /// Takes the content checks of these searches, which must outlive it.
  explicit ContentScan(const std::vector<const Search*>& searches, std::size_t line_max = line_bytes_max,
                       std::size_t overlap = line_overlap);

  void feed(std::string_view bytes);
  /// The file has ended: judges the last line, and what holds only for whole files.
  void finish();
  /// The rest cannot be read: judges what there is as the beginning of a line. What hangs on the rest stays open.
  void cut();

  /// Whether more bytes may still change something for search number `at`; for any.
  bool undecided(std::size_t at) const { return !groups_[at].done && !whole_; }
  bool undecided() const { return going_ && !whole_; }
  /// Search `at` wants all its values and one has failed for certain.
  bool lost(std::size_t at) const { return lost(groups_[at]); }
  /// For each content check of search `at`, in order: is the file a hit? What is not known is no hit.
  std::vector<bool> verdicts(std::size_t at) const;
  /// Lines that were longer than the maximum.
  std::uint64_t long_lines() const { return long_lines_; }

 private:
  struct State {
    const Check* check;
    bool matched = false;    ///< on some line
    bool missed = false;     ///< did not match on some line
    bool on_line = false;    ///< matched in a window of the line at hand
    bool broken(bool macroal) const { return macroal && (check->inverse ? matched : missed); }
  };
  struct Group {
    const Search* search;
    std::vector<State> states;
    bool done = false;       ///< nothing that follows can change a verdict
  };
  struct Window {
    std::string_view text;   ///< with one byte of context at each open end
    bool begins, ends;       ///< the line does
  };

  static bool open(const Group& group, const State& state);
  static bool lost(const Group& group);
  void settle();
  void match_window(const Window& window);
  void end_line();
  void last_window(std::string_view text);
  void slide();

  std::vector<Group> groups_;
  std::size_t line_max_, overlap_;
  std::string carry_;        ///< the line at hand, as far as it has come; from the second window on, its tail
  bool carry_begins_ = true; ///< carry_ begins where the line does
  std::uint64_t lines_ = 0, long_lines_ = 0;
  bool going_ = true;        ///< some group is not done
  bool whole_ = false;       ///< finish() was called
};

}  // namespace mig::modules::file
