#include "modules/file/judge.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <re2/re2.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mig::modules::file {
namespace {

constexpr std::size_t errors_kept = 10'000;
constexpr std::size_t early_files = 32;
constexpr off_t early_bytes = 256 * 1024;

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

bool details_match(const Check& check, const struct stat& info, const std::string& mode) {
  switch (check.kind) {
    case CheckKind::mode:
      return matches(*check.regex, mode);
    case CheckKind::size: {
      const auto size = static_cast<std::uint64_t>(info.st_size);
      return size >= check.size.low && size <= check.size.high;
    }
    case CheckKind::mtime: {
      const std::int64_t at = nanoseconds(info.st_mtim);
      return at > check.after_ns && at < check.before_ns;
    }
    default:
      return false;
  }
}

}  // namespace

void Tally::error(std::string text) {
  if (errors.size() < errors_kept)
    errors.push_back(std::move(text));
  else
    ++errors_dropped;
}

void Tally::add(Tally other) {
  files_checked += other.files_checked;
  open_failed += other.open_failed;
  short_reads += other.short_reads;
  long_lines += other.long_lines;
  skipped_mounts += other.skipped_mounts;
  errors_dropped += other.errors_dropped;
  for (auto& text : other.errors) error(std::move(text));
}

std::string Judge::File::path() const {
  return directory.handle ? scan::join(directory.path, name) : directory.path;
}

Judge::Judge(const Plan& plan, const Scope& scope, scan::Workers& workers, std::size_t worker, Budget& budget)
    : tallies(plan.operations), plan_(plan), scope_(scope), budget_(budget), reader_(workers, worker) {
  if (plan.finder && plan.finder->covers_any()) lines_ = std::make_unique<scan::LineScan>(*plan.finder);
}

bool Judge::enter(scan::Directory& directory, bool crossing) {
  std::vector<std::size_t> skipped;
  const bool wanted = scope_.enter(directory, crossing, &skipped);
  for (std::size_t operation : skipped) {
    ++tallies[operation].skipped_mounts;
    tallies[operation].error(
        fmt::format("skipped {}: a file system of type {}; name it as a path to search it", directory.path,
                    directory.mount->type));
  }
  return wanted;
}

void Judge::trouble(const scan::Directory& directory, const char* what, int code) {
  for (std::size_t operation : static_cast<const Lookers*>(directory.note.get())->operations) {
    if (*what == 'o')
      ++tallies[operation].open_failed;
    else
      ++tallies[operation].short_reads;
    tallies[operation].error(fmt::format("ERROR: {} {}: {}", what, directory.path, std::strerror(code)));
  }
}

void Judge::files(const scan::Directory& directory, std::vector<scan::Entry>& entries) {
  const auto& lookers = *static_cast<const Lookers*>(directory.note.get());
  if (lookers.searches.empty() && lookers.named.empty()) return;
  if (lookers.limited)
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  std::vector<Search*> searches;
  // Who reads everything here; the others are choosy, and asking early would read what they do not want.
  const bool all = std::any_of(lookers.searches.begin(), lookers.searches.end(), [](const Search* one) {
    return one->reads() && one->options.matchlimit == 0 &&
           (!one->options.matchall || (one->names.empty() && one->details.empty()));
  });
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    if (i % 16 == 0 && budget_.spent()) return;
    if (all && i % early_files == 0 && reader_.cold()) ask_early(directory, entries, i);
    File file{directory, directory.handle->fd(), entry.name, entry.name.data(), entry.link};
    if (lookers.named.empty() && !lookers.limited) {
      judge(file, lookers.searches);
      continue;
    }
    searches = lookers.searches;
    for (const auto& [name, search] : lookers.named)
      if (!entry.link && name == entry.name) searches.push_back(search);
    std::string path;
    std::erase_if(searches, [&](Search* search) {
      if (search->options.matchlimit == 0) return false;
      if (path.empty()) path = file.path();
      return !search->hits->may_take(directory.root, path, false);
    });
    if (!searches.empty()) judge(file, searches);
  }
}

