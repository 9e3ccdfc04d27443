// Walks directory trees with several threads: large buffers, no stat, nothing followed below a root.
//
// A directory is opened relative to its parent and must not have become a link since. Its entries are shown
// in pieces while it is open; then its directories are walked in the order of their names, as far as one
// thread goes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "modules/scan/mounts.h"
#include "modules/scan/workers.h"

namespace mig::modules::scan {

/// An open directory, shared by those who open something in it.
class Handle {
 public:
  explicit Handle(int fd);
  ~Handle();
  Handle(const Handle&) = delete;
  int fd() const { return fd_; }
  /// Of this process; beyond a few hundred, directories are opened by their path instead.
  static std::size_t open_ones();

 private:
  int fd_;
};

struct Directory {
  std::string path, real;  ///< as results name it; where it is
  std::size_t root = 0;    ///< number of the root it was reached from
  const Mount* mount = nullptr;
  std::shared_ptr<Handle> handle;  ///< while it is read, and as long as children hold it
  std::shared_ptr<void> note;      ///< the visitor's
};

struct Entry {
  std::string_view name;
  bool link = false;  ///< else a regular file
};

/// One a thread.
class Visitor {
 public:
  virtual ~Visitor() = default;
  /// Whether to go in; `directory` is not open yet. `crossing`: something is mounted there.
  virtual bool enter(Directory& directory, bool crossing) = 0;
  virtual void files(const Directory& directory, std::vector<Entry>& entries) = 0;
  virtual void trouble(const Directory& directory, const char* what, int error) = 0;
};

std::string join(const std::string& directory, std::string_view name);

class Walk {
 public:
  /// `visitors`: as many as there are workers.
  Walk(Workers& workers, const Mounts& mounts, std::vector<Visitor*> visitors)
      : workers_(workers), mounts_(mounts), visitors_(std::move(visitors)) {}
  /// From within a task of that worker.
  void add_root(std::size_t worker, Directory root);

 private:
  void go_in(std::size_t worker, const std::shared_ptr<Handle>& parent, const std::string& name,
             Directory directory);
  void read(std::size_t worker, Directory& directory, std::vector<std::string>& below);

  Workers& workers_;
  const Mounts& mounts_;
  std::vector<Visitor*> visitors_;
};

}  // namespace mig::modules::scan
