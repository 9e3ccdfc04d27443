#include "modules/pkg/versions.h"

#include <fmt/format.h>

#include <vector>

namespace mig::modules::pkg {
namespace {

// Not <cctype>: the locale has no say here.
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

int sign(int value) { return value < 0 ? -1 : value > 0 ? 1 : 0; }

std::string_view without_zeros(std::string_view digits) {
  const std::size_t at = digits.find_first_not_of('0');
  return at == digits.npos ? std::string_view() : digits.substr(at);
}

/// Numbers of any length.
int compare_digits(std::string_view a, std::string_view b) {
  a = without_zeros(a);
  b = without_zeros(b);
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return sign(a.compare(b));
}

template <class Is>
std::string_view take(std::string_view& from, Is is) {
  std::size_t size = 0;
  while (size < from.size() && is(from[size])) ++size;
  const std::string_view out = from.substr(0, size);
  from.remove_prefix(size);
  return out;
}

struct Evr {
  std::string_view epoch, version, release;
  bool has_release = false;
};

void split_release(Evr& evr) {
  const std::size_t dash = evr.version.rfind('-');
  if (dash == evr.version.npos) return;
  evr.has_release = true;
  evr.release = evr.version.substr(dash + 1);
  evr.version = evr.version.substr(0, dash);
}

Evr parse_dpkg(std::string_view text) {
  Evr out{{}, text, {}, false};
  if (const std::size_t colon = text.find(':'); colon != text.npos) {
    out.epoch = text.substr(0, colon);
    out.version = text.substr(colon + 1);
  }
  split_release(out);
  return out;
}

/// Tilde before the end, the end before letters, letters before everything else.
int dpkg_order(std::string_view rest) {
  if (rest.empty() || is_digit(rest.front())) return 0;
  if (rest.front() == '~') return -1;
  const int value = static_cast<unsigned char>(rest.front());
  return is_alpha(rest.front()) ? value : value + 256;
}

int compare_dpkg_part(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    while ((!a.empty() && !is_digit(a.front())) || (!b.empty() && !is_digit(b.front()))) {
      const int left = dpkg_order(a), right = dpkg_order(b);
      if (left != right) return left < right ? -1 : 1;
      if (!a.empty()) a.remove_prefix(1);
      if (!b.empty()) b.remove_prefix(1);
    }
    if (const int numbers = compare_digits(take(a, is_digit), take(b, is_digit)); numbers != 0) return numbers;
  }
  return 0;
}

Evr parse_rpm(std::string_view text) {
  Evr out{{}, text, {}, false};
  std::string_view rest = text;
  const std::string_view digits = take(rest, is_digit);
  if (!rest.empty() && rest.front() == ':') {
    out.epoch = digits;
    out.version = rest.substr(1);
  }
  split_release(out);
  return out;
}

/// Which of two stands alone where a tilde (older than the end) or a caret (newer than the end, but older than
/// anything else) may be; 2: go on.
int rpm_mark(std::string_view& a, std::string_view& b, char mark, bool older) {
  const bool left = !a.empty() && a.front() == mark, right = !b.empty() && b.front() == mark;
  if (!left && !right) return 2;
  if (left && right) {
    a.remove_prefix(1);
    b.remove_prefix(1);
    return 3;
  }
  if (older) return left ? -1 : 1;
  if (a.empty()) return -1;
  if (b.empty()) return 1;
  return left ? -1 : 1;
}

int compare_rpm_part(std::string_view a, std::string_view b) {
  if (a == b) return 0;
  while (!a.empty() || !b.empty()) {
    const auto parts = [](char c) { return !is_digit(c) && !is_alpha(c) && c != '~' && c != '^'; };
    take(a, parts);
    take(b, parts);
    if (const int tilde = rpm_mark(a, b, '~', true); tilde == 3) continue;
    else if (tilde != 2) return tilde;
    if (const int caret = rpm_mark(a, b, '^', false); caret == 3) continue;
    else if (caret != 2) return caret;
    if (a.empty() || b.empty()) break;
    const bool number = is_digit(a.front());
    const std::string_view left = number ? take(a, is_digit) : take(a, is_alpha);
    const std::string_view right = number ? take(b, is_digit) : take(b, is_alpha);
    if (right.empty()) return number ? 1 : -1;  // a number is newer than letters
    if (const int segment = number ? compare_digits(left, right) : sign(left.compare(right)); segment != 0)
      return segment;
  }
  if (a.empty() && b.empty()) return 0;
  return a.empty() ? -1 : 1;
}

core::Result<Evr> parse_mig(std::string_view text) {
  Evr out{{}, text, {}, false};
  std::string_view rest = text;
  const std::string_view digits = take(rest, is_digit);
  if (!rest.empty() && rest.front() == ':') {
    out.epoch = digits;
    out.version = rest.substr(1);
    if (out.version.empty()) return core::invalid(fmt::format("'{}' is an epoch without a version", text));
  }
  split_release(out);
  if (out.has_release && out.release.empty())
    return core::invalid(fmt::format("'{}' has nothing behind its last dash", text));
  return out;
}

std::vector<std::string_view> tokens(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    take(text, [](char c) { return !is_digit(c) && !is_alpha(c); });
    if (text.empty()) break;
    out.push_back(is_digit(text.front()) ? take(text, is_digit) : take(text, is_alpha));
  }
  return out;
}

int compare_mig_part(std::string_view a, std::string_view b) {
  const auto left = tokens(a), right = tokens(b);
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (i >= left.size()) return -1;
    const bool number = is_digit(left[i].front());
    if (number != is_digit(right[i].front())) return number ? 1 : -1;
    if (const int token = number ? compare_digits(left[i], right[i]) : sign(left[i].compare(right[i])); token != 0)
      return token;
  }
  return left.size() > right.size() ? 1 : 0;
}

}  // namespace

int compare_dpkg(std::string_view a, std::string_view b) {
  const Evr left = parse_dpkg(a), right = parse_dpkg(b);
  if (const int epoch = compare_digits(left.epoch, right.epoch); epoch != 0) return epoch;
  if (const int version = compare_dpkg_part(left.version, right.version); version != 0) return version;
  return compare_dpkg_part(left.release, right.release);
}

int compare_rpm(std::string_view a, std::string_view b) {
  const Evr left = parse_rpm(a), right = parse_rpm(b);
  if (const int epoch = compare_digits(left.epoch, right.epoch); epoch != 0) return epoch;
  if (const int version = compare_rpm_part(left.version, right.version); version != 0) return version;
  if (left.has_release != right.has_release) return left.has_release ? 1 : -1;
  return compare_rpm_part(left.release, right.release);
}

core::Result<int> compare_mig(std::string_view a, std::string_view b) {
  const auto left = parse_mig(a), right = parse_mig(b);
  if (!left) return left.error();
  if (!right) return right.error();
  if (const int epoch = compare_digits(left->epoch, right->epoch); epoch != 0) return epoch;
  if (const int version = compare_mig_part(left->version, right->version); version != 0) return version;
  return compare_mig_part(left->release, right->release);
}

}  // namespace mig::modules::pkg
