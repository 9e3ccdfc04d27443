// RE2's word on one line, or on one window of a line.
#pragma once

#include <re2/re2.h>

#include <string>
#include <string_view>

#include "node/core/json.h"

namespace mig::modules::scan {

/// Like Go's regexp: bytes that are no UTF-8 count as U+FFFD, one each. The replaced text is made once for
/// all expressions. An open end has one byte of context, to which ^, $ and \b pay heed.
class Matcher {
 public:
  Matcher(std::string_view text, bool begins, bool ends)
      : text_(text), skip_(begins ? 0 : 1), keep_(ends ? 0 : 1) {}

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
    return regex.Match(re2::StringPiece(text.data(), text.size()), skip_, text.size() - keep_,
                       re2::RE2::UNANCHORED, nullptr, 0);
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

}  // namespace mig::modules::scan
