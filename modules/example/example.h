// The module `example`: what a machine calls itself, its addresses, and what names resolve to there.
//
// It is the template for new modules: small, complete, and explained in modules/README.md.
#pragma once

#include "modules/module.h"

namespace mig::modules::example {

/// Parameters: {"gethostname": bool, "getaddresses": bool, "lookuphost": [name, ..]}.
/// Elements: {"hostname": text, "addresses": ["192.0.2.7/24", ..], "lookeduphost": {name: [address, ..]}}, each only
/// if asked for. Statistics: {"stufffound": how many values were found}.
const Module& module();

}  // namespace mig::modules::example
