#include "modules/process/process.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "modules/process/search.h"
#include "node/core/time.h"

namespace mig::modules::process {
namespace {

using core::Json;
using core::Type;

Json short_form(const Process& process) { return {{"pid", process.pid()}, {"name", process.stat().name}}; }

/// Parents up to the first process, the nearest first. Numbers are used again, so a circle is possible while we look.
Json ancestors_of(const Process& process, const Processes& all) {
  Json out = Json::array();
  std::set<int> seen = {process.pid()};
  for (auto at = all.find(process.stat().parent); at != all.end() && seen.insert(at->first).second; at = all.find(at->second.stat().parent))
    out.push_back(short_form(at->second));
  return out;
}

Json children_of(int pid, const Processes& all) {
  Json out = Json::array();
  for (const auto& [number, one] : all)
    if (one.stat().parent == pid) out.push_back(short_form(one));
  return out;
}

/// What cannot be known is left out.
Json row_of(Process& process, const Processes& all, const Search& search) {
  Json out = {{"pid", process.pid()}, {"ppid", process.stat().parent}, {"name", process.stat().name}};
  if (const std::string started = process.started(); !started.empty()) out["started"] = started;
  if (process.stat().dead) out["dead"] = true;
  if (const auto& status = process.status()) {
    out["uid"] = status->uid;
    out["user"] = process.user();
    if (search.capabilities) out["capabilities"] = capability_names(status->capabilities);
  }
  if (const auto& program = process.program()) {
    out["path"] = program->path;
    if (program->deleted) out["deleted"] = true;
    if (program->memfd) out["memfd"] = true;
  }
  if (const auto& cmdline = process.cmdline()) out["cmdline"] = *cmdline;
  if (search.sha256)
    if (const auto& sum = process.sha256(); sum && !sum->empty()) out["sha256"] = *sum;
  if (search.files)
    if (const auto& files = process.files()) out["files"] = *files;
  if (search.namespaces) out["namespaces"] = process.namespaces();
  if (search.tree) {
    out["ancestors"] = ancestors_of(process, all);
    out["children"] = children_of(process.pid(), all);
  }
  return out;
}

/// Reduced to the one value that fitted.
Json reduced(const Search& search, const Check& check) {
  Json out = search.asked;
  for (const Word& word : words) {
    out.erase(word.key);
    if (word.kind == check.kind) out[word.key] = {check.value};
  }
  return out;
}

Json entry(Json process, Json search) { return {{"process", std::move(process)}, {"search", std::move(search)}}; }
Json nobody() { return {{"name", ""}, {"pid", 0}}; }

class Look {
 public:
  Look(const std::vector<Search>& searches, const Host& host, Budget& budget) : searches_(searches), budget_(budget), machine_(host, budget) {
    for (const int pid : process_numbers(host)) {
      if (budget.spent()) break;
      const auto text = read_proc(fmt::format("{}/{}/stat", host.proc, pid));
      auto stat = text ? parse_stat(*text) : std::nullopt;
      if (stat) all_.try_emplace(pid, machine_, pid, std::move(*stat));
    }
  }

  Answer run() {
    Answer answer;
    answer.elements = Json::object();
    for (const Search& search : searches_) {
      Json& entries = answer.elements[search.label] = Json::array();
      if (search.matchall) {
        look_for(search, search.asked, entries, [&](Process& process) {
          return std::all_of(search.checks.begin(), search.checks.end(), [&](const Check& check) { return fits(check, process, all_, machine_); });
        });
        continue;
      }
      for (const Check& check : search.checks)
        look_for(search, reduced(search, check), entries, [&](Process& process) { return fits(check, process, all_, machine_); });
    }
    answer.found_anything = hits_ > 0;
    std::size_t hidden = 0;
    for (const auto& [pid, process] : all_) hidden += process.hidden;
    answer.statistics = {{"processcount", all_.size()}, {"totalhits", hits_}};
    if (hidden > 0) answer.errors.push_back(fmt::format("{} of {} processes do not show their program or files (root may see them)", hidden, all_.size()));
    if (all_.empty()) return Answer::failure("unsupported: there is no /proc, or it shows no process");
    return answer;
  }

 private:
  template <class Fits>
  void look_for(const Search& search, const Json& asked, Json& entries, const Fits& fits) {
    std::size_t hits = 0;
    for (auto& [pid, process] : all_) {
      if (budget_.spent() || (search.matchlimit != 0 && hits == search.matchlimit)) break;
      if (!fits(process)) continue;
      Json row = row_of(process, all_, search);
      budget_.add_bytes(row.dump(-1, ' ', false, Json::error_handler_t::replace).size() + 100);
      entries.push_back(entry(std::move(row), asked));
      ++hits;
    }
    hits_ += hits;
    if (hits == 0) entries.push_back(entry(nobody(), asked));
  }

