#include "modules/file/content.h"

#include <re2/re2.h>

#include <algorithm>

namespace mig::modules::file {
namespace {

/// Matches one window of a line, the replaced text being made once for all regexes.
class Matcher {
 public:
  Matcher(std::string_view text, bool begins, bool ends) : text_(text), skip_(begins ? 0 : 1), keep_(ends ? 0 : 1) {}

  bool operator()(const re2::RE2& regex) {
    if (search(regex, text_)) return true;
    if (!checked_) {
      checked_ = true;
      if (!core::is_utf8(text_)) replaced_ = replace_inside();
    }
    return !replaced_.empty() && search(regex, replaced_);
  }

 private:
  bool search(const re2::RE2& regex, std::string_view text) const {
    return regex.Match(re2::StringPiece(text.data(), text.size()), skip_, text.size() - keep_, re2::RE2::UNANCHORED,
                       nullptr, 0);
  }
  /// The bytes of context stay one byte each: to ^, $ and \b they are only word or not.
  std::string replace_inside() const {
    std::string out(text_.substr(0, skip_));
    out += core::readable_utf8(text_.substr(skip_, text_.size() - skip_ - keep_));
    out += text_.substr(text_.size() - keep_);
    return out;
  }

  std::string_view text_;
  std::size_t skip_, keep_;
  bool checked_ = false;
  std::string replaced_;
};

}  // namespace

ContentScan::ContentScan(const std::vector<const Search*>& searches, std::size_t line_max, std::size_t overlap)
    : line_max_(line_max), overlap_(overlap) {
  for (const Search* search : searches) {
    Group group{search, {}};
    for (const Check& check : search->checks)
      if (check.kind == CheckKind::content) group.states.push_back({&check});
    groups_.push_back(std::move(group));
  }
  settle();
}

/// Whether the next line may tell something new about this value.
bool ContentScan::open(const Group& group, const State& state) {
  return group.search->options.macroal ? !state.broken(true) : !state.matched;
}

bool ContentScan::lost(const Group& group) {
  if (!group.search->options.matchall) return false;
  const bool macroal = group.search->options.macroal;
  return std::any_of(group.states.begin(), group.states.end(), [&](const State& state) {
    if (macroal) return !state.check->mismatch && state.broken(true);
    return state.matched && !state.check->wants(true);
  });
}

/// Finds out which searches need to see no more.
void ContentScan::settle() {
  going_ = false;
  for (Group& group : groups_) {
    const bool macroal = group.search->options.macroal;
    std::size_t still_open = 0, broken = 0, inverted = 0;
    for (const State& state : group.states) {
      still_open += open(group, state);
      broken += state.broken(macroal);
      inverted += state.check->mismatch;
    }
    // With macroal one broken value decides for all of its search.
    group.done = still_open == 0 || lost(group) || (broken > 0 && inverted == 0);
    going_ = going_ || !group.done;
  }
}

void ContentScan::match_window(const Window& window) {
  Matcher matches(window.text, window.begins, window.ends);
  for (Group& group : groups_)
    for (State& state : group.states)
      if (!group.done && !state.on_line && open(group, state)) state.on_line = matches(*state.check->regex);
}

void ContentScan::end_line() {
  ++lines_;
  bool news = false;
  for (Group& group : groups_)
    for (State& state : group.states) {
      bool& seen = state.on_line ? state.matched : state.missed;
      news = news || !seen;
      seen = true;
      state.on_line = false;
    }
  if (news) settle();
}

/// The end of a line: all of it, or its last window.
void ContentScan::last_window(std::string_view text) {
  const std::size_t context = carry_begins_ ? 0 : 1;
  if (text.size() > context && text.back() == '\r') text.remove_suffix(1);
  match_window({text, carry_begins_, true});
  end_line();
  carry_begins_ = true;
}

/// The line at hand is longer than we hold: matches what there is, then keeps its tail.
void ContentScan::slide() {
  match_window({carry_, carry_begins_, false});
  long_lines_ += carry_begins_;
  carry_begins_ = false;
  std::size_t cut = carry_.size() - overlap_;
  // Not within a character: its continuation bytes go with it.
  for (int back = 0; back < 3 && cut > 1 && (carry_[cut] & 0xc0) == 0x80; ++back) --cut;
  carry_.erase(0, cut - 1);  // one more byte, as context
}

void ContentScan::feed(std::string_view bytes) {
  while (!bytes.empty() && undecided()) {
    std::size_t newline = bytes.find('\n');
    std::string_view piece = bytes.substr(0, newline);
    if (newline != bytes.npos && carry_.empty()) {  // the usual case: nothing is copied
      bytes.remove_prefix(newline + 1);
      last_window(piece);
      continue;
    }
    const std::size_t room = line_max_ - std::min(line_max_, carry_.size());
    const bool ends = newline != bytes.npos && piece.size() <= room;
    piece = piece.substr(0, std::max<std::size_t>(room, 1));
    carry_ += piece;
    bytes.remove_prefix(piece.size() + (ends ? 1 : 0));
    if (ends) {
      last_window(carry_);
      carry_.clear();
    } else if (carry_.size() >= line_max_) {
      slide();
    }
  }
}

void ContentScan::finish() {
  if (!carry_.empty() && undecided()) last_window(carry_);
  carry_.clear();
  whole_ = true;
}

void ContentScan::cut() {
  if (carry_.empty() || !undecided()) return;
  // The byte after what we have is not known; a word character and no end of line is the cautious guess.
  carry_ += 'x';
  match_window({carry_, carry_begins_, false});
  carry_.clear();
  for (Group& group : groups_)
    for (State& state : group.states)
      if (state.on_line) state.matched = true;
}

std::vector<bool> ContentScan::verdicts(std::size_t at) const {
  const Group& group = groups_[at];
  const bool macroal = group.search->options.macroal;
  const bool all_hold = std::none_of(group.states.begin(), group.states.end(), [&](const State& state) { return state.broken(macroal); });
  std::vector<bool> out;
  for (const State& state : group.states) {
    if (!macroal) {
      out.push_back((state.matched || whole_) && state.check->wants(state.matched));
      continue;
    }
    // An empty file holds no line on which anything could hold; it holds none that could not be wanted either.
    const bool holds = !state.broken(true) && (state.check->inverse || lines_ > 0);
    if (state.check->mismatch) out.push_back(!holds && (whole_ || state.broken(true)));
    else out.push_back(holds && whole_ && (all_hold || lines_ == 0));
  }
  return out;
}

}  // namespace mig::modules::file
