#include "modules/scribe/gather.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <set>

#include "modules/host_files.h"
#include "modules/pkg/versions.h"

namespace mig::modules::scribe {
namespace {

constexpr int depth_max = 10, chain_max = 8;
constexpr std::size_t files_max = 1000, file_max = 16 << 20, line_max = 4096, troubles_max = 100, criteria_max = 1'000'000;

/// One question for the walk, and its answer.
struct Lookup {
  std::string path;
  Regex file;
  std::vector<std::string> found;
  bool full = false;
};

/// Folders of the kernel's own hold one for each process and thread; only their own files are looked at.
bool is_kernels_own(const std::string& place) {
  struct statfs info {};
  return statfs(place.c_str(), &info) == 0 && (info.f_type == PROC_SUPER_MAGIC || info.f_type == SYSFS_MAGIC);
}

class Walker {
 public:
  Walker(const Host& host, Budget& budget, std::vector<Lookup*> lookups) : host_(host), budget_(budget) {
    for (Lookup* one : lookups) roots_[one->path].push_back(one);
  }
  void run() {
    for (const auto& [path, lookups] : roots_)
      if (!done_.contains(path)) enter(path, {});
  }

 private:
  struct Asked {
    Lookup* lookup;
    int depth;
  };

  void enter(const std::string& path, std::vector<Asked> asked) {
    if (const auto own = roots_.find(path); own != roots_.end() && done_.insert(path).second)
      for (Lookup* one : own->second) asked.push_back({one, depth_max});
    if (asked.empty() || budget_.spent()) return;
    struct stat info {};
    if (stat(place_of(host_, path).c_str(), &info) != 0) return;
    if (!S_ISDIR(info.st_mode)) {
      if (S_ISREG(info.st_mode)) file(path, asked);
      return;
    }
    const bool flat = is_kernels_own(place_of(host_, path));
    std::vector<std::string> below;
    for (const std::string& name : names_in(host_, path)) {
      if (budget_.spent()) return;
      const std::string at = path.ends_with('/') ? path + name : path + "/" + name;
      const bool wanted = std::any_of(asked.begin(), asked.end(), [&](const Asked& one) { return re2::RE2::PartialMatch(name, *one.lookup->file); });
      struct stat entry {};
      if (lstat(place_of(host_, at).c_str(), &entry) != 0) continue;
      if (S_ISDIR(entry.st_mode)) below.push_back(at);
      else if (wanted && (S_ISREG(entry.st_mode) || (S_ISLNK(entry.st_mode) && stat(place_of(host_, at).c_str(), &entry) == 0 && S_ISREG(entry.st_mode)))) file(at, asked);
    }
    std::vector<Asked> deeper;
    for (const Asked& one : asked)
      if (one.depth > 1 && !flat) deeper.push_back({one.lookup, one.depth - 1});
    if (!deeper.empty())
      for (const std::string& folder : below) enter(folder, deeper);
  }

  void file(const std::string& path, const std::vector<Asked>& asked) {
    const std::string name = path.substr(path.rfind('/') + 1);
    for (const Asked& one : asked)
      if (re2::RE2::PartialMatch(name, *one.lookup->file)) {
        if (one.lookup->found.size() < files_max) one.lookup->found.push_back(path);
        else one.lookup->full = true;
      }
  }

  const Host& host_;
  Budget& budget_;
  std::map<std::string, std::vector<Lookup*>> roots_;
  std::set<std::string> done_;
};

class Gatherer {
 public:
  Gatherer(const Document& document, const Host& host, Budget& budget, std::vector<std::string>& troubles) : document_(document), host_(host), budget_(budget), troubles_(troubles) {}

  std::map<std::string, Gathered> run() {
    list_packages();
    walk();
    std::map<std::string, Gathered> out;
    for (const auto& [id, object] : document_.objects) {
      if (budget_.spent()) break;
      if (!object.chained()) out[id] = prepare(object, 0);
    }
    return out;
  }

 private:
  void trouble(std::string text) {
    if (troubles_.size() < troubles_max && said_.insert(text).second) troubles_.push_back(std::move(text));
  }

  void list_packages() {
    if (std::none_of(document_.objects.begin(), document_.objects.end(), [](const auto& one) { return one.second.source == Source::package; })) return;
    packages_ = pkg::list_packages(host_, budget_, {"rpm", "dpkg", "apk"});
    for (std::string& one : packages_.troubles) trouble(std::move(one));
    for (const pkg::Package& package : packages_.all) {
      by_name_[package.name].push_back(&package);
      // Documents made for MIG name libraries as `dpkg -l` writes them.
      if (package.type == "dpkg") by_name_[package.name + ":" + package.arch].push_back(&package);
    }
  }

  void walk() {
    std::vector<Lookup*> all;
    for (const auto& [id, object] : document_.objects)
      if (!object.path.empty() && !object.chained())
        if (Lookup& one = lookup(object.path, object.file); fresh_) all.push_back(&one);
    Walker(host_, budget_, all).run();
    for (Lookup* one : all) check_full(*one);
  }

  Lookup& lookup(std::string path, const std::string& file) {
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    auto [at, fresh] = lookups_.try_emplace({path, file});
    if (fresh) at->second = {path, make_regex(file), {}, false};
    fresh_ = fresh;
    return at->second;
  }

  void check_full(const Lookup& one) {
    if (one.full) trouble(fmt::format("{}: more than {} files match '{}', and the rest is left out", one.path, files_max, one.file->pattern()));
  }

