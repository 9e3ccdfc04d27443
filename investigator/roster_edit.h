// What an administrator does to a roster before the roots sign it: the next version, changes, and what to warn of.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "investigator/gpg.h"
#include "node/core/roster.h"

namespace mig::investigator {

/// The version after `held`, with its hash as `prev` and as long a life as that had.
core::Roster next_version(const core::Roster& held, core::BytesView held_text, core::WallMs now);

/// One change in words as the command line has them: {"add", "ada@example.org"}, {"weight", "file:ada=2"} ...
struct RosterEdit {
  std::string what, value;
};
/// `keys_of`: the person a word means and her signing keys, through gpg; only --add and --refresh ask it.
struct PersonKeys {
  std::string name;
  core::Fingerprint fingerprint;
  std::vector<core::SigningKey> keys;
};
using KeysOf = std::function<core::Result<PersonKeys>(const std::string& word)>;
/// Errors name the option and what would be right; the roster is then half changed.
core::Status edit(core::Roster& roster, const RosterEdit& edit, const KeysOf& keys_of, core::WallMs now);
/// The words `edit` knows, each with a line of help.
const std::vector<std::pair<std::string, std::string>>& edit_words();

/// What an administrator should know before publishing: modules nobody can reach any more, keys and rosters about to
/// expire, enrollers missing. Empty: nothing.
std::vector<std::string> warnings(const core::Roster& roster, core::WallMs now);
/// People, rules and limits, a line each.
std::string describe(const core::Roster& roster, core::WallMs now);
/// What differs, a line each with + - or ~ in front.
std::vector<std::string> differences(const core::Roster& before, const core::Roster& after);

/// MIG's acl.cfg: object keys in any case, people by fingerprint; the same one under two labels counts once, with the
/// greater weight. `known`: who has a key; the others are left out, each with a line in `left_out`.
core::Status import_acl(const std::string& acl_json, const std::vector<PersonKeys>& known, core::Roster& roster, std::vector<std::string>& left_out);

}  // namespace mig::investigator
