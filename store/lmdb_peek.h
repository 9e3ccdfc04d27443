// A look into a store that another process may be using: what is on its disk now, nothing is changed.
#pragma once

#include <map>
#include <string>

#include "node/core/bytes.h"
#include "node/core/result.h"

namespace mig::store {

/// All rows whose key begins with `prefix`, of one moment. Errors: no store there, not readable by this user.
core::Result<std::map<core::Bytes, core::Bytes>> peek_lmdb(const std::string& directory, core::BytesView prefix);

}  // namespace mig::store
