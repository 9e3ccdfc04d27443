// Makes a mesh: its roots, the first roster, and the enroller's key.
//
// Where several people must sign rosters, the first one needs their signatures too: it goes round as a founding
// document (trust and roster, nothing secret) until enough of them have signed, and then becomes a home.
#pragma once

#include <string>

#include "investigator/home.h"

namespace mig::investigator {

struct NewMesh {
  std::string name;                 ///< label: letters, digits, . _ -
  std::string key;                  ///< fingerprint or part of a user id of the person who makes it
  std::string gnupg_home;           ///< empty: as gpg finds it
  std::vector<std::string> roots;   ///< people, one key of each counts; empty: every signing key of `key`
  std::uint32_t threshold = 1;      ///< how many of them must sign
};

struct Founding {
  core::Trust trust;
  core::SignedText roster;
};
std::string to_text(const Founding& founding);
/// Errors: a roster of another mesh, an id that is not the hash of the roots. Signatures are not judged.
core::Result<Founding> read_founding(const std::string& path);
/// Have enough roots signed?
core::Status complete(const Founding& founding);
/// Adds the signature of a person who is one of its roots. Errors: no root, everything gpg says.
core::Status add_root(Founding& founding, const Gpg& gpg, const std::string& person);

/// Roots and first roster, signed by those of the roots whose secret keys are in gpg here; the roster lets the person
/// use every module with weight 1. Errors: no such key, a key without encryption subkey (nobody could read the
/// answers), everything gpg says.
core::Result<Founding> begin_mesh(const NewMesh& mesh, const core::Seed& enroller);
/// Writes a home into `dir` for `mesh.key`. Errors: a home that holds a mesh, too few signatures.
core::Result<Home> found_mesh(const std::string& dir, const NewMesh& mesh, const Founding& founding, const std::optional<core::Seed>& enroller);
/// Both, where everybody who must sign is here.
core::Result<Home> make_mesh(const std::string& dir, const NewMesh& mesh);

}  // namespace mig::investigator
