// Makes a mesh: one root person, the first roster, and the enroller's key.
#pragma once

#include <string>

#include "investigator/home.h"

namespace mig::investigator {

struct NewMesh {
  std::string name;           ///< label: letters, digits, . _ -
  std::string key;            ///< fingerprint or part of a user id of the person who makes it
  std::string gnupg_home;     ///< empty: as gpg finds it
};

/// Writes a home into `dir`. Its roots are the signing keys of that person, one is enough; the roster lets her use
/// every module with weight 1. Errors: a home that holds a mesh, no such key, a key without encryption subkey (nobody
/// could read the answers), everything gpg says.
core::Result<Home> make_mesh(const std::string& dir, const NewMesh& mesh);

}  // namespace mig::investigator