/// Lets the disk begin with the next files, as many at a time as it can work at. Large ones must leave nothing behind.
void Judge::ask_early(const scan::Directory& directory, const std::vector<scan::Entry>& entries,
                      std::size_t from) {
  for (std::size_t i = from; i < std::min(from + early_files, entries.size()); ++i) {
    if (entries[i].link) continue;
    const int fd = openat(directory.handle->fd(), entries[i].name.data(),
                          O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    if (fd < 0) continue;
    if (struct stat info {}; fstat(fd, &info) == 0 && info.st_size < scan::Reader::large_bytes)
      posix_fadvise(fd, 0, early_bytes, POSIX_FADV_WILLNEED);
    close(fd);
  }
}

bool Judge::root(scan::Directory& directory) {
  scope_.enter(directory, false, nullptr);
  struct stat info {};
  const auto searches = scope_.searches_of_root(directory.path);
  if (stat(directory.real.c_str(), &info) != 0) {
    const int code = errno;
    auto& operations = static_cast<Lookers*>(directory.note.get())->operations;
    operations.clear();  // only those who name this very path are told
    for (auto* search : searches)
      if (operations.empty() || operations.back() != search->operation)
        operations.push_back(search->operation);
    trouble(directory, "open", code);
    return false;
  }
  if (S_ISDIR(info.st_mode)) return true;
  if (!S_ISREG(info.st_mode)) return false;  // devices, pipes and sockets are never opened
  if (char target[PATH_MAX];
      is_link(directory.real) && realpath(directory.real.c_str(), target)) {  // it is reported as its target
    directory.path = directory.real = target;
    if (const auto& shadow = scope_.shadow(); !shadow.empty() && directory.path.starts_with(shadow))
      directory.path = directory.path.substr(shadow.size());
  }
  const std::string name = directory.path.substr(directory.path.rfind('/') + 1);
  File file{directory, AT_FDCWD, name, directory.real.c_str(), true, true, info};
  judge(file, searches);
  return false;
}

/// What stat(2) says, once. False if the file has vanished, or is no regular file.
bool Judge::look(File& file) {
  if (file.have_info) return true;
  if (fstatat(file.at, file.opens, &file.info, file.link ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
    if (!file.link) return false;
    const int code = errno;
    struct stat itself {};
    if (fstatat(file.at, file.opens, &itself, AT_SYMLINK_NOFOLLOW) != 0) return false;
    for (std::size_t i = 0; i < used_; ++i)
      if (i == 0 || opinions_[i].search->operation != opinions_[i - 1].search->operation)
        error(opinions_[i], fmt::format("ERROR: followSymLink() -> {}: {}", file.path(), std::strerror(code)),
              &Tally::open_failed);
    return false;
  }
  return file.have_info = S_ISREG(file.info.st_mode);
}

void Judge::error(const Opinion& opinion, std::string text, std::uint64_t Tally::*count) {
  Tally& tally = tallies[opinion.search->operation];
  ++(tally.*count);
  tally.error(std::move(text));
}

void Judge::verdict(Opinion& opinion, std::uint32_t check, bool hit) const {
  if (opinion.search->options.matchall)
    opinion.out = opinion.out || !hit;
  else if (hit)
    opinion.hits.push_back(check);
}

void Judge::judge(File& file, const std::vector<Search*>& searches) {
  if (opinions_.size() < searches.size()) opinions_.resize(searches.size());
  used_ = searches.size();
  for (std::size_t i = 0; i < used_; ++i) {
    opinions_[i].search = searches[i];
    opinions_[i].out = searches[i]->checks.empty();
    opinions_[i].hits.clear();
  }
  if (file.link && !look(file)) return;  // whether it is a file is told by its target
  bool details = false, reads = false;
  for (std::size_t i = 0; i < used_; ++i) {
    Opinion& opinion = opinions_[i];
    if (i == 0 || opinion.search->operation != opinions_[i - 1].search->operation)
      ++tallies[opinion.search->operation].files_checked;
    judge_names(file, opinion);
    details = details || (!opinion.out && !opinion.search->details.empty());
  }
  if (details && !look(file)) return;
  for (std::size_t i = 0; i < used_; ++i) {
    if (details) judge_details(file, opinions_[i]);
    reads = reads || opinions_[i].reads();
  }
  if (reads) return read(file);
  for (std::size_t i = 0; i < used_; ++i) conclude(file, opinions_[i]);
}

void Judge::judge_names(const File& file, Opinion& opinion) {
  for (std::uint32_t check : opinion.search->names) {
    if (opinion.out) return;
    verdict(opinion, check,
            opinion.search->checks[check].wants(matches(*opinion.search->checks[check].regex, file.name)));
  }
}

void Judge::judge_details(File& file, Opinion& opinion) {
  std::string mode;
  for (std::uint32_t check : opinion.search->details) {
    if (opinion.out) return;
    if (mode.empty() && opinion.search->checks[check].kind == CheckKind::mode)
      mode = mode_text(file.info.st_mode);
    verdict(
        opinion, check,
        opinion.search->checks[check].wants(details_match(opinion.search->checks[check], file.info, mode)));
  }
}

void Judge::settle_contents(Opinion& opinion, const ContentScan* slow, std::size_t at, bool whole,
                            bool fast) {
  const Search& search = *opinion.search;
  const auto verdicts = slow ? slow->verdicts(at) : std::vector<bool>{};
  std::size_t next = 0;
  for (std::uint32_t check : search.contents) {
    if (opinion.out) return;
    const Check& one = search.checks[check];
    if (ContentScan::takes(search, one)) {
      verdict(opinion, check, next < verdicts.size() && verdicts[next]);
      ++next;
      continue;
    }
    const bool matched = fast && lines_->matched(static_cast<unsigned>(one.finder));
    // What is not known is no hit: that no line matches is known at the end alone.
    verdict(opinion, check, (matched || whole) && one.wants(matched));
  }
}

void Judge::settle_hashes(Opinion& opinion) {
  Search& search = *opinion.search;
  if (opinion.out || search.hashes.empty()) return;
  if (search.options.matchall) {
    for (std::uint32_t check : search.hashes) {
      if (opinion.out) return;
      const std::string_view sum = digests_[search.checks[check].hash.kind];
      // A sum that could not be made is neither equal nor different.
      verdict(opinion, check,
              !sum.empty() && search.checks[check].wants(search.checks[check].hash.digest == sum));
    }
    return;
  }
  for (std::size_t kind = 0; kind < scan::hash_kinds; ++kind)
    if (const std::string_view sum = digests_[static_cast<HashKind>(kind)];
        !sum.empty() && (search.hash_kinds >> kind & 1) != 0)
      search.by_digest.find(static_cast<HashKind>(kind), sum, search.checks,
                            [&](std::uint32_t check) { opinion.hits.push_back(check); });
  for (std::uint32_t check : search.mismatched_hashes)
    if (const std::string_view sum = digests_[search.checks[check].hash.kind];
        !sum.empty() && search.checks[check].hash.digest != sum)
      opinion.hits.push_back(check);
}

void Judge::conclude(File& file, Opinion& opinion) {
  Search& search = *opinion.search;
  if (opinion.out || (!search.options.matchall && opinion.hits.empty())) return;
  if (!look(file)) return;
  Hit hit{file.path(),       file.directory.root, 0, static_cast<std::uint64_t>(file.info.st_size),
          file.info.st_mode, file.info.st_mtim,   {}};
  if (search.options.matchall) {
    if (const auto sum = digests_[HashKind::sha256]; search.options.returnsha256 && !sum.empty()) {
      hit.sha256 = core::to_hex(core::Bytes(sum));
      for (char& c : hit.sha256) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    if (plan_.hits_are_results) budget_.add_bytes(hit.path.size() + 300);
    search.hits->add(std::move(hit));
    return;
  }
  for (std::uint32_t check : opinion.hits) {
    if (plan_.hits_are_results) budget_.add_bytes(hit.path.size() + 400);
    hit.check = check;
    search.hits->add(hit);
  }
}

}  // namespace mig::modules::file
