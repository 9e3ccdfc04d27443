#include "modules/file/content.h"

#include <algorithm>

#include "modules/scan/confirm.h"

namespace mig::modules::file {
ContentScan::ContentScan(const std::vector<const Search*>& searches, std::size_t line_max, std::size_t overlap)
    : line_max_(line_max), overlap_(overlap) {
  for (const Search* search : searches) {
    Group group{search, {}};
    for (const Check& check : search->checks)
      if (takes(*search, check)) group.states.push_back({&check});
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
  scan::Matcher matches(window.text, window.begins, window.ends);
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
