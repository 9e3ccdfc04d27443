#include "investigator/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace mig::investigator {
namespace {

constexpr std::size_t names_most = 10;  ///< of a group of agents in trouble

Show show_of(const Globals& globals) {
  if (globals.show == "all" || (globals.show.empty() && globals.json)) return Show::all;
  return globals.show == "notfound" ? Show::notfound : Show::found;
}

bool found_something(const AgentAnswer& answer) {
  return std::any_of(answer.operations.begin(), answer.operations.end(), [](const auto& one) { return one.found_anything; });
}

bool wanted(const AgentAnswer& answer, Show show) {
  return show == Show::all || (show == Show::found) == found_something(answer);
}

std::string list_of(const std::vector<std::string>& names) {
  std::vector<std::string> some(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), names_most)));
  std::string out = fmt::format("{}", fmt::join(some, ", "));
  return names.size() > names_most ? out + fmt::format(" and {} more", names.size() - names_most) : out;
}

}  // namespace

std::string reply_json(const std::string& action, const AgentAnswer& answer) {
  std::string out = fmt::format(R"({{"type":"reply","action":"{}","agent":"{}","name":{},"state":"{}","operations":[)", action,
                                answer.agent.empty() ? "local" : answer.agent.hex(), core::compact_json(answer.name), core::to_text(answer.state));
  for (std::size_t i = 0; i < answer.operations.size(); ++i) out += (i > 0 ? "," : "") + answer.operations[i].to_json();
  out += "]";
  if (!answer.reason.empty()) out += ",\"reason\":" + core::compact_json(answer.reason);
  if (!answer.trouble.empty()) out += ",\"trouble\":" + core::compact_json(answer.trouble);
  if (!answer.broken.empty()) out += ",\"broken\":" + core::compact_json(answer.broken);
  return out + "}";
}

std::vector<std::string> answer_lines(const AgentAnswer& answer, const std::vector<const modules::Module*>& modules, Show show) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < answer.operations.size(); ++i) {
    if (i >= modules.size() || modules[i] == nullptr) {
      out.push_back(fmt::format("[error] operation {} is of a module this mig does not know; --json shows it", i));
      continue;
    }
    // With -show found, a negative operation of an agent that found something elsewhere has nothing to say.
    if (show == Show::found && !answer.operations[i].found_anything) continue;
    try {
      for (auto& line : modules[i]->print(answer.operations[i], show == Show::found)) out.push_back(std::move(line));
    } catch (const core::Json::exception&) {  // an agent may send anything
      out.push_back(fmt::format("[error] operation {} does not have the form of its module; --json shows it", i));
    }
  }
  if (show != Show::found && answer.state != core::State::failed) out.push_back("command success");
  return out;
}

Report::Report(const core::Action& action, const Globals& globals)
    : action_(action.id.empty() ? std::string() : action.id.hex()), json_(globals.json), show_(show_of(globals)), live_(globals.json) {
  for (const core::Operation& operation : action.operations) modules_.push_back(modules::find(operation.module));
}

void Report::answer(const AgentAnswer& answer) {
  if (answer.state == core::State::not_targeted) return;
  complain(answer);
  const bool answered = answer.state != core::State::refused && answer.state != core::State::cancelled;
  if (answered && !wanted(answer, show_)) return;
  if (json_) {
    fmt::print("{}\n", reply_json(action_, answer));
  } else if (answered) {
    live_.clear();
    const std::string before = action_.empty() ? std::string() : printable(answer.name) + " ";
    for (const std::string& line : answer_lines(answer, modules_, show_)) fmt::print("{}{}\n", before, printable(line));
    ++shown_;
  }
  std::fflush(stdout);
}

void Report::complain(const AgentAnswer& answer) {
  std::string what;
  if (answer.state == core::State::failed) what = "failed" + (answer.trouble.empty() ? "" : ": " + answer.trouble);
  if (answer.state == core::State::refused) what = "refused" + (answer.reason.empty() ? "" : ": " + answer.reason);
  if (answer.state == core::State::cancelled) what = "cancelled";
  if (answer.state == core::State::answered) what = "answered, but nobody here can open it";
  if (!answer.broken.empty()) what = "sent what cannot be read: " + answer.broken;
  if (!what.empty()) troubles_[printable(what)].push_back(printable(answer.name));
}

void Report::progress(const Statement& statement) { live_.show(progress_line(statement)); }

void Report::note(const std::string& text) {
  live_.clear();
  fmt::print(stderr, "{}\n", text);
}

double Report::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
}

int Report::end(const Statement& statement, bool interrupted) {
  live_.clear();
  const bool colour = wants_colour(stderr), local = action_.empty();
  if (!json_ && !local) {
    std::string_view word = show_ == Show::found ? "found results" : show_ == Show::notfound ? "found nothing" : "answered";
    fmt::print(stderr, "{}\n", coloured(fmt::format("{} agent{} {} {}", shown_, shown_ == 1 ? "" : "s", shown_ == 1 ? "has" : "have", word), Colour::red, colour));
  }
  for (const auto& [what, names] : troubles_)
    fmt::print(stderr, "{}\n", coloured(fmt::format("{} ({})", what, list_of(names)), Colour::magenta, colour));
  for (const std::string& remark : statement.remarks) fmt::print(stderr, "{}\n", coloured(printable(remark), Colour::yellow, colour));
  const double spent = seconds();
  if (json_)
    fmt::print("{}\n", summary_json(action_, statement, spent));
  else if (!local)
    fmt::print(stderr, "{}\n", coloured(printable(summary_line(statement, spent)), statement.complete ? Colour::green : Colour::yellow, colour));
  std::fflush(stdout);
  return exit_code(statement, interrupted);
}

}  // namespace mig::investigator
