// Entries, statistics and printed lines: MIG's shapes.
#pragma once

#include "modules/file/search.h"
#include "modules/module.h"

namespace mig::modules::file {

/// Elements {"<label>":[entry, ..]}. What matched nothing gets an entry without a file, up to 100 of them;
/// `unmatched` counts the rest.
/// Searches of other operations are left out. Takes the hits out of the searches.
core::Json elements_of(std::vector<Search>& searches, std::size_t operation, std::uint64_t& unmatched);
std::vector<std::string> lines_of(const Answer& answer, bool found_only);

}  // namespace mig::modules::file
