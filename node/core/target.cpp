// The judge: what a parsed target says about one agent.
#include "node/core/target.h"

#include <re2/re2.h>

#include <algorithm>

#include "node/core/schema_text.h"
#include "node/core/target_node.h"

namespace mig::core {
namespace target {
namespace {

Truths inverse(Truths t) { return (t & is_null) | (t & is_true ? is_false : 0) | (t & is_false ? is_true : 0); }

// Every outcome of "a AND b" over what each may be: one false decides, else one NULL does.
Truths both(Truths a, Truths b) {
  Truths out = 0;
  if (((a | b) & is_false) != 0) out |= is_false;
  if ((a & is_true) != 0 && (b & is_true) != 0) out |= is_true;
  if (((a & is_null) != 0 && (b & (is_null | is_true)) != 0) || ((b & is_null) != 0 && (a & is_true) != 0)) out |= is_null;
  return out;
}

Truths either(Truths a, Truths b) { return inverse(both(inverse(a), inverse(b))); }
Truths known(bool value) { return value ? is_true : is_false; }

const std::string* text_column(const AgentFacts& facts, const std::string& name) {
  if (name == "id") return &facts.id;
  if (name == "name") return &facts.name;
  if (name == "queueloc") return &facts.queueloc;
  if (name == "mode") return &facts.mode;
  if (name == "version") return &facts.version;
  if (name == "status") return &facts.status;
  return name == "loadername" ? &facts.loadername : nullptr;
}

WallMs time_column(const AgentFacts& facts, const std::string& name) {
  if (name == "starttime") return facts.starttime;
  if (name == "heartbeattime") return facts.heartbeattime;
  return name == "refreshtime" ? facts.refreshtime : facts.destructiontime;
}

class Judge {
 public:
  Judge(const AgentFacts& facts, WallMs now, const Target::Answered& answered)
      : facts_(facts), now_(now), answered_(answered) {}

  Truths truth(const Node& node) {
    Value value = eval(node);
    if (auto* truth = std::get_if<Truth>(&value)) return truth->may_be;
    return std::holds_alternative<Unheld>(value) ? is_any : is_null;
  }

 private:
  Value eval(const Node& node) {
    switch (node.op) {
      case Op::constant: return node.value;
      case Op::column: return column(node.name);
      case Op::now: return Moment{now_};
      case Op::lower:
      case Op::upper: return folded(eval(*node.below[0]), node.op == Op::upper);
      case Op::dig:
      case Op::dig_text: return dig(node);
      case Op::cast:
      case Op::cast_date: return cast(node, eval(*node.below[0]));
      case Op::plus:
      case Op::minus: return sum(node);
      case Op::in: return Truth{among(node)};
      case Op::match: return Truth{matched(node)};
      case Op::missing: return Truth{missing(eval(*node.below[0]))};
      case Op::truth_is: return Truth{truth_is(node)};
      case Op::answered: return Truth{answered(node)};
      case Op::and_:
      case Op::or_: return Truth{joined(node)};
      case Op::not_: return Truth{inverse(truth(*node.below[0]))};
      default: return Truth{compared(node.op, eval(*node.below[0]), eval(*node.below[1]))};
    }
  }

  Value column(const std::string& name) {
    if (facts_.unheld.count(name) != 0) return Unheld{};
    if (name == "environment") return &facts_.environment;
    if (name == "tags") {
      if (tags_.is_null()) tags_ = facts_.tags;
      return &tags_;
    }
    if (name == "pid") return facts_.pid == 0 ? Value(Null{}) : Value(static_cast<double>(facts_.pid));
    if (const std::string* text = text_column(facts_, name)) return text->empty() ? Value(Null{}) : Value(*text);
    WallMs time = time_column(facts_, name);
    return time == 0 ? Value(Null{}) : Value(Moment{time});
  }

  static Value folded(Value value, bool upper) {
    auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) return value;
    if (!upper) return lowered(*text);
    for (char& c : *text)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return value;
  }

  Value dig(const Node& node) {
    Value from = eval(*node.below[0]);
    auto* found = std::get_if<const Json*>(&from);
    if (found == nullptr) return from;
    const Json* json = *found;
    for (const std::string& key : node.path) {
      if (json == &facts_.environment && facts_.unheld.count("environment." + key) != 0) return Unheld{};
      json = step(*json, key);
      if (json == nullptr) return Null{};
    }
    if (node.op == Op::dig) return json;
    if (json == &facts_.environment && partly_held()) return Unheld{};
    return as_text(*json);
  }

  bool partly_held() const {
    auto from = facts_.unheld.lower_bound("environment.");
    return from != facts_.unheld.end() && from->rfind("environment.", 0) == 0;
  }

  static const Json* step(const Json& json, const std::string& key) {
    if (json.is_object()) {
      auto at = json.find(key);
      return at == json.end() ? nullptr : &*at;
    }
    Value index = number_from(key);
    auto* number = std::get_if<double>(&index);
    if (!json.is_array() || number == nullptr) return nullptr;
    double place = *number < 0 ? *number + static_cast<double>(json.size()) : *number;
    if (place < 0 || place >= static_cast<double>(json.size())) return nullptr;
    return &json[static_cast<std::size_t>(place)];
  }

  // What ->> gives: a string without quotes, SQL's NULL for null, else the JSON text.
  static Value as_text(const Json& json) {
    if (json.is_null()) return Null{};
    if (json.is_string()) return json.get<std::string>();
    return compact_json(json);
  }

