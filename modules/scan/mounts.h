// What is mounted where, and what a walk should know of it before it goes there.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace mig::modules::scan {

struct Mount {
  std::string at, type;
  bool kernel = false;  ///< /proc, /sys and their like: no files on a disk; reading some waits or never ends
  bool remote = false;  ///< another machine answers, or nobody does
  bool plain = false;   ///< a read that gives less than was asked for has reached the end
};

class Mounts {
 public:
  /// `table`: the text of /proc/self/mountinfo; empty: nothing is known.
  explicit Mounts(std::string_view table);
  static Mounts of_this_process();

  /// Where the absolute, resolved `path` lies.
  const Mount* of(std::string_view path) const;
  /// nullptr if nothing is mounted right there.
  const Mount* exactly_at(const std::string& path) const;

 private:
  std::map<std::string, Mount, std::less<>> mounts_;
  Mount unknown_;
};

}  // namespace mig::modules::scan
