#include "modules/memory/memory.h"

#include <fmt/format.h>
#include <re2/re2.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "modules/memory/search.h"
#include "modules/scan/workers.h"
#include "node/core/time.h"

namespace mig::modules::memory {
namespace {

using core::Json;
using core::Type;

constexpr std::size_t window_bytes = 256 * 1024;

/// What one process shows to one search.
struct Opinion {
  Search* search;
  std::vector<char> hits;  ///< per check
  bool out = false;        ///< matchall, and something failed for certain
  bool wants_memory = false;
};

/// What the threads learn beside hits; one a thread.
struct Tally {
  std::uint64_t processes = 0, bytes = 0, skipped = 0, swapped = 0;
  std::vector<std::string> failures;
  std::vector<std::pair<Search*, Found>> found;
};

class Inspector {
 public:
  Inspector(std::vector<Search>& searches, const Needles& needles, const Host& host, scan::Workers& workers,
            std::size_t worker, Budget& budget)
      : searches_(searches),
        needles_(needles),
        look_(needles),
        host_(host),
        workers_(workers),
        worker_(worker),
        budget_(budget),
        log_failures_(std::any_of(searches.begin(), searches.end(),
                                  [](const Search& one) { return one.logfailures; })) {}

  void inspect(pid_t pid, bool is_self) {
    auto program = program_of(host_, pid);
    if (!program) {  // a kernel thread, or gone; or not for us to know
      if (program.error().code != core::Code::not_found)
        tally.failures.push_back(fmt::format("{}: {}", pid, program.error().text));
      return;
    }
    std::vector<Opinion> opinions;
    bool paths = false;
    for (Search& search : searches_) {
      if ((is_self && !search.self) || search.checks.empty()) continue;
      Opinion opinion{&search, std::vector<char>(search.checks.size(), 0)};
      for (std::size_t i = 0; i < search.checks.size(); ++i)
        if (const Check& check = search.checks[i]; check.kind == Kind::name)
          settle(opinion, i, matches(check, *program));
      paths = paths || !opinion.out;
      opinions.push_back(std::move(opinion));
    }
    if (opinions.empty()) return;
    ++tally.processes;
    if (paths) look_inside(pid, opinions);
    for (Opinion& opinion : opinions) conclude(pid, *program, opinion);
  }

  Tally tally;

 private:
  static bool matches(const Check& check, const std::string& path) {
    return re2::RE2::PartialMatch(path, *check.regex);
  }
  static void settle(Opinion& opinion, std::size_t check, bool hit) {
    opinion.hits[check] = hit;
    opinion.out = opinion.out || (opinion.search->matchall && !hit);
  }

  void look_inside(pid_t pid, std::vector<Opinion>& opinions) {
    const bool wanted = std::any_of(opinions.begin(), opinions.end(), [](const Opinion& one) {
      return !one.out && std::any_of(one.search->checks.begin(), one.search->checks.end(),
                                     [](const Check& check) { return check.kind != Kind::name; });
    });
    if (!wanted) return;
    auto maps = maps_of(host_, pid);
    if (!maps) return fail(pid, opinions, maps.error());
    bool memory = false;
    for (Opinion& opinion : opinions)
      for (std::size_t i = 0; i < opinion.hits.size() && !opinion.out; ++i) {
        const Check& check = opinion.search->checks[i];
        if (check.kind == Kind::library)
          settle(opinion, i,
                 std::any_of(maps->files.begin(), maps->files.end(),
                             [&](const std::string& path) { return matches(check, path); }));
        memory = memory || check.kind == Kind::bytes || check.kind == Kind::content;
        opinion.wants_memory =
            opinion.wants_memory || check.kind == Kind::bytes || check.kind == Kind::content;
      }
    if (!memory) return;
    auto present = present_of(host_, pid, maps->readable);
    if (!present) return fail(pid, opinions, present.error());
    tally.swapped += present->swapped;
    read(pid, present->ranges, opinions);
  }

  void fail(pid_t pid, std::vector<Opinion>& opinions, const core::Error& error) {
    if (error.code != core::Code::not_found) tally.failures.push_back(fmt::format("{}: {}", pid, error.text));
    for (Opinion& opinion : opinions) opinion.out = opinion.out || opinion.search->matchall;
  }

