// Jobs: modules at work in child processes, so that nothing a module does can hold up or bring down the agent.
//
// One job is all operations of one action and runs in one child, our own executable started anew (posix_spawn, never
// fork: the cost does not grow with the agent). The child reads one JSON document from its standard input and writes
// frames to its standard output: u32 length (little endian), then JSON {"index":..,"answer":{..},"limit":".."}. It keeps
// to its budget by itself and gives what it has found; it stands behind a wall (wall.h); and the parent makes sure of
// time and size from outside: it asks with SIGTERM, then ends the child's whole process group with SIGKILL.
//
// The driver is single-threaded: it polls fds() for reading, no longer than wait_ms(), and then calls collect().
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "modules/module.h"
#include "node/cgroup.h"
#include "node/core/attachment.h"
#include "node/core/json.h"

namespace mig::node {

struct JobSpec {
  std::uint64_t id = 0;
  core::Json operations;     ///< [{"module":..,"parameters":{..}}, ..]: results carry the index into it
  std::vector<core::Enclosed> enclosed;  ///< attachments that parameters name; unpacked behind the wall
  double seconds = 0;        ///< wall clock for all operations together; 0: limits::job_seconds
  std::size_t bytes_max = 0; ///< of results as JSON, all operations together; 0: limits::job_output_bytes
  double cpu_seconds = 0;              ///< on processors; 0: limits::job_cpu_share times `seconds`
  std::size_t memory_bytes = 0;        ///< 0: limits::job_memory_bytes
  std::vector<std::string> readable;   ///< empty: everything; else only what lies below these
  modules::Host host;
  bool polite = true;                  ///< false in tests, which must end on a busy machine
  bool privacy = false;      ///< every answer goes through Module::mask before it leaves the child
};

struct JobPart {
  std::uint64_t id = 0;
  bool last = false;                 ///< the job is over and reaped; carries no answer
  std::optional<std::size_t> index;  ///< of the operation that `answer` belongs to
  modules::Answer answer;
  /// On `last`: "" (all operations answered), "timeout", "limit: output", "limit: memory", "limit: cpu", "forbidden: .."
  /// (it asked the kernel for what the wall ends a process for), "stopped", or "error.." (the child broke down, or could
  /// not raise its wall). Answers that came before keep their value: they are partial results.
  std::string trouble;
};

class Jobs {
 public:
  /// `executable` is started as `executable --job`.
  explicit Jobs(std::string executable = "/proc/self/exe", Cgroups groups = {});
  /// Kills every child and its group, and reaps them.
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  /// Never blocks. Errors: an id that is already running; a machine out of processes, memory or files.
  core::Status start(JobSpec spec);
  /// Asks the child to end with what it has; kills it a moment later. Unknown ids are ignored: the job may just have
  /// ended. The `last` part still comes through collect().
  void stop(std::uint64_t id);

  std::size_t running() const { return children_.size(); }
  /// To be polled for reading.
  std::vector<int> fds() const;
  /// Milliseconds until collect() has something to do even if no descriptor is readable; none: wait for ever.
  std::optional<int> wait_ms() const;
  /// Everything that has come since, in order within a job. Never blocks.
  std::vector<JobPart> collect();

 private:
  struct Child;
  void advance(Child& child, std::vector<JobPart>& out);

  std::string executable_;
  Cgroups groups_;
  std::map<std::uint64_t, std::unique_ptr<Child>> children_;
};

/// What the child runs for `--job`. Returns its exit code: 0 when every operation was answered.
int job_main();

}  // namespace mig::node
