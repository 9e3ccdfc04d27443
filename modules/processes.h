// Processes as /proc shows them, and the names of users: what several modules ask of them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "modules/module.h"

namespace mig::modules {

/// Numbers of the processes there are, in order.
std::vector<int> process_numbers(const Host& host);

/// A file of /proc, read in one go; none if the process is gone or it may not be read. Cut at `bytes_max`.
std::optional<std::string> read_proc(const std::string& path, std::size_t bytes_max = 64 * 1024);

/// Where a symbolic link points; none as above.
std::optional<std::string> link_of(const std::string& path);

/// Names of users, from /etc/passwd alone: no name service is asked, which may wait or send something.
class Users {
 public:
  explicit Users(const Host& host);
  std::string name_of(std::uint32_t uid) const;  ///< empty if it has none
  std::optional<std::uint32_t> number_of(const std::string& name) const;

 private:
  std::map<std::uint32_t, std::string> names_;
};

}  // namespace mig::modules
