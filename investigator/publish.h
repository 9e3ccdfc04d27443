// Puts a signed document on the board of a relay and waits until that one keeps it.
#pragma once

#include "investigator/station.h"

namespace mig::investigator {

/// Attaches first. `what`: how errors name it. Errors: no relay reached, refused and why, not answered in time; after
/// Ctrl-C `station.interrupted()`.
core::Status publish(Station& station, const core::Object& object, const std::string& what);

}  // namespace mig::investigator