  Value cast(const Node& node, Value value) {
    if (std::holds_alternative<Null>(value) || std::holds_alternative<Unheld>(value)) return value;
    if (auto* json = std::get_if<const Json*>(&value)) {
      if (node.kind == Kind::json) return value;
      if (*json == &facts_.environment && partly_held()) return Unheld{};
      value = node.kind == Kind::text ? Value(compact_json(**json)) : as_text(**json);
    }
    if (auto* text = std::get_if<std::string>(&value)) value = from_text(node.kind, *text);
    if (node.kind == Kind::text) return to_text(value);
    auto* moment = std::get_if<Moment>(&value);
    if (node.op == Op::cast_date && moment != nullptr) return Moment{moment->ms - (moment->ms % 86'400'000 + 86'400'000) % 86'400'000};
    return value;
  }

  static Value from_text(Kind kind, const std::string& text) {
    switch (kind) {
      case Kind::number: return number_from(text);
      case Kind::moment: return moment_from(text);
      case Kind::span: return span_from(text);
      case Kind::truth: return truth_from(text);
      default: return text;
    }
  }

  static Value to_text(const Value& value) {
    if (auto* number = std::get_if<double>(&value)) return canonical_json(*number);
    if (auto* moment = std::get_if<Moment>(&value)) return to_rfc3339(moment->ms);
    auto* truth = std::get_if<Truth>(&value);
    if (truth == nullptr) return value;
    if (truth->may_be == is_true) return std::string("true");
    if (truth->may_be == is_false) return std::string("false");
    return truth->may_be == is_null ? Value(Null{}) : Value(Unheld{});
  }

  Value sum(const Node& node) {
    Value left = eval(*node.below[0]), right = eval(*node.below[1]);
    for (const Value* side : {&left, &right})
      if (std::holds_alternative<Unheld>(*side) || std::holds_alternative<Null>(*side)) return *side;
    int sign = node.op == Op::minus ? -1 : 1;
    if (std::holds_alternative<Span>(left)) std::swap(left, right);  // INTERVAL + time; minus is refused when parsed
    if (auto* moment = std::get_if<Moment>(&left)) return shifted(*moment, std::get<Span>(right), sign);
    return std::get<double>(left) + sign * std::get<double>(right);
  }

  static Truths compared(Op op, const Value& left, const Value& right) {
    for (const Value* side : {&left, &right})
      if (std::holds_alternative<Null>(*side)) return is_null;
    for (const Value* side : {&left, &right})
      if (std::holds_alternative<Unheld>(*side)) return is_any;
    if (auto* a = std::get_if<std::string>(&left)) return ordered(op, *a, std::get<std::string>(right));
    if (auto* a = std::get_if<double>(&left)) return ordered(op, *a, std::get<double>(right));
    if (auto* a = std::get_if<Moment>(&left)) return ordered(op, a->ms, std::get<Moment>(right).ms);
    Truths a = std::get<Truth>(left).may_be, b = std::get<Truth>(right).may_be;
    for (Truths side : {a, b})
      if (side == is_null) return is_null;
    for (Truths side : {a, b})
      if (side != is_true && side != is_false) return is_any;
    return ordered(op, a == is_true, b == is_true);
  }

  template <class T>
  static Truths ordered(Op op, const T& a, const T& b) {
    switch (op) {
      case Op::equal: return known(a == b);
      case Op::not_equal: return known(a != b);
      case Op::less: return known(a < b);
      case Op::less_equal: return known(a <= b);
      case Op::greater: return known(a > b);
      default: return known(a >= b);
    }
  }

  Truths among(const Node& node) {
    Value wanted = eval(*node.below[0]);
    Truths out = is_false;
    for (std::size_t i = 1; i < node.below.size() && out != is_true; ++i)
      out = either(out, compared(Op::equal, wanted, eval(*node.below[i])));
    return out;
  }

  Truths matched(const Node& node) {
    Value value = eval(*node.below[0]);
    if (auto* text = std::get_if<std::string>(&value)) return known(re2::RE2::PartialMatch(*text, *node.pattern));
    return std::holds_alternative<Unheld>(value) ? is_any : is_null;
  }

  static Truths missing(const Value& value) {
    if (std::holds_alternative<Unheld>(value)) return is_true | is_false;
    auto* truth = std::get_if<Truth>(&value);
    if (truth == nullptr) return known(std::holds_alternative<Null>(value));
    return ((truth->may_be & is_null) != 0 ? is_true : 0) | ((truth->may_be & ~is_null) != 0 ? is_false : 0);
  }

  Truths truth_is(const Node& node) {
    Truths value = truth(*node.below[0]);
    return ((value & node.wanted) != 0 ? is_true : 0) | ((value & ~node.wanted) != 0 ? is_false : 0);
  }

  Truths answered(const Node& node) {
    if (!answered_) return is_true | is_false;
    return known(answered_(node.name, node.flag));
  }

  Truths joined(const Node& node) {
    bool all = node.op == Op::and_;
    Truths out = all ? is_true : is_false;
    for (const NodePtr& below : node.below) {
      out = all ? both(out, truth(*below)) : either(out, truth(*below));
      if (out == (all ? is_false : is_true)) break;
    }
    return out;
  }

  const AgentFacts& facts_;
  WallMs now_;
  const Target::Answered& answered_;
  Json tags_;
};

}  // namespace
}  // namespace target

bool Target::matches(const AgentFacts& facts, WallMs now, const Answered& answered) const {
  if (root_ == nullptr) return true;
  return (target::Judge(facts, now, answered).truth(*root_) & target::is_true) != 0;
}

}  // namespace mig::core
