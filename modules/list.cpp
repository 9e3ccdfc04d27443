// The modules of this build: one line each, sorted by name. A module that is not here does not exist.
#include "modules/agentdestroy/agentdestroy.h"
#include "modules/example/example.h"
#include "modules/file/file.h"
#include "modules/memory/memory.h"
#include "modules/module.h"
#include "modules/netstat/netstat.h"
#include "modules/ping/ping.h"
#include "modules/pkg/pkg.h"
#include "modules/process/process.h"
#include "modules/scribe/scribe.h"
#include "modules/sshkey/sshkey.h"
#include "modules/timedrift/timedrift.h"
#include "modules/yara/yara.h"

namespace mig::modules {

const std::vector<const Module*>& all() {
  static const std::vector<const Module*> modules = {
      &agentdestroy::module(),
      &example::module(),
      &file::module(),
      &memory::module(),
      &netstat::module(),
      &ping::module(),
      &pkg::module(),
      &process::module(),
      &scribe::module(),
      &sshkey::module(),
      &timedrift::module(),
      &yara::module(),
  };
  return modules;
}

}  // namespace mig::modules
