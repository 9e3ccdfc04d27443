// Rosters and changes of roots as files: read, shown, signed by a root.
#pragma once

#include <string>

#include "investigator/home.h"
#include "investigator/roster_edit.h"

namespace mig::investigator {

struct RosterFile {
  core::SignedText signed_text;
  core::Roster roster;
};
/// A roster with whatever signatures it has; they are not judged. Errors name the file.
core::Result<RosterFile> load_roster(const std::string& path);
core::Result<core::RootChange> load_change(const std::string& path);
/// Is it the file of a change of roots?
bool is_change(const std::string& path);

/// "root KEY ...", a line each: who of the roots in force has signed; and how many are still needed.
std::string signed_so_far(const std::vector<core::Bytes>& signatures, core::BytesView text, const core::Trust& roots, core::WallMs now);
/// Adds a signature of a person; an earlier one of the same key is replaced.
core::Status add_signature(const Gpg& gpg, const core::Fingerprint& person, core::BytesView text, std::vector<core::Bytes>& signatures);
/// Of the person of this home.
core::Status add_signature_of(const Home& home, core::BytesView text, std::vector<core::Bytes>& signatures);
/// Through gpg's keyring.
KeysOf keys_from(const Gpg& gpg);
/// The one key of a person that may be a root: the newest that signs, as gpg takes it by itself.
core::Result<core::SigningKey> root_key_of(const Gpg& gpg, const std::string& word);

}  // namespace mig::investigator
