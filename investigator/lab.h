// A mesh of real processes on one machine, for trying out and for tests.
//
//   DIR/lab.json       what stands here and which processes run
//   DIR/mig/           MIG_HOME of its only investigator
//   DIR/gnupg/         her gpg directory, a fresh key without passphrase
//   DIR/NAME/state     of a relay or agent; DIR/NAME/log its log; DIR/NAME/root its made-up files (agents)
//
// Relays listen on free ports of 127.0.0.1. relay-1 is the first (segment hq); relay-2 dials it, relay-3 dials
// relay-2, further ones form a tree below. Agents are spread over all relays and know the others as fall-backs.
#pragma once

#include <functional>
#include <string>

#include "investigator/lab_record.h"

namespace mig::investigator {

struct LabPlan {
  std::string dir;
  int relays = 3, agents = 8, segments = 2;
  double seconds = 60;                     ///< to wait until all are attached
  std::string programs;                    ///< directory of mig-relay and mig-agent; empty: that of this program
  bool ask_mesh = true;                    ///< false: what nodes log is believed (stand-ins have no mesh)
};
using Progress = std::function<void(const std::string&)>;

/// Builds and starts; returns when the mesh says that every relay is within reach and every agent attached. An earlier lab in the directory is
/// replaced when nothing of it runs. Errors: one that runs, a foreign directory, a node that did not come up (with
/// the last lines of its log); then everything has been ended again.
core::Result<Lab> lab_up(const LabPlan& plan, const Progress& progress);
/// Ends what was recorded, gpg-agent too; the files stay. Does nothing when nothing runs.
core::Status lab_down(const std::string& dir);
/// Ends one node as a crash would.
core::Status lab_kill(const std::string& dir, const std::string& name);
/// Starts an ended node with the state it has, and waits until it is back.
core::Status lab_start(const std::string& dir, const std::string& name, double seconds);

}  // namespace mig::investigator
