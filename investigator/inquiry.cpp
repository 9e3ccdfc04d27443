#include "investigator/inquiry.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "investigator/action_text.h"
#include "investigator/collect.h"
#include "investigator/describe.h"
#include "investigator/draft.h"
#include "investigator/print.h"
#include "investigator/report.h"
#include "investigator/station.h"
#include "investigator/survey.h"
#include "node/core/target.h"

namespace mig::investigator {
namespace {

core::Result<core::WallMs> lifetime_of(const Globals& globals) {
  if (globals.lifetime.empty()) return Completion{}.lifetime_ms;
  auto life = core::parse_duration(globals.lifetime);
  if (!life) return core::invalid("-e: " + life.error().text);
  return life->us / 1000;
}

/// An action with at least our signature, and what opens its answers (none: we are not among its readers).
struct Ready {
  core::Action action;
  core::SignedText signed_action;
  std::optional<core::LinkSecret> secret;
  std::vector<core::Enclosed> enclosed;
};

core::Result<Ready> finish_draft(core::Action draft, std::vector<core::Enclosed> enclosed, const Home& home, const Gpg& gpg, const Globals& globals) {
  auto life = lifetime_of(globals);
  if (!life) return life.error();
  Completion how;
  how.lifetime_ms = *life;
  auto made = complete(std::move(draft), std::move(enclosed), home, gpg, how);
  if (!made) return made.error();
  return Ready{made->action, {made->text, {}}, made->reply_secret, std::move(made->enclosed)};
}

core::Result<Ready> take_document(const core::ActionFile& file, const Home& home, const Gpg& gpg) {
  if (file.draft.mesh != home.trust().mesh)
    return core::refused(fmt::format("mesh: this action is for mesh {}, this home belongs to {}", file.draft.mesh.brief(), home.trust().mesh.brief()));
  Ready ready{file.draft, {file.canonical, file.signatures}, {}, file.enclosed};
  auto secret = reply_secret(file.draft, gpg);
  if (secret)
    ready.secret = *secret;
  else
    fmt::print(stderr, "mig: {}; only who answered will be known, not what\n", secret.error().text);
  return ready;
}

core::Result<Ready> make_ready(core::ActionFile file, const Home& home, const Globals& globals) {
  auto gpg = home.gpg();
  if (!gpg) return gpg.error();
  auto ready = file.canonical.empty() ? finish_draft(std::move(file.draft), std::move(file.enclosed), home, *gpg, globals) : take_document(file, home, *gpg);
  if (!ready) return ready;
  const core::SignedText& held = ready->signed_action;
  bool signed_by_us = false;
  if (!held.signatures.empty()) {
    // What was altered after somebody signed it is never signed again in silence.
    auto signers = core::check_signers(core::action_signing_text(held.text), held.signatures, home.roster(), wall_now());
    if (!signers)
      return core::refused(signers.error().text + "; if the change is meant, take `pgpsignatures` out of the file, and it will be signed anew");
    for (const auto* signer : *signers) signed_by_us = signed_by_us || signer->fingerprint == home.config().key;
  }
  auto admitted = core::admit(held, home.roster(), wall_now());
  if (admitted) return ready;
  if (signed_by_us) return ready;  // another signature of ours changes nothing
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "signing action {} as {}\n", ready->action.id.brief(), home.config().key);
  if (core::Status added = add_signature(ready->signed_action, home, *gpg); !added) return added.error();
  return ready;
}

/// What no relay would pass on is said here, for every operation that lacks weight, with what helps.
core::Status weighs_enough(const Ready& ready, const core::Roster& roster) {
  auto admitted = core::admit(ready.signed_action, roster, wall_now());
  if (admitted || admitted.error().code == core::Code::later) return core::Done{};
  std::vector<core::Fingerprint> people;
  for (const SignatureView& view : look_at_signatures(ready.signed_action, roster, wall_now()))
    if (view.trouble.empty()) people.push_back(view.person);
  std::string missing;
  for (const ModuleWeight& weight : weights(ready.action, people, roster))
    if (weight.needed > weight.reached) missing += fmt::format("{}weight {} of {} for {}", missing.empty() ? "" : ", ", weight.reached, weight.needed, weight.module);
  if (missing.empty()) return admitted.error();
  return core::refused(missing + "; `mig sign --request FILE` shows it to the others, `mig -s` writes it as a file for them to sign");
}

/// "7 of 8 known agents match": by what relays told about them earlier.
std::string known_matches(const core::Action& action, const store::Ledger& ledger, core::WallMs now) {
  auto target = core::Target::parse(action.target);
  std::size_t match = 0, all = 0;
  for (const store::LedgerAgent& agent : ledger.agents()) {
    auto json = core::parse_json(agent.attributes.empty() ? "{}" : agent.attributes, 64 * 1024);
    auto facts = json ? core::facts_from_json(*json) : core::Result<core::AgentFacts>(json.error());
    if (!facts || agent.attributes.empty()) continue;
    ++all;
    if (target && target->matches(*facts, now, {})) ++match;
  }
  return all == 0 ? "how many agents will be targeted is not known here yet" : fmt::format("{} of {} known agents will be targeted", match, all);
}

/// MIG's pause before something goes out to every machine.
void countdown(const Ready& ready, const Home& home, const store::Ledger& ledger, const Globals& globals) {
  if (globals.yes || globals.json || isatty(STDIN_FILENO) == 0) return;
  fmt::print(stderr, "{}{}. ctrl+c to cancel. launching in", printable_lines(describe(ready.action, home.roster())), known_matches(ready.action, ledger, wall_now()));
  for (int left = 5; left > 0; --left) {
    fmt::print(stderr, " {}", left);
    std::fflush(stderr);
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  fmt::print(stderr, " GO\n");
}

/// Answers go to the readers alone; who is none of them has done their part when a relay keeps the question.
int handed_over(Station& station, const core::Action& action, const Globals& globals) {
  const auto end = station.run([&] { return station.machine().verdict(action.id).has_value(); }, station.now().at + core::Duration::seconds(15));
  if (end == Station::End::interrupted) return 130;
  const auto verdict = station.machine().verdict(action.id);
  if (!verdict) return fail({core::Code::later, "the relay did not say that it keeps it; try again"});
  if (verdict->code != core::VerdictCode::stored) return fail(not_taken(*verdict));
  if (globals.json)
    fmt::print("{}\n", core::compact_json({{"type", "asked"}, {"action", action.id.hex()}, {"readers", action.readers}}));
  else
    fmt::print("asked {}; its answers go to its readers: {}\n", action.id.brief(), fmt::join(action.readers, ", "));
  return 0;
}

core::Asked order_of(const Ready& ready) {
  if (ready.secret) return {core::Launch{ready.signed_action, *ready.secret, ready.enclosed}};
  return {core::Follow{ready.action.id, ready.signed_action, {}, {}, {}, {}, ready.enclosed}};
}

}  // namespace

bool Patience::is_over(const Statement& statement, const Seen& seen) const {
  if (statement.open > 0) return false;
  const bool heard_all = seen.attached && seen.all_reachable_report;
  return seen.quiet_s >= (heard_all ? std::max(wait_s, 0.5) : wait_s + unheard_s);
}

core::Result<std::string> target_text(const Home& home, const Globals& globals) {
  std::string text = home.target_of(globals.target.empty() ? "status='online'" : globals.target);
  if (!globals.target_found.empty() && !globals.target_notfound.empty())
    return core::invalid("-target-found and -target-notfound exclude each other");
  const std::string earlier = globals.target_found + globals.target_notfound;
  if (!earlier.empty()) {
    auto ledger = home.ledger();
    if (!ledger) return ledger.error();
    auto action = (*ledger)->action(earlier);
    if (!action) return core::Error{action.error().code, fmt::format("-target-{}: {}", globals.target_found.empty() ? "notfound" : "found", action.error().text)};
    std::string idiom = fmt::format("id IN (select agentid from commands, json_array_elements(commands.results) as r where actionid='{}' and r#>>'{{foundanything}}' = '{}')",
                                    action->id.hex(), globals.target_found.empty() ? "false" : "true");
    text = text.empty() || text == "all" ? idiom : fmt::format("{} AND ({})", idiom, text);
  }
  if (auto target = core::Target::parse(text); !target) return target.error();
  return text;
}

core::Error not_taken(const core::Verdict& verdict) {
  static constexpr const char* words[] = {"", "stored", "refused", "over its quota", "too late", "not understood"};
  const auto code = static_cast<std::size_t>(verdict.code);
  return core::refused(fmt::format("the relay did not take it: {}: {}", code < std::size(words) ? words[code] : "refused", verdict.text));
}

int launch(core::ActionFile file, Globals& globals) {
  auto home = globals.open_home();
  if (!home) return fail(home.error());
  if (file.syntax_version == 2 && !file.old_signatures.empty())
    fmt::print(stderr, "mig: the signatures of a MIG document cover another text; it is signed anew\n");
  auto ready = make_ready(std::move(file), *home, globals);
  if (!ready) return fail(ready.error());
  if (globals.sign_only) {
    fmt::print("{}", core::write_action_file(ready->signed_action, ready->enclosed));
    return 0;
  }
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  countdown(*ready, *home, (*station)->ledger(), globals);
  Report report(ready->action, globals);
  if (core::Status attached = (*station)->attach(); !attached) return (*station)->interrupted() ? 130 : fail(attached.error());
  // By the roster the mesh has now, which may be newer than that of this home.
  if (core::Status enough = weighs_enough(*ready, *(*station)->machine().membership().roster()); !enough) return fail(enough.error());
  // Before anybody is told the id: whoever has it can come back for the results, also when this program ends at once.
  if (core::Status kept = (*station)->ledger().keep({core::KeepAction{ready->action.id, ready->signed_action, wall_now()}}); !kept) return fail(kept.error());
  report.note(fmt::format("Following action ID {}.", ready->action.id.hex()));
  (*station)->ask(order_of(*ready));
  const auto& readers = ready->action.readers;
  if (std::find(readers.begin(), readers.end(), home->config().key) == readers.end()) return handed_over(**station, ready->action, globals);
  return Collection(**station, ready->action, report, Patience{globals.wait_s}).run(true);
}

int follow(const std::string& id, Globals& globals) {
  auto station = Station::open(globals);
  if (!station) return fail(station.error());
  store::Ledger& ledger = (*station)->ledger();
  auto kept = ledger.action(id);
  if (!kept) return fail(kept.error());
  auto action = core::parse_action(kept->signed_action.text);
  if (!action) return fail(action.error());
  auto gpg = (*station)->home().gpg();
  auto secret = gpg ? reply_secret(*action, *gpg) : core::Result<core::LinkSecret>(gpg.error());
  if (!secret) fmt::print(stderr, "mig: {}; only what was opened before can be shown\n", secret.error().text);

  Report report(*action, globals);
  Collection collection(**station, *action, report, Patience{globals.wait_s});
  core::Follow order = order_from(ledger, *action, kept->signed_action, collection.recall());
  if (secret) order.reply_secret = *secret;
  if (wall_now() > action->result_by()) return collection.close();
  (*station)->ask({std::move(order)});
  if (core::Status attached = (*station)->attach(); !attached) fmt::print(stderr, "mig: {}\n", attached.error().text);
  return collection.run(false);
}

int run_here(core::Action action, std::vector<core::Enclosed> enclosed, const Globals& globals) {
  attach(action, enclosed);
  char host[256] = "localhost";
  gethostname(host, sizeof host - 1);
  AgentAnswer answer;
  answer.name = host;
  answer.state = core::State::clean;
  Report report(action, globals);
  for (core::Operation& operation : action.operations) {
    if (core::Status filled = core::fill_in(operation.parameters, enclosed); !filled) return fail(filled.error());
    modules::Budget budget(action.limits.seconds, action.limits.bytes);
    answer.operations.push_back(modules::run(operation.module, operation.parameters, {}, budget));
    const modules::Answer& one = answer.operations.back();
    if (one.found_anything && answer.state == core::State::clean) answer.state = core::State::found;
    if (one.success) continue;
    answer.state = core::State::failed;
    answer.trouble = one.errors.empty() ? "a module failed" : one.errors.front();
  }
  Statement statement;
  (answer.state == core::State::found ? statement.found : answer.state == core::State::clean ? statement.clean : statement.failed) = 1;
  statement.complete = true;
  report.answer(answer);
  report.end(statement, false);
  return answer.state == core::State::failed ? 2 : exit_code(statement, false);
}

}  // namespace mig::investigator
