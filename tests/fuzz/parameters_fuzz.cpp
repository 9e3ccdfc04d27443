// leans on: modules
// The parameters of every module as a stranger may sign them, and answers as a foreign agent may send them:
// checked, and printed. Nothing is run. The first word is the module, with a ! in front for an answer.
#include "modules/module.h"
#include "tests/fuzz/fuzz.h"

using namespace mig;

MIG_FUZZ(parameters) {
  const bool is_answer = input.starts_with('!');
  if (is_answer) input.remove_prefix(1);
  const auto blank = input.find(' ');
  if (blank == input.npos) return;
  const modules::Module* found = modules::find(input.substr(0, blank));
  if (found == nullptr) return;
  const modules::Module& module = *found;
  const auto json = core::parse_json(input.substr(blank + 1), 1 << 16);
  if (!json) return;
  if (!is_answer) {
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
  for (bool found_only : {false, true}) try {
      module.print(*answer, found_only);
    } catch (const core::Json::exception&) {  // mig says then that the answer has not its module's form
    }
}
