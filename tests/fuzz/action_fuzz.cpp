// leans on: core
// Action documents: as they travel (strict, canonical) and as people keep them (indented, version 2 or 3).
#include "node/core/action.h"
#include "tests/fuzz/fuzz.h"

using namespace mig::core;

MIG_FUZZ(action) {
  if (auto action = parse_action(input)) {
    MIG_CHECK(canonical_json(to_json(*action)) == input, "what was signed is exactly what was read");
    MIG_CHECK(action->id == action_id_of(input), "the id is of the bytes that were read");
  }
  auto file = read_action_file(input);
  if (!file) return;
  if (!file->canonical.empty()) MIG_CHECK(parse_action(file->canonical), "the canonical form of a file is an action");
  for (const auto& one : file->enclosed)
    if (auto content = content_of(one)) MIG_CHECK(content->size() == one.attachment.size, "an attachment has the size it states");
  for (auto& operation : file->draft.operations) (void)fill_in(operation.parameters, file->enclosed);
}