  const std::vector<std::string>& files(const Object& object) {
    Lookup& one = lookup(object.path, object.file);
    if (fresh_ && one.file) {  // of a chain: the folder was not known before
      Walker(host_, budget_, {&one}).run();
      check_full(one);
    }
    return one.found;
  }

  Gathered prepare(const Object& object, int depth) {
    Gathered out;
    switch (object.source) {
      case Source::package: packages(object, out); break;
      case Source::raw:
        for (const auto& [identifier, value] : object.raw) out.criteria.push_back({identifier, value, ""});
        break;
      case Source::filename: {
        const Regex regex = make_regex(object.file);
        for (const std::string& path : files(object)) {
          std::string value;
          if (re2::RE2::PartialMatch(path.substr(path.rfind('/') + 1), *regex, &value)) out.criteria.push_back({path, value, ""});
        }
        break;
      }
      case Source::hasline:
      case Source::filecontent: contents(object, depth, out); break;
    }
    return out;
  }

  void packages(const Object& object, Gathered& out) {
    std::vector<const pkg::Package*> found;
    if (object.collect) {
      for (const pkg::Package& package : packages_.all)
        if (re2::RE2::PartialMatch(package.name, *object.collect)) found.push_back(&package);
    } else if (const auto at = by_name_.find(object.name); at != by_name_.end()) {
      found = at->second;
    }
    if (object.only_newest && !found.empty()) {
      const pkg::Package* newest = found.front();
      for (const pkg::Package* one : found) {
        const auto order = compare(document_, one->type, one->version, newest->version);
        if (!order) out.error = order.error().text;
        else if (*order > 0) newest = one;
      }
      found = {newest};
    }
    for (const pkg::Package* one : found) out.criteria.push_back({one->name, one->version, one->type});
  }

  void contents(const Object& object, int depth, Gathered& out) {
    const Regex regex = make_regex(object.expression);
    const int groups = regex->NumberOfCapturingGroups();
    std::vector<re2::StringPiece> parts(static_cast<std::size_t>(groups) + 1);
    const std::vector<std::string> paths = files(object);  // a copy: chains look up more
    for (const std::string& path : paths) {
      if (budget_.spent() || out.criteria.size() > criteria_max) return;
      const auto content = read_file(host_, path, file_max);
      if (!content) {
        trouble(content.error().text);
        continue;
      }
      std::vector<std::string> values;
      bool has_line = false;
      for (std::string_view rest = *content; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), line_max);
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(rest.size(), line.size() < line_max ? line.size() + 1 : line.size()));
        if (!regex->Match(re2::StringPiece(line.data(), line.size()), 0, line.size(), re2::RE2::UNANCHORED, parts.data(), groups + 1)) continue;
        has_line = true;
        if (object.source == Source::hasline) break;
        for (int i = 1; i <= groups; ++i) values.emplace_back(parts[static_cast<std::size_t>(i)]);
        if (values.size() > criteria_max || budget_.spent()) break;
      }
      if (object.source == Source::hasline) {
        out.criteria.push_back({path, has_line ? "true" : "false", ""});
        continue;
      }
      if (values.empty()) continue;
      chain(object, path, depth, values, out);
      if (!object.concat.empty()) {
        std::string joined;
        for (std::size_t i = 0; i < values.size(); ++i) joined += (i == 0 ? "" : object.concat) + values[i];
        values = {std::move(joined)};
      }
      for (std::string& value : values) out.criteria.push_back({path, std::move(value), ""});
    }
  }

  void chain(const Object& object, const std::string& path, int depth, std::vector<std::string>& values, Gathered& out) {
    if (object.chain.empty()) return;
    if (depth >= chain_max) {
      out.error = fmt::format("import-chain: goes deeper than {}", chain_max);
      return;
    }
    const std::string folder = path.substr(0, path.rfind('/') + 1), mark = "${chain_root}";
    for (const std::string& id : object.chain) {
      if (budget_.spent()) return;
      Object next = document_.objects.at(id);
      for (std::string* text : {&next.path, &next.file})
        for (std::size_t at = 0; (at = text->find(mark, at)) != text->npos && text->size() < 8192; at += folder.size()) text->replace(at, mark.size(), folder);
      Gathered more = prepare(next, depth + 1);
      if (!more.error.empty()) out.error = more.error;
      for (Criterion& one : more.criteria) values.push_back(std::move(one.value));
    }
  }

  const Document& document_;
  const Host& host_;
  Budget& budget_;
  std::vector<std::string>& troubles_;
  std::set<std::string> said_;
  pkg::Packages packages_;
  std::map<std::string, std::vector<const pkg::Package*>> by_name_;
  std::map<std::pair<std::string, std::string>, Lookup> lookups_;
  bool fresh_ = false;
};

}  // namespace

core::Result<int> compare(const Document& document, const std::string& type, std::string_view a, std::string_view b) {
  const std::string& rules = document.evr.empty() ? type : document.evr;
  if (rules == "dpkg") return pkg::compare_dpkg(a, b);
  if (rules == "rpm") return pkg::compare_rpm(a, b);
  return pkg::compare_mig(a, b);
}

std::map<std::string, Gathered> gather(const Document& document, const Host& host, Budget& budget, std::vector<std::string>& troubles) {
  return Gatherer(document, host, budget, troubles).run();
}

}  // namespace mig::modules::scribe