  /// Windows of one range overlap; different ranges do not touch, so nothing is pieced together that is not
  /// there.
  void read(pid_t pid, const std::vector<Range>& ranges, std::vector<Opinion>& opinions) {
    std::uint64_t from = ~std::uint64_t{0}, most = 0;
    bool unlimited = false;
    for (const Opinion& opinion : opinions) {
      if (opinion.out || !opinion.wants_memory) continue;
      from = std::min(from, opinion.search->offset);
      most = std::max(most, opinion.search->maxlength);
      unlimited = unlimited || opinion.search->maxlength == 0;
    }
    if (from == ~std::uint64_t{0}) return;
    const std::size_t overlap = needles_.overlap();
    if (buffer_.size() < window_bytes + overlap) buffer_.resize(window_bytes + overlap);
    look_.begin();
    std::uint64_t done = 0;
    for (const Range& range : ranges) {
      if (range.end <= from) continue;
      std::size_t kept = 0;  // at the buffer's beginning: the end of the window before
      for (std::uint64_t at = std::max(range.begin, from); at < range.end;) {
        if (!workers_.go_on(worker_) || (!unlimited && done >= most)) return;
        std::uint64_t size = std::min<std::uint64_t>(window_bytes, range.end - at);
        if (!unlimited) size = std::min(size, most - done);
        const std::size_t got = read_memory(pid, at, buffer_.data() + kept, static_cast<std::size_t>(size));
        if (got == 0) {
          if (errno == ESRCH)
            return tally.failures.push_back(fmt::format("{}: it ended while it was read", pid));
          if (errno == EPERM)
            return tally.failures.push_back(fmt::format("{}: memory: {}", pid, std::strerror(errno)));
          tally.skipped += page;
          if (log_failures_)
            tally.failures.push_back(fmt::format("{}: memory at {:x}: {}", pid, at, std::strerror(errno)));
          at += page;
          kept = 0;
          continue;
        }
        workers_.count_bytes(got);
        const std::uint64_t base = at - kept, read_before = done - kept;
        look_.through({buffer_.data(), kept + got}, [&](unsigned needle, std::size_t end) {
          return seen(opinions, needle, base + end, read_before + end);
        });
        done += got;
        tally.bytes += got;
        at += got;
        const std::size_t filled = kept + got;
        kept = std::min(overlap, filled);
        std::memmove(buffer_.data(), buffer_.data() + filled - kept, kept);
      }
    }
  }

  /// True if nobody waits for this needle any more.
  static bool seen(std::vector<Opinion>& opinions, unsigned needle, std::uint64_t address,
                   std::uint64_t read) {
    bool settled = true;
    for (Opinion& opinion : opinions)
      for (std::size_t i = 0; i < opinion.hits.size(); ++i) {
        const Check& check = opinion.search->checks[i];
        if ((check.kind != Kind::bytes && check.kind != Kind::content) || check.needle != needle ||
            opinion.hits[i])
          continue;
        const bool within = address > opinion.search->offset &&
                            (opinion.search->maxlength == 0 || read <= opinion.search->maxlength);
        if (within) opinion.hits[i] = 1;
        settled = settled && (within || opinion.out);
      }
    return settled;
  }

  void conclude(pid_t pid, const std::string& program, Opinion& opinion) {
    if (opinion.out) return;
    const bool all = std::find(opinion.hits.begin(), opinion.hits.end(), 0) == opinion.hits.end();
    if (opinion.search->matchall && all) tally.found.push_back({opinion.search, {program, pid, 0}});
    if (!opinion.search->matchall)
      for (std::size_t i = 0; i < opinion.hits.size(); ++i)
        if (opinion.hits[i]) tally.found.push_back({opinion.search, {program, pid, i}});
    if (!tally.found.empty()) budget_.add_bytes(program.size() + 300);
  }

