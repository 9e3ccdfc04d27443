// Entries, statistics and printed lines: MIG's shapes.
#pragma once

#include "modules/file/judge.h"

namespace mig::modules::file {

/// Elements {"<label>":[entry, ..]}. What matched nothing gets an entry without a file, up to 100 of them;
/// `unmatched` counts the rest.
core::Json elements_of(const std::vector<Search>& searches, Findings& findings, std::uint64_t& unmatched);
std::vector<std::string> lines_of(const Answer& answer, bool found_only);

}  // namespace mig::modules::file
