// A directory that stands for a machine's root, gone at the end of the test.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace mig::test {

class MadeUpRoot {
 public:
  MadeUpRoot() {
    char name[] = "/tmp/mig-root-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~MadeUpRoot() { std::filesystem::remove_all(path_); }
  MadeUpRoot(const MadeUpRoot&) = delete;

  const std::string& path() const { return path_; }
  std::string path(const std::string& below) const { return path_ + below; }
  /// `where` begins with a slash; its folders are made.
  void file(const std::string& where, const std::string& content, mode_t mode = 0644) const {
    std::filesystem::create_directories(std::filesystem::path(path(where)).parent_path());
    std::ofstream(path(where), std::ios::binary) << content;
    ::chmod(path(where).c_str(), mode);
  }
  void folder(const std::string& where) const { std::filesystem::create_directories(path(where)); }

 private:
  std::string path_;
};

}  // namespace mig::test
