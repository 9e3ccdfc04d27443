// What can be said of an action, in a line for people, a line for scripts and an exit code. Pure.
#pragma once

#include <string>

#include "investigator/investigator.h"

namespace mig::investigator {

/// While it goes on: "12 of 20 answered, 3 running, 5 offline; 3 of 3 relays".
std::string progress_line(const Statement& statement);

/// At the end: "8 of 8 answered (5 found, 3 clean), 0 offline; 3 of 3 relays; complete in 0.21 s". What is not zero
/// beside that is spelled out; unheard relays are named.
std::string summary_line(const Statement& statement, double seconds);

/// As things stand, whenever it is asked: "1,204 of 1,310 answered (9 found, 1,195 clean), 69 offline, 37 at work; 41 of 42
/// relays reporting (unheard: relay-9); not complete".
std::string status_line(const Statement& statement);

/// The summary object of the contract for scripts, keys in its order, without a newline. `action` empty: a local run.
std::string summary_json(const std::string& action, const Statement& statement, double seconds);

/// 130 interrupted, 3 not complete, 0 found, 1 nothing found or nobody targeted.
int exit_code(const Statement& statement, bool interrupted);

}  // namespace mig::investigator
