// Several hashes of one sequence of bytes, made in one pass.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string_view>

#include "modules/file/syntax.h"

namespace mig::modules::file {

class Digests {
 public:
  explicit Digests(const std::set<HashKind>& kinds);
  ~Digests();
  Digests(Digests&&) noexcept;
  Digests& operator=(Digests&&) = delete;

  void update(std::string_view bytes);
  /// REQUIRES: called once, after the last update().
  std::map<HashKind, core::Bytes> finish();

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace mig::modules::file
