// leans on: modules
// What scans read: parameters, expressions, packed files, tables of the kernel. The first octet says which.
#include <re2/re2.h>

#include "modules/file/search.h"
#include "modules/memory/process.h"
#include "modules/module.h"
#include "modules/scan/confirm.h"
#include "modules/scan/lines.h"
#include "modules/scan/mounts.h"
#include "modules/scan/unpack.h"
#include "modules/yara/yara.h"
#include "node/core/json.h"
#include "tests/fuzz/fuzz.h"

using namespace mig;

namespace {

void parameters(core::BytesView input) {
  auto json = core::parse_json(input, 1 << 20);
  if (!json) return;
  for (const char* name : {"file", "memory", "yara"}) {
    const auto* module = modules::find(name);
    auto checked = core::check_document(module->parameters(), *json);
    if (!checked) {
      MIG_CHECK(!checked.error().text.empty(), "a refusal has words");
      continue;
    }
    if (std::string_view(name) == "file")
      MIG_CHECK(bool(modules::file::compile(*checked, 0)), "what passed the check compiles");
  }
}

/// An expression, a newline, and text: whatever RE2 finds on a line, the automaton finds too.
void expression(core::BytesView input) {
  const std::size_t newline = input.find('\n');
  if (newline == input.npos || newline > 64) return;
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(1 << 20);
  auto regex = std::make_shared<const re2::RE2>(re2::StringPiece(input.data(), newline), options);
  if (!regex->ok()) return;
  const modules::scan::Finder finder({regex});
  if (!finder.covers(0)) return;
  std::string_view text = input.substr(newline + 1);
  modules::scan::LineScan scan(finder);
  scan.begin({0});
  scan.feed(text.substr(0, text.size() / 2));
  scan.feed(text.substr(text.size() / 2));
  scan.finish();
  bool wanted = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    wanted = wanted || modules::scan::Matcher(line, true, true)(*regex);
  }
  MIG_CHECK(scan.matched(0) == wanted, "the automaton and RE2 agree");
}

void packed(core::BytesView input) {
  std::size_t made = 0;
  auto unpacker = modules::scan::unpacker_for(input, [&](std::string_view part) { made += part.size(); });
  if (!unpacker) return;
  auto more = [&] { return made < (4 << 20); };
  const bool good = unpacker->feed(input.substr(0, input.size() / 2), more) &&
                    unpacker->feed(input.substr(input.size() / 2), more) && unpacker->finish();
  MIG_CHECK(good == unpacker->trouble().empty(), "what is broken is told");
}

}  // namespace

MIG_FUZZ(scan) {
  if (input.empty()) return;
  const char kind = input.front();
  input.remove_prefix(1);
  switch (kind) {
    case 'j':
      return parameters(input);
    case 'e':
      return expression(input);
    case 'p':
      return packed(input);
    case 'm': {
      for (const auto& range : modules::memory::parse_maps(input).readable)
        MIG_CHECK(range.begin < range.end, "ranges are not empty");
      return;
    }
    case 't':
      (void)modules::scan::Mounts(input).of("/proc/1");
      return;
    case 'w':
      (void)modules::yara::words_of(input);
      return;
    default:
      return;
  }
}
