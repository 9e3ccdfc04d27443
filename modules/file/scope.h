// Where searches look: roots, components of paths, depth, mounts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "modules/file/search.h"
#include "modules/module.h"
#include "modules/scan/walk.h"

namespace mig::modules::file {

/// Who looks at the files of one directory. Hangs at Directory::note.
struct Lookers {
  std::vector<Search*> searches;                       ///< at every file
  std::vector<std::pair<std::string, Search*>> named;  ///< at the file of this name
  std::vector<std::size_t> operations;                 ///< of all of them, sorted, each once
  bool limited = false;                                ///< some search ends after so many hits
};

class Scope {
 public:
  Scope(std::vector<Search>& searches, const Host& host, const scan::Mounts& mounts);

  /// All paths of all searches, sorted, without those that the walk of another one reaches anyway.
  const std::vector<scan::Directory>& roots() const { return roots_; }
  /// The made-up tree, which results do not show; may be empty.
  const std::string& shadow() const { return host_.root; }
  std::vector<Search*> searches_of_root(const std::string& path) const;
  /// Sets the directory's Lookers. False if nobody looks there or below.
  /// `skipped`: somebody would, were it not another file system.
  bool enter(scan::Directory& directory, bool crossing, std::vector<std::size_t>* skipped) const;

 private:
  std::string real_of(const std::string& path) const;
  bool looks_at(const Search& search, const scan::Directory& directory, bool heed_mounts) const;

  std::vector<Search>& searches_;
  const Host& host_;
  const scan::Mounts& mounts_;
  std::vector<scan::Directory> roots_;
  std::multimap<std::string, std::pair<std::string, Search*>>
      by_parent_;  ///< directory -> name of a path in it
};

bool is_link(const std::string& path);

}  // namespace mig::modules::file
