// leans on: modules
// Documents of scribe, in YAML and JSON, and versions as they and packages hold them. An octet of 0: two versions, with a 0 between.
#include "modules/pkg/versions.h"
#include "modules/scribe/document.h"
#include "tests/fuzz/fuzz.h"

using namespace mig;
namespace scribe = modules::scribe;

namespace {

int sign(int value) { return (value > 0) - (value < 0); }

void versions(std::string_view text) {
  const std::size_t middle = text.find('\0');
  if (middle == text.npos) return;
  const std::string_view a = text.substr(0, middle), b = text.substr(middle + 1);
  for (auto* compare : {modules::pkg::compare_dpkg, modules::pkg::compare_rpm}) {
    MIG_CHECK(compare(a, a) == 0, "a version is itself");
    MIG_CHECK(sign(compare(a, b)) == -sign(compare(b, a)), "what is newer than another, that is older");
  }
  (void)modules::pkg::compare_mig(a, b);
}

}  // namespace

MIG_FUZZ(scribe) {
  if (!input.empty() && input.front() == '\0') return versions(input.substr(1));
  const auto document = scribe::read_document(input);
  if (!document) return;
  static const core::Schema schema = scribe::document_schema();
  const auto checked = core::check_document(schema, *document);
  if (!checked) return;
  const auto compiled = scribe::compile(*checked);
  if (!compiled) return;
  MIG_CHECK(compiled->order.size() == compiled->tests.size(), "every test has its turn");
  std::vector<bool> done(compiled->tests.size());
  for (const std::size_t number : compiled->order) {
    for (const std::size_t need : compiled->tests[number].needs) MIG_CHECK(done[need], "what a test needs is run before it");
    done[number] = true;
  }
}
