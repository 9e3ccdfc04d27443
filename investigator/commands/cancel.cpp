// mig cancel: signs the order that an action be started nowhere any more, and says how far it got.
#include <fmt/format.h>

#include <algorithm>

#include "investigator/action_text.h"
#include "investigator/commands/command.h"
#include "investigator/describe.h"
#include "investigator/inquiry.h"
#include "investigator/print.h"
#include "investigator/publish.h"
#include "investigator/summary.h"
#include "investigator/survey.h"
#include "node/core/cancel.h"
#include "node/core/limits.h"

namespace mig::investigator {
namespace {

const core::Schema& schema() {
  static const core::Schema schema = [] {
    core::Field reason{.name = "reason", .help = "A sentence that everyone who holds the action can read.", .flag = "reason", .example = "wrong path"};
    return core::Schema{"cancel", "Orders that an action be started nowhere any more, and be stopped where it runs.", {reason},
                        {{"mig cancel 3f9c02ab -reason 'wrong path'", "Who has not answered by then answers that it was cancelled."},
                         {"mig cancel signed.json", "An action of somebody else, from its file; needs weight in the access rule cancel."}}};
  }();
  return schema;
}

/// What is to be cancelled: an action of the ledger, or a file of somebody else's.
struct Doomed {
  core::Action action;
  core::SignedText signed_action;
  std::optional<Earlier> ours;
};

bool is_file(const std::string& word) { return word == "-" || word.find_first_of("./") != std::string::npos; }

core::Result<Doomed> doomed(const std::string& word, const store::Ledger& ledger) {
  if (!is_file(word)) {
    auto one = earlier(ledger, word, "cancel");
    if (!one && one.error().code == core::Code::not_found)
      return core::Error{one.error().code, one.error().text + "; for an action of somebody else give its file"};
    if (!one) return one.error();
    return Doomed{one->action, one->kept.signed_action, *one};
  }
  auto file = load_action(word);
  if (!file) return file.error();
  if (file->canonical.empty() || file->signatures.empty()) return core::invalid(fmt::format("cancel: {} is not signed, so it was never asked", word));
  return Doomed{file->draft, {file->canonical, file->signatures}, {}};
}

/// What every agent would refuse is said before anybody signs.
core::Status may_we(const Doomed& doomed, const Home& home, core::WallMs now) {
  const std::string brief = doomed.action.id.brief();
  if (doomed.action.mesh != home.trust().mesh) return core::refused(fmt::format("cancel {}: it was asked in another mesh", brief));
  if (now >= doomed.action.result_by())
    return core::refused(fmt::format("cancel {}: nothing is left to cancel, its results counted until {}", brief, core::to_rfc3339(doomed.action.result_by())));
  std::vector<core::Fingerprint> signers;
  std::string names;
  for (const auto& view : look_at_signatures(doomed.signed_action, home.roster(), now)) {
    if (view.trouble.empty()) signers.push_back(view.person);
    const core::Investigator* person = view.trouble.empty() ? home.roster().by_fingerprint(view.person) : nullptr;
    if (person != nullptr) names += (names.empty() ? "" : ", ") + printable(person->name);
  }
  if (core::may_cancel(home.config().key, signers, home.roster())) return core::Done{};
  return core::refused(fmt::format("cancel {}: it is an action of {}, and {} has not the weight that the access rule `cancel` wants", brief,
                                   names.empty() ? "nobody in the roster" : names, home.config().key));
}

core::Result<core::Object> signed_cancel(const core::Action& action, const std::string& reason, const Home& home) {
  const core::Cancel cancel{action.id, action.mesh, wall_now() / 1000 * 1000, action.result_by(), reason};
  const core::Bytes text = core::canonical_json(core::to_json(cancel));
  if (auto checked = core::parse_cancel(text); !checked) return checked.error();
  auto gpg = home.gpg();
  if (!gpg) return gpg.error();
  auto signature = gpg->sign(core::cancel_signing_text(text), home.config().key);
  if (!signature) return signature.error();
  return core::Object{core::ObjectKind::cancel, text, {*signature}, {}};
}

/// Until nobody online is at work on it, every relay within reach has said so, or --wait is over.
Station::End wait_for_effect(Station& station, const core::ActionId& action, double wait_s) {
  auto done = [&] {
    const Statement now = station.machine().statement(action, station.now());
    return caught_up(station, action) && now.open == 0;
  };
  const auto end = station.run(done, station.now().at + core::Duration{static_cast<std::int64_t>(wait_s * 1e6)});
  if (end == Station::End::done) (void)station.run([&] { return station.machine().confirmed(); }, station.now().at + core::Duration::seconds(1));
  return end;
}

std::string effect_line(const Statement& s) {
  std::string out = fmt::format("{} had answered before ({} found, {} clean{}), {} cancelled", grouped(s.answered()), grouped(s.found), grouped(s.clean),
                                s.failed > 0 ? fmt::format(", {} failed", grouped(s.failed)) : "", grouped(s.cancelled));
  if (s.open > 0) out += fmt::format(", {} still at work", grouped(s.open));
  if (s.offline > 0) out += fmt::format(", {} offline (told when they are back)", grouped(s.offline));
  if (s.unknown > 0) out += fmt::format(", {} unknown", grouped(s.unknown));
  return out;
}

int cancel(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(schema(), words);
  if (!read) return fail(read.error());
  if (read->rest.size() != 1) return fail(core::invalid("cancel: give the ID of one action, 8 or more digits; mig actions lists them"));
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  const Home& home = (*station)->home();
  auto target = doomed(read->rest[0], (*station)->ledger());
  if (!target) return fail(target.error());
  if (core::Status may = may_we(*target, home, wall_now()); !may) return fail(may.error());
  auto object = signed_cancel(target->action, read->text("reason"), home);
  if (!object) return fail(object.error());
  bool followed = false;
  if (target->ours) {
    auto order = order_to_follow((*station)->ledger(), *target->ours, home);
    if (order) (*station)->ask({*std::move(order)});
    if (!order) fmt::print(stderr, "mig: {}; how far the cancel gets cannot be said\n", order.error().text);
    followed = static_cast<bool>(order);
  }
  if (core::Status kept = publish(**station, *object, "cancel " + target->action.id.brief()); !kept) return (*station)->interrupted() ? 130 : fail(kept.error());

  const std::string brief = target->action.id.brief();
  if (globals.json)
    fmt::print("{}\n", core::compact_json({{"type", "cancel"}, {"action", target->action.id.hex()}, {"name", target->action.name},
                                           {"reason", read->text("reason")}, {"stored", true}}));
  std::fflush(stdout);
  if (!followed) {
    if (!globals.json) fmt::print("cancelled {}: the mesh keeps the order; who obeyed is told to the readers of the action\n", brief);
    return 0;
  }
  const core::Instant began = (*station)->now().at;
  const auto end = wait_for_effect(**station, target->action.id, globals.wait_s);
  if (end == Station::End::broken) return fail({core::Code::world, (*station)->trouble()});
  const Statement last = (*station)->machine().statement(target->action.id, (*station)->now());
  if (globals.json) {
    fmt::print("{}\n", summary_json(target->action.id.hex(), last, static_cast<double>(((*station)->now().at - began).us) / 1e6));
  } else {
    fmt::print("cancelled {} {}: {}\n", brief, printable(target->action.name), effect_line(last));
    const bool colour = wants_colour(stdout);
    fmt::print("{}\n", coloured(printable(status_line(last)), last.complete ? Colour::green : Colour::yellow, colour));
  }
  if (end == Station::End::interrupted) return 130;
  return last.complete ? 0 : 3;
}

}  // namespace

Command cancel_command() {
  return {"cancel", "let an action be started nowhere any more, stop it where it runs",
          "mig cancel ID|FILE [-reason TEXT] [--json]\n\nOnly who signed the action may, or who has weight in the access rule `cancel`. The order is signed through gpg, kept by the\n"
          "mesh as long as results may come, and obeyed also by agents that are away now, when they are back. What was answered\n"
          "before stays. Waits up to --wait for those online, then says what became of them.\n"
          "Exit 3 when it is stored but not everyone has been heard: agents offline, relays out of reach.\n\n" + core::help_text(schema()), cancel};
}

}  // namespace mig::investigator
