#include "modules/scan/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace mig::modules::scan {
namespace {

constexpr int cold_most = 64;

/// What of a file lay in memory is known only by asking for nothing else (RWF_NOWAIT): mincore and cachestat
/// answer owners alone. What did not is read without reading ahead, and let go of piece by piece.
class Piecewise {
 public:
  explicit Piecewise(int fd) : fd_(fd) {}

  ssize_t next(char* into, std::size_t size) {
    iovec piece{into, size};
    ssize_t got = -1;
    if (asks_) {
      do got = preadv2(fd_, &piece, 1, -1, RWF_NOWAIT);
      while (got < 0 && errno == EINTR);
      if (got >= 0) {
        done_ += got;
        return got;
      }
      if (errno == EAGAIN) {
        if (!cold_) begin_cold();
      } else if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL) {
        asks_ = false;
      }
    }
    const off_t from = done_;
    do got = ::read(fd_, into, size);
    while (got < 0 && errno == EINTR);
    if (got <= 0) return got;
    done_ += got;
    // The first question made the system begin to read ahead, and what it read so would make it go on: away with it.
    if (large_) posix_fadvise(fd_, from, std::exchange(first_, false) ? Reader::large_bytes : got, POSIX_FADV_DONTNEED);
    return got;
  }
  bool cold() const { return cold_; }

 private:
  void begin_cold() {
    cold_ = true;
    struct stat info {};
    large_ = fstat(fd_, &info) == 0 && info.st_size >= Reader::large_bytes;
    if (large_) posix_fadvise(fd_, 0, 0, POSIX_FADV_RANDOM);
  }

  int fd_;
  off_t done_ = 0;
  bool asks_ = true, cold_ = false, large_ = false, first_ = true;
};

}  // namespace

Reader::Reader(Workers& workers, std::size_t worker)
    : workers_(workers), worker_(worker), buffer_(piece_bytes) {}

Reader::End Reader::read(int fd, bool plain, const Take& take) {
  Piecewise pieces(fd);
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
