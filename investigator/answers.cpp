#include "investigator/answers.h"

#include "node/core/limits.h"

namespace mig::investigator {

std::optional<AgentAnswer> Answers::add(AnswerPart part) {
  if (given_.contains(part.agent)) return std::nullopt;
  const core::NodeId agent = part.agent;
  const std::uint16_t parts = part.parts;
  auto& held = waiting_[agent];
  held.emplace(part.part, std::move(part));
  if (held.size() < parts) return std::nullopt;

  const AnswerPart& first = held.begin()->second;
  AgentAnswer out{first.agent, first.name, first.state, first.reason, first.trouble, {}, {}};
  std::string text;
  for (auto& [number, slice] : held) text += slice.results;
  waiting_.erase(agent);
  given_.insert(agent);
  if (text.empty()) return out;
  auto results = read_results(text);
  if (results)
    out.operations = *std::move(results);
  else
    out.broken = results.error().text;
  return out;
}

core::Result<std::vector<modules::Answer>> read_results(const std::string& json) {
  constexpr std::size_t most = core::limits::reply_parts * core::limits::reply_plain_bytes;
  auto list = core::parse_json(json, most);
  if (!list) return list.error();
  if (!list->is_array()) return core::invalid("results: a list was expected");
  std::vector<modules::Answer> out;
  for (const core::Json& result : *list) {
    auto answer = modules::Answer::from_json(result);
    if (!answer) return answer.error();
    out.push_back(*std::move(answer));
  }
  return out;
}

}  // namespace mig::investigator
