#include "modules/scan/reader.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mig::modules::scan {
namespace {

/// Remembers which pages of a file were in memory, and lets go of the others once it was read.
class Footprint {
 public:
  /// `seen`: bytes that were read already. The kernel reads ahead of those.
  Footprint(int fd, std::uint64_t size, std::uint64_t seen) : fd_(fd) {
    void* map = mmap(nullptr, size, PROT_NONE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) return;
    resident_.resize((size + page - 1) / page);
    if (mincore(map, size, resident_.data()) != 0) resident_.clear();
    munmap(map, size);
    const auto begun = std::min<std::size_t>(resident_.size(), 2 * seen / page);
    const bool cold =
        begun < resident_.size() && std::none_of(resident_.begin() + static_cast<std::ptrdiff_t>(begun),
                                                 resident_.end(), [](unsigned char in) { return in & 1; });
    if (cold) std::fill(resident_.begin(), resident_.end(), 0);
  }
  /// What lies before `end` and was not in memory goes.
  void drop(std::uint64_t begin, std::uint64_t end) const {
    for (std::size_t at = begin / page; at < std::min<std::size_t>(end / page + 1, resident_.size());) {
      const std::size_t from = at;
      const bool was_in = resident_[from] & 1;
      while (at < std::min<std::size_t>(end / page + 1, resident_.size()) && (resident_[at] & 1) == was_in)
        ++at;
      if (!was_in)
        posix_fadvise(fd_, static_cast<off_t>(from * page), static_cast<off_t>((at - from) * page),
                      POSIX_FADV_DONTNEED);
    }
  }

 private:
  static constexpr std::size_t page = 4096;
  int fd_;
  std::vector<unsigned char> resident_;
};

}  // namespace

Reader::Reader(Workers& workers, std::size_t worker)
    : workers_(workers), worker_(worker), buffer_(piece_bytes) {}

Reader::End Reader::read(int fd, bool plain, const Take& take) {
  std::unique_ptr<Footprint> footprint;
  std::uint64_t done = 0;
  constexpr std::uint64_t drop_every = 16 * 1024 * 1024;
  std::uint64_t dropped = 0;
  End end = End::spent;
  while (workers_.go_on(worker_)) {
    ssize_t got = 0;
    do got = ::read(fd, buffer_.data(), buffer_.size());
    while (got < 0 && errno == EINTR);
    if (got < 0) {
      end = End::failed;
      break;
    }
    const auto bytes = static_cast<std::size_t>(got);
    workers_.count_bytes(bytes);
    // A disk's error in the middle also gives a short read, but one that ends with a page.
    const bool last = bytes == 0 || (plain && bytes < buffer_.size() && bytes % 4096 != 0);
    if (bytes == buffer_.size() && done == 0)
      if (struct stat info{};
          fstat(fd, &info) == 0 && static_cast<std::uint64_t>(info.st_size) >= large_bytes)
        footprint = std::make_unique<Footprint>(fd, static_cast<std::uint64_t>(info.st_size), bytes);
    done += bytes;
    const bool more = take({buffer_.data(), bytes}, last);
    if (last) {
      end = End::whole;
      break;
    }
    if (!more) {
      end = End::stopped;
      break;
    }
    if (footprint && done - dropped >= drop_every) {
      footprint->drop(dropped, done - 1);
      dropped = done;
    }
  }
  const int why = errno;
  if (footprint) footprint->drop(dropped, ~std::uint64_t{0} >> 1);  // with what the kernel read ahead
  errno = why;
  return end;
}

}  // namespace mig::modules::scan
