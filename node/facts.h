// What this machine is: the columns of a target, gathered from its own files and kernel. Asks no network.
#pragma once

#include <map>
#include <string>

#include "node/core/agent_facts.h"

namespace mig::node {

/// This build's version, as the column `version` shows it.
inline constexpr const char* software_version = "0.1.0";

/// Gathers name, mode, version, pid, starttime and the environment's init ident os arch isproxied proxy addresses.
/// `name_override`: the agent's name; empty: the host name, made full from /etc/hosts if it has no dot.
/// `root`: a made-up tree that shadows the real one (a file is read at root + path where that exists).
/// Never fails: what cannot be read is left out, which a target sees as NULL; ident falls back to the kernel's name.
/// Left out: id and queueloc (the agent knows its key), and `modules`, `publicip` and `aws` in the environment.
core::AgentFacts gather(const std::string& name_override, const std::map<std::string, std::string>& tags,
                        const std::string& root);

/// Go's name for a machine as uname(2) calls it: "x86_64" is "amd64"; unknown ones stay as they are.
std::string go_arch(const std::string& machine);

}  // namespace mig::node
