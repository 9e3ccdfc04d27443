// A few threads with a stack of tasks each; who has nothing to do takes the oldest task of another.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "modules/budget.h"

namespace mig::modules::scan {

/// Two threads, one where there is one processor.
std::size_t two_at_most();

/// How much of the machine a scan takes.
struct Pace {
  std::size_t threads = two_at_most();
  double cpu_percent = 0;       ///< share of each thread's time; 0: all
  double bytes_per_second = 0;  ///< read; 0: as fast as it goes
};

class Workers {
 public:
  using Task = std::function<void(std::size_t worker)>;
  Workers(const Pace& pace, Budget& budget);

  std::size_t threads() const { return stacks_.size(); }
  /// For the worker that runs now, or for any before run(). The newest is done first.
  void add(std::size_t worker, Task task);
  /// Until every task is done, or the budget is spent: what is left then is dropped.
  void run();
  /// Between pieces of work: waits as the pace asks. False: the budget is spent.
  bool go_on(std::size_t worker);
  void count_bytes(std::uint64_t bytes);

 private:
  using Clock = std::chrono::steady_clock;
  struct Stack {
    std::mutex mutex;
    std::deque<Task> tasks;
    Clock::time_point working_since;
  };
  bool take(std::size_t worker, Task& task);
  void work(std::size_t worker);
  void wait(Clock::duration time);

  Pace pace_;
  Budget& budget_;
  std::vector<std::unique_ptr<Stack>> stacks_;
  std::atomic<std::size_t> unfinished_{0};
  std::atomic<int> idle_{0};
  std::mutex idle_mutex_;
  std::condition_variable more_;
  std::atomic<std::uint64_t> bytes_{0};
  Clock::time_point began_;
};

}  // namespace mig::modules::scan
