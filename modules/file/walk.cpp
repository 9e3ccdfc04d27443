#include "modules/file/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

namespace mig::modules::file {
namespace {

constexpr std::size_t errors_kept = 10'000;

std::string join(const std::string& directory, std::string_view name) {
  if (directory == ".") return std::string(name);
  return directory == "/" ? "/" + std::string(name) : directory + "/" + std::string(name);
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// By components: /etc holds /etc/ssh, not /etcetera.
bool holds(const std::string& root, const std::string& path) {
  if (root == path || (root == "." && !path.starts_with("/"))) return true;
  if (root == "/") return path.starts_with("/");
  return path.size() > root.size() && path.starts_with(root) && path[root.size()] == '/';
}

/// 1 for the root itself.
std::uint64_t depth_below(const std::string& root, const std::string& directory) {
  if (root == directory) return 1;
  const std::string_view rest = std::string_view(directory).substr(root == "/" || root == "." ? 0 : root.size() + 1);
  const auto slashes = static_cast<std::uint64_t>(std::count(rest.begin(), rest.end(), '/'));
  return slashes + (root == "/" ? 1 : 2);
}

bool is_link(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

}  // namespace

void Walk::error(std::string text) {
  if (errors.size() < errors_kept)
    errors.push_back(std::move(text));
  else
    ++errors_dropped;
}

std::string Walk::real_of(const std::string& path) const {
  if (host_.root.empty() || !path.starts_with("/")) return path;
  const std::string shadow = host_.root + path;
  return faccessat(AT_FDCWD, shadow.c_str(), F_OK, AT_EACCESS) == 0 || is_link(shadow) ? shadow : path;
}

/// All roots, without those that the walk of another one reaches anyway.
std::vector<Walk::Root> Walk::roots() {
  std::set<std::string> paths;
  for (const auto& search : searches_) paths.insert(search.paths.begin(), search.paths.end());
  std::vector<Root> out;
  for (const auto& path : paths) {
    const bool reached = std::any_of(out.begin(), out.end(), [&](const Root& outer) {
      if (!holds(outer.path, path) || outer.path == path) return false;
      if (real_of(path) != join(outer.real, std::string_view(path).substr(outer.path == "/" ? 1 : outer.path.size() + 1))) return false;
      for (std::string at = path; at != outer.path; at = parent_of(at))  // a link on the way is not followed
        if (is_link(real_of(at))) return false;
      return true;
    });
    if (!reached) out.push_back({path, real_of(path)});
  }
  return out;
}

std::vector<Search*> Walk::looking_at(const std::string& directory) {
  std::vector<Search*> out;
  for (auto& search : searches_) {
    if (!search.active()) continue;
    const bool here = std::any_of(search.paths.begin(), search.paths.end(), [&](const std::string& root) {
      return holds(root, directory) && (search.options.maxdepth == 0 || depth_below(root, directory) <= search.options.maxdepth);
    });
    if (here) out.push_back(&search);
  }
  return out;
}

bool Walk::wanted_below(const std::string& directory) const {
  return std::any_of(searches_.begin(), searches_.end(), [&](const Search& search) {
    return search.active() && std::any_of(search.paths.begin(), search.paths.end(), [&](const std::string& root) {
             return (root != directory && holds(directory, root)) ||
                    (holds(root, directory) && (search.options.maxdepth == 0 || depth_below(root, directory) <= search.options.maxdepth));
           });
  });
}

void Walk::run(const std::function<void(Candidate&)>& judge) {
  for (const auto& root : roots()) {
    if (budget_.spent()) return;
    walk_root(root, judge);
  }
}

void Walk::walk_root(const Root& root, const std::function<void(Candidate&)>& judge) {
  struct stat info {};
  if (stat(root.real.c_str(), &info) != 0) {
    ++open_failed;
    return error(fmt::format("ERROR: open {}: {}", root.path, std::strerror(errno)));
  }
  if (S_ISREG(info.st_mode)) {
    Root file = root;
    if (is_link(root.real)) {  // a link to a file is reported as its target
      char target[PATH_MAX];
      if (realpath(root.real.c_str(), target)) {
        file = {target, target};
        if (!host_.root.empty() && file.path.starts_with(host_.root)) file.path = file.path.substr(host_.root.size());
      }
    }
    Candidate candidate{file.path, file.real, name_of(file.path), info, {}};
    for (auto& search : searches_)
      if (search.active() && std::find(search.paths.begin(), search.paths.end(), root.path) != search.paths.end())
        candidate.searches.push_back(&search);
    if (!candidate.searches.empty()) judge(candidate);
    return;
  }
  if (!S_ISDIR(info.st_mode)) return;  // devices, pipes and sockets are never opened
  std::vector<Root> pending{root};
  bool first = true;
  while (!pending.empty() && !budget_.spent()) {
    const Root directory = std::move(pending.back());
    pending.pop_back();
    walk_directory(directory, pending, judge, std::exchange(first, false));
  }
}

void Walk::walk_directory(const Root& directory, std::vector<Root>& pending, const std::function<void(Candidate&)>& judge, bool is_root) {
  if (!wanted_below(directory.path)) return;
  // A root may be a link to a directory; below it none is followed, whatever is swapped under us.
  const int fd = open(directory.real.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | (is_root ? 0 : O_NOFOLLOW));
  DIR* stream = fd < 0 ? nullptr : fdopendir(fd);
  if (!stream) {
    if (errno != ENOENT) {  // what vanished since its parent was read is no error
      ++open_failed;
      error(fmt::format("ERROR: open {}: {}", directory.path, std::strerror(errno)));
    }
    if (fd >= 0) close(fd);
    return;
  }
  std::vector<std::string> files, directories;
  errno = 0;
  while (const dirent* entry = readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    unsigned char type = entry->d_type;
    if (type == DT_UNKNOWN) {
      struct stat info {};
      if (fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0)
        type = S_ISDIR(info.st_mode) ? DT_DIR : S_ISREG(info.st_mode) ? DT_REG : S_ISLNK(info.st_mode) ? DT_LNK : DT_UNKNOWN;
    }
    if (type == DT_DIR) directories.emplace_back(name);
    if (type == DT_REG || type == DT_LNK) files.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) error(fmt::format("ERROR: read {}: {}", directory.path, std::strerror(errno)));
  closedir(stream);
  std::sort(files.begin(), files.end());
  std::sort(directories.begin(), directories.end());
  for (const auto& name : files) {
    if (budget_.spent()) return;
    offer({join(directory.path, name), join(directory.real, name)}, judge);
  }
  for (auto name = directories.rbegin(); name != directories.rend(); ++name)
    pending.push_back({join(directory.path, *name), join(directory.real, *name)});
}

void Walk::offer(const Root& file, const std::function<void(Candidate&)>& judge) {
  Candidate candidate{file.path, file.real, name_of(file.path), {}, looking_at(parent_of(file.path))};
  if (candidate.searches.empty()) {
    // A root that is this very file, in a directory nobody else looks at.
    for (auto& search : searches_)
      if (search.active() && std::find(search.paths.begin(), search.paths.end(), file.path) != search.paths.end()) candidate.searches.push_back(&search);
    if (candidate.searches.empty()) return;
  }
  if (stat(file.real.c_str(), &candidate.info) != 0) {
    if (!is_link(file.real)) return;  // it vanished
    ++open_failed;
    return error(fmt::format("ERROR: followSymLink() -> {}: {}", file.path, std::strerror(errno)));
  }
  if (S_ISREG(candidate.info.st_mode)) judge(candidate);
}

}  // namespace mig::modules::file
