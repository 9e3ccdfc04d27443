// Searches, compiled, and the look for their bytes and contents in windows of memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "modules/memory/process.h"
#include "modules/scan/finder.h"
#include "node/core/schema.h"

namespace mig::modules::memory {

enum class Kind { name, library, bytes, content };

/// One value of one key.
struct Check {
  Kind kind{};
  const char* key = "";
  std::string value;                      ///< as written
  std::shared_ptr<const re2::RE2> regex;  ///< of text
  std::shared_ptr<const re2::RE2> raw;    ///< the same over single bytes
  std::string bytes;
  unsigned needle = 0;  ///< number in Needles
};

struct Found {
  std::string program;
  pid_t pid = 0;
  std::size_t check = 0;  ///< without matchall
};

struct Search {
  std::string label, description;
  bool matchall = false, logfailures = false, self = false;
  std::uint64_t offset = 0, maxlength = 0;  ///< maxlength 0: no limit
  std::vector<Check> checks;                ///< in the order names, libraries, bytes, contents
  std::vector<Found> found;
};

core::Schema make_parameters();
/// REQUIRES: `parameters` passed check_document.
core::Result<std::vector<Search>> compile(const core::Json& parameters);
/// "options" as results repeat them.
core::Json options_of(const Search& search);

/// What all searches look for in memory. The same value is looked for once.
class Needles {
 public:
  explicit Needles(std::vector<Search>& searches);
  bool empty() const { return checks_.empty(); }
  std::size_t size() const { return checks_.size(); }

  /// Windows overlap by this much: whatever is not longer is found wherever it lies.
  std::size_t overlap() const { return overlap_; }

  /// One a thread.
  class Look {
   public:
    explicit Look(const Needles& needles) : needles_(needles), scratch_(*needles.finder_) {}
    /// `seen` is called with the number of a needle and the offset of its end in the window; true: that one
    /// is settled.
    void through(std::string_view window, const std::function<bool(unsigned, std::size_t)>& seen);
    /// Begins a process: every needle is looked for again.
    void begin() { settled_.assign(needles_.size(), 0); }

   private:
    bool candidate(unsigned number, std::size_t end);
    const Needles& needles_;
    scan::Finder::Scratch scratch_;
    std::vector<char> settled_;
    std::string_view window_;
    const std::function<bool(unsigned, std::size_t)>* seen_ = nullptr;
  };

 private:
  friend class Look;
  std::vector<const Check*> checks_;  ///< by needle
  std::vector<unsigned> numbers_;     ///< finder's number -> needle
  std::vector<unsigned> in_finder_;   ///< needle -> finder's number
  std::unique_ptr<scan::Finder> finder_;
  std::size_t overlap_ = 0;
};

}  // namespace mig::modules::memory
