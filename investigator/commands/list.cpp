// Every command by name; nothing registers itself.
#include "investigator/commands/command.h"

namespace mig::investigator {

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      run_command(),    results_command(), actions_command(), status_command(),  cancel_command(), missing_command(), ask_again_command(), export_command(), close_command(), stamp_command(), agents_command(), relays_command(), topology_command(),
      mesh_command(), roster_command(), stop_command(),
      invite_command(), sign_command(),    verify_command(),  lab_command(),    modules_command(), help_command(), version_command(),
  };
  return all;
}

}  // namespace mig::investigator
