// Small private files: read whole, written whole and at once, mode 0600.
#pragma once

#include <string>

#include "node/core/bytes.h"

namespace mig::investigator {

/// Errors name the file and the trouble; Code::not_found when there is none. Bounded to limits::attached_file_bytes.
core::Result<core::Bytes> read_file(const std::string& path);
/// As read_file, and refuses a file that others may read.
core::Result<core::Bytes> read_secret(const std::string& path);
/// Replaces the file as a whole (a crash leaves the old one), synced to disk, mode 0600.
core::Status write_private(const std::string& path, core::BytesView bytes);
/// Makes `dir` and what is missing above it; the last one with mode 0700.
core::Status make_private_dir(const std::string& dir);

}  // namespace mig::investigator
