// config.toml of MIG_HOME: read and written.
#pragma once

#include <string>

#include "investigator/home.h"

namespace mig::investigator {

/// Errors: file, line and trouble; unknown keys with the nearest known one.
core::Result<Config> parse_config(const std::string& toml, const std::string& path);
std::string write_config(const Config& config);

}  // namespace mig::investigator
