// Searches, compiled: what the parameters ask, in the form the walk and the judge work with.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "modules/file/syntax.h"
#include "modules/scan/mounts.h"
#include "node/core/json.h"
#include "node/core/schema.h"

namespace mig::modules::file {

enum class CheckKind { content, name, size, mode, mtime, hash };

/// One value of one key. A file is a hit if `match XOR inverse XOR mismatch`.
struct Check {
  CheckKind kind{};
  const std::string* key = nullptr;  ///< of the parameters: "contents", "sha2"
  std::string value;             ///< as written; empty for hashes, of which there may be many
  bool inverse = false;          ///< the regex was written with "!"
  bool mismatch = false;         ///< option mismatch names this kind
  std::shared_ptr<const re2::RE2> regex;
  SizeRange size;
  std::int64_t after_ns = std::numeric_limits<std::int64_t>::min();   ///< mtime: strictly between the two
  std::int64_t before_ns = std::numeric_limits<std::int64_t>::max();
  HashValue hash;
  int finder = -1;               ///< contents: number in the Finder; none: tried on every line

  /// As results repeat it: hashes in upper case.
  std::string text() const;
  bool wants(bool match) const { return match != (inverse != mismatch); }
};

struct Options {
  bool matchall = false, macroal = false, returnsha256 = false, decompress = false, remotefs = false;
  bool samefs = false;
  std::uint64_t maxdepth = 0, matchlimit = 0, maxerrors = 0;  ///< 0: unlimited
  double cpu = 0, readrate = 0;                               ///< percent, MB/s; 0: all there is
  std::vector<std::string> mismatch;
  std::string debug;
};

/// One hit: a file for a search (matchall), or for one check of it.
struct Hit {
  std::string path;
  std::size_t root = 0;          ///< number of the walk's root it lies under
  std::uint32_t check = 0;
  std::uint64_t size = 0;
  mode_t mode = 0;
  timespec modified{};
  std::string sha256;            ///< upper-case hex, if it was asked for
};

/// What a search has found. With a limit: the first ones in the order of the walk (files of a directory by name, before
/// its directories), whatever thread found them when.
class Hits {
 public:
  explicit Hits(std::uint64_t limit) : limit_(limit) {}
  void add(Hit hit);
  /// Whether something at `path`, or below it if it is a directory, could still be among the first ones.
  bool may_take(std::size_t root, std::string_view path, bool directory) const;
  std::uint64_t size() const { return hits_.size(); }
  /// Sorted by check and path. Once, when no thread adds any more.
  std::vector<Hit> take();

 private:
  std::uint64_t limit_;
  mutable std::mutex mutex_;
  std::atomic<bool> full_{false};
  std::vector<Hit> hits_;        ///< when full: a heap with the last one in front
};

/// Digest to check, for any number of them.
class HashTable {
 public:
  void build(const std::vector<Check>& checks);
  /// Calls `hit` with the index of every check without mismatch that wants this sum.
  template <class F>
  void find(HashKind kind, std::string_view digest, const std::vector<Check>& checks, const F& hit) const {
    if (slots_.empty()) return;
    for (std::size_t at = place(digest); slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
      const Check& check = checks[slots_[at] - 1];
      if (check.hash.kind == kind && check.hash.digest == digest) hit(slots_[at] - 1);
    }
  }

 private:
  std::size_t place(std::string_view digest) const;
  std::vector<std::uint32_t> slots_;  ///< index + 1; 0: free
};

struct Search {
  std::string label, description;
  std::size_t operation = 0;                                 ///< of the action: which answer it belongs to
  std::vector<std::string> paths;                            ///< cleaned
  std::map<std::string, std::vector<std::string>> values;    ///< with matchall: key -> values as written
  Options options;
  /// In the order contents, names, sizes, modes, mtimes, md5, sha1, sha2, sha3.
  std::vector<Check> checks;

  // Derived, for quick judging: indices into `checks`.
  std::vector<std::uint32_t> contents, names, details, hashes, mismatched_hashes;
  HashTable by_digest;
  unsigned hash_kinds = 0;
  std::vector<unsigned> wanted;                              ///< numbers in the Finder
  bool slow_contents = false;                                ///< some contents must be tried line by line
  std::vector<const scan::Mount*> path_mounts;               ///< where each path lies
  std::unique_ptr<Hits> hits;

  bool has(CheckKind kind) const;
  bool reads() const { return !contents.empty() || !hashes.empty() || (options.matchall && options.returnsha256); }
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
