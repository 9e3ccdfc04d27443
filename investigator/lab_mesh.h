// The lab's investigator asks her own mesh whether everybody is there.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "investigator/lab_node.h"

namespace mig::investigator {

class Station;

class LabMesh {
 public:
  /// Attaches at relay-1.
  static core::Result<LabMesh> attach(const Lab& lab, LabDeadline deadline);
  LabMesh(LabMesh&&) noexcept;
  ~LabMesh();

  /// Until every relay of the lab is within reach of the first. Only then can all of them enrol agents.
  core::Status await_relays(const Lab& lab, LabDeadline deadline);
  /// Until every agent of the lab is online in some relay's register. Errors name who is missing.
  core::Status await_agents(const Lab& lab, LabDeadline deadline);

 private:
  explicit LabMesh(std::unique_ptr<Station> station);
  std::unique_ptr<Station> station_;
};

}  // namespace mig::investigator
