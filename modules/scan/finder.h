// Many expressions looked for at once: a byte automaton finds where one may match, its caller asks RE2
// whether it does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "modules/scan/superset.h"

struct hs_database;
struct hs_scratch;

namespace re2 {
class RE2;
}

namespace mig::modules::scan {

/// Immutable; every thread brings its own Scratch.
class Finder {
 public:
  using Regex = std::shared_ptr<const re2::RE2>;
  /// Sequences of bytes, found as they are; their numbers follow those of the expressions.
  explicit Finder(std::vector<Regex> expressions, const std::vector<std::string>& bytes = {},
                  Text text = Text::lines);
  ~Finder();
  Finder(const Finder&) = delete;
  Finder& operator=(const Finder&) = delete;

  std::size_t size() const { return covered_.size(); }
  /// False: too strange for the automaton, to be tried on every line instead.
  bool covers(std::size_t number) const { return covered_[number]; }
  bool covers_any() const { return database_ != nullptr; }
  /// The longest match of what is covered, in bytes; `unbounded` if there is no longest.
  std::size_t width(std::size_t number) const { return widths_[number]; }
  static constexpr std::size_t unbounded = ~std::size_t{0};
  const re2::RE2& expression(std::size_t number) const { return *expressions_[number]; }

  class Scratch {
   public:
    explicit Scratch(const Finder& finder);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

   private:
    friend class Finder;
    hs_scratch* scratch_ = nullptr;
  };

  /// Called with the number of an expression and the offset behind a place where it may match. True: enough.
  using Candidate = bool (*)(void* context, unsigned number, std::size_t end);
  /// False if it was stopped, or the block could not be looked through.
  bool scan(std::string_view block, Scratch& scratch, Candidate candidate, void* context) const;

 private:
  void compile(std::vector<std::string> texts, std::vector<unsigned> flags, std::vector<unsigned> numbers);

  std::vector<Regex> expressions_;
  std::vector<char> covered_;
  std::vector<std::size_t> widths_;
  hs_database* database_ = nullptr;
};

}  // namespace mig::modules::scan
