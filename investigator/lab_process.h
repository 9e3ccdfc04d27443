// Processes a lab starts and ends: each is known by pid, name and start time, so that a recycled pid is never hit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "node/core/result.h"

namespace mig::investigator {

struct ProcessId {
  int pid = 0;
  std::string name;                  ///< as /proc/PID/comm has it
  std::uint64_t started = 0;         ///< clock ticks after boot, /proc/PID/stat field 22
};

/// Starts `words` (the first is the program's path) in a session of its own; stdin is empty, stdout and stderr are
/// appended to `log`. Errors: no such program.
core::Result<ProcessId> start_process(const std::vector<std::string>& words, const std::string& log);
/// Runs to its end with its output thrown away; gives the exit code, 127 when it cannot be started.
int run_process(const std::vector<std::string>& words);

/// Is it this very process, and not a zombie? A dead child of ours is collected.
bool runs(const ProcessId& process);
/// Sends `signal` to those that run, and kills those that are left after `seconds`. Returns when all are
/// gone (or stuck in the kernel).
void end_processes(const std::vector<ProcessId>& processes, int signal, double seconds);

/// Directory of the running program.
std::string program_dir();
/// A port of 127.0.0.1 that nobody had when this was asked.
core::Result<int> free_port();

}  // namespace mig::investigator
