// The module `pkg`: which packages are installed, told by the databases of rpm, dpkg and apk and by the trees of pip and npm.
#pragma once

#include "modules/module.h"

namespace mig::modules::pkg {

/// Parameters: {"pkgmatch": {"matches": [regex, ..]}, "vermatch": regex or !regex, "types": [..]}. Elements:
/// {"packages": [{"name", "version", "type", "arch", "path"}, ..]}, for each regex in turn.
/// Statistics: {"execruntime"}. See README.md in this folder.
const Module& module();

}  // namespace mig::modules::pkg
