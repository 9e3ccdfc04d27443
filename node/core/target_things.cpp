// The leaves of a target: columns, constants, functions, casts, patterns, and how kinds agree.
#include <fmt/format.h>

#include <algorithm>

#include "node/core/limits.h"
#include "node/core/schema_text.h"
#include "node/core/target_parser.h"

namespace mig::core::target {
namespace {

struct Column {
  const char* name;
  Kind kind;
};
constexpr Column columns[] = {
    {"id", Kind::text}, {"name", Kind::text}, {"queueloc", Kind::text}, {"mode", Kind::text}, {"version", Kind::text},
    {"pid", Kind::number}, {"starttime", Kind::moment}, {"destructiontime", Kind::moment},
    {"heartbeattime", Kind::moment}, {"refreshtime", Kind::moment}, {"status", Kind::text},
    {"environment", Kind::json}, {"tags", Kind::json}, {"loadername", Kind::text}};
constexpr std::string_view environment_keys[] = {"init", "ident", "os", "arch", "isproxied", "proxy", "addresses",
                                                 "publicip", "modules", "aws"};
constexpr std::string_view statements[] = {"select", "insert", "update", "delete", "drop", "set", "reset", "alter", "create",
                                           "copy", "union", "with", "exists", "case", "array", "row"};

std::string column_names() {
  std::string out;
  for (const Column& column : columns) out += (out.empty() ? "" : " ") + std::string(column.name);
  return out;
}

struct CastName {
  std::string_view name;
  Kind kind;
};
constexpr CastName cast_names[] = {
    {"text", Kind::text}, {"varchar", Kind::text}, {"json", Kind::json}, {"jsonb", Kind::json},
    {"int", Kind::number}, {"integer", Kind::number}, {"bigint", Kind::number}, {"numeric", Kind::number},
    {"float", Kind::number}, {"real", Kind::number}, {"bool", Kind::truth}, {"boolean", Kind::truth},
    {"timestamptz", Kind::moment}, {"timestamp", Kind::moment}, {"date", Kind::moment}, {"interval", Kind::span}};

bool castable(Kind from, Kind to) {
  if (from == to || to == Kind::text || from == Kind::nothing) return true;
  if (from == Kind::untyped || from == Kind::text) return to != Kind::json;
  return from == Kind::json && (to == Kind::number || to == Kind::truth);
}

}  // namespace

std::string kind_name(Kind kind) {
  switch (kind) {
    case Kind::text: return "text";
    case Kind::number: return "a number";
    case Kind::moment: return "a time";
    case Kind::span: return "an interval";
    case Kind::truth: return "a condition";
    case Kind::json: return "JSON";
    case Kind::untyped: return "a quoted text";
    case Kind::nothing: break;
  }
  return "NULL";
}

NodePtr Parser::thing() {
  const Piece& piece = next();
  std::string after = at_ == 0 ? "at the start" : "after " + shown(pieces_[at_ - 1]);
  switch (piece.token) {
    case Token::text:
      take();
      return grown({.kind = Kind::untyped, .value = piece.text, .at = piece.at});
    case Token::number:
      take();
      return grown({.kind = Kind::number, .value = number_from(piece.text), .at = piece.at});
    case Token::odd_number:
      return fail(piece.at, fmt::format("{} is neither a number nor a word; put text in quotes: '{}'", shown(piece), piece.text));
    case Token::quoted_word:
      for (const Column& known : columns)
        if (known.name == piece.text) return column(take());
      return fail(piece.at, fmt::format("double quotes name columns; for text write '{}'", readable_utf8(piece.text)));
    case Token::word: return word_thing();
    case Token::op: break;
    case Token::end: return fail(piece.at, fmt::format("expected a value {}", after));
  }
  if (is_op(piece, "-") && ahead(1).token == Token::number) {
    take();
    const Piece& number = take();
    return grown({.kind = Kind::number, .value = number_from("-" + number.text), .at = piece.at});
  }
  if (!is_op(piece, "(")) return fail(piece.at, fmt::format("expected a value {}, got {}", after, shown(piece)));
  take();
  if (++nested_ > limits::target_depth) return fail(piece.at, "nested too deep; simplify the condition");
  NodePtr inside = disjunction();
  --nested_;
  if (!inside) return nullptr;
  if (is_op(next(), ",")) return fail(next().at, "a list stands only after IN");
  if (next().token == Token::end) return fail(piece.at, "this '(' is never closed");
  return want_op(")", "to close the parenthesis") ? inside : nullptr;
}

NodePtr Parser::word_thing() {
  const Piece& word = next();
  auto constant = [&](Kind kind, Value value) {
    take();
    return grown({.kind = kind, .value = std::move(value), .at = word.at});
  };
  if (word.text == "true") return constant(Kind::truth, Truth{is_true});
  if (word.text == "false") return constant(Kind::truth, Truth{is_false});
  if (word.text == "null") return constant(Kind::nothing, Null{});
  if (word.text == "interval") return span_thing();
  if (word.text == "current_timestamp") {
    take();
    return grown({.op = Op::now, .kind = Kind::moment, .at = word.at});
  }
  if ((word.text == "timestamp" || word.text == "timestamptz" || word.text == "date") && ahead(1).token == Token::text) {
    take();
    const Piece& text = take();
    return typed(grown({.kind = Kind::untyped, .value = text.text, .at = text.at}), Kind::moment);
  }
  if (word.text == "agents" && is_op(ahead(1), ".")) {
    take();
    take();
    if (next().token == Token::word || next().token == Token::quoted_word) return column(take());
    return fail(next().at, fmt::format("expected a column after agents., got {}", shown(next())));
  }
  if (std::find(std::begin(statements), std::end(statements), word.text) != std::end(statements))
    return fail(word.at, fmt::format("{} is not understood; a target is a condition on one agent, such as "
                                     "status = 'online' AND environment->>'os' = 'linux'",
                                     shown(word)));
  for (std::string_view keyword : {"and", "or", "in", "like", "ilike", "is", "between"})
    if (word.text == keyword)
      return fail(word.at, fmt::format("expected a value {}, got {}",
                                       at_ == 0 ? "at the start" : "after " + shown(pieces_[at_ - 1]), shown(word)));
  if (is_op(ahead(1), "(")) return function(take());
  if (is_op(ahead(1), ".")) return fail(word.at, fmt::format("{} is no table here; only agents is, as in agents.name", shown(word)));
  return column(take());
}

NodePtr Parser::column(const Piece& word) {
  for (const Column& known : columns)
    if (known.name == word.text) return grown({.op = Op::column, .kind = known.kind, .name = word.text, .at = word.at});
  std::vector<std::string> names, keys(std::begin(environment_keys), std::end(environment_keys));
  for (const Column& known : columns) names.push_back(known.name);
  std::string text = fmt::format("{} is no column", shown(word));
  if (std::find(keys.begin(), keys.end(), word.text) != keys.end())
    return fail(word.at, text + fmt::format("; it stands in the environment: environment->>'{}'", word.text));
  std::string near = nearest(word.text, names);
  if (!near.empty()) return fail(word.at, text + fmt::format("; did you mean {}?", near));
  if (word.text == "hostname") return fail(word.at, text + "; the host name is called name");
  return fail(word.at, text + fmt::format("; put text in quotes ('{}'), or name one of {}", word.text, column_names()));
}

NodePtr Parser::function(const Piece& word) {
  take();  // (
  if (word.text == "now") return want_op(")", "after now(") ? grown({.op = Op::now, .kind = Kind::moment, .at = word.at}) : nullptr;
  if (word.text == "cast") {
    NodePtr value = digging();
    if (!value) return nullptr;
    if (!take_word("as")) return fail(next().at, fmt::format("expected AS and a type, got {}", shown(next())));
    value = cast_to(value);
    return value && want_op(")", "after the type") ? value : nullptr;
  }
  if (word.text != "lower" && word.text != "upper")
    return fail(word.at, fmt::format("the function {} is not understood; understood are now(), lower(), upper() and CAST", shown(word)));
  NodePtr value = digging();
  if (!value) return nullptr;
  if (value->kind == Kind::untyped && !(value = typed(value, Kind::text))) return nullptr;
  if (value->kind != Kind::text)
    return fail(value->at, fmt::format("{} takes text, got {}", word.text, kind_name(value->kind)));
  if (!want_op(")", "after its value")) return nullptr;
  return grown({.op = word.text == "lower" ? Op::lower : Op::upper, .kind = Kind::text, .below = {value}, .at = word.at});
}

NodePtr Parser::span_thing() {
  take();
  if (next().token != Token::text)
    return fail(next().at, fmt::format("expected a quoted length after INTERVAL, such as '30 days', got {}", shown(next())));
  const Piece& text = take();
  return typed(grown({.kind = Kind::untyped, .value = text.text, .at = text.at}), Kind::span);
}

NodePtr Parser::cast_to(NodePtr value) {
  const Piece& word = next();
  auto known = std::find_if(std::begin(cast_names), std::end(cast_names),
                            [&](const CastName& name) { return is_word(word, name.name); });
  if (known == std::end(cast_names))
    return fail(word.at, fmt::format("expected a type (text, json, numeric, boolean, timestamptz, date, interval), got {}", shown(word)));
  take();
  if (!castable(value->kind, known->kind))
    return fail(word.at, fmt::format("{} cannot be cast to {}", kind_name(value->kind), known->name));
  if (value->kind == Kind::untyped && !(value = typed(value, known->kind))) return nullptr;
  if (value->kind == known->kind && known->name != "date") return value;
  Node node{.op = known->name == "date" ? Op::cast_date : Op::cast, .kind = known->kind, .below = {value}, .at = value->at};
  return grown(std::move(node));
}

// A quoted constant becomes what the other side is; a wrong one is refused before anything is signed.
NodePtr Parser::typed(const NodePtr& constant, Kind kind) {
  if (!constant) return nullptr;
  const std::string& text = std::get<std::string>(constant->value);
  Node node{.kind = kind, .value = text, .at = constant->at};
  std::string_view right;
  switch (kind) {
    case Kind::number: node.value = number_from(text), right = "a number"; break;
    case Kind::moment: node.value = moment_from(text), right = "a time; write '2026-11-24T07:00:00Z' or '2026-11-24'"; break;
    case Kind::span: node.value = span_from(text), right = "an interval; write '30 days' or '1 hour 30 minutes'"; break;
    case Kind::truth: node.value = truth_from(text), right = "true or false"; break;
    default: break;
  }
  if (kind == Kind::moment && lowered(text) == "now") node.op = Op::now;
  if (node.op != Op::now && std::holds_alternative<Null>(node.value))
    return fail(node.at, fmt::format("'{}' is not {}", readable_utf8(text.substr(0, 40)), right));
  return grown(std::move(node));
}

bool Parser::agree(NodePtr& left, NodePtr& right, const Piece& sign) {
  for (const NodePtr* side : {&left, &right})
    if ((*side)->kind == Kind::nothing) {
      fail((*side)->at, "a comparison with NULL is never true; write IS NULL or IS NOT NULL");
      return false;
    }
  for (const NodePtr* side : {&left, &right})
    if ((*side)->kind == Kind::json) {
      fail((*side)->at, "this is JSON and cannot be compared; take its text with ->>, as in environment->>'os' = 'linux'");
      return false;
    }
  if (left->kind == Kind::untyped) left = typed(left, right->kind == Kind::untyped ? Kind::text : right->kind);
  if (!left) return false;
  if (right->kind == Kind::untyped && !(right = typed(right, left->kind))) return false;
  // environment->>'isproxied' = true: MIG's text against SQL's word
  for (NodePtr* side : {&left, &right}) {
    NodePtr& other = side == &left ? right : left;
    if ((*side)->kind != Kind::text || other->kind != Kind::truth) continue;
    *side = grown({.op = Op::cast, .kind = Kind::truth, .below = {*side}, .at = (*side)->at});
    if (!*side) return false;
  }
  if (left->kind == Kind::span || left->kind != right->kind) {
    std::string help = left->kind == Kind::text && right->kind == Kind::number
                           ? "; put the number in quotes, or cast the text: (tags->>'ram')::numeric > 4"
                           : "";
    fail(sign.at, fmt::format("{} cannot be compared with {}{}", kind_name(left->kind), kind_name(right->kind), help));
    return false;
  }
  return true;
}

NodePtr Parser::compare(Op op, NodePtr left, NodePtr right, const Piece& sign) {
  if (!agree(left, right, sign)) return nullptr;
  return grown({.op = op, .below = {left, right}, .at = left->at});
}

NodePtr Parser::condition(NodePtr node, std::string_view after) {
  if (node->kind == Kind::truth) return node;
  if (node->kind == Kind::nothing) return fail(node->at, "NULL alone is never true");
  return fail(node->at, fmt::format("{} needs a condition, and this is {}; compare it, as in status = 'online'",
                                    after, kind_name(node->kind)));
}

}  // namespace mig::core::target
