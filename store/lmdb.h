// The store of the programs: LMDB in a directory of its own.
//
// Writes collect in ordered maps over the database: the open batch, then the batches on their way to the disk. Reads
// look through them from the newest down to a read transaction. One thread writes, a transaction a wake-up, however
// many batches wait; the database syncs on commit. A slow disk so delays promises, never a step.
#pragma once

#include <memory>
#include <string>

#include "store/store.h"

namespace mig::store {

/// Makes `directory` (0700) if needed. `map_bytes`: the most the database may ever hold; address space only.
/// Errors: not writable, held by another process, not a database.
core::Result<std::unique_ptr<Store>> open_lmdb(const std::string& directory, std::size_t map_bytes);

}  // namespace mig::store
