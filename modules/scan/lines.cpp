#include "modules/scan/lines.h"

#include <string.h>

#include <algorithm>

#include "modules/scan/confirm.h"

namespace mig::modules::scan {
namespace {

std::size_t last_newline(std::string_view text) {
  const void* at = text.empty() ? nullptr : memrchr(text.data(), '\n', text.size());
  return at ? static_cast<std::size_t>(static_cast<const char*>(at) - text.data()) : text.npos;
}

}  // namespace

LineScan::LineScan(const Finder& finder, std::size_t line_max, std::size_t overlap)
    : finder_(finder),
      scratch_(finder),
      line_max_(line_max),
      overlap_(overlap),
      wanted_(finder.size(), 0),
      matched_(finder.size(), 0),
      tried_(finder.size(), 0) {}

void LineScan::begin(const std::vector<unsigned>& wanted) {
  ++file_;
  for (unsigned number : wanted) wanted_[number] = file_;
  left_ = wanted.size();
  found_.clear();
  carry_.clear();
  carry_begins_ = true;
  long_lines_ = 0;
}

bool LineScan::candidate(unsigned number, std::size_t end) {
  if (wanted_[number] != file_ || matched_[number] == file_) return false;
  const std::size_t last = end > 0 ? end - 1 : 0;
  if (last < line_begin_ || last >= line_end_) {
    const std::size_t before = last_newline(text_.substr(0, last));
    const std::size_t behind = text_.find('\n', last);
    line_begin_ = before == text_.npos ? 0 : before + 1;
    line_end_ = behind == text_.npos ? text_.size() : behind;
    if (last >= line_end_) line_end_ = last;  // the candidate ends with the newline itself
    ++line_number_;
  }
  if (tried_[number] == line_number_) return false;
  tried_[number] = line_number_;
  std::string_view line = text_.substr(line_begin_, line_end_ - line_begin_);
  const bool begins = line_begin_ > 0 || begins_, ends = line_end_ < text_.size() || ends_;
  const std::size_t context = begins ? 0 : 1;
  if (ends && line.size() > context && line.back() == '\r') line.remove_suffix(1);
  if (line.size() < context + (ends ? 0 : 1)) return false;
  Matcher matches(line, begins, ends);
  if (!matches(finder_.expression(number))) return false;
  matched_[number] = file_;
  found_.push_back(number);
  return --left_ == 0;
}

void LineScan::block(std::string_view text, bool begins, bool ends) {
  text_ = text;
  begins_ = begins;
  ends_ = ends;
  line_begin_ = line_end_ = 0;
  ++line_number_;
  finder_.scan(
      text, scratch_,
      [](void* self, unsigned number, std::size_t end) {
        return static_cast<LineScan*>(self)->candidate(number, end);
      },
      this);
}

/// The line at hand is longer than we hold: matches what there is, then keeps its tail.
void LineScan::slide() {
  block(carry_, carry_begins_, false);
  long_lines_ += carry_begins_;
  carry_begins_ = false;
  std::size_t cut = carry_.size() - overlap_;
  // Not within a character: its continuation bytes go with it.
  for (int back = 0; back < 3 && cut > 1 && (carry_[cut] & 0xc0) == 0x80; ++back) --cut;
  carry_.erase(0, cut - 1);  // one more byte, as context
}

void LineScan::feed(std::string_view bytes) {
  while (!bytes.empty() && undecided()) {
    if (carry_.empty()) {
      const std::size_t newline = last_newline(bytes);
      if (newline != bytes.npos) {  // the usual case: whole lines, nothing is copied
        block(bytes.substr(0, newline), true, true);
        bytes.remove_prefix(newline + 1);
      }
      const std::string_view tail = bytes.substr(0, line_max_);
      carry_ = tail;
      bytes.remove_prefix(tail.size());
    } else {
      const std::size_t newline = bytes.find('\n');
      const std::size_t room = line_max_ - std::min(line_max_, carry_.size());
      const std::string_view piece = bytes.substr(0, std::min(newline, std::max<std::size_t>(room, 1)));
      carry_ += piece;
      bytes.remove_prefix(piece.size());
      if (newline == piece.size()) {
        bytes.remove_prefix(1);
        block(carry_, carry_begins_, true);
        carry_.clear();
        carry_begins_ = true;
        continue;
      }
    }
    if (carry_.size() >= line_max_) slide();
  }
}

void LineScan::finish(std::string_view bytes) {
  if (carry_.empty() && bytes.size() <= line_max_) {
    if (undecided()) block(bytes, true, true);
    return;
  }
  feed(bytes);
  if (!carry_.empty() && undecided()) block(carry_, carry_begins_, true);
  carry_.clear();
}

void LineScan::cut() {
  if (carry_.empty() || !undecided()) return;
  carry_ += 'x';  // the byte after what we have is not known; a word character and no end of line is the
                  // cautious guess
  block(carry_, carry_begins_, false);
  carry_.clear();
}

}  // namespace mig::modules::scan
