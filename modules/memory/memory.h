// Module memory: which processes hold something in their memory, or in the paths of their program and
// libraries.
//
// Parameters {"searches":{"<label>":{"names","libraries","bytes","contents","options"}}}; elements
// {"<label>":[{"process":{"name","pid"},"search"}]}; statistics processcount, memoryread, totalhits,
// failures, exectime.
#pragma once

#include "modules/module.h"

namespace mig::modules::memory {

const Module& module();

}  // namespace mig::modules::memory
