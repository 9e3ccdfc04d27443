// What is installed, out of the databases of the package managers themselves; none of their programs is run.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "modules/module.h"

namespace mig::modules::pkg {

struct Package {
  std::string name, version, type, arch;  ///< type: rpm, dpkg, apk, pip, npm; no arch with the last two
  std::string path;                       ///< pip and npm: the folder it stands in
  auto operator<=>(const Package&) const = default;
};

struct Packages {
  std::vector<Package> all;
  std::vector<std::string> troubles;  ///< "PATH: why"
};

/// In the order of `kinds`, and of names, versions and architectures within each.
/// Databases that are not there are no trouble.
Packages list_packages(const Host& host, Budget& budget, const std::set<std::string>& types);

const std::vector<std::string>& kinds();

// --- the databases, one by one; whatever their bytes are, these return ---

/// Reads files of stanzas piece by piece, each cut behind an empty line but for the last.
struct Stanzas {
  const std::string& path;  ///< for troubles
  std::vector<Package>& out;
  std::vector<Package>* gone = nullptr;  ///< listed, but not installed
  std::size_t line = 0, bad = 0;         ///< bad: where the first damaged one begins
  bool whole_line = true;                ///< the end so far is one
  /// "PATH: why", or empty. Asked once, at the end.
  std::string trouble() const;
};
/// dpkg's status file, or one of its folders status.d and updates.
void read_dpkg(std::string_view content, Stanzas& state);
/// apk's list of what is installed.
void read_apk(std::string_view content, Stanzas& state);

/// Fixed bytes that can be read in any order.
class Pages {
 public:
  virtual ~Pages() = default;
  /// False if that much is not there.
  virtual bool read(std::uint64_t at, std::size_t size, char* to) = 0;
  virtual std::uint64_t size() const = 0;
};
/// rpmdb.sqlite, with its write-ahead log (may be nullptr); Packages.db (ndb); Packages (Berkeley DB, hash).
core::Status read_rpm_sqlite(Pages& file, Pages* log, Budget& budget, std::vector<Package>& out);
core::Status read_rpm_ndb(Pages& file, Budget& budget, std::vector<Package>& out);
core::Status read_rpm_berkeley(Pages& file, Budget& budget, std::vector<Package>& out);
/// The beginning of a header of `size` bytes as rpm keeps it, without the magic, as far as rpm_header_wanted says.
/// Errors: it is no header of a package.
core::Status read_rpm_header(std::string_view start, std::size_t size, std::vector<Package>& out);
/// How many of a header's `size` bytes have to be there, as far as can be told from its `start`: lists of files and
/// changes, most of it, lie behind what is wanted. Asked again with that many, it says the same or more.
std::size_t rpm_header_wanted(std::string_view start, std::size_t size);

}  // namespace mig::modules::pkg
