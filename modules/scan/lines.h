// Looks for the expressions of a Finder on the lines of one file after the other, in bounded memory.
//
// A line ends at "\n", and one "\r" before it does not belong to it; the last line needs no newline. A line
// of up to line_bytes_max is matched as a whole. A longer one (a disk image, a dump) is matched in
// overlapping windows: what matches within line_overlap bytes is found wherever it lies, and ^, $ and \b know
// the true neighbours of a window. Only a match longer than the overlap, in a line longer than the maximum,
// can be missed; such lines are counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "modules/scan/finder.h"

namespace mig::modules::scan {

constexpr std::size_t line_bytes_max = 4 * 1024 * 1024;
constexpr std::size_t line_overlap = 1024 * 1024;

class LineScan {
 public:
  /// `finder` must outlive it. One a thread; it serves any number of files.
  explicit LineScan(const Finder& finder, std::size_t line_max = line_bytes_max,
                    std::size_t overlap = line_overlap);

  /// Begins a file on which these expressions are looked for.
  void begin(const std::vector<unsigned>& wanted);
  void feed(std::string_view bytes);
  /// The file has ended: judges the last line. With `bytes`, which are fed first and, if they are all, not
  /// copied.
  void finish(std::string_view bytes = {});
  /// The rest cannot be read: judges what there is as the beginning of a line.
  void cut();

  bool undecided() const { return left_ > 0; }
  bool matched(unsigned number) const { return matched_[number] == file_; }
  /// All that matched in this file, in no order.
  const std::vector<unsigned>& found() const { return found_; }
  std::uint64_t long_lines() const { return long_lines_; }

 private:
  void block(std::string_view text, bool begins, bool ends);
  bool candidate(unsigned number, std::size_t end);
  void slide();

  const Finder& finder_;
  Finder::Scratch scratch_;
  std::size_t line_max_, overlap_;
  std::string carry_;
  bool carry_begins_ = true;
  std::uint32_t file_ = 0;
  std::vector<std::uint32_t> wanted_, matched_;  ///< number of the last file it was wanted in, it matched in
  std::vector<std::uint64_t> tried_;             ///< the last line RE2 was asked about
  std::vector<unsigned> found_;
  std::size_t left_ = 0;
  std::uint64_t long_lines_ = 0;
  // The block and the line at hand.
  std::string_view text_;
  bool begins_ = true, ends_ = true;
  std::size_t line_begin_ = 0, line_end_ = 0;
  std::uint64_t line_number_ = 0;  ///< grows with every line looked at, over all files
};

}  // namespace mig::modules::scan
