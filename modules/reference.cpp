#include "modules/reference.h"

#include <fmt/format.h>

namespace mig::modules {

std::string reference_page(const Module& module, std::string_view notes) {
  const core::Schema &parameters = module.parameters(), &row = module.row();
  std::string out = fmt::format("# {}\n\n{}\n\n- **Reveals**: {}.\n- **Cost**: {}\n- **Needs**: {}\n\n## Parameters\n\n{}",
                                parameters.name, parameters.summary, to_text(module.disclosure()), module.cost(),
                                module.needs(), core::markdown(parameters));
  out += fmt::format("\n## Result\n\n{}\n\n{}", row.summary, core::markdown(row));
  if (!notes.empty()) out += fmt::format("\n{}", notes);
  return out;
}

std::string reference_index() {
  std::string out =
      "# Modules\n\nEvery question an agent can answer. These pages are written by `./dev docs`; change the schemas or a\n"
      "module's README.md, not them.\n\n| module | what it asks | reveals |\n|---|---|---|\n";
  for (const Module* module : all())
    out += fmt::format("| [{0}]({0}.md) | {1} | {2} |\n", module->parameters().name, module->parameters().summary,
                       to_text(module->disclosure()));
  return out;
}

}  // namespace mig::modules
