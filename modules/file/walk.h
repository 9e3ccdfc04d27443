// One walk over the roots of all searches: finds candidates and tells which searches look at each.
//
// A candidate is a regular file, or a link whose final target is one. A directory is entered while some search looks
// there or has a root below it; links to directories are followed only where they are a root. Nested roots are walked
// once. Order: a directory's entries by name, its files before its directories.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>
#include <vector>

#include "modules/file/search.h"
#include "modules/module.h"

namespace mig::modules::file {

struct Candidate {
  std::string path;              ///< as results name it
  std::string real;              ///< where it is read: under Host.root, perhaps
  std::string name;              ///< base name
  struct stat info {};
  std::vector<Search*> searches; ///< active here
};

class Walk {
 public:
  Walk(std::vector<Search>& searches, const Host& host, Budget& budget) : searches_(searches), host_(host), budget_(budget) {}
  /// Calls `judge` for every candidate until the budget is spent or no search wants more.
  void run(const std::function<void(Candidate&)>& judge);

  std::vector<std::string> errors;  ///< at most errors_kept; the rest is counted
  std::uint64_t errors_dropped = 0;
  std::uint64_t open_failed = 0;    ///< files and directories that could not be looked at
  void error(std::string text);

 private:
  struct Root {
    std::string path, real;
  };
  std::vector<Root> roots();
  void walk_root(const Root& root, const std::function<void(Candidate&)>& judge);
  void walk_directory(const Root& directory, std::vector<Root>& pending, const std::function<void(Candidate&)>& judge, bool is_root);
  void offer(const Root& file, const std::function<void(Candidate&)>& judge);
  std::vector<Search*> looking_at(const std::string& directory);
  bool wanted_below(const std::string& directory) const;
  std::string real_of(const std::string& path) const;

  std::vector<Search>& searches_;
  const Host& host_;
  Budget& budget_;
};

}  // namespace mig::modules::file
