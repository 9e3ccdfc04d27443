// The module reference for people: made from the schemas, so that it cannot say what the code does not do.
#pragma once

#include <string>
#include <string_view>

#include "modules/module.h"

namespace mig::modules {

/// One page of Markdown: summary, what it reveals, costs and needs, parameters, one element of the result, and `notes`
/// (the module's own README.md, whose headings start at the second level) at its end.
std::string reference_page(const Module& module, std::string_view notes);

/// The page that lists all modules and links to theirs ("x.md").
std::string reference_index();

}  // namespace mig::modules
