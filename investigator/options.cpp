#include "investigator/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "modules/module.h"
#include "node/core/schema_text.h"

namespace mig::investigator {
namespace {

using core::Field;
using core::Schema;
using core::Type;

/// Words that are understood anywhere with two dashes; all others only before the command's own flags.
const std::vector<std::string>& anywhere() {
  static const std::vector<std::string> words = {"json", "relay", "wait", "yes", "verbose", "home"};
  return words;
}

bool is_anywhere(const std::string& name) {
  return std::find(anywhere().begin(), anywhere().end(), name) != anywhere().end();
}

core::Status duration_check(std::string_view text) {
  auto life = core::parse_duration(text);
  if (!life) return life.error();
  if (life->us < 1'000'000) return core::invalid(fmt::format("'{}' is shorter than a second", text));
  return core::Done{};
}

std::vector<Field> fields_of_everyone() {
  return {
      {.name = "json", .type = Type::boolean, .help = "One JSON object a line on stdout, for scripts.", .flag = "json"},
      {.name = "home", .help = "MIG_HOME for this command.", .flag = "c", .flag_also = {"home"}},
      {.name = "yes", .type = Type::boolean, .help = "Answers every question yes; no countdown.", .flag = "y", .flag_also = {"yes"}},
      {.name = "relay", .help = "Attach through this relay (name or endpoint) and no other.", .flag = "relay", .example = "relay-2"},
      {.name = "wait", .type = Type::number, .help = "Seconds to stay after the last online agent answered.", .flag = "wait",
       .fallback = 10, .low = 0, .high = 86400},
      {.name = "verbose", .type = Type::boolean, .help = "What the program does in the mesh, on stderr.", .flag = "v", .flag_also = {"verbose"}},
  };
}

std::vector<Field> fields_of_questions() {
  return {
      {.name = "target", .help = "Whom to ask: a condition, a macro of config.toml, all, or local (run it here).", .flag = "t",
       .example = "environment->>'os'='linux'"},
      {.name = "lifetime", .help = "How long agents may start it.", .flag = "e", .example = "5m", .check = duration_check},
      {.name = "name", .help = "Name of the action; default: the question itself.", .flag = "n"},
      {.name = "load", .help = "Ask what stands in this file (as mig run FILE).", .flag = "i", .example = "action.json"},
      {.name = "show", .help = "Which agents to print; default found.", .flag = "show", .one_of = {"found", "notfound", "all"}},
      {.name = "print", .type = Type::boolean, .help = "Print the unsigned action, ask nobody.", .flag = "p"},
      {.name = "sign", .type = Type::boolean, .help = "Print the signed action, ask nobody.", .flag = "s"},
      {.name = "found", .help = "Ask those who found something in this earlier action.", .flag = "target-found", .example = "3f9c02ab"},
      {.name = "notfound", .help = "Ask those who found nothing in it.", .flag = "target-notfound", .example = "3f9c02ab"},
      {.name = "compress", .type = Type::boolean, .help = "Understood; replies are always compressed.", .flag = "z"},
  };
}

const Field* field_of(const Schema& schema, const std::string& name) {
  for (const Field& field : schema.fields)
    if (field.flag == name || std::find(field.flag_also.begin(), field.flag_also.end(), name) != field.flag_also.end())
      return &field;
  return nullptr;
}

std::string name_of(const std::string& word) {
  std::string name = word.substr(word.rfind("--", 0) == 0 ? 2 : 1);
  return name.substr(0, name.find('='));
}

bool is_flag(const std::string& word) { return word.size() > 1 && word[0] == '-'; }
bool is_long(const std::string& word) { return word.size() > 2 && word.rfind("--", 0) == 0; }

/// The field of a module's flag; nullptr: it has none of that name.
const Field* module_flag(const std::string& command, const std::string& name) {
  const modules::Module* module = modules::find(command);
  if (module == nullptr) return nullptr;
  for (const core::FlagField& flag : core::flag_fields(module->parameters()))
    if (flag.field->flag == name || flag.field->flag_off == name ||
        std::find(flag.field->flag_also.begin(), flag.field->flag_also.end(), name) != flag.field->flag_also.end())
      return flag.field;
  return nullptr;
}

class Reader {
 public:
  explicit Reader(const std::vector<std::string>& words) : words_(words) {}

  core::Result<Invocation> read() {
    while (at_ < words_.size() && !ended_)
      if (core::Status taken = one(words_[at_]); !taken) return taken.error();
    for (; at_ < words_.size(); ++at_) other(words_[at_]);
    auto options = core::from_flags(global_options(), globals_);
    if (!options) return options.error();
    fill(*options);
    return out_;
  }

