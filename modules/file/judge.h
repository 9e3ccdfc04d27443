// Judges files by every search that looks at them: names first, then what stat(2) says, then contents and all
// hashes in one reading.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "modules/file/content.h"
#include "modules/file/scope.h"
#include "modules/scan/digest.h"
#include "modules/scan/lines.h"
#include "modules/scan/reader.h"

namespace mig::modules::file {

/// What one operation learns beside its hits.
struct Tally {
  std::uint64_t files_checked = 0, open_failed = 0, short_reads = 0, long_lines = 0, skipped_mounts = 0;
  std::vector<std::string> errors;  ///< at most errors_kept; the rest is counted
  std::uint64_t errors_dropped = 0;
  void error(std::string text);
  void add(Tally other);
};

/// What all judges share. `users`: for every expression of the finder, the searches and checks it stands for.
struct Plan {
  std::vector<Search> searches;
  std::size_t operations = 0;
  std::size_t threads = scan::two_at_most();  ///< what is found does not hang on it
  bool hits_are_results =
      true;  ///< false: another module looks at the files found, and gives a result of its own
  std::unique_ptr<scan::Finder> finder;
  std::vector<std::vector<std::pair<Search*, std::uint32_t>>> users;
};

/// One a thread.
class Judge final : public scan::Visitor {
 public:
  Judge(const Plan& plan, const Scope& scope, scan::Workers& workers, std::size_t worker, Budget& budget);

  bool enter(scan::Directory& directory, bool crossing) override;
  void files(const scan::Directory& directory, std::vector<scan::Entry>& entries) override;
  void trouble(const scan::Directory& directory, const char* what, int error) override;
  /// A root: a directory is walked by the caller (true), a file is judged here.
  bool root(scan::Directory& directory);

  std::vector<Tally> tallies;  ///< one an operation

 private:
  /// A file and where it is found. The path is put together only when it is needed.
  struct File {
    const scan::Directory& directory;
    int at;                 ///< directory to open it from
    std::string_view name;  ///< as results name it
    const char* opens;      ///< as it is opened from `at`
    bool link;
    bool have_info = false;
    struct stat info {};
    std::string path() const;
  };
  /// One search's opinion of the file at hand.
  struct Opinion {
    Search* search = nullptr;
    bool out = false;                 ///< matchall, and something failed
    std::vector<std::uint32_t> hits;  ///< checks that hit, without matchall
    bool reads() const { return !out && search->reads(); }
  };

  void ask_early(const scan::Directory& directory, const std::vector<scan::Entry>& entries, std::size_t from);
  void judge(File& file, const std::vector<Search*>& searches);
  void judge_names(const File& file, Opinion& opinion);
  void judge_details(File& file, Opinion& opinion);
  bool look(File& file);
  void read(File& file);
  void read_group(File& file, const std::vector<Opinion*>& group, bool unpack);
  void settle_contents(Opinion& opinion, const ContentScan* slow, std::size_t at, bool whole, bool fast);
  void settle_hashes(Opinion& opinion);
  void conclude(File& file, Opinion& opinion);
  void error(const Opinion& opinion, std::string text, std::uint64_t Tally::*count);
  void verdict(Opinion& opinion, std::uint32_t check, bool hit) const;

  const Plan& plan_;
  const Scope& scope_;
  Budget& budget_;
  scan::Reader reader_;
  std::unique_ptr<scan::LineScan> lines_;
  scan::Digests digests_;
  std::vector<Opinion> opinions_;
  std::size_t used_ = 0;  ///< of opinions_
  std::vector<Opinion*> plain_, unpacking_;
  std::vector<const Search*> group_;  ///< whose expressions stand in wanted_
  std::vector<unsigned> wanted_;
};

}  // namespace mig::modules::file
