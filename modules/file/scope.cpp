#include "modules/file/scope.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

namespace mig::modules::file {
namespace {

using scan::Directory;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// By components: /etc holds /etc/ssh, not /etcetera.
bool holds(const std::string& root, const std::string& path) {
  if (root == path || (root == "." && !path.starts_with("/"))) return true;
  if (root == "/") return path.starts_with("/");
  return path.size() > root.size() && path.starts_with(root) && path[root.size()] == '/';
}

/// 1 for the root itself.
std::uint64_t depth_below(const std::string& root, const std::string& directory) {
  if (root == directory) return 1;
  const std::string_view rest =
      std::string_view(directory).substr(root == "/" || root == "." ? 0 : root.size() + 1);
  const auto slashes = static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), '/'));
  return slashes + (root == "/" ? 1 : 2);
}

bool deep_enough(const Search& search, const std::string& root, const std::string& directory) {
  return search.options.maxdepth == 0 || depth_below(root, directory) <= search.options.maxdepth;
}

std::string absolute(const std::string& path) {
  if (path.starts_with("/")) return path;
  char here[PATH_MAX];
  return getcwd(here, sizeof here) ? scan::join(here, path) : path;
}

}  // namespace

bool is_link(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

Scope::Scope(std::vector<Search>& searches, const Host& host, const scan::Mounts& mounts)
    : searches_(searches), host_(host), mounts_(mounts) {
  std::set<std::string> paths;
  for (auto& search : searches_)
    for (const auto& path : search.paths) {
      paths.insert(path);
      by_parent_.emplace(parent_of(path), std::make_pair(path.substr(path.rfind('/') + 1), &search));
    }
  std::map<std::string, const scan::Mount*> mount_of;
  for (const auto& path : paths) {
    const std::string real = real_of(path);
    char resolved[PATH_MAX];
    mount_of[path] = mounts_.of(realpath(real.c_str(), resolved) ? std::string(resolved) : absolute(real));
    const bool reached = std::any_of(roots_.begin(), roots_.end(), [&](const Directory& outer) {
      if (!holds(outer.path, path) || outer.path == path) return false;
      if (struct stat info{}; lstat(real.c_str(), &info) != 0)
        return false;  // that it is absent is told by walking it
      if (real != scan::join(real_of(outer.path),
                             std::string_view(path).substr(outer.path == "/"   ? 1
                                                           : outer.path == "." ? 0
                                                                               : outer.path.size() + 1)))
        return false;
      for (std::string at = path; at != outer.path; at = parent_of(at))  // a link on the way is not followed
        if (is_link(real_of(at))) return false;
      return true;
    });
    if (reached) continue;
    Directory root;
    root.path = path;
    root.real = absolute(real);
    root.root = roots_.size();
    root.mount = mount_of[path];
    roots_.push_back(std::move(root));
  }
  for (auto& search : searches_)
    for (const auto& path : search.paths) search.path_mounts.push_back(mount_of[path]);
}

std::string Scope::real_of(const std::string& path) const {
  if (host_.root.empty() || !path.starts_with("/")) return path;
  const std::string shadow = host_.root + path;
  return faccessat(AT_FDCWD, shadow.c_str(), F_OK, AT_EACCESS) == 0 || is_link(shadow) ? shadow : path;
}

std::vector<Search*> Scope::searches_of_root(const std::string& path) const {
  std::vector<Search*> out;
  for (auto& search : searches_)
    if (std::find(search.paths.begin(), search.paths.end(), path) != search.paths.end())
      out.push_back(&search);
  return out;
}

bool Scope::looks_at(const Search& search, const Directory& directory, bool heed_mounts) const {
  for (std::size_t i = 0; i < search.paths.size(); ++i) {
    if (!holds(search.paths[i], directory.path) || !deep_enough(search, search.paths[i], directory.path))
      continue;
    if (!heed_mounts || directory.mount == search.path_mounts[i]) return true;
    const bool strange = directory.mount->kernel || (directory.mount->remote && !search.options.remotefs);
    if (!search.options.samefs && !strange) return true;
  }
  return false;
}

bool Scope::enter(Directory& directory, bool crossing, std::vector<std::size_t>* skipped) const {
  auto lookers = std::make_shared<Lookers>();
  bool below = false;
  for (auto& search : searches_) {
    if (!search.hits->may_take(directory.root, directory.path, true)) continue;
    const bool here = looks_at(search, directory, true);
    const bool deeper = std::any_of(search.paths.begin(), search.paths.end(), [&](const std::string& root) {
      return root != directory.path && holds(directory.path, root);
    });
    if (here) {
      lookers->searches.push_back(&search);
      lookers->limited = lookers->limited || search.options.matchlimit > 0;
    } else if (crossing && skipped && looks_at(search, directory, false)) {
      if (skipped->empty() || skipped->back() != search.operation) skipped->push_back(search.operation);
    }
    if ((here || deeper) && (lookers->operations.empty() || lookers->operations.back() != search.operation))
      lookers->operations.push_back(search.operation);
    below = below || deeper;
  }
  auto [first, last] = by_parent_.equal_range(directory.path);
  for (; first != last; ++first)
    if (auto* search = first->second.second;
        std::find(lookers->searches.begin(), lookers->searches.end(), search) == lookers->searches.end())
      lookers->named.push_back(first->second);
  const bool wanted = !lookers->searches.empty() || below;
  directory.note = std::move(lookers);
  return wanted;
}

}  // namespace mig::modules::file
