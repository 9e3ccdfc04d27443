// Judges one file by every search that looks at it: metadata first, then contents and all hashes in one reading.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "modules/file/walk.h"

namespace mig::modules::file {

struct FileInfo {
  std::uint64_t size = 0;
  std::string mode, modified, sha256;  ///< sha256: upper-case hex, if it was asked for
};

/// One hit: a file for a search (matchall), or for one check of it.
struct Hit {
  std::string path;
  FileInfo info;
};

struct Findings {
  std::map<std::string, std::vector<Hit>> files;                            ///< matchall: label -> files
  std::map<std::pair<std::string, std::size_t>, std::vector<Hit>> checks;   ///< matchany: (label, check) -> files
  std::uint64_t files_checked = 0, long_lines = 0, short_reads = 0;
};

class Judge {
 public:
  Judge(Walk& walk, Findings& findings, Budget& budget) : walk_(walk), findings_(findings), budget_(budget) {}
  void operator()(Candidate& file);

 private:
  /// One search's opinion of the file at hand; `unset` until it is known.
  struct Opinion {
    Search* search;
    std::vector<char> verdicts;  ///< per check: 0 no hit, 1 hit, 2 not known yet
    bool out = false;            ///< matchall, and something failed
    std::map<HashKind, core::Bytes> digests;
    bool needs_reading() const;
  };
  void judge_metadata(const Candidate& file, Opinion& opinion) const;
  void read(const Candidate& file, std::vector<Opinion*> opinions);
  bool read_through(const Candidate& file, std::vector<Opinion*>& opinions, bool decompress, int fd);
  void conclude(const Candidate& file, Opinion& opinion);

  Walk& walk_;
  Findings& findings_;
  Budget& budget_;
};

}  // namespace mig::modules::file