  static constexpr std::uint64_t page = 4096;
  std::vector<Search>& searches_;
  const Needles& needles_;
  Needles::Look look_;
  const Host& host_;
  scan::Workers& workers_;
  std::size_t worker_;
  Budget& budget_;
  bool log_failures_;
  std::vector<char> buffer_;
};

Json echo(const Search& search, const Check* check) {
  Json out = Json::object();
  if (!search.description.empty()) out["description"] = search.description;
  for (const Check& one : search.checks)
    if (!check || check == &one) out[one.key].push_back(one.value);
  out["options"] = options_of(search);
  return out;
}

Json entry(const std::string& program, pid_t pid, Json search) {
  return {{"process", {{"name", program}, {"pid", pid}}}, {"search", std::move(search)}};
}

Json elements_of(std::vector<Search>& searches) {
  Json out = Json::object();
  for (Search& search : searches) {
    Json& entries = out[search.label] = Json::array();
    std::sort(search.found.begin(), search.found.end(), [](const Found& a, const Found& b) {
      return a.check != b.check ? a.check < b.check : a.pid < b.pid;
    });
    if (search.matchall) {
      for (const Found& one : search.found)
        entries.push_back(entry(one.program, one.pid, echo(search, nullptr)));
      if (search.found.empty()) entries.push_back(entry("", 0, echo(search, nullptr)));
      continue;
    }
    auto at = search.found.begin();
    for (std::size_t i = 0; i < search.checks.size(); ++i) {
      if (at == search.found.end() || at->check != i)
        entries.push_back(entry("", 0, echo(search, &search.checks[i])));
      for (; at != search.found.end() && at->check == i; ++at)
        entries.push_back(entry(at->program, at->pid, echo(search, &search.checks[i])));
    }
  }
  return out;
}

core::Schema make_row() {
  core::Schema process{"process", "Who it is.", {}, {}};
  process.fields.push_back(
      {.name = "name", .type = Type::text, .help = "path of its program; empty if nothing was found"});
  process.fields.push_back(
      {.name = "pid", .type = Type::integer, .help = "its number, 0 if nothing was found"});
  core::Schema row{
      "memory", "One process that matched, or one value that matched nothing (name is empty).", {}, {}};
  core::Field nested{.name = "process", .type = Type::object, .help = "program and number"};
  nested.inner = std::make_shared<const core::Schema>(std::move(process));
  row.fields.push_back(std::move(nested));
  row.fields.push_back({.name = "search",
                        .type = Type::any,
                        .help = "the search; without matchall reduced to the value that matched"});
  return row;
}

class Memory final : public Module {
 public:
  const core::Schema& parameters() const override { return parameters_; }
  const core::Schema& row() const override { return row_; }
  Disclosure disclosure() const override { return Disclosure::match_list; }
  std::string_view cost() const override {
    return "Reads the pages of processes that are in memory, once for all searches; the processes are not "
           "stopped and do not grow: about 0.4 s of processor for 1 GB and a simple text.";
  }
  std::string_view needs() const override {
    return "Root, or the right to trace processes (CAP_SYS_PTRACE); without it only one's own processes are "
           "seen, the others are named as failures.";
  }

  Demands demands() const override { return {.processes = true}; }

  Answer run(const Json& parameters, const Host& host, Budget& budget) const override {
    const auto began = std::chrono::steady_clock::now();
    auto searches = compile(parameters);
    if (!searches) return Answer::failure(searches.error().text);
    scan::Workers workers({}, budget);
    std::vector<std::unique_ptr<Inspector>> inspectors(workers.threads());
    std::unique_ptr<Needles> needles;
    workers.add(0, [&](std::size_t) {
      needles = std::make_unique<Needles>(*searches);
      for (std::size_t i = 0; i < inspectors.size(); ++i)
        inspectors[i] = std::make_unique<Inspector>(*searches, *needles, host, workers, i, budget);
      const pid_t self = getpid();
      const auto own = program_of(host, self), parents = program_of(host, getppid());
      for (pid_t pid : processes(host)) {
        // The agent that started this process holds the same parameters.
        const bool is_self = pid == self || (pid == getppid() && own && parents && *own == *parents);
        workers.add(0, [&, pid, is_self](std::size_t worker) { inspectors[worker]->inspect(pid, is_self); });
      }
    });
    workers.run();
    return answer_of(*searches, inspectors, budget, began);
  }

