#include "simulate/looks.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace mig::simulate {

using namespace core;

Words::Words(const std::string& line) {
  std::stringstream in(line);
  for (std::string word; in >> word;) words_.push_back(word);
}

bool Words::maybe(const std::string& word) {
  if (over() || words_[at_] != word) return false;
  ++at_;
  return true;
}

std::string Words::rest() {
  std::string out;
  while (!over()) out += (out.empty() ? "" : " ") + take();
  return out;
}

std::size_t LookReader::index_in(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

void LookReader::expect(const char* word) {
  if (!words_.maybe(word)) fail(fmt::format("'{}' is missing before '{}'", word, words_.next()));
}

Duration LookReader::duration() {
  const std::string word = words_.take();
  auto parsed = parse_duration(word);
  if (!parsed || parsed->us <= 0) fail(fmt::format("'{}' is no span of time; write 500ms, 2s, 5m or 1h", word));
  return parsed ? *parsed : Duration{0};
}

std::string LookReader::frame_kind() {
  const std::string kind = words_.take();
  if (index_in(kinds(), kind) == kinds().size()) fail(fmt::format("'{}' is no kind of frame; there are: {}", kind, fmt::join(kinds(), ", ")));
  return kind;
}

std::string LookReader::question() {
  const std::string name = words_.take();
  if (!cast_.questions.contains(name)) fail(fmt::format("nobody has asked '{}' before this", name));
  return name;
}

std::size_t LookReader::relay() {
  const std::string name = words_.take();
  const std::size_t at = index_in(cast_.relays, name);
  if (at == cast_.relays.size()) fail(fmt::format("there is no relay '{}'; there are: {}", name, fmt::join(cast_.relays, ", ")));
  return at;
}

NodeIndex LookReader::node(const std::string& name) {
  if (const std::size_t at = index_in(cast_.relays, name); at < cast_.relays.size()) return at;
  if (const std::size_t at = index_in(cast_.agents, name); at < cast_.agents.size()) return cast_.relays.size() + at;
  if (name != "mig") fail(fmt::format("there is no '{}'; there are: {}, {}, mig", name, fmt::join(cast_.relays, ", "), fmt::join(cast_.agents, ", ")));
  return cast_.relays.size() + cast_.agents.size();
}

NodeIndex LookReader::agent() {
  const std::string name = words_.take();
  if (index_in(cast_.agents, name) == cast_.agents.size()) fail(fmt::format("there is no agent '{}'; there are: {}", name, fmt::join(cast_.agents, ", ")));
  return node(name);
}

std::vector<NodeIndex> LookReader::these(const std::set<std::string>& until) {
  std::vector<NodeIndex> out;
  if (words_.maybe("everybody")) {
    for (NodeIndex i = 0; i < cast_.relays.size() + cast_.agents.size(); ++i) out.push_back(i);
    return out;
  }
  while (!words_.over() && !until.contains(words_.next())) out.push_back(node());
  if (out.empty()) fail("nobody is named");
  return out;
}

std::optional<unsigned> LookReader::times() {
  if (words_.over()) return {};
  const std::string word = words_.take();
  if (word == "never") return 0;
  if (word == "once") return 1;
  if (word == "twice") return 2;
  unsigned count = 0;
  for (char c : word) count = c >= '0' && c <= '9' && count < 10'000 ? count * 10 + static_cast<unsigned>(c - '0') : 100'000;
  if (count > 10'000) fail(fmt::format("how often is '{}'? never, once, twice, 3 times", word));
  expect("times");
  return count;
}

Look LookReader::look() {
  const std::string name = words_.take();
  if (cast_.questions.contains(name)) return look_at_question(name);
  if (name == "nobody") {
    expect("said");
    return [event = words_.take()](Stage& stage) { return stage.said({}, event, 0); };
  }
  if (name == "somebody") {
    expect("said");
    const std::string event = words_.take();
    return [=, count = times()](Stage& stage) { return stage.said({}, event, count); };
  }
  return look_at_node(name);
}

Look LookReader::look_at_question(const std::string& name) {
  const std::string verb = words_.take();
  if (verb == "reads") return [name, line = words_.rest()](Stage& stage) { return stage.reads(name, line); };
  if (verb == "notes") return [name, text = words_.rest()](Stage& stage) { return stage.notes(name, text); };
  if (verb == "ran") {
    expect("on");
    const NodeIndex who = agent();
    const auto count = times();
    if (!count) fail("how often? never, once, twice, 3 times");
    return [=](Stage& stage) { return stage.ran(name, who, *count); };
  }
  if (verb == "from") {
    const NodeIndex who = agent();
    expect("is");
    const std::string state = words_.take();
    return [=, why = words_.rest()](Stage& stage) { return stage.answer(name, who, state, why); };
  }
  if (verb == "is") {
    const std::string word = words_.take();
    if (word != "stored" && word != "refused" && word != "delayed") fail(fmt::format("a relay says stored, refused or delayed (over a quota), not '{}'", word));
    const VerdictCode code = word == "stored" ? VerdictCode::stored : word == "delayed" ? VerdictCode::quota : VerdictCode::refused;
    return [=, text = words_.rest()](Stage& stage) { return stage.verdict(name, code, text); };
  }
  fail(fmt::format("'{}' cannot be seen of a question; there are: Q reads LINE, Q notes TEXT, Q ran on A once, Q from A is STATE [WHY], Q is stored", verb));
  return {};
}

Look LookReader::look_at_node(const std::string& name) {
  const NodeIndex who = node(name);
  const std::string verb = words_.take();
  if (verb == "said") {
    const std::string event = words_.take();
    return [=, count = times()](Stage& stage) { return stage.said(who, event, count); };
  }
  if (verb == "sent") {
    const std::string kind = frame_kind();
    expect("to");
    const NodeIndex to = node();
    return [=, count = times()](Stage& stage) { return stage.sent(kind, who, to, count); };
  }
  if (verb == "is") {
    expect("at");
    return [who, home = relay()](Stage& stage) { return stage.at(who, home); };
  }
  if (verb == "keeps") {
    expect("nothing"), expect("of");
    return [who, asked = question()](Stage& stage) { return stage.keeps_nothing(who, asked); };
  }
  fail(fmt::format("'{}' cannot be seen of {}; there are: N said EVENT [once], N sent KIND to N [once], A is at R, N keeps nothing of Q", verb, name));
  return {};
}

}  // namespace mig::simulate
