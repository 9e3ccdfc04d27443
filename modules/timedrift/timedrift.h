// The module `timedrift`: what time a machine has, and how far that is from its time servers.
#pragma once

#include "modules/module.h"

namespace mig::modules::timedrift {

/// Parameters: {"drift": "5s", "servers": [host, ..], "timeout": seconds}, all optional; without drift only the local
/// time is told. Elements: {"hascheckeddrift", "iswithindrift"?, "drifts"?, "localtime"}; found is "out of drift", or
/// a local time that nobody wanted compared. See README.md in this folder.
const Module& module();

}  // namespace mig::modules::timedrift
