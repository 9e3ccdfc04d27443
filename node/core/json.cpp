#include "node/core/json.h"

namespace mig::core {}  // the reader and the writers
