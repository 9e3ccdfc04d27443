// What an agent's job does for the module agentdestroy. Everything else stands behind the wall; this cannot.
#pragma once

#include <sys/types.h>

#include "modules/module.h"

namespace mig::node {

/// `agent`: the process that obeys. An order about itself only says so ({"self": true}): it ends when its
/// answer is safe. Blocks for as long as it takes to ask a version and to see a process end: 10 s at most.
modules::Answer destroy(const core::Json& parameters, pid_t agent);

}  // namespace mig::node
