// Action files as the commands take them.
#pragma once

#include <string>

#include "investigator/draft.h"

namespace mig::investigator {

/// Reads FILE, or stdin for "-". Errors name the file.
core::Result<core::Bytes> read_named(const std::string& path);
/// Of a draft also the files its parameters name as attachments; they stand beside it.
core::Result<core::ActionFile> load_action(const std::string& path);
/// To `path`, or stdout when it is empty or "-".
core::Status write_named(const std::string& path, const std::string& text);

}  // namespace mig::investigator
