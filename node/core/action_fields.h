// The fields of a version 3 action as they stand in JSON: shared by the strict reader and the reader of files.
#pragma once

#include "node/core/action.h"
#include "node/core/members.h"

namespace mig::core {

struct ActionFields {
  Action action;          ///< its id is not set
  bool complete = false;  ///< no field was absent
};

/// Types, bounds, window and target; unknown fields refused. `document` is without `pgpsignatures`.
Result<ActionFields> read_action_fields(const Json& document, Members::Absent absent);

}  // namespace mig::core
