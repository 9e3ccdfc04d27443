// The files below some folders, one after the other, in the order of their names.
#pragma once

#include <functional>
#include <string>

#include "modules/module.h"

namespace mig::modules {

struct Walk {
  const Host& host;
  Budget& budget;
  std::size_t size_max;
  /// A regular file, or a link to one, of 1 to `size_max` octets. False ends the walk.
  std::function<bool(const std::string& path)> file;
  std::function<void(std::string error)> trouble;

  /// `path` may be a file or a folder. With `depth` 1 only the folder's own files. Links to folders are not
  /// followed, but `path` may be one; file systems that are not on a disk (/proc, /sys) are left out. False
  /// if it was ended, by `file` or by the budget.
  bool run(const std::string& path, int depth);
};

}  // namespace mig::modules
