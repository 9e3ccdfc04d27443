// Searches, compiled: what the parameters ask, in the form the walk and the judge work with.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "modules/file/syntax.h"
#include "node/core/json.h"
#include "node/core/schema.h"

namespace mig::modules::file {

enum class CheckKind { content, name, size, mode, mtime, hash };

/// One value of one key. A file is a hit if `match XOR inverse XOR mismatch`.
struct Check {
  CheckKind kind{};
  std::string key;               ///< of the parameters: "contents", "sha2"
  std::string value;             ///< as written; hashes in upper case
  bool inverse = false;          ///< the regex was written with "!"
  bool mismatch = false;         ///< option mismatch names this kind
  std::shared_ptr<const re2::RE2> regex;
  SizeRange size;
  std::int64_t after_ns = std::numeric_limits<std::int64_t>::min();   ///< mtime: strictly between the two
  std::int64_t before_ns = std::numeric_limits<std::int64_t>::max();
  HashValue hash;

  bool wants(bool match) const { return match != (inverse != mismatch); }
};

struct Options {
  bool matchall = false, macroal = false, returnsha256 = false, decompress = false, remotefs = false, trace = false;
  std::uint64_t maxdepth = 0, matchlimit = 0, maxerrors = 0;  ///< 0: unlimited
  std::vector<std::string> mismatch;
  std::string debug;
};

struct Search {
  std::string label, description;
  std::vector<std::string> paths;                            ///< cleaned
  std::map<std::string, std::vector<std::string>> values;    ///< key -> values as written
  Options options;
  /// In the order contents, names, sizes, modes, mtimes, md5, sha1, sha2, sha3.
  std::vector<Check> checks;
  /// For quick looking up of what hashes to what: indices into `checks` without `mismatch`.
  std::map<std::pair<HashKind, core::Bytes>, std::vector<std::size_t>> by_digest;

  std::uint64_t hits = 0;
  bool active() const { return options.matchlimit == 0 || hits < options.matchlimit; }
  bool has(CheckKind kind) const;
};

/// The keys that hold values to check, in the order of the results.
const std::vector<std::string>& check_keys();

const core::Schema& parameters_schema();

/// REQUIRES: `parameters` passed check_document. `now_ns`: since 1970; what mtimes are measured from.
/// Errors: none that check_document would not have found first.
core::Result<std::vector<Search>> compile(const core::Json& parameters, std::int64_t now_ns);

/// Lexical cleaning of a path: no double slashes, no "." and no ".." where it can be resolved; "" becomes ".".
std::string clean_path(std::string_view path);

}  // namespace mig::modules::file
