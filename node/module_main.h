// `mig-agent -m NAME`: runs one module here and now, one JSON line in, one JSON object out.
#pragma once

#include <string_view>

namespace mig::node {

/// Reads {"class":"parameters","parameters":{..}} from the first line of standard input (without waiting for its end),
/// runs the module and writes one Result and a newline to standard output; `pretty`: the module's lines for people.
/// Bad JSON, a wrong class and an unknown module are told in a Result too. Returns the exit code: 0 once written.
int run_module(std::string_view name, bool pretty);

}  // namespace mig::node
