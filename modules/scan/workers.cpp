#include "modules/scan/workers.h"

#include <algorithm>
#include <system_error>
#include <thread>

namespace mig::modules::scan {
namespace {

/// A thread that works in short turns is checked often enough with this.
constexpr std::chrono::milliseconds turn{10};
/// A wait is cut short when the budget ends.
constexpr std::chrono::milliseconds nap{20};

}  // namespace

std::size_t two_at_most() { return std::clamp(std::thread::hardware_concurrency(), 1U, 2U); }

Workers::Workers(const Pace& pace, Budget& budget) : pace_(pace), budget_(budget) {
  for (std::size_t i = 0; i < std::max<std::size_t>(pace.threads, 1); ++i)
    stacks_.push_back(std::make_unique<Stack>());
}

void Workers::add(std::size_t worker, Task task) {
  ++unfinished_;
  {
    std::lock_guard lock(stacks_[worker]->mutex);
    stacks_[worker]->tasks.push_back(std::move(task));
  }
  if (idle_.load(std::memory_order_seq_cst) > 0) {
    std::lock_guard lock(idle_mutex_);
    more_.notify_one();
  }
}

bool Workers::take(std::size_t worker, Task& task) {
  for (std::size_t i = 0; i < stacks_.size(); ++i) {
    Stack& stack = *stacks_[(worker + i) % stacks_.size()];
    std::lock_guard lock(stack.mutex);
    if (stack.tasks.empty()) continue;
    if (i == 0) {
      task = std::move(stack.tasks.back());
      stack.tasks.pop_back();
    } else {  // the oldest of another: most likely the largest
      task = std::move(stack.tasks.front());
      stack.tasks.pop_front();
    }
    return true;
  }
  return false;
}

void Workers::work(std::size_t worker) {
  stacks_[worker]->working_since = Clock::now();
  for (Task task;;) {
    if (take(worker, task)) {
      if (!budget_.spent()) task(worker);
      task = nullptr;
      if (--unfinished_ == 0) {
        std::lock_guard lock(idle_mutex_);
        more_.notify_all();
      }
      continue;
    }
    std::unique_lock lock(idle_mutex_);
    if (unfinished_ == 0) return;
    ++idle_;
    // A task may have been added between the look and here: a short wait instead of a second look under the
    // lock.
    more_.wait_for(lock, std::chrono::milliseconds(1));
    --idle_;
  }
}

void Workers::run() {
  began_ = Clock::now();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < stacks_.size(); ++i) {
    try {
      threads.emplace_back([this, i] { work(i); });
    } catch (const std::system_error&) {  // no more threads to be had
      if (threads.empty()) work(i);
      break;
    }
  }
  for (auto& thread : threads) thread.join();
}

void Workers::wait(Clock::duration time) {
  const auto end = Clock::now() + time;
  while (!budget_.spent()) {
    const auto left = end - Clock::now();
    if (left <= Clock::duration::zero()) return;
    std::this_thread::sleep_for(std::min<Clock::duration>(left, nap));
  }
}

bool Workers::go_on(std::size_t worker) {
  if (pace_.cpu_percent > 0 && pace_.cpu_percent < 100) {
    Stack& mine = *stacks_[worker];
    const auto worked = Clock::now() - mine.working_since;
    if (worked >= turn) {
      wait(std::chrono::duration_cast<Clock::duration>(worked *
                                                       ((100 - pace_.cpu_percent) / pace_.cpu_percent)));
      mine.working_since = Clock::now();
    }
  }
  if (pace_.bytes_per_second > 0) {
    const std::chrono::duration<double> due(static_cast<double>(bytes_.load()) / pace_.bytes_per_second);
    const auto ahead = std::chrono::duration_cast<Clock::duration>(due) - (Clock::now() - began_);
    if (ahead > turn) wait(ahead);
  }
  return !budget_.spent();
}

void Workers::count_bytes(std::uint64_t bytes) {
  if (pace_.bytes_per_second > 0) bytes_ += bytes;
}

}  // namespace mig::modules::scan
