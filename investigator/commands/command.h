// What every command of `mig` shares: its entry in the list, the global options, and how its own words are read.
//
// main.cpp takes the global options out of the words, opens nothing, and calls one Command. Exit codes: 0 done (or
// found), 1 a plain no (nothing found, not valid), 2 error, 3 not complete, 130 interrupted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "investigator/home.h"
#include "node/core/schema.h"

namespace mig::investigator {

/// Options that are understood before every command. MIG's letters are kept.
struct Globals {
  std::string home;             ///< -c DIR: instead of MIG_HOME
  bool json = false;            ///< --json
  bool yes = false;             ///< -y: answers every question yes
  bool verbose = false;         ///< -v: events of the machine on stderr
  std::string relay;            ///< --relay NAME|ENDPOINT: attach there only
  double wait_s = 10;           ///< --wait SECONDS after the last online agent answered
  // of an investigation:
  std::string target;           ///< -t: text or macro
  std::string lifetime;         ///< -e: Go duration
  std::string name;             ///< -n
  std::string load;             ///< -i FILE
  std::string show;             ///< -show found|notfound|all; empty: not given, which means found (--json: all)
  bool print_only = false;      ///< -p: unsigned draft to stdout
  bool sign_only = false;       ///< -s: sign, print, do not launch
  std::string target_found;     ///< -target-found ID: who found something in that action
  std::string target_notfound;  ///< -target-notfound ID
  bool compress = false;        ///< -z: understood, without effect: replies are always compressed

  /// MIG_HOME in force: -c, else the environment, else ~/.config/mig.
  core::Result<Home> open_home() const { return Home::open(home); }
};

struct Command {
  std::string name;             ///< the word on the command line: "invite"
  std::string summary;          ///< one line for `mig help`
  std::string help;             ///< all of `mig help NAME`
  /// `words` are those behind the name, without global options. Gives the exit code.
  int (*run)(const std::vector<std::string>& words, Globals& globals) = nullptr;
};

/// Every command, in the order of `mig help`.
const std::vector<Command>& commands();

/// Prints "mig: TEXT" on stderr and gives 2.
int fail(const core::Error& error);

/// Asks `question` on the terminal. True with -y; without a terminal an error that says to use -y.
core::Result<bool> agreed(const std::string& question, const Globals& globals);

/// A command's own words: options by schema, and the others in order.
struct Words {
  core::Json options;
  std::vector<std::string> rest;

  bool has(const char* key) const { return options.contains(key); }
  std::string text(const char* key) const { return has(key) ? options[key].get<std::string>() : std::string(); }
};
/// Options may stand before, between and behind the other words; behind "--" nothing is an option.
/// Errors name the option and the nearest known one.
core::Result<Words> read_words(const core::Schema& schema, const std::vector<std::string>& words);

// One function a command, each in the file of its name.
Command mesh_command();
Command invite_command();
Command sign_command();
Command verify_command();
Command roster_command();
Command stop_command();
Command close_command();
Command stamp_command();
Command lab_command();
Command run_command();
Command results_command();
Command actions_command();
Command status_command();
Command cancel_command();
Command missing_command();
Command ask_again_command();
Command topology_command();
Command agents_command();
Command relays_command();
Command export_command();
Command modules_command();
Command help_command();
Command version_command();

/// `mig MODULE ...`: asks one question of one module.
int ask(const std::string& module, const std::vector<std::string>& words, Globals& globals);

/// `mig relays add ENDPOINT#KEY [--name NAME]`, called by the relays command; `words` are those behind "add".
int add_relay(const std::vector<std::string>& words, Globals& globals);
/// `mig relays forget NAME|ID`, the same way.
int forget_relay(const std::vector<std::string>& words, Globals& globals);

}  // namespace mig::investigator
