#include "node/module_main.h"

#include <fmt/format.h>
#include <strings.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "modules/module.h"
#include "node/core/limits.h"
#include "node/wall.h"

namespace mig::node {
namespace {

using modules::Answer;

/// A list of a hundred thousand SHA-512 sums fits; more belongs in several runs.
constexpr std::size_t message_bytes_max = 16 * 1024 * 1024;

core::Result<std::string> first_line() {
  std::string line;
  char block[64 * 1024];
  for (;;) {
    ssize_t got = read(STDIN_FILENO, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return core::invalid("standard input: cannot be read; hand in one line of JSON");
    std::string_view fresh(block, static_cast<std::size_t>(got));
    std::size_t newline = fresh.find('\n');
    line.append(fresh.substr(0, newline));
    if (got == 0 || newline != fresh.npos) return line;
    if (line.size() > message_bytes_max)
      return core::invalid(fmt::format("message: the line is longer than {} bytes", message_bytes_max));
  }
}

/// MIG matched keys without regard to case.
core::Json* member(core::Json& object, const char* key) {
  for (auto at = object.begin(); at != object.end(); ++at)
    if (strcasecmp(at.key().c_str(), key) == 0) return &at.value();
  return nullptr;
}

core::Result<core::Json> parameters_of(std::string_view line) {
  auto message = core::parse_json(line, message_bytes_max);
  if (!message) return core::invalid("message: " + message.error().text);
  if (!message->is_object())
    return core::invalid(R"(message: not an object; write {"class":"parameters","parameters":{..}})");
  const core::Json* kind = member(*message, "class");
  if (kind == nullptr || *kind != "parameters")
    return core::invalid(fmt::format(R"(message: class is {}; only "parameters" can be run)",
                                     kind == nullptr ? "missing" : core::compact_json(*kind)));
  core::Json* parameters = member(*message, "parameters");
  return parameters == nullptr ? core::Json::object() : std::move(*parameters);
}

Answer answer_to(std::string_view name) {
  if (modules::find(name) == nullptr) return Answer::failure(fmt::format("module '{}' is not available", name));
  auto line = first_line();
  if (!line) return Answer::failure(line.error().text);
  auto parameters = parameters_of(*line);
  line->clear();
  line->shrink_to_fit();
  if (!parameters) return Answer::failure(parameters.error().text);
  if (auto raised = raise_wall(modules::find(name)->demands(), {}); !raised) return Answer::failure(raised.error().text);
  modules::Budget budget(core::limits::job_seconds, core::limits::job_output_bytes);
  return modules::run(name, *parameters, modules::Host{}, budget);
}

std::string for_people(std::string_view name, const Answer& answer) {
  std::string out;
  if (const modules::Module* module = modules::find(name); module != nullptr && !answer.elements.is_null()) {
    for (const std::string& line : module->print(answer, false)) out += line + "\n";
    return out;
  }
  for (const std::string& error : answer.errors) out += error + "\n";
  return out;
}

}  // namespace

int run_module(std::string_view name, bool pretty) {
  Answer answer = answer_to(name);
  std::string text = pretty ? for_people(name, answer) : answer.to_json() + "\n";
  bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? 0 : 2;
}

}  // namespace mig::node
