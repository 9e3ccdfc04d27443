// The command line of `mig`: which words are global options, which word is the command, and what is left for it.
//
// 1. Two-dash global options (--json --relay --wait --yes --verbose --home) are taken anywhere.
// 2. Single-dash ones (-t -e -i -n -p -s -v -y -z -show -c -target-found -target-notfound) are taken up to the first
//    flag that is not one of them; from there on every single-dash word is the module's.
// 3. "--" ends global options and is dropped.
// 4. -y means yes wherever it stands, unless the module has a flag y, or it is the value of a module's flag.
#pragma once

#include <string>
#include <vector>

#include "investigator/commands/command.h"

namespace mig::investigator {

struct Invocation {
  Globals globals;
  std::string command;             ///< command or module; empty: none given
  std::vector<std::string> words;  ///< what is left for it
  bool help = false;               ///< --help, -h
  bool version = false;            ///< --version, -V
};

/// The global options with their help. Two-dash words and letters of one option are one field.
const core::Schema& global_options();

/// `words` without the program's name. Errors name the option and what would be right.
core::Result<Invocation> read_invocation(const std::vector<std::string>& words);

/// "mig: 'fiel' is neither a command nor a module; did you mean file?"
core::Error unknown_command(const std::string& word);

}  // namespace mig::investigator
