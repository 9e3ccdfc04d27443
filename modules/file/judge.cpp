#include "modules/file/judge.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <re2/re2.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "modules/file/content.h"
#include "modules/file/digest.h"
#include "modules/file/gunzip.h"

namespace mig::modules::file {
namespace {

constexpr char no = 0, yes = 1, unset = 2;
constexpr std::size_t block_bytes = 256 * 1024;

std::int64_t nanoseconds(const timespec& time) { return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec; }

bool metadata_matches(const Check& check, const Candidate& file, const std::string& mode) {
  switch (check.kind) {
    case CheckKind::name: return matches(*check.regex, file.name);
    case CheckKind::mode: return matches(*check.regex, mode);
    case CheckKind::size: {
      const auto size = static_cast<std::uint64_t>(file.info.st_size);
      return size >= check.size.low && size <= check.size.high;
    }
    case CheckKind::mtime: {
      const std::int64_t at = nanoseconds(file.info.st_mtim);
      return at > check.after_ns && at < check.before_ns;
    }
    default: return false;
  }
}

/// An open file that gives its bytes block by block.
class Source {
 public:
  Source(int fd, Budget& budget) : fd_(fd), budget_(budget), block_(block_bytes) {}
  /// False at the end or on trouble.
  bool next(std::string_view& bytes) {
    if (budget_.spent()) return cut_ = true, false;
    ssize_t got = 0;
    do got = ::read(fd_, block_.data(), block_.size());
    while (got < 0 && errno == EINTR);
    if (got < 0) error_ = errno;
    bytes = {block_.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
    return got > 0;
  }
  int error() const { return error_; }
  bool cut() const { return cut_; }

 private:
  int fd_, error_ = 0;
  bool cut_ = false;
  Budget& budget_;
  std::vector<char> block_;
};

}  // namespace

bool Judge::Opinion::needs_reading() const {
  if (out) return false;
  if (search->options.matchall && search->options.returnsha256) return true;
  return std::find(verdicts.begin(), verdicts.end(), unset) != verdicts.end();
}

void Judge::operator()(Candidate& file) {
  ++findings_.files_checked;
  std::vector<Opinion> opinions;
  for (Search* search : file.searches) {
    Opinion opinion{search, std::vector<char>(search->checks.size(), unset), search->checks.empty(), {}};
    judge_metadata(file, opinion);
    opinions.push_back(std::move(opinion));
  }
  std::vector<Opinion*> to_read;
  for (auto& opinion : opinions)
    if (opinion.needs_reading()) to_read.push_back(&opinion);
  if (!to_read.empty()) read(file, to_read);
  for (auto& opinion : opinions) conclude(file, opinion);
}

void Judge::judge_metadata(const Candidate& file, Opinion& opinion) const {
  const std::string mode = opinion.search->has(CheckKind::mode) ? mode_text(file.info.st_mode) : "";
  for (std::size_t i = 0; i < opinion.verdicts.size() && !opinion.out; ++i) {
    const Check& check = opinion.search->checks[i];
    if (check.kind == CheckKind::content || check.kind == CheckKind::hash) continue;
    opinion.verdicts[i] = check.wants(metadata_matches(check, file, mode)) ? yes : no;
    opinion.out = opinion.search->options.matchall && opinion.verdicts[i] == no;
  }
}

/// Searches that decompress and those that do not read the same file differently; usually there is one kind.
void Judge::read(const Candidate& file, std::vector<Opinion*> opinions) {
  std::vector<Opinion*> plain, unpacking;
  for (auto* opinion : opinions) (opinion->search->options.decompress ? unpacking : plain).push_back(opinion);
  for (auto* group : {&plain, &unpacking}) {
    if (group->empty()) continue;
    // Never waits for a pipe that took the file's place, never follows where the walk would not have.
    const int fd = open(file.real.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info {};
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
      if (fd >= 0) close(fd);
      if (errno == ENOENT) continue;  // it vanished
      ++walk_.open_failed;
      walk_.error(fmt::format("ERROR: open {}: {}", file.path, fd >= 0 ? "no regular file any more" : std::strerror(errno)));
      continue;
    }
    if (!read_through(file, *group, group == &unpacking, fd)) ++findings_.short_reads;
    close(fd);
  }
}

/// False if not all of the file could be read.
bool Judge::read_through(const Candidate& file, std::vector<Opinion*>& opinions, bool decompress, int fd) {
  std::vector<const Search*> searches;
  std::set<HashKind> kinds;
  bool contents = false;
  for (auto* opinion : opinions) {
    searches.push_back(opinion->search);
    contents = contents || opinion->search->has(CheckKind::content);
    for (const auto& check : opinion->search->checks)
      if (check.kind == CheckKind::hash) kinds.insert(check.hash.kind);
    if (opinion->search->options.matchall && opinion->search->options.returnsha256) kinds.insert(HashKind::sha256);
  }
  ContentScan scan(searches);
  Digests digests(kinds);
  // Hashes need every byte; a search that its contents have lost already needs none.
  auto wanted = [&] {
    if (contents && scan.undecided()) return true;
    if (kinds.empty()) return false;
    for (std::size_t i = 0; i < opinions.size(); ++i)
      if (!scan.lost(i)) return true;
    return false;
  };
  auto take = [&](std::string_view bytes) {
    if (contents) scan.feed(bytes);
    digests.update(bytes);
  };
  Source source(fd, budget_);
  std::string_view bytes;
  bool more = source.next(bytes);
  std::unique_ptr<Gunzip> gunzip;
  if (decompress && Gunzip::is_gzip(bytes)) gunzip = std::make_unique<Gunzip>(take);
  bool sound = true;
  for (; more && sound && wanted(); more = source.next(bytes)) {
    if (!gunzip)
      take(bytes);
    else
      sound = gunzip->feed(bytes, [&] { return wanted() && !budget_.spent(); });
  }
  const bool to_the_end = !more && source.error() == 0 && !source.cut();
  if (gunzip && sound && to_the_end) sound = gunzip->finish();
  if (gunzip && !sound) walk_.error(fmt::format("ERROR: {}: {}", file.path, gunzip->trouble()));
  if (source.error() != 0) {
    ++walk_.open_failed;
    walk_.error(fmt::format("ERROR: read {}: {}", file.path, std::strerror(source.error())));
  }
  const bool whole = to_the_end && sound;
  const bool stopped_early = more && sound;  // nothing was left to find out
  if (contents) {
    if (whole) scan.finish();
    else if (!stopped_early) scan.cut();
  }
  const auto sums = whole ? digests.finish() : std::map<HashKind, core::Bytes>{};
  findings_.long_lines += scan.long_lines();
  for (std::size_t i = 0; i < opinions.size(); ++i) {
    Opinion& opinion = *opinions[i];
    opinion.digests = sums;
    const auto lines = contents ? scan.verdicts(i) : std::vector<bool>{};
    std::size_t line = 0;
    for (std::size_t c = 0; c < opinion.verdicts.size(); ++c) {
      const Check& check = opinion.search->checks[c];
      if (check.kind == CheckKind::content && line < lines.size()) opinion.verdicts[c] = lines[line++] ? yes : no;
      // A sum that could not be made is neither equal nor different.
      if (check.kind == CheckKind::hash)
        opinion.verdicts[c] = sums.contains(check.hash.kind) && check.wants(sums.at(check.hash.kind) == check.hash.digest) ? yes : no;
    }
  }
  return whole || stopped_early;
}

void Judge::conclude(const Candidate& file, Opinion& opinion) {
  Search& search = *opinion.search;
  if (opinion.out) return;
  for (char& verdict : opinion.verdicts)
    if (verdict == unset) verdict = no;  // it could not be read
  Hit hit{file.path, {static_cast<std::uint64_t>(file.info.st_size), mode_text(file.info.st_mode), time_text(file.info.st_mtim), {}}};
  if (search.options.matchall) {
    if (std::find(opinion.verdicts.begin(), opinion.verdicts.end(), no) != opinion.verdicts.end()) return;
    if (search.options.returnsha256 && opinion.digests.contains(HashKind::sha256)) {
      hit.info.sha256 = core::to_hex(opinion.digests.at(HashKind::sha256));
      for (char& c : hit.info.sha256) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    ++search.hits;
    budget_.add_bytes(hit.path.size() + 300);
    findings_.files[search.label].push_back(std::move(hit));
    return;
  }
  for (std::size_t c = 0; c < opinion.verdicts.size() && search.active(); ++c) {
    if (opinion.verdicts[c] != yes) continue;
    ++search.hits;
    budget_.add_bytes(hit.path.size() + 400);
    findings_.checks[{search.label, c}].push_back(hit);
  }
}

}  // namespace mig::modules::file