 private:
  core::Status one(const std::string& word) {
    if (word == "--") {
      ended_ = true;
      ++at_;
      return core::Done{};
    }
    if (!is_flag(word)) return other(words_[at_++]), core::Done{};
    const std::string name = name_of(word);
    if (asks_for_help(word)) return ++at_, core::Done{};
    if (is_long(word) && is_anywhere(name)) return take(), core::Done{};
    if (letters_ && !is_anywhere(name) && field_of(global_options(), name) != nullptr) return take(), core::Done{};
    if (word == "-y" && !is_value()) return take(), core::Done{};
    if (out_.command.empty()) return unknown(name);
    if (is_long(word) && modules::find(out_.command) != nullptr && module_flag(out_.command, name) == nullptr)
      if (std::string near = core::nearest(name, anywhere()); !near.empty())
        return core::invalid(fmt::format("{}: --{} is not known; did you mean --{}?", out_.command, name, near));
    if (modules::find(out_.command) != nullptr) letters_ = false;  // our own commands use none of those letters
    other(words_[at_++]);
    return core::Done{};
  }

  bool asks_for_help(const std::string& word) {
    if (word == "--help" || (letters_ && (word == "-h" || word == "-help"))) return out_.help = true;
    if (out_.command.empty() && (word == "--version" || word == "-V")) return out_.version = true;
    return false;
  }

  /// A global option, with its value if it needs one and has none behind '='.
  void take() {
    const std::string& word = words_[at_++];
    globals_.push_back(word);
    const Field* field = field_of(global_options(), name_of(word));
    if (field->type != Type::boolean && word.find('=') == std::string::npos && at_ < words_.size())
      globals_.push_back(words_[at_++]);
  }

  void other(const std::string& word) {
    if (out_.command.empty())
      out_.command = word;
    else
      out_.words.push_back(word);
  }

  /// Whether this word is the value of a module's flag before it, or the module has such a flag itself.
  bool is_value() const {
    if (module_flag(out_.command, "y") != nullptr) return true;
    if (out_.words.empty() || words_[at_ - 1] != out_.words.back() || !is_flag(out_.words.back())) return false;
    const Field* before = module_flag(out_.command, name_of(out_.words.back()));
    return before != nullptr && before->type != Type::boolean && out_.words.back().find('=') == std::string::npos;
  }

  core::Status unknown(const std::string& name) const {
    std::vector<std::string> known;
    for (const Field& field : global_options().fields) {
      known.push_back(field.flag);
      known.insert(known.end(), field.flag_also.begin(), field.flag_also.end());
    }
    std::string near = core::nearest(name, known);
    return core::invalid(fmt::format("-{} is no option of mig; {}", name,
                                     near.empty() ? "a module's flags stand behind its name (mig file -path /etc); see mig help"
                                                  : fmt::format("did you mean {}{}?", is_anywhere(near) ? "--" : "-", near)));
  }

  void fill(const core::Json& options) {
    Globals& to = out_.globals;
    auto text = [&](const char* key) { return options.contains(key) ? options[key].get<std::string>() : std::string(); };
    auto yes = [&](const char* key) { return options.contains(key) && options[key].get<bool>(); };
    to.home = text("home");
    to.json = yes("json");
    to.yes = yes("yes");
    to.verbose = yes("verbose");
    to.relay = text("relay");
    to.wait_s = options["wait"].get<double>();
    to.target = text("target");
    to.lifetime = text("lifetime");
    to.name = text("name");
    to.load = text("load");
    to.show = text("show");
    to.print_only = yes("print");
    to.sign_only = yes("sign");
    to.compress = yes("compress");
    to.target_found = text("found");
    to.target_notfound = text("notfound");
  }

  const std::vector<std::string>& words_;
  std::vector<std::string> globals_;
  std::size_t at_ = 0;
  bool ended_ = false;
  bool letters_ = true;  ///< no flag of the command's own has been seen
  Invocation out_;
};

}  // namespace

const Schema& global_options() {
  static const Schema schema = [] {
    Schema out{"mig", "Options before every command; those of two dashes stand anywhere.", fields_of_everyone(), {}};
    for (Field& field : fields_of_questions()) out.fields.push_back(std::move(field));
    return out;
  }();
  return schema;
}

core::Result<Invocation> read_invocation(const std::vector<std::string>& words) { return Reader(words).read(); }

core::Error unknown_command(const std::string& word) {
  std::vector<std::string> known;
  for (const Command& command : commands()) known.push_back(command.name);
  for (const modules::Module* module : modules::all()) known.push_back(module->parameters().name);
  std::string near = core::nearest(word, known);
  return core::invalid(fmt::format("'{}' is neither a command nor a module; {}", core::readable_utf8(word.substr(0, 64)),
                                   near.empty() ? "mig help lists them" : "did you mean " + near + "?"));
}

}  // namespace mig::investigator
