#include "investigator/summary.h"

#include <fmt/format.h>

#include "investigator/print.h"

namespace mig::investigator {
namespace {

void add(std::string& to, std::uint32_t count, std::string_view what) {
  if (count > 0) to += fmt::format(", {} {}", grouped(count), what);
}

std::string relays_of(const Statement& statement) {
  return fmt::format("{} of {} relay{}", grouped(statement.relays_reporting), grouped(statement.relays), statement.relays == 1 ? "" : "s");
}

/// The first few names, then how many more.
std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;
  std::vector<std::string> shown(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(most, names.size())));
  std::string out = fmt::format("{}", fmt::join(shown, ", "));
  return names.size() > most ? out + fmt::format(" and {} more", names.size() - most) : out;
}

/// Everything that is said of agents.
std::string agents_of(const Statement& statement, std::string_view word_for_open) {
  std::string kinds = fmt::format("{} found, {} clean", grouped(statement.found), grouped(statement.clean));
  add(kinds, statement.failed, "failed");
  std::string out = fmt::format("{} of {} answered ({}), {} offline", grouped(statement.answered()), grouped(statement.targeted()), kinds, grouped(statement.offline));
  add(out, statement.open, word_for_open);
  add(out, statement.refused, "refused");
  add(out, statement.cancelled, "cancelled");
  add(out, statement.expired, "expired");
  add(out, statement.not_targeted, "not targeted");
  add(out, statement.unknown, "unknown");
  add(out, statement.disputed, "disputed");
  return out;
}

std::string unheard_of(const Statement& statement) {
  return statement.unheard.empty() ? "" : fmt::format(" (unheard: {})", some_of(statement.unheard));
}

}  // namespace

std::string progress_line(const Statement& statement) {
  if (statement.relays_reporting == 0) return "asked; no relay has reported yet";
  std::string out = fmt::format("{} of {} answered", grouped(statement.answered()), grouped(statement.targeted()));
  add(out, statement.open, "running");
  add(out, statement.offline, "offline");
  add(out, statement.refused, "refused");
  add(out, statement.unknown, "unknown");
  return out + "; " + relays_of(statement);
}

std::string summary_line(const Statement& statement, double seconds) {
  std::string out = agents_of(statement, "still open") + "; " + relays_of(statement);
  out += unheard_of(statement);
  return out + fmt::format("; {} {:.2f} s", statement.complete ? "complete in" : "not complete after", seconds);
}

std::string status_line(const Statement& statement) {
  std::string out = agents_of(statement, "at work") + "; " + relays_of(statement) + " reporting" + unheard_of(statement);
  return out + (statement.complete ? "; complete" : "; not complete");
}

std::string summary_json(const std::string& action, const Statement& s, double seconds) {
  return fmt::format(
      R"({{"type":"summary","action":"{}","targeted":{},"answered":{},"found":{},"clean":{},"failed":{},"refused":{},)"
      R"("not_targeted":{},"cancelled":{},"expired":{},"open":{},"offline":{},"unknown":{},"disputed":{},"relays":{},)"
      R"("relays_reporting":{},"complete":{},"seconds":{:.3f}}})",
      action, s.targeted(), s.answered(), s.found, s.clean, s.failed, s.refused, s.not_targeted, s.cancelled, s.expired,
      s.open, s.offline, s.unknown, s.disputed, s.relays, s.relays_reporting, s.complete, seconds);
}

int exit_code(const Statement& statement, bool interrupted) {
  if (interrupted) return 130;
  if (!statement.complete) return 3;
  return statement.found > 0 ? 0 : 1;
}

}  // namespace mig::investigator
