// The module `file`: which files of a machine match by name, size, mode, time, content or hash.
//
// run() is: parameters -> searches (search.h) -> one walk over all their roots (walk.h) -> every file judged by every
// search that is active there, read at most once (judge.h) -> entries and statistics (report.h).
#pragma once

#include "modules/module.h"

namespace mig::modules::file {

/// Parameters {"searches":{"<label>":{..}}}; elements {"<label>":[entry, ..]}. See README.md in this folder.
const Module& module();

}  // namespace mig::modules::file
