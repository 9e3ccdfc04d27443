// Where tests of stores happen: directories that go away, and processes that may be killed.
#pragma once

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace mig::store::testing {

/// A directory that is gone when the test is over.
class Place {
 public:
  Place() {
    std::string path = (std::filesystem::temp_directory_path() / "mig-store-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline unsigned mode(const std::string& path) {
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  return about.st_mode & 07777;
}

/// What `work` says, line by line, in a process of its own, and how that ended. `kill_after` so many lines:
/// SIGKILL.
struct Ending {
  std::vector<std::string> lines;
  bool killed = false;
  int status = 0;
};
inline Ending in_a_child(const std::function<void(int out)>& work, std::size_t kill_after = SIZE_MAX) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    ::signal(SIGABRT, SIG_DFL);  // an abort is a child's own matter, not Catch's
    ::alarm(120);                // nothing hangs
    work(ends[1]);
    ::_exit(0);
  }
  ::close(ends[1]);
  Ending out;
  std::string line;
  for (char c; ::read(ends[0], &c, 1) == 1;) {
    if (c != '\n') {
      line += c;
      continue;
    }
    out.lines.push_back(std::exchange(line, {}));
    if (out.lines.size() == kill_after)
      ::kill(child, SIGKILL);  // what is in the pipe already was said before
  }
  ::close(ends[0]);
  ::waitpid(child, &out.status, 0);
  out.killed = WIFSIGNALED(out.status) && WTERMSIG(out.status) == SIGKILL;
  return out;
}

inline void say(int out, const std::string& line) {
  (void)!::write(out, (line + "\n").data(), line.size() + 1);
}

}  // namespace mig::store::testing
