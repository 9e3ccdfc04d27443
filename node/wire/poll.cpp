#include "node/wire/poll.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "node/core/check.h"

namespace mig::wire {

using namespace core;

Poll::Poll() : epoll_(epoll_create1(EPOLL_CLOEXEC)), bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  MIG_CHECK(epoll_ >= 0 && bell_ >= 0, "a driver needs two descriptors of its own");
  add(bell_, [this] {
    std::uint64_t rung = 0;
    (void)!::read(bell_, &rung, sizeof rung);
  });
}

Poll::~Poll() {
  ::close(epoll_);
  ::close(bell_);
}

void Poll::add(int fd, std::function<void()> ready) {
  ready_[fd] = std::make_shared<std::function<void()>>(std::move(ready));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  const int rc = epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  MIG_CHECK(rc == 0 || errno == EEXIST, "only open descriptors can be watched");
}

void Poll::remove(int fd) {
  if (ready_.erase(fd) != 0) epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

void Poll::wait(Duration wait) {
  std::array<epoll_event, 64> events{};
  // An hour at most: longer waits would overflow epoll's int long before they mattered.
  const std::int64_t ms = std::clamp<std::int64_t>((wait.us + 999) / 1000, 0, 3'600'000);
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), static_cast<int>(ms));
  for (int i = 0; i < count; ++i) {
    auto it = ready_.find(events[static_cast<std::size_t>(i)].data.fd);
    if (it == ready_.end()) continue;
    const auto call = it->second;  // kept alive: it may remove itself
    (*call)();
  }
}

void Poll::ring() const {
  const std::uint64_t one = 1;
  (void)!::write(bell_, &one, sizeof one);
}

}  // namespace mig::wire
