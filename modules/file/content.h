// Content checks that no automaton can look for, tried on every line of one file: those of searches with macroal, and
// the stranger ones of others. Lines and windows are those of scan/lines.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "modules/file/search.h"
#include "modules/scan/lines.h"

namespace mig::modules::file {

class ContentScan {
 public:
  /// Whether a check belongs here.
  static bool takes(const Search& search, const Check& check) { return check.kind == CheckKind::content && (search.options.macroal || check.finder < 0); }
  /// Takes those content checks of these searches, which must outlive it.
  explicit ContentScan(const std::vector<const Search*>& searches, std::size_t line_max = scan::line_bytes_max,
                       std::size_t overlap = scan::line_overlap);

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
  /// For each check taken from search `at`, in order: is the file a hit? What is not known is no hit.
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
