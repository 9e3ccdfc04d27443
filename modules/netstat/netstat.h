// The module `netstat`: what addresses, neighbours and connections a machine has.
#pragma once

#include "modules/module.h"

namespace mig::modules::netstat {

/// Parameters: lists {"localmac", "localip", "neighbormac", "neighborip", "connectedip", "listeningport"} and {"namespaces",
/// "listenonly", "owners"}. Elements: {question: {value: [row, ..] | null}}. Statistics: {"examined", "exectime",
/// "totalhits"}. See README.md in this folder.
const Module& module();

}  // namespace mig::modules::netstat
