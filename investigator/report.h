// What an investigator sees of one action: answers as they come, progress, and the last word.
//
// stdout holds nothing but answers ("<agent name> <line>", as MIG printed them) or JSON lines; all else is stderr.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "investigator/answers.h"
#include "investigator/commands/command.h"
#include "investigator/print.h"
#include "investigator/summary.h"
#include "node/core/action.h"

namespace mig::investigator {

enum class Show { found, notfound, all };

/// The reply object of the contract for scripts, without a newline. `action` empty: a local run.
std::string reply_json(const std::string& action, const AgentAnswer& answer);

/// Lines of one answer without the agent's name, as `show` wants them. `modules`: one an operation, null if this
/// build does not know it.
std::vector<std::string> answer_lines(const AgentAnswer& answer, const std::vector<const modules::Module*>& modules, Show show);

class Report {
 public:
  Report(const core::Action& action, const Globals& globals);

  void answer(const AgentAnswer& answer);
  void progress(const Statement& statement);
  /// One line for people, on stderr; in --json as well.
  void note(const std::string& text);
  /// Takes the live line away.
  void pause() { live_.clear(); }
  /// Troubles, remarks, and the summary. Gives the exit code.
  int end(const Statement& statement, bool interrupted);

 private:
  void complain(const AgentAnswer& answer);
  double seconds() const;

  std::string action_;  ///< hex; empty: a local run, whose lines bear no agent's name
  std::vector<const modules::Module*> modules_;
  bool json_;
  Show show_;
  LiveLine live_;
  std::map<std::string, std::vector<std::string>> troubles_;  ///< "failed: timeout" -> names
  std::size_t shown_ = 0;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace mig::investigator
