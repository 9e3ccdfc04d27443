// The made-up files of a lab's agents: known content, so that questions have known answers.
#pragma once

#include <string>

#include "node/core/result.h"

namespace mig::investigator {

/// Who an agent of a lab is: the first is web-1, then db-1, web-2, db-2 ...
struct LabAgent {
  int number = 1;                    ///< 1, 2, 3 ...: over all agents
  std::string role() const { return number % 2 == 1 ? "web" : "db"; }
  std::string name() const { return role() + "-" + std::to_string((number + 1) / 2); }
  bool implanted() const { return number % 3 == 1; }     ///< numbers 1, 4, 7 ...
  bool root_login() const { return number % 4 == 2; }    ///< numbers 2, 6, 10 ...
};

/// Writes the file tree of `agent` into the directory `root`.
core::Status write_lab_root(const LabAgent& agent, const std::string& root);
/// What is found where, for people.
std::string lab_root_text();

}  // namespace mig::investigator
