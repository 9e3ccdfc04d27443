// What a program was built or stamped with: the mesh it belongs to, relays to begin with, restrictions by default.
//
// One block in the program's file, empty unless CMake was given MIG_BAKED=FILE or `mig stamp` wrote it afterwards, so
// that no compiler is needed where a mesh is set up. It can only narrow: a stamped program joins no other mesh.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/core/identity.h"

namespace mig::core {

struct Baked {
  Trust trust;
  std::vector<Endpoint> relays;
  std::string restrictions;          ///< as node/restrict.h reads them; empty: none
};
std::string to_text(const Baked& baked);
Result<Baked> baked_from_text(std::string_view text);
/// Of this program. Errors: the block is damaged; such a program must not start.
Result<std::optional<Baked>> baked();
/// Writes the block in the bytes of a program. Errors: no such block in it, or several; too large.
Status stamp(Bytes& program, const Baked& baked);

}  // namespace mig::core