  const std::vector<Search>& searches_;
  Budget& budget_;
  Machine machine_;
  Processes all_;
  std::size_t hits_ = 0;
};

core::Schema make_row() {
  core::Schema process{"process", "Who it is.", {}, {}};
  const auto add = [&](const char* name, Type type, const char* help) { process.fields.push_back({.name = name, .type = type, .help = help}); };
  add("pid", Type::integer, "its number, 0 if nothing was found");
  add("ppid", Type::integer, "its parent's number");
  add("name", Type::text, "what the kernel calls it; empty if nothing was found");
  add("path", Type::text, "its program; empty for a kernel thread, absent if it may not be seen");
  add("cmdline", Type::texts, "its arguments");
  add("uid", Type::integer, "whom it acts as");
  add("user", Type::text, "that user's name, or the number");
  add("started", Type::text, "when, in whole seconds");
  add("deleted", Type::boolean, "present if its program's file is gone");
  add("memfd", Type::boolean, "present if it runs from memory");
  add("dead", Type::boolean, "present if it has ended and its parent has not asked for it");
  add("capabilities", Type::texts, "returncapabilities: the effective ones");
  add("namespaces", Type::any, "returnnamespaces: kind to number");
  add("files", Type::texts, "returnfiles: each once, sorted");
  add("sha256", Type::text, "returnsha256: lower-case hex");
  add("ancestors", Type::any, "returntree: pid and name, the nearest first");
  add("children", Type::any, "returntree: pid and name");
  core::Schema row{"process_row", "One process that fits, or one value that none fits (pid is 0).", {}, {}};
  core::Field nested{.name = "process", .type = Type::object, .help = "what is known of it"};
  nested.inner = std::make_shared<const core::Schema>(std::move(process));
  row.fields.push_back(std::move(nested));
  row.fields.push_back({.name = "search", .type = Type::any, .help = "the search; without matchall reduced to the value that fitted"});
  return row;
}

std::string text(const Json& json, const char* key) {
  const auto at = json.find(key);
  if (at == json.end()) return "";
  return at->is_string() ? at->get<std::string>() : core::compact_json(*at);
}

std::string checks_text(const Json& search) {
  std::string out;
  for (const Word& word : words)
    if (const auto values = search.find(word.key); values != search.end() && values->is_array())
      for (const Json& value : *values) out += fmt::format(" {}='{}'", word.flag, value.is_string() ? value.get<std::string>() : core::compact_json(value));
  return out.empty() ? "" : " on checks" + out;
}

std::string line_of(const Json& process) {
  std::string out = text(process, "path");
  if (out.empty()) out = "[" + text(process, "name") + "]";
  for (const char* mark : {"deleted", "memfd", "dead"})
    if (process.contains(mark)) out += fmt::format(" ({})", mark);
  out += fmt::format(" [pid:{}, ppid:{}, user:{}, started:{}]", text(process, "pid"), text(process, "ppid"), text(process, "user"), text(process, "started"));
  if (const auto ancestors = process.find("ancestors"); ancestors != process.end() && ancestors->is_array())
    for (const Json& one : *ancestors) out += fmt::format(" < {}[{}]", text(one, "name"), text(one, "pid"));
  return out;
}

void mask_texts(Json& json) {
  if (json.is_string()) json = "masked";
  else if (json.is_array() || json.is_object())
    for (Json& one : json) mask_texts(one);
}

class ProcessModule final : public Module {
 public:
  const core::Schema& parameters() const override { return parameters_; }
  const core::Schema& row() const override { return row_; }
  Disclosure disclosure() const override { return Disclosure::match_list; }
  std::string_view cost() const override {
    return "Reads small files of /proc: about 0.02 ms for each process, 0.06 ms for one that fits; sha256 reads each program once, files looks at each open file.";
  }
  std::string_view needs() const override {
    return "No privilege; programs, files and namespaces of other users' processes need root (CAP_SYS_PTRACE), and errors count what is missing without.";
  }
  Demands demands() const override { return {.processes = true}; }

  Answer run(const Json& parameters, const Host& host, Budget& budget) const override {
    const auto began = std::chrono::steady_clock::now();
    const std::vector<Search> searches = compile(parameters);
    for (const Search& search : searches)
      if (search.checks.empty()) return Answer::failure(fmt::format("searches.{}: nothing is asked; give a name (-name sshd), or . for every process", search.label));
    Answer answer = Look(searches, host, budget).run();
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    if (answer.statistics.is_object()) answer.statistics["exectime"] = core::format_duration({took.count()});
    if (std::string limit = budget.limit_hit(); !limit.empty()) {
      answer.success = false;
      answer.errors.push_back(std::move(limit));
    }
    return answer;
  }

  std::vector<std::string> print(const Answer& answer, bool found_only) const override {
    std::vector<std::string> out;
    if (answer.elements.is_object())
      for (const auto& item : answer.elements.items())
        for (const Json& one : item.value()) {
          if (!one.is_object() || !one.contains("process") || !one.contains("search")) continue;
          const Json& search = one.at("search");
          const bool matchall = search.is_object() && search.contains("options") && search.at("options").is_object() && search.at("options").contains("matchall") && search.at("options").at("matchall") == true;
          const std::string tail = fmt::format(" in search '{}'{}", item.key(), matchall ? "" : checks_text(search));
          const std::string pid = text(one.at("process"), "pid");
          if (pid != "0" && !pid.empty()) out.push_back(line_of(one.at("process")) + tail);
          else if (!found_only) out.push_back("0 match found" + tail);
        }
    if (found_only) return out;
    out.insert(out.end(), answer.errors.begin(), answer.errors.end());
    if (answer.statistics.is_object())
      out.push_back(fmt::format("Statistics: {} processes checked, {} matched, ran in {}.", text(answer.statistics, "processcount"), text(answer.statistics, "totalhits"), text(answer.statistics, "exectime")));
    return out;
  }

  void mask(Answer& answer) const override {
    if (answer.elements.is_object())
      for (Json& entries : answer.elements)
        for (Json& one : entries)
          if (one.is_object() && one.contains("process") && one["process"].is_object() && text(one["process"], "pid") != "0")
            for (const char* key : {"name", "path", "cmdline", "user", "files", "ancestors", "children"})
              if (one["process"].contains(key)) mask_texts(one["process"][key]);
    for (std::string& error : answer.errors) error = "masked";
  }

 private:
  core::Schema parameters_ = make_parameters();
  core::Schema row_ = make_row();
};

}  // namespace

const Module& module() {
  static const ProcessModule the_module;
  return the_module;
}

}  // namespace mig::modules::process
