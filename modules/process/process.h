// Module process: which processes there are, by name, program, arguments, user, parent, hash or open files.
//
// Parameters {"searches":{"<label>":{"names","paths","cmdlines","users","parents","traits","sha256","files","options"}}};
// elements {"<label>":[{"process":{"pid","name",..},"search"}]}; statistics processcount, totalhits, exectime. See README.md.
#pragma once

#include "modules/module.h"

namespace mig::modules::process {

const Module& module();

}  // namespace mig::modules::process
