// Module yara: which rules match which files, and which processes.
//
// Parameters {"yara":"<rules>","filesearch":"<flags of module file>","processes":["<expression>"]}; elements
// {"Matches":[{"Object":path,"MatchedRules":[rule]}]|null}.
#pragma once

#include "modules/module.h"

namespace mig::modules::yara {

const Module& module();

/// The words of a command line: blanks part them, quotes hold them together. Errors: a quote that does not
/// end.
core::Result<std::vector<std::string>> words_of(std::string_view text);

}  // namespace mig::modules::yara
