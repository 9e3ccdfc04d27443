// What a module is: one question an agent can answer about its machine, under a budget.
//
// A module declares its parameters and its result rows once, as schemas; help, flags, checks and documentation come
// from there. It runs in a child process of the agent, never opens a listening socket, asks its Budget in every loop,
// and answers the question rather than shipping data. Modules are listed explicitly in list.cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "modules/budget.h"
#include "modules/demands.h"
#include "node/core/json.h"
#include "node/core/schema.h"

namespace mig::modules {

/// MIG's Result: what one operation gives back.
struct Answer {
  bool found_anything = false;  ///< at least one positive
  bool success = true;          ///< ran without a fatal error; soft errors stand in `errors`
  core::Json elements = nullptr;
  core::Json statistics = nullptr;
  std::vector<std::string> errors;

  /// {"foundanything":..,"success":..,"elements":..,"statistics":..,"errors":[..]|null}: five keys, this order, one line.
  std::string to_json() const;
  static core::Result<Answer> from_json(const core::Json& json);
  /// success false with one error: the fatal form.
  static Answer failure(std::string error);
};

/// Where a module looks. Tests and labs hand in made-up roots.
struct Host {
  /// A made-up file tree that shadows the real one: a path P is read at root + P where that exists, else at P.
  /// Results always name P. Empty: only the real tree.
  std::string root;
  std::string proc = "/proc";
};

/// What an answer reveals, from least to most; shown to people before they sign.
enum class Disclosure { count, yes_no, match_list, excerpt };
/// Completes "the answer reveals ..": "a list of what matched".
std::string_view to_text(Disclosure disclosure);

class Module {
 public:
  virtual ~Module() = default;
  virtual const core::Schema& parameters() const = 0;  ///< its `name` is the module's name
  virtual const core::Schema& row() const = 0;         ///< one element of a result
  virtual Disclosure disclosure() const = 0;
  virtual std::string_view cost() const = 0;           ///< one sentence for people: what it costs the host
  /// One sentence for people: privileges, files, network, and what an answer lacks without them.
  virtual std::string_view needs() const = 0;
  /// For the wall around its job, which enforces it; most modules read files and need nothing of this.
  virtual Demands demands() const { return {}; }

  /// Where mig runs, before anything is signed: what parameters only name (a file there) takes its place among them.
  /// Errors name the parameter.
  virtual core::Result<core::Json> load(core::Json parameters) const { return parameters; }

  /// REQUIRES: `parameters` came out of check_document(parameters(), ..). Never throws, never prints.
  virtual Answer run(const core::Json& parameters, const Host& host, Budget& budget) const = 0;
  /// Several operations of one action: an answer each, in their order. What reads the same things should do it once.
  virtual std::vector<Answer> run_together(const std::vector<core::Json>& parameters, const Host& host, Budget& budget) const;
  /// Whether that is better than one after the other.
  virtual bool together() const { return false; }
  /// Lines for a terminal, without the agent's name. `found_only`: MIG's -show found.
  virtual std::vector<std::string> print(const Answer& answer, bool found_only) const = 0;
  /// MIG's extra privacy: masks paths, names and addresses in place.
  virtual void mask(Answer& answer) const = 0;
};

/// All modules of this build, sorted by name.
const std::vector<const Module*>& all();
/// nullptr if there is none of that name (exact, lower case).
const Module* find(std::string_view name);

/// Checks the parameters, then runs: what child process, virtual fleet and `-t local` share. Never throws.
Answer run(std::string_view module, const core::Json& parameters, const Host& host, Budget& budget);

/// The same for several operations of one module, at once if it can do that. As many answers as `parameters`.
std::vector<Answer> run_together(std::string_view module, const std::vector<core::Json>& parameters, const Host& host, Budget& budget);

}  // namespace mig::modules
