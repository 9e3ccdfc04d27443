// One process as /proc shows it. What costs a look is looked at when it is first asked for, and then kept.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "modules/budget.h"
#include "modules/processes.h"

namespace mig::modules::process {

struct Stat {
  std::string name;  ///< as the kernel calls it, 15 octets at most; it may hold blanks and brackets
  int parent = 0;
  std::uint64_t started = 0;  ///< ticks since the machine started
  bool dead = false;          ///< its parent has not asked for its end yet
};
/// The text of /proc/PID/stat.
std::optional<Stat> parse_stat(std::string_view text);

struct Status {
  std::uint32_t uid = 0;  ///< effective
  std::uint64_t capabilities = 0;  ///< effective
};
/// The text of /proc/PID/status.
std::optional<Status> parse_status(std::string_view text);
/// Octets of /proc/PID/cmdline: arguments, each ended by a zero.
std::vector<std::string> parse_cmdline(std::string_view text);
/// "cap_net_admin" .., a number for those this build has no name for.
std::vector<std::string> capability_names(std::uint64_t capabilities);
/// Seconds since 1970 at which the machine started, from the text of /proc/stat.
std::optional<std::int64_t> parse_boot_time(std::string_view text);

struct Program {
  std::string path;      ///< empty: a kernel thread
  bool deleted = false;  ///< its file is gone, or was never in a folder
  bool memfd = false;    ///< it was run from memory
};

/// What all processes are compared with, and what is worth keeping between them.
struct Machine {
  const Host& host;
  Budget& budget;
  Users users;
  std::map<std::string, std::string> namespaces;  ///< our own
  std::int64_t booted = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> sums;  ///< by device and inode
  Machine(const Host& host, Budget& budget);
};

class Process {
 public:
  Process(Machine& machine, int pid, Stat stat) : machine_(&machine), pid_(pid), stat_(std::move(stat)) {}
  int pid() const { return pid_; }
  const Stat& stat() const { return stat_; }
  // None: it ended, or may not be looked at, which `hidden` tells.
  const std::optional<Status>& status();
  const std::optional<Program>& program();
  const std::optional<std::vector<std::string>>& cmdline();
  const std::optional<std::vector<std::string>>& files();  ///< what its descriptors point to, each once, sorted
  const std::optional<std::string>& sha256();              ///< of its program, lower-case hex; empty for a kernel thread
  std::map<std::string, std::string> namespaces() const;   ///< "net" -> "4026531840"
  std::string user();                                      ///< name, or number if it has none
  std::string started() const;                             ///< RFC 3339; empty if the machine does not tell
  bool hidden = false;

 private:
  std::string folder() const;
  std::optional<std::string> sum_of_program();
  Machine* machine_;
  int pid_;
  Stat stat_;
  std::optional<std::optional<Status>> status_;
  std::optional<std::optional<Program>> program_;
  std::optional<std::optional<std::vector<std::string>>> cmdline_, files_;
  std::optional<std::optional<std::string>> sha256_;
};

}  // namespace mig::modules::process
