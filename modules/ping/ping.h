// The module `ping`: can a machine reach another one, by ICMP echo, a TCP connection or a UDP packet?
#pragma once

#include "modules/module.h"

namespace mig::modules::ping {

/// Parameters: {"destination", "destinationport", "protocol": "icmp|tcp|udp", "count", "timeout"}. Elements:
/// {"latencies": [ms, ..], "protocol", "resolvedhost", "failures": [text, ..] | null}; a latency of 9999999 is a timeout,
/// -1 a refusal or no way there, 0 another trouble, told in failures. See README.md in this folder.
const Module& module();

}  // namespace mig::modules::ping
