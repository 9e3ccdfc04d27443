// The child's side of jobs.h.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>

#include "modules/module.h"
#include "node/destroy.h"
#include "node/jobs.h"
#include "node/wall.h"

namespace mig::node {
namespace {

using core::Json;
using modules::Answer;
using modules::Budget;

std::atomic<Budget*> current_budget{nullptr};
volatile sig_atomic_t told_to_stop = 0;

void on_signal(int number) {
  told_to_stop = number;
  if (Budget* budget = current_budget.load()) budget->stop(number == SIGXCPU ? Budget::Limit::cpu : Budget::Limit::stopped);
}

void prepare_process() {
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGXCPU, &action, nullptr);
}

std::string read_to_end() {
  std::string out;
  char block[64 * 1024];
  for (;;) {
    ssize_t got = read(STDIN_FILENO, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return out;
    out.append(block, static_cast<std::size_t>(got));
  }
}

bool write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t wrote = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

bool write_frame(std::size_t index, const std::string& answer, const char* limit) {
  std::string json = fmt::format(R"({{"index":{},"answer":{},"limit":"{}"}})", index, answer, limit);
  std::string frame;
  for (int shift = 0; shift < 32; shift += 8) frame += static_cast<char>(json.size() >> shift & 0xff);
  return write_all(frame + json);
}

struct Job {
  Json operations;
  std::vector<core::Enclosed> enclosed;
  modules::Host host;
  bool privacy = false;
  double seconds = 0;
  std::size_t bytes = 0;
  WallLimits wall;
  std::string group;
};

core::Result<Job> read_job() {
  std::string text = read_to_end();
  auto document = core::parse_json(text, text.size());
  if (!document) return document.error();
  try {
    std::vector<core::Enclosed> enclosed;
    for (const Json& one : document->at("enclosed")) {
      auto packed = core::from_base64(one.at("packed").get<std::string>());
      if (!packed) return packed.error();
      enclosed.push_back({{one.at("name"), one.at("size"), {}}, *std::move(packed)});
    }
    return Job{document->at("operations"), std::move(enclosed), {document->at("root"), document->at("proc")}, document->at("privacy"),
               document->at("seconds"), document->at("bytes"),
               {document->at("memory"), document->at("cpu"), document->at("polite"), document->at("parent"), document->at("readable")}, document->at("group")};
  } catch (const Json::exception& trouble) {
    return core::invalid(trouble.what());
  }
}

/// What all its modules together need; names that are not modules need nothing, they fail by themselves.
modules::Demands demands_of(const Json& operations) {
  modules::Demands out;
  for (const Json& operation : operations) {
    if (!operation.is_object() || !operation.value("module", Json()).is_string()) continue;
    if (const modules::Module* module = modules::find(operation["module"].get<std::string>())) out |= module->demands();
  }
  return out;
}

/// The module's name; empty if the operation names none.
std::string module_of(const Json& operation) {
  auto name = operation.find("module");
  return operation.is_object() && name != operation.end() && name->is_string() ? name->get<std::string>() : "";
}

/// Where only some paths may be read, an answer says so; and "nothing found" is no answer where something could not be read.
void qualify(Answer& answer, const WallLimits& wall) {
  if (wall.readable.empty()) return;
  if (!answer.errors.empty() && !answer.found_anything) answer.success = false;
  std::string paths;
  for (const auto& path : wall.readable) paths += (paths.empty() ? "" : ", ") + path;
  answer.errors.push_back("restricted on this machine: only what lies below these is read: " + paths);
}

std::vector<Answer> answers_to(const std::vector<std::size_t>& indices, const Job& job, Budget& budget) {
  const std::string name = module_of(job.operations[indices[0]]);
  if (name.empty()) return {Answer::failure("operation: has no module")};
  std::vector<Json> parameters;
  for (std::size_t index : indices) {
    parameters.push_back(job.operations[index].value("parameters", Json::object()));
    if (auto filled = core::fill_in(parameters.back(), job.enclosed); !filled) return std::vector<Answer>(indices.size(), Answer::failure(filled.error().text));
  }
  auto answers = modules::run_together(name, parameters, job.host, budget);
  for (Answer& answer : answers) qualify(answer, job.wall);
  if (job.privacy)
    if (const modules::Module* module = modules::find(name))
      for (Answer& answer : answers) module->mask(answer);
  return answers;
}

/// As JobPart::trouble; being stopped is known to the parent already.
const char* word_for(Budget::Limit limit) {
  switch (limit) {
    case Budget::Limit::time: return "timeout";
    case Budget::Limit::size: return "limit: output";
    case Budget::Limit::cpu: return "limit: cpu";
    case Budget::Limit::memory: return "limit: memory";
    default: return "";
  }
}

/// Runs operations of one module within what time and room the earlier ones have left, and writes their frames.
bool run_some(const std::vector<std::size_t>& indices, const Job& job, double seconds_left, std::size_t& bytes_left) {
  Budget budget(std::max(seconds_left, 0.001), std::max<std::size_t>(bytes_left, 1));
  current_budget = &budget;
  if (const std::size_t memory = watched_memory(job.wall)) budget.watch_memory(memory);
  if (told_to_stop != 0) budget.stop(told_to_stop == SIGXCPU ? Budget::Limit::cpu : Budget::Limit::stopped);
  auto answers = answers_to(indices, job, budget);
  current_budget = nullptr;
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const char* limit = word_for(budget.limit());
    std::string text = answers[i].to_json();
    if (text.size() > bytes_left) {
      text = Answer::failure(fmt::format("the result of {} bytes is larger than the {} bytes left for it", text.size(),
                                         bytes_left)).to_json();
      limit = "limit: output";
    }
    bytes_left -= std::min(bytes_left, text.size());
    if (!write_frame(indices[i], text, limit)) return false;
  }
  return true;
}

/// The operation at `index` and, if its module does better so, all later ones of the same module.
std::vector<std::size_t> with_its_like(std::size_t index, const Json& operations) {
  std::vector<std::size_t> out{index};
  const std::string name = module_of(operations[index]);
  const modules::Module* module = modules::find(name);
  if (module == nullptr || !module->together()) return out;
  for (std::size_t later = index + 1; later < operations.size(); ++later)
    if (module_of(operations[later]) == name) out.push_back(later);
  return out;
}

/// The one order that no wall can let through: it ends another process, or this agent.
bool is_destroy(const Job& job) {
  return job.operations.size() == 1 && module_of(job.operations[0]) == "agentdestroy" && job.host.root.empty();
}

}  // namespace

