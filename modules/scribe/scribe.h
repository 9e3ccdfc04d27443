// The module `scribe`: tests of packages and files, written down in a document that travels with the question.
#pragma once

#include "modules/module.h"

namespace mig::modules::scribe {

/// Parameters: {"scribedoc": {"variables", "objects", "tests", "evr"}, "onlytrue", "humanoutput", "jsonoutput"}; `path` names
/// a document that mig puts into them. Elements: {"results": [test result, ..], "humanoutput", "jsonoutput"}.
/// Statistics: {"execruntime"}. See README.md in this folder.
const Module& module();

}  // namespace mig::modules::scribe
