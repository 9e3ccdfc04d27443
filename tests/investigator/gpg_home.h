// A temporary directory, and a gpg of its own inside with keys as people make them.
#pragma once

#include <string>

#include "investigator/gpg.h"
#include "investigator/lab_process.h"

namespace mig::tests {

/// Removed with all it holds at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Its agent is ended at the end.
class GpgHome {
 public:
  GpgHome();
  ~GpgHome();
  const std::string& path() const { return dir_.path(); }
  investigator::Gpg gpg() const;
  /// Runs the gpg program on this home. Gives its exit code.
  int run(std::vector<std::string> words) const;
  /// By `gpg --quick-gen-key USER KIND USAGE EXPIRE`; gives the fingerprint.
  core::Fingerprint key(const std::string& user, const std::string& kind, const std::string& usage,
                        const std::string& expire = "never") const;

 private:
  TempDir dir_;
};

}  // namespace mig::tests
