#include "modules/process/search.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

namespace mig::modules::process {

using core::Field;
using core::Json;
using core::Type;

const std::vector<Word> words = {{Kind::name, "names", "name"}, {Kind::parent, "parents", "parent"}, {Kind::user, "users", "user"}, {Kind::cmdline, "cmdlines", "cmdline"},
                                 {Kind::path, "paths", "path"}, {Kind::trait, "traits", "trait"}, {Kind::sha256, "sha256", "sha256"}, {Kind::file, "files", "file"}};

namespace {

const std::vector<std::string> traits = {"capable", "deleted", "kernel", "memfd", "namespaced"};

std::string_view without_mark(std::string_view text) { return text.size() > 1 && text.front() == '!' ? text.substr(1) : text; }

core::Status check_label(std::string_view label) {
  const bool good = !label.empty() && label.size() <= 64 && std::all_of(label.begin(), label.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
  if (good) return core::Done{};
  return core::invalid(fmt::format("'{}' is not right; write 1 to 64 letters, digits, - and _", label.substr(0, 80)));
}
core::Status check_pattern(std::string_view text) {
  if (auto pattern = file::parse_pattern(text); !pattern) return pattern.error();
  return core::Done{};
}
core::Status check_trait(std::string_view text) {
  if (std::find(traits.begin(), traits.end(), without_mark(text)) != traits.end()) return core::Done{};
  return core::invalid(fmt::format("'{}' is none; write capable, deleted, kernel, memfd or namespaced, or ! and one of them", text.substr(0, 80)));
}
core::Status check_sum(std::string_view text) {
  const std::string_view hex = without_mark(text);
  if (hex.size() == 64 && core::from_hex(hex)) return core::Done{};
  return core::invalid(fmt::format("'{}' is no SHA-256; write its 64 hexadecimal digits", text.substr(0, 80)));
}

Field list(Kind kind, const char* example, const char* help, std::function<core::Status(std::string_view)> check) {
  const Word& word = words[static_cast<std::size_t>(kind)];
  return {.name = word.key, .type = Type::texts, .help = help, .flag = word.flag, .example = example, .check = std::move(check)};
}
Field yes(const char* name, const char* help) { return {.name = name, .type = Type::boolean, .help = help, .flag = name, .fallback = false}; }

core::Schema make_options() {
  core::Schema out{"options", "How a search is done, and what more is told of a process that fits.", {}, {}};
  out.fields.push_back({.name = "matchall", .type = Type::boolean, .help = "a process must fit every value; otherwise each value is looked for by itself", .flag = "matchall",
                        .fallback = false, .flag_fallback = true, .flag_off = "matchany"});
  out.fields.push_back({.name = "matchlimit", .type = Type::integer, .help = "how many processes a search tells of at most; 0: all", .flag = "matchlimit", .fallback = 1000, .low = 0, .high = 1e9});
  out.fields.push_back(yes("returntree", "tell its ancestors and its children"));
  out.fields.push_back(yes("returnfiles", "tell its open files"));
  out.fields.push_back(yes("returncapabilities", "tell its effective capabilities"));
  out.fields.push_back(yes("returnnamespaces", "tell the namespaces it is in"));
  out.fields.push_back(yes("returnsha256", "tell the sum of its program"));
  return out;
}

core::Schema make_search() {
  core::Schema out{"search", "One search: what a process must be like. A leading ! turns a value round.", {}, {}};
  out.fields.push_back({.name = "description", .type = Type::text, .help = "words for people; given back with the result"});
  out.fields.push_back(list(Kind::name, "^sshd$", "expression on what the kernel calls it (15 octets), or on the last part of its program's path", check_pattern));
  out.fields.push_back(list(Kind::path, "^/tmp/", "expression on the path of its program; a kernel thread has none", check_pattern));
  out.fields.push_back(list(Kind::cmdline, "--listen", "expression on its arguments, joined by blanks", check_pattern));
  out.fields.push_back(list(Kind::user, "^www-data$", "expression on the name of the user it acts as, or on the number if that has no name in /etc/passwd", check_pattern));
  out.fields.push_back(list(Kind::parent, "nginx", "expression on its parent's name or path, as above", check_pattern));
  out.fields.push_back(list(Kind::trait, "deleted", "deleted (its program's file is gone), memfd (it runs from memory), kernel (a kernel thread), capable (it has capabilities and is not root), "
                                                    "namespaced (one of its namespaces is not the agent's)", check_trait));
  out.fields.push_back(list(Kind::sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "SHA-256 of its program as it runs, though its file may be gone", check_sum));
  out.fields.push_back(list(Kind::file, "^/home/", "expression on what it has open: paths, socket:[..], pipe:[..]", check_pattern));
  Field options{.name = "options", .type = Type::object, .help = "how the search is done"};
  options.fallback = Json::object();
  options.inner = std::make_shared<const core::Schema>(make_options());
  out.fields.push_back(std::move(options));
  return out;
}

Check compile(Kind kind, const std::string& value) {
  Check out{kind, value, value.size() > 1 && value.front() == '!', std::string(without_mark(value)), {}};
  if (kind == Kind::sha256) std::transform(out.plain.begin(), out.plain.end(), out.plain.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (kind != Kind::trait && kind != Kind::sha256)
    if (auto pattern = file::parse_pattern(value)) out.pattern = *pattern;
  return out;
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : " ") + part;
  return out;
}

/// Without the "!"; none if it cannot be known.
std::optional<bool> has_trait(const std::string& trait, Process& process, const Machine& machine) {
  if (trait == "namespaced") {
    const auto its = process.namespaces();
    if (its.empty()) return std::nullopt;
    return std::any_of(its.begin(), its.end(), [&](const auto& one) {
      const auto own = machine.namespaces.find(one.first);
      return own != machine.namespaces.end() && own->second != one.second;
    });
  }
  if (trait == "capable") {
    const auto& status = process.status();
    if (!status) return std::nullopt;
    return status->uid != 0 && status->capabilities != 0;
  }
  const auto& program = process.program();
  if (!program) return std::nullopt;
  return trait == "deleted" ? program->deleted : trait == "memfd" ? program->memfd : program->path.empty();
}

bool is_named(const file::Pattern& pattern, Process& process) {
  if (file::matches(*pattern.regex, process.stat().name)) return true;
  const auto& program = process.program();
  return program && file::matches(*pattern.regex, last_part(program->path));
}

std::optional<bool> is_so(const Check& check, Process& process, Processes& all, const Machine& machine) {
  const auto in = [&](std::string_view text) { return file::matches(*check.pattern.regex, text); };
  switch (check.kind) {
    case Kind::name: return is_named(check.pattern, process);
    case Kind::parent: {
      const auto parent = all.find(process.stat().parent);
      if (parent == all.end()) return false;
      const auto& program = parent->second.program();
      return is_named(check.pattern, parent->second) || (program && in(program->path));
    }
    case Kind::user: return process.status() ? std::optional(in(process.user())) : std::nullopt;
    case Kind::cmdline: return process.cmdline() ? std::optional(in(joined(*process.cmdline()))) : std::nullopt;
    case Kind::path: return process.program() ? std::optional(in(process.program()->path)) : std::nullopt;
    case Kind::trait: return has_trait(check.plain, process, machine);
    case Kind::sha256: return process.sha256() ? std::optional(*process.sha256() == check.plain) : std::nullopt;
    case Kind::file: break;
  }
  const auto& files = process.files();
  return files ? std::optional(std::any_of(files->begin(), files->end(), in)) : std::nullopt;
}

}  // namespace

bool fits(const Check& check, Process& process, Processes& all, const Machine& machine) {
  const auto so = is_so(check, process, all, machine);
  return so && *so != check.inverse;
}

core::Schema make_parameters() {
  core::Schema out{"process", "Which processes there are, by name, program, arguments, user, parent, hash or open files.", {}, {}};
  Field searches{.name = "searches", .type = Type::map, .help = "label to search; the command line makes one, s1", .required = true};
  searches.map_key = "s1";
  searches.required_unless_empty = true;
  searches.check = check_label;
  searches.inner = std::make_shared<const core::Schema>(make_search());
  out.fields.push_back(std::move(searches));
  out.examples = {{"mig process -trait deleted -trait '!memfd' -returntree", "programs that run on although their file is gone, and what started them"},
                  {"mig process -trait memfd -matchany", "programs that were never on a disk"},
                  {"mig process -parent '^(nginx|apache2)$' -name '^(sh|bash|dash|python3)$'", "shells below web servers"},
                  {"mig process -user '!^root$' -trait capable -returncapabilities", "who has a part of root's rights"}};
  return out;
}

std::vector<Search> compile(const Json& parameters) {
  std::vector<Search> out;
  for (const auto& item : parameters.at("searches").items()) {
    Search search;
    search.label = item.key();
    const Json& asked = item.value();
    const Json options = asked.value("options", Json::object());
    search.matchall = options.value("matchall", false);
    search.matchlimit = options.value("matchlimit", std::size_t{1000});
    search.tree = options.value("returntree", false);
    search.files = options.value("returnfiles", false);
    search.capabilities = options.value("returncapabilities", false);
    search.namespaces = options.value("returnnamespaces", false);
    search.sha256 = options.value("returnsha256", false);
    search.asked = {{"options", {{"matchall", search.matchall}, {"matchlimit", search.matchlimit}}}};
    if (asked.contains("description")) search.asked["description"] = asked["description"];
    for (const Word& word : words)
      for (const Json& value : asked.value(word.key, Json::array())) {
        search.checks.push_back(compile(word.kind, value.get<std::string>()));
        search.asked[word.key].push_back(value);
      }
    out.push_back(std::move(search));
  }
  return out;
}

}  // namespace mig::modules::process
