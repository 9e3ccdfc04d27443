// The wall around a job: what its process may still do once a module runs in it. Raised once, never lowered,
// by the child itself before it looks at anything a module reads.
//
//   politeness    SCHED_IDLE, its session at nice 19, idle disk      best effort
//   budgets       rlimits: data, processor time, files open, no file grows, no core
//   privileges    an unprivileged user, and of the capabilities only the reading of any file and what is
//   demanded no new ones   PR_SET_NO_NEW_PRIVS, not dumpable files         Landlock: read only below
//   `readable`, no TCP ports to listen at    where the kernel has it system calls  seccomp: a list of what is
//   allowed (wall_calls.cpp)  all else fails, or ends the process
//
// What the kernel lacks of "best effort" and "where the kernel has it" is said by `wall_facts`; without the
// others no job runs.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "modules/demands.h"
#include "node/core/result.h"

namespace mig::node {

struct WallLimits {
  std::size_t memory_bytes = 0;  ///< 0: limits::job_memory_bytes
  double cpu_seconds = 0;        ///< 0: no bound
  bool polite = true;                      ///< only what processor and disk have to spare
  int parent = 0;                ///< process to end with; 0: none
  std::vector<std::string>
      readable;  ///< empty: everything. Else only below these; refused where no Landlock is
};

/// On success this process can do only what the wall lets through, for good. Soft memory and processor limits
/// come as SIGXCPU and failing allocations. Errors: which part could not be raised; then the job must not
/// run.
core::Status raise_wall(const modules::Demands& demands, const WallLimits& limits);

/// Where a module's own watch on memory stands, below what the kernel enforces: room to write down what it
/// found.
std::size_t watched_memory(const WallLimits& limits);

/// One line a part of the wall, on this machine: "landlock: read-only files, no TCP ports (version 7)".
std::vector<std::string> wall_facts();

/// Parts, for tests. `landlock_version` is 0 where the kernel has none.
int landlock_version();
core::Status close_files(const std::vector<std::string>& readable, bool network);
core::Status close_calls(const modules::Demands& demands);
core::Status drop_privileges(const modules::Demands& demands);

}  // namespace mig::node
