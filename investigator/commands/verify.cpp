// mig verify: who signed an action, whether that suffices, and whether agents would take it now.
#include <fmt/format.h>

#include "investigator/action_text.h"
#include "investigator/commands/command.h"
#include "investigator/describe.h"
#include "node/core/limits.h"
#include "node/core/mig2.h"

namespace mig::investigator {
namespace {

struct Verdict {
  bool valid = false;
  std::string why;                      ///< when not valid
  std::vector<SignatureView> signatures;
};

void print(const Verdict& verdict, const Globals& globals) {
  if (globals.json) {
    core::Json out = {{"type", "verify"}, {"valid", verdict.valid}, {"why", verdict.why}};
    out["signatures"] = core::Json::array();
    for (const SignatureView& view : verdict.signatures)
      out["signatures"].push_back({{"key", view.key}, {"person", view.person}, {"name", view.name},
                                   {"valid", view.trouble.empty()}, {"why", view.trouble}});
    fmt::print("{}\n", core::compact_json(out));
    return;
  }
  for (const SignatureView& view : verdict.signatures)
    fmt::print("{:<6} {} {}{}\n", view.trouble.empty() ? "good" : "BAD",
               view.person.empty() ? view.key : view.person, view.name,
               view.trouble.empty() ? "" : fmt::format(": {}", view.trouble));
  fmt::print("{}\n", verdict.valid ? "valid" : "NOT valid: " + verdict.why);
}

core::Result<Verdict> judge(const core::ActionFile& file, const Home& home, bool silent) {
  core::SignedText signed_text{file.canonical, file.signatures};
  Verdict verdict;
  verdict.signatures = look_at_signatures(signed_text, home.roster(), wall_now());
  if (!silent) {
    std::vector<core::Fingerprint> people;
    for (const SignatureView& view : verdict.signatures)
      if (view.trouble.empty()) people.push_back(view.person);
    fmt::print("action    {}\n{}{}", file.draft.id.hex(), describe(file.draft, home.roster()),
               describe(weights(file.draft, people, home.roster())));
  }
  if (file.signatures.empty()) {
    verdict.why = "nobody has signed it";
    return verdict;
  }
  // The very check relays and agents make.
  auto admitted = core::admit(signed_text, home.roster(), wall_now());
  verdict.valid = static_cast<bool>(admitted);
  if (!admitted) verdict.why = admitted.error().text;
  return verdict;
}

/// Documents of MIG: their text, by the keys gpg holds.
core::Result<Verdict> judge_old(const core::ActionFile& file, const core::Bytes& text, const Gpg& gpg) {
  auto document = core::parse_json(text, core::limits::action_file_bytes);
  if (!document) return document.error();
  core::Bytes signed_text = core::mig2_signed_text(*document);
  Verdict verdict;
  for (const std::string& old : file.old_signatures) {
    SignatureView view;
    auto packet = core::mig2_signature(old);
    auto checked = packet ? gpg.check(signed_text, *packet) : core::Result<Gpg::Checked>(packet.error());
    if (!checked && checked.error().code == core::Code::world) return checked.error();
    if (checked) {
      view.person = checked->primary;
      view.name = checked->user;
    }
    if (!checked || !checked->valid) view.trouble = checked ? checked->why : checked.error().text;
    if (!view.trouble.empty()) verdict.why = "a signature does not hold";
    verdict.signatures.push_back(std::move(view));
  }
  if (verdict.signatures.empty()) verdict.why = "nobody has signed it";
  verdict.valid = verdict.why.empty();
  return verdict;
}

int verify_old(const core::ActionFile& file, const core::Bytes& text, Globals& globals) {
  // No mesh is needed to check what MIG signed; gpg's own keys do.
  auto home = globals.open_home();
  auto gpg = home ? home->gpg() : Gpg::open();
  if (!gpg) return fail(gpg.error());
  auto verdict = judge_old(file, text, *gpg);
  if (!verdict) return fail(verdict.error());
  if (!globals.json) fmt::print("a document of MIG: agents here do not take its signatures; `mig sign` makes a new one\n");
  print(*verdict, globals);
  return verdict->valid ? 0 : 1;
}

int run(const std::vector<std::string>& words, Globals& globals) {
  static const core::Schema none = {"verify", "", {}, {}};
  auto read = read_words(none, words);
  if (!read) return fail(read.error());
  if (read->rest.size() != 1) return fail(core::invalid("verify: give one FILE (or - for stdin)"));
  auto text = read_named(read->rest[0]);
  if (!text) return fail(text.error());
  auto file = core::read_action_file(*text);
  if (!file) return fail(core::invalid(fmt::format("{}: {}", read->rest[0], file.error().text)));
  if (file->syntax_version == 2) return verify_old(*file, *text, globals);
  if (file->canonical.empty()) {
    print({false, "a draft: fields are missing that `mig sign` fills in", {}}, globals);
    return 1;
  }
  auto home = globals.open_home();
  if (!home) return fail(home.error());
  auto verdict = judge(*file, *home, globals.json);
  if (!verdict) return fail(verdict.error());
  print(*verdict, globals);
  return verdict->valid ? 0 : 1;
}

}  // namespace

Command verify_command() {
  return {"verify", "say who signed an action and whether agents take it",
          "mig verify FILE\n\nSays who signed an action, how much weight that has, and whether relays and agents would take\n"
          "it now. Documents of MIG (version 2) are checked as MIG did, with the keys gpg holds.\n"
          "Exit: 0 valid, 1 not, 2 error.\n", run};
}

}  // namespace mig::investigator
