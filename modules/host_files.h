// The machine's files as a module sees them: through Host, bounded, never waiting on a pipe or a device.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "modules/module.h"

namespace mig::modules {

/// Where the absolute `path` is read: below host.root if something stands there, else at `path` itself.
std::string place_of(const Host& host, const std::string& path);

/// The whole content of a regular file. Errors name `path`: Code::not_found if it is not there, Code::too_large if it
/// is longer than `bytes_max`, Code::world otherwise.
core::Result<std::string> read_file(const Host& host, const std::string& path, std::size_t bytes_max);

/// Sorted names in a directory, without "." and ".."; empty if it is not there or cannot be read.
std::vector<std::string> names_in(const Host& host, const std::string& directory);

}  // namespace mig::modules
