// lab.json: what a lab consists of and which of its processes were started.
#pragma once

#include <string>
#include <vector>

#include "investigator/lab_process.h"

namespace mig::investigator {

struct LabNode {
  std::string name;                       ///< "relay-2", "web-1"
  bool relay = false;
  std::string segment;
  std::vector<std::string> words;         ///< how to start it (again)
  ProcessId process;                      ///< as last started; pid 0: never
};

struct Lab {
  std::string dir;                        ///< absolute
  std::string gnupg_home;
  std::vector<LabNode> nodes;

  std::string mig_home() const { return dir + "/mig"; }
  std::string node_dir(const LabNode& node) const { return dir + "/" + node.name; }
  std::string state(const LabNode& node) const { return node_dir(node) + "/state"; }
  std::string log(const LabNode& node) const { return node_dir(node) + "/log"; }
  /// Errors: which names there are.
  core::Result<LabNode*> node(const std::string& name);
  std::vector<ProcessId> processes() const;
};

/// Errors: no lab in `dir` (Code::not_found), a file that is none.
core::Result<Lab> read_lab(const std::string& dir);
/// Mode 0600: join strings stand in it.
core::Status write_lab(const Lab& lab);

}  // namespace mig::investigator
