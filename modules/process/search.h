// Searches as they are asked, and whether a process fits.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "modules/file/syntax.h"
#include "modules/process/look.h"
#include "node/core/schema.h"

namespace mig::modules::process {

// In the order of what it costs to know.
enum class Kind { name, parent, user, cmdline, path, trait, sha256, file };
struct Word {
  Kind kind;
  const char* key;   ///< in JSON
  const char* flag;  ///< on the command line and in printed lines
};
extern const std::vector<Word> words;

struct Check {
  Kind kind{};
  std::string value;           ///< as written
  bool inverse = false;        ///< "!"
  std::string plain;           ///< a trait or a sum, without the "!"
  file::Pattern pattern;       ///< of the rest
};

struct Search {
  std::string label;
  core::Json asked;  ///< as it is repeated in results
  bool matchall = false, tree = false, files = false, capabilities = false, namespaces = false, sha256 = false;
  std::size_t matchlimit = 0;  ///< 0: none
  std::vector<Check> checks;   ///< sorted by kind
};

core::Schema make_parameters();
/// REQUIRES: checked by the schema.
std::vector<Search> compile(const core::Json& parameters);

using Processes = std::map<int, Process>;
/// What cannot be known fits nothing, inverted or not.
bool fits(const Check& check, Process& process, Processes& all, const Machine& machine);

}  // namespace mig::modules::process
