// For whom an action is: a condition in the SQL that MIG's users write, read by a parser and judged by the agent itself.
//
// MIG pasted this text into a query. Here it is parsed into a small tree of known columns, operators and constants;
// what is not understood is refused when the action is written, with the place and what would be understood.
//
// Understood: the columns id name queueloc mode version pid starttime destructiontime heartbeattime refreshtime status
// environment tags loadername (also as agents.X); -> ->> #> #>>; = != <> < <= > >=; [NOT] IN, LIKE, ILIKE, BETWEEN;
// ~ ~* !~ !~*; IS [NOT] NULL, TRUE, FALSE; AND OR NOT and parentheses; casts; now(), INTERVAL '30 days', lower(), upper();
// and, for agents by what they answered before, exactly MIG's id IN (SELECT agentid FROM commands ...).
// Empty text and "all" mean everyone.
//
// Logic is SQL's: a missing key or column is NULL, a comparison with NULL is neither true nor false, only "true" matches.
// Text is compared bytewise. A cast that fails gives NULL (PostgreSQL would end the whole query).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "node/core/agent_facts.h"

namespace mig::core {

namespace target {
struct Node;
}

class Target {
 public:
  /// Errors point at the place, over three lines:
  ///   target: line 1, column 10: expected a value after '='
  ///     status =
  ///              ^
  static Result<Target> parse(std::string_view text);

  /// Did this agent answer `action` (as it was written: hex prefix or number) with this `foundanything`?
  using Answered = std::function<bool(std::string_view action, bool found)>;

  /// Whether the condition is true. What `facts.unheld` names, or a question to an empty `answered`, is unknown, and
  /// where the answer hangs on it this counts as a match: a relay must never leave out an agent on a guess.
  bool matches(const AgentFacts& facts, WallMs now, const Answered& answered) const;

  const std::string& text() const { return text_; }
  /// Whether it asks what agents answered before.
  bool needs_journal() const { return needs_journal_; }
  bool everyone() const { return root_ == nullptr; }

 private:
  std::string text_;
  std::shared_ptr<const target::Node> root_;
  bool needs_journal_ = false;
};

}  // namespace mig::core
