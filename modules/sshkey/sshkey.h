// The module `sshkey`: which SSH keys lie on a machine, told by their fingerprints.
#pragma once

#include "modules/module.h"

namespace mig::modules::sshkey {

/// Parameters: {"paths": [folder or file, ..], "maxdepth": 0..1000}.
/// Elements: {"keys": [one object for each key, ..] | null}. No statistics.
/// Of a private key only kind, size, fingerprints and whether it is encrypted are told; nothing secret leaves
/// run().
const Module& module();

}  // namespace mig::modules::sshkey
