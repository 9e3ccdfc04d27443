// Every command by name; nothing registers itself.
#include "investigator/commands/command.h"

namespace mig::investigator {

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      mesh_command(), invite_command(), sign_command(), verify_command(), lab_command(),
  };
  return all;
}

}  // namespace mig::investigator
