// The module `agentdestroy`: an order to end an agent, this one or a stray copy beside it.
#pragma once

#include "modules/module.h"

namespace mig::modules::agentdestroy {

/// Parameters: {"pid": 2..4194304, "version": text}; without pid it is the agent itself.
/// Elements: a sentence. Statistics: {"self": whether it is the agent that answers}.
/// What it says is done by node/destroy.h, in the job of a running agent; run() alone refuses, so that no
/// rehearsal and no `-t local` ends anything.
const Module& module();

}  // namespace mig::modules::agentdestroy
