// The hits of one search, and the order in which a walk would meet them.
#include <algorithm>

#include "modules/file/search.h"

namespace mig::modules::file {
namespace {

/// -1: a walk meets `a` before `b`. Files of a directory come before its directories, each by name.
int in_walk(std::string_view a, bool a_is_directory, std::string_view b) {
  std::size_t begin = 0;  // of the first component that differs
  const std::size_t both = std::min(a.size(), b.size());
  std::size_t at = 0;
  for (; at < both && a[at] == b[at]; ++at)
    if (a[at] == '/') begin = at + 1;
  if (at == a.size() && at == b.size()) return 0;
  if (at == a.size() && b[at] == '/') return a_is_directory ? 0 : -1;  // b lies below a
  if (at == b.size() && a[at] == '/') return 1;
  const std::string_view rest_a = a.substr(begin), rest_b = b.substr(begin);
  const std::size_t slash_a = rest_a.find('/'), slash_b = rest_b.find('/');
  const bool below_a = slash_a != rest_a.npos || a_is_directory, below_b = slash_b != rest_b.npos;
  if (below_a != below_b) return below_a ? 1 : -1;
  return rest_a.substr(0, slash_a) < rest_b.substr(0, slash_b) ? -1 : 1;
}

bool before(const Hit& a, const Hit& b) {
  if (a.root != b.root) return a.root < b.root;
  const int order = in_walk(a.path, false, b.path);
  return order != 0 ? order < 0 : a.check < b.check;
}

}  // namespace

void Hits::add(Hit hit) {
  std::lock_guard lock(mutex_);
  if (limit_ == 0 || hits_.size() < limit_) {
    hits_.push_back(std::move(hit));
    if (hits_.size() == limit_) {
      std::make_heap(hits_.begin(), hits_.end(), before);
      full_ = true;
    }
    return;
  }
  if (!before(hit, hits_.front())) return;
  std::pop_heap(hits_.begin(), hits_.end(), before);
  hits_.back() = std::move(hit);
  std::push_heap(hits_.begin(), hits_.end(), before);
}

bool Hits::may_take(std::size_t root, std::string_view path, bool directory) const {
  if (!full_.load(std::memory_order_relaxed)) return true;
  std::lock_guard lock(mutex_);
  const Hit& last = hits_.front();
  if (root != last.root) return root < last.root;
  return in_walk(path, directory, last.path) < (directory ? 1 : 0);
}

std::vector<Hit> Hits::take() {
  std::sort(hits_.begin(), hits_.end(), [](const Hit& a, const Hit& b) {
    return a.check != b.check ? a.check < b.check : a.path < b.path;
  });
  return hits_;
}

}  // namespace mig::modules::file
