// leans on: modules
// The parameters of every module as a stranger may sign them, and answers as a foreign agent may send them: checked,
// printed and masked. Nothing is run. The first octet chooses the module and which of the two.
#include "modules/module.h"
#include "tests/fuzz/fuzz.h"

using namespace mig;

MIG_FUZZ(parameters) {
  if (input.empty()) return;
  const auto& all = modules::all();
  const unsigned choice = static_cast<unsigned char>(input.front());
  const modules::Module& module = *all[choice / 2 % all.size()];
  const auto json = core::parse_json(input.substr(1), 1 << 16);
  if (!json) return;
  if (choice % 2 == 0) {
    const auto checked = core::check_document(module.parameters(), *json);
    if (!checked) {
      MIG_CHECK(!checked.error().text.empty(), "a refusal says why");
      return;
    }
    const auto again = core::check_document(module.parameters(), *checked);
    MIG_CHECK(again && *again == *checked, "what passed once passes again, and stays");
    return;
  }
  auto answer = modules::Answer::from_json(*json);
  if (!answer) return;
  module.print(*answer, false);
  module.print(*answer, true);
  module.mask(*answer);
  module.print(*answer, false);
}