  std::vector<std::string> print(const Answer& answer, bool found_only) const override;
  void mask(Answer& answer) const override {
    if (answer.elements.is_object())
      for (auto& entries : answer.elements)
        for (Json& found : entries)
          if (!found["process"].value("name", "").empty()) found["process"]["name"] = "masked";
    for (std::string& error : answer.errors) error = "masked";
    if (answer.statistics.is_object() && answer.statistics.contains("failures"))
      for (Json& failure : answer.statistics["failures"]) failure = "masked";
  }

 private:
  static Answer answer_of(std::vector<Search>& searches, std::vector<std::unique_ptr<Inspector>>& inspectors,
                          Budget& budget, std::chrono::steady_clock::time_point began) {
    Tally all;
    for (auto& inspector : inspectors) {
      if (!inspector) continue;
      Tally& one = inspector->tally;
      all.processes += one.processes;
      all.bytes += one.bytes;
      all.skipped += one.skipped;
      all.swapped += one.swapped;
      all.failures.insert(all.failures.end(), one.failures.begin(), one.failures.end());
      all.found.insert(all.found.end(), one.found.begin(), one.found.end());
    }
    for (auto& [search, found] : all.found) search->found.push_back(std::move(found));
    std::sort(all.failures.begin(), all.failures.end());
    Answer answer;
    answer.found_anything = !all.found.empty();
    answer.elements = elements_of(searches);
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    answer.statistics = {{"processcount", all.processes},
                         {"memoryread", all.bytes},
                         {"totalhits", all.found.size()},
                         {"failures", all.failures},
                         {"exectime", core::format_duration({took.count()})}};
    // Only what happened is listed.
    if (all.skipped > 0) answer.statistics["skippedbytes"] = all.skipped;
    if (all.swapped > 0) answer.statistics["swappedbytes"] = all.swapped;
    if (std::string limit = budget.limit_hit(); !limit.empty()) {  // what was found so far stays
      answer.success = false;
      answer.errors.push_back(limit);
    }
    return answer;
  }

  core::Schema parameters_ = make_parameters(), row_ = make_row();
};

std::string checks_text(const Json& search) {
  static const std::pair<const char*, const char*> words[] = {
      {"names", "name"}, {"libraries", "library"}, {"contents", "content"}, {"bytes", "byte"}};
  std::string out;
  for (const auto& [key, word] : words)
    if (search.contains(key))
      for (const Json& value : search[key]) out += fmt::format(" {}='{}'", word, value.get<std::string>());
  return out.empty() ? "" : " on checks" + out;
}

std::vector<std::string> Memory::print(const Answer& answer, bool found_only) const {
  std::vector<std::string> out;
  if (answer.elements.is_object())
    for (const auto& [label, entries] : answer.elements.items())
      for (const Json& one : entries) {
        const Json& search = one.at("search");
        const std::string checks = search.at("options").value("matchall", false) ? "" : checks_text(search);
        const std::string name = one.at("process").value("name", "");
        if (!name.empty())
          out.push_back(fmt::format("{} [pid:{}] in search '{}'{}", name, one.at("process").value("pid", 0),
                                    label, checks));
        else if (!found_only)
          out.push_back(fmt::format("0 match found in search '{}'{}", label, checks));
      }
  if (found_only) return out;
  out.insert(out.end(), answer.errors.begin(), answer.errors.end());
  if (!answer.statistics.is_object()) return out;
  const Json failures = answer.statistics.value("failures", Json::array());
  for (const Json& failure : failures) out.push_back("Failure: " + failure.get<std::string>());
  out.push_back(fmt::format("Statistics: {} processes checked, {} matched, {} failures, ran in {}.",
                            answer.statistics.value("processcount", 0),
                            answer.statistics.value("totalhits", 0), failures.size(),
                            answer.statistics.value("exectime", "")));
  return out;
}

}  // namespace

const Module& module() {
  static const Memory the_module;
  return the_module;
}

}  // namespace mig::modules::memory
