// A control group (version 2) a job, where the agent was given a subtree of its own (systemd: Delegate=yes): memory and
// number of threads bounded for all of a job together, and a group can be ended as a whole, whatever its processes did to
// leave their process group. Elsewhere jobs have their rlimits alone; `in_words` says so.
#pragma once

#include <cstdint>
#include <string>

namespace mig::node {

class Cgroups {
 public:
  /// No groups at all.
  Cgroups() = default;
  /// Groups below `base`, which is this process's alone. For tests.
  explicit Cgroups(std::string base) : base_(std::move(base)) {}
  /// Looks where this process stands. If that subtree was delegated to it, it moves itself into a leaf and takes the rest for jobs.
  static Cgroups find();

  /// A fresh group; empty if there is none to be had, which is no error.
  std::string make(std::uint64_t job, std::size_t memory_bytes);
  /// By the child itself, before its wall. False: it runs without.
  static bool join(const std::string& group);
  /// Did the kernel end something in it for want of memory?
  static bool out_of_memory(const std::string& group);
  /// Ends whatever is still in it and removes it.
  static void end(const std::string& group);
  const std::string& in_words() const { return words_; }

 private:
  std::string base_, words_ = "control groups: none asked for";
};

}  // namespace mig::node
