#include "tests/investigator/gpg_home.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

namespace mig::tests {

TempDir::TempDir() {
  char name[] = "/tmp/mig-test.XXXXXX";
  REQUIRE(mkdtemp(name) != nullptr);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

GpgHome::GpgHome() = default;

GpgHome::~GpgHome() { investigator::run_process({"gpgconf", "--homedir", path(), "--kill", "all"}); }

investigator::Gpg GpgHome::gpg() const {
  auto gpg = investigator::Gpg::open(path());
  REQUIRE(gpg);
  return *gpg;
}

int GpgHome::run(std::vector<std::string> words) const {
  words.insert(words.begin(), {"gpg", "--homedir", path(), "--batch", "--yes", "--quiet", "--pinentry-mode", "loopback",
                               "--passphrase", ""});
  return investigator::run_process(words);
}

core::Fingerprint GpgHome::key(const std::string& user, const std::string& kind, const std::string& usage,
                               const std::string& expire) const {
  REQUIRE(run({"--quick-gen-key", user, kind, usage, expire}) == 0);
  auto key = gpg().secret_key(user);
  REQUIRE(key);
  return key->fingerprint;
}

}  // namespace mig::tests
