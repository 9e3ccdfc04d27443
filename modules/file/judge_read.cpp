// The part of Judge that opens files and reads them, once for everything that is asked.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "modules/file/judge.h"
#include "modules/scan/unpack.h"

namespace mig::modules::file {

/// Searches that decompress and those that do not read the same file differently; usually there is one kind.
void Judge::read(File& file) {
  plain_.clear();
  unpacking_.clear();
  for (std::size_t i = 0; i < used_; ++i) {
    if (opinions_[i].reads())
      (opinions_[i].search->options.decompress ? unpacking_ : plain_).push_back(&opinions_[i]);
    else
      conclude(file, opinions_[i]);
  }
  if (!plain_.empty()) read_group(file, plain_, false);
  if (!unpacking_.empty()) read_group(file, unpacking_, true);
}

void Judge::read_group(File& file, const std::vector<Opinion*>& group, bool unpack) {
  digests_.begin(0);
  auto each_operation = [&](auto&& what) {
    for (std::size_t i = 0; i < group.size(); ++i)
      if (i == 0 || group[i]->search->operation != group[i - 1]->search->operation) what(*group[i]);
  };
  // Never waits for a pipe that took the file's place, never follows where the walk would not have.
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (file.link ? 0 : O_NOFOLLOW);
  const int fd = openat(file.at, file.opens, flags);
  struct stat info {};
  const bool changed = fd >= 0 && file.link && (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode));
  if (fd < 0 || changed) {
    const int code = errno;
    if (fd >= 0) close(fd);
    if (fd < 0 && code == ENOENT) return;  // it vanished
    each_operation([&](const Opinion& one) {
      error(one,
            fmt::format("ERROR: open {}: {}", file.path(),
                        changed ? "no regular file any more" : std::strerror(code)),
            &Tally::open_failed);
    });
    for (auto* opinion : group) {  // what is known without reading still counts
      opinion->out = opinion->out || opinion->search->options.matchall;
      conclude(file, *opinion);
    }
    return;
  }

  unsigned kinds = 0;
  bool fast = false, slow = false, changed_group = group.size() != group_.size();
  for (std::size_t i = 0; i < group.size(); ++i) {
    const Search& search = *group[i]->search;
    kinds |= search.hash_kinds |
             (search.options.matchall && search.options.returnsha256 ? bit(HashKind::sha256) : 0);
    fast = fast || !search.wanted.empty();
    slow = slow || search.slow_contents;
    changed_group = changed_group || group_[i] != &search;
  }
  if (changed_group) {
    group_.clear();
    wanted_.clear();
    for (auto* opinion : group) {
      group_.push_back(opinion->search);
      wanted_.insert(wanted_.end(), opinion->search->wanted.begin(), opinion->search->wanted.end());
    }
    std::sort(wanted_.begin(), wanted_.end());
    wanted_.erase(std::unique(wanted_.begin(), wanted_.end()), wanted_.end());
  }
  if (fast) lines_->begin(wanted_);
  std::optional<ContentScan> contents;
  if (slow) contents.emplace(group_);
  digests_.begin(kinds);

  // Hashes need every byte.
  auto wants_more = [&] {
    return kinds != 0 || (fast && lines_->undecided()) || (slow && contents->undecided());
  };
  bool finished = false;
  auto give = [&](std::string_view bytes, bool last) {
    if (kinds != 0) digests_.update(bytes);
    if (slow) contents->feed(bytes);
    if (fast && last)
      lines_->finish(bytes);
    else if (fast)
      lines_->feed(bytes);
    finished = finished || last;
    return wants_more();
  };
  std::unique_ptr<scan::Unpacker> unpacker;
  bool first = true, sound = true;
  const auto end = reader_.read(fd, file.directory.mount->plain, [&](std::string_view bytes, bool last) {
    if (std::exchange(first, false) && unpack)
      unpacker = scan::unpacker_for(bytes, [&](std::string_view part) { give(part, false); });
    if (!unpacker) return give(bytes, last);
    sound = unpacker->feed(bytes, [&] { return wants_more() && !budget_.spent(); });
    return sound && wants_more();
  });
  const int code = errno;
  using End = scan::Reader::End;
  const bool enough = !wants_more();  // nothing was left to find out
  if (unpacker && sound && end == End::whole && !enough) sound = unpacker->finish();
  if (!sound)
    each_operation([&](const Opinion& one) {
      tallies[one.search->operation].error(fmt::format("ERROR: {}: {}", file.path(), unpacker->trouble()));
    });
  if (end == End::failed)
    each_operation([&](const Opinion& one) {
      error(one, fmt::format("ERROR: read {}: {}", file.path(), std::strerror(code)), &Tally::open_failed);
    });
  const bool whole = end == End::whole && sound;
  if (fast && !finished) whole ? lines_->finish() : lines_->cut();
  if (slow) whole ? contents->finish() : contents->cut();
  if (whole)
    digests_.finish();
  else
    digests_.begin(0);
  if (!whole && !(sound && enough && end != End::failed))
    each_operation([&](const Opinion& one) { ++tallies[one.search->operation].short_reads; });
  const std::uint64_t long_lines =
      std::max(fast ? lines_->long_lines() : 0, slow ? contents->long_lines() : 0);
  if (long_lines > 0)
    each_operation([&](const Opinion& one) { tallies[one.search->operation].long_lines += long_lines; });

  for (std::size_t i = 0; i < group.size(); ++i) {
    Opinion& opinion = *group[i];
    settle_contents(opinion, slow ? &*contents : nullptr, i, whole, fast);
    settle_hashes(opinion);
    if (!file.have_info && !opinion.out && (opinion.search->options.matchall || !opinion.hits.empty()) &&
        fstat(fd, &file.info) == 0)
      file.have_info = true;
    conclude(file, opinion);
  }
  close(fd);
}

}  // namespace mig::modules::file
