// libyara, loaded when it is needed: it brings libraries that every other job would pay for at its start.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "node/core/result.h"

struct YR_RULES;
struct YR_SCAN_CONTEXT;

namespace mig::modules::yara {

/// Immutable; every thread brings its own Scanner.
class Rules {
 public:
  /// Errors: what is wrong in which line; Code::world "unsupported: .." where libyara is not installed.
  static core::Result<std::shared_ptr<const Rules>> compile(const std::string& text);
  ~Rules();
  Rules(const Rules&) = delete;
  Rules& operator=(const Rules&) = delete;

 private:
  friend class Scanner;
  Rules() = default;
  YR_RULES* rules_ = nullptr;
};

class Scanner {
 public:
  explicit Scanner(const Rules& rules);
  ~Scanner();
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  /// Names of the rules that match, sorted. Errors: "it took longer than 10 s" and the like.
  core::Result<std::vector<std::string>> bytes(std::string_view bytes);
  core::Result<std::vector<std::string>> file(int fd);
  /// `next` gives the following block and where it lies, as long as there is one; it stays valid until asked
  /// again.
  struct Block {
    std::string_view bytes;
    std::uint64_t base = 0;
  };
  core::Result<std::vector<std::string>> blocks(const std::function<bool(Block&)>& next);

 private:
  core::Result<std::vector<std::string>> names(int code);
  YR_SCAN_CONTEXT* scanner_ = nullptr;
  std::vector<std::string> found_;
};

}  // namespace mig::modules::yara