int job_main() {
  prepare_process();
  auto job = read_job();
  if (!job) return 1;
  if (is_destroy(*job)) {
    Answer answer = destroy(job->operations[0].value("parameters", Json::object()), job->wall.parent);
    if (job->privacy) modules::find("agentdestroy")->mask(answer);
    return write_frame(0, answer.to_json(), "") ? 0 : 1;
  }
  if (!job->group.empty()) Cgroups::join(job->group);
  if (auto raised = raise_wall(demands_of(job->operations), job->wall); !raised) {
    for (std::size_t index = 0; index < job->operations.size(); ++index)
      if (!write_frame(index, Answer::failure(raised.error().text).to_json(), "error: no wall")) return 1;
    return 0;
  }
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  std::size_t bytes_left = job->bytes;
  std::vector<char> done(job->operations.size(), 0);
  for (std::size_t index = 0; index < job->operations.size(); ++index) {
    if (done[index]) continue;
    const auto indices = with_its_like(index, job->operations);  // one walk serves all searches of an action
    for (std::size_t one : indices) done[one] = 1;
    const std::chrono::duration<double> used = Clock::now() - start;
    if (!run_some(indices, *job, job->seconds - used.count(), bytes_left)) return 1;
  }
  return 0;
}

}  // namespace mig::node
