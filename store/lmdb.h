// The store of the programs: LMDB in a directory of its own.
//
// Writes collect in ordered layers over the database: the open batch, what waits for the disk, what is going
// there. Reads look through them from the newest down to a read transaction. One thread writes, a transaction
// a time, with everything that has been closed meanwhile (group commit); the database syncs on commit. A slow
// disk so delays promises, never a step. A disk that refuses is asked again once a second at most. Destroying
// the store commits the open batch and waits for the disk. Everything but the writer belongs to one thread.
#pragma once

#include <memory>
#include <string>

#include "store/store.h"

namespace mig::store {

/// Makes `directory` (0700) if needed. `map_bytes`: the most the database may ever hold; address space only.
/// A full store (map_bytes or the disk itself) fails batches; one that frees more than it adds is taken even
/// beyond map_bytes, so that a full store can be emptied. Errors name the directory and what helps: not
/// writable, open to everybody, held by another process (or by a child forked without exec), not a database,
/// damaged. Ends the process, in words, should the file become unreadable later.
core::Result<std::unique_ptr<Store>> open_lmdb(const std::string& directory, std::size_t map_bytes);

}  // namespace mig::store
