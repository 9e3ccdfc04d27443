// Starting one node of a lab and waiting for what it says in its log.
#pragma once

#include <chrono>
#include <string>

#include "investigator/lab_record.h"
#include "node/core/identity.h"

namespace mig::investigator {

using LabDeadline = std::chrono::steady_clock::time_point;

/// What tells that a node has arrived: a relay is linked, an agent attached. Empty for the first relay.
std::string arrival_of(const LabNode& node);

/// Starts the node with its words; `node.process` is who it is now.
core::Status start_node(const Lab& lab, LabNode& node);
/// Waits until its log tells `event` in the run that was started last. Errors: it ended, or the deadline passed; both
/// with the last lines of the log.
core::Status await_event(const Lab& lab, const LabNode& node, const std::string& event, LabDeadline deadline);
/// Waits for STATE/endpoint of a relay: "tcp://127.0.0.1:PORT#KEY".
core::Result<core::Endpoint> await_endpoint(const Lab& lab, const LabNode& node, LabDeadline deadline);

}  // namespace mig::investigator
