// What the owner of a machine takes away from the mesh, whatever the roster says. Nothing in it can grant: lists only
// shrink what is there, numbers above the usual bounds change nothing, and of several files the strictest word holds.
//
//   {"modules": ["file", "netstat"],   only these run
//    "paths": ["/etc", "/usr"],        only what lies below these is read; Landlock keeps it, so modules that cannot be
//                                      held to it (those that look into processes), and all modules on kernels without it, are refused
//    "seconds": 30, "cpu_seconds": 10, "memory_mb": 128, "output_kb": 256,   of one action
//    "privacy": true}                  paths, names and addresses in answers are masked
//
// Every action that this refuses is answered with a signed refusal which says so.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "modules/demands.h"
#include "node/core/json.h"
#include "node/core/result.h"
#include "node/jobs.h"

namespace mig::node {

struct Restrictions {
  std::optional<std::set<std::string>> modules;     ///< none: all
  std::optional<std::vector<std::string>> paths;    ///< none: all
  double seconds = 0, cpu_seconds = 0;              ///< 0: as usual
  std::size_t memory_bytes = 0, output_bytes = 0;
  bool privacy = false;

  /// Both hold from now on.
  void add(const Restrictions& other);
  /// Lowers what the job was to have.
  void apply(JobSpec& spec) const;
  /// Why these modules of this build do not run here, by name.
  std::map<std::string, std::string> refusals() const;
  /// For people; empty if nothing is restricted.
  std::vector<std::string> in_words() const;
};

/// Strict: an unknown word is an error, since a misspelt restriction would be none.
core::Result<Restrictions> parse_restrictions(const std::string& text);
/// All files of the list that are there. A file that cannot be read or understood is an error: the agent must not start without it.
core::Result<Restrictions> read_restrictions(const std::vector<std::string>& files);

}  // namespace mig::node
