#include "modules/scan/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mig::modules::scan {
namespace {

constexpr int cold_most = 64;
constexpr int dropless_files = 256;  ///< read before one is asked again to be dropped

// Younger than Debian 12's headers (Linux 6.14): what a read brings into memory, ahead of it too, leaves it behind the read.
#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x00000080
#endif

/// What of a file lay in memory is known only by asking for nothing else (RWF_NOWAIT): mincore and cachestat
/// answer owners alone. What did not is dropped by the kernel itself or, where it cannot do that, read without reading
/// ahead and let go of piece by piece; what the first question made it read ahead stays then.
class Piecewise {
 public:
  Piecewise(int fd, int& dropless) : fd_(fd), dropless_(dropless) {
    if (dropless_ > 0) --dropless_;
  }

  ssize_t next(char* into, std::size_t size) {
    ssize_t got = -1;
    if (asks_) {
      got = read(into, size, RWF_NOWAIT);
      if (got >= 0) return got;
      if (errno == EAGAIN) {
        if (!cold_) begin_cold();
      } else if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) {
        asks_ = false;
      }
    }
    const off_t from = done_;
    got = read(into, size, 0);
    if (got > 0 && large_) posix_fadvise(fd_, from, got, POSIX_FADV_DONTNEED);
    return got;
  }
  bool cold() const { return cold_; }

 private:
  ssize_t read(char* into, std::size_t size, int flags) {
    iovec piece{into, size};
    ssize_t got = -1;
    do {
      got = drops() ? preadv2(fd_, &piece, 1, -1, flags | RWF_DONTCACHE) : flags == 0 ? ::read(fd_, into, size) : preadv2(fd_, &piece, 1, -1, flags);
      if (got < 0 && drops() && errno != EAGAIN && errno != EINTR) dropless_ = dropless_files, errno = EINTR;
    } while (got < 0 && errno == EINTR);
    if (got > 0) done_ += got;
    return got;
  }
  bool drops() const { return dropless_ == 0; }
  void begin_cold() {
    cold_ = true;
    if (drops()) return;
    struct stat info {};
    large_ = fstat(fd_, &info) == 0 && info.st_size >= Reader::large_bytes;
    if (large_) posix_fadvise(fd_, 0, 0, POSIX_FADV_RANDOM);
  }

  int fd_;
  int& dropless_;
  off_t done_ = 0;
  bool asks_ = true, cold_ = false, large_ = false;
};

}  // namespace

Reader::Reader(Workers& workers, std::size_t worker)
    : workers_(workers), worker_(worker), buffer_(piece_bytes) {}

Reader::End Reader::read(int fd, bool plain, const Take& take) {
  Piecewise pieces(fd, dropless_);
  End end = End::spent;
  while (workers_.go_on(worker_)) {
    const ssize_t got = pieces.next(buffer_.data(), buffer_.size());
    if (got < 0) {
      end = End::failed;
      break;
    }
    const auto bytes = static_cast<std::size_t>(got);
    workers_.count_bytes(bytes);
    // What is only partly in memory, and a disk's error in the middle, also give short reads, but such that
    // end with a page.
    const bool last = bytes == 0 || (plain && bytes < buffer_.size() && bytes % 4096 != 0);
    const bool more = take({buffer_.data(), bytes}, last);
    if (last) {
      end = End::whole;
      break;
    }
    if (!more) {
      end = End::stopped;
      break;
    }
  }
  cold_ = std::clamp(cold_ + (pieces.cold() ? 4 : -1), 0, cold_most);
  return end;
}

}  // namespace mig::modules::scan
