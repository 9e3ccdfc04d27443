#include "node/core/target_parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "node/core/limits.h"
#include "node/core/target.h"

namespace mig::core {
namespace target {

Result<NodePtr> Parser::parse() {
  NodePtr root = disjunction();
  if (root) root = condition(root, "a target");
  if (root && next().token != Token::end) {
    const Piece& odd = next();
    if (is_op(odd, ")")) fail(odd.at, "this ')' closes nothing; remove it or open it before");
    else fail(odd.at, fmt::format("expected AND, OR or the end, got {}", shown(odd)));
  }
  if (error_) return *error_;
  return root;
}

NodePtr Parser::disjunction() { return joined(Op::or_, "or", &Parser::conjunction); }
NodePtr Parser::conjunction() { return joined(Op::and_, "and", &Parser::negation); }

// a AND b AND c becomes one node, so that a long list of names costs no depth.
NodePtr Parser::joined(Op op, std::string_view word, NodePtr (Parser::*below)()) {
  NodePtr first = (this->*below)();
  if (!first || !is_word(next(), word)) return first;
  std::string name = word == "or" ? "OR" : "AND";
  Node node{.op = op, .at = first->at};
  if (!(first = condition(first, name))) return nullptr;
  node.below.push_back(first);
  while (take_word(word)) {
    NodePtr more = (this->*below)();
    if (!more || !(more = condition(more, name))) return nullptr;
    node.below.push_back(more);
  }
  return grown(std::move(node));
}

NodePtr Parser::negation() {
  if (!is_word(next(), "not")) return question();
  const Piece& word = take();
  if (++nested_ > limits::target_depth) return fail(word.at, "nested too deep; simplify the condition");
  NodePtr below = negation();
  --nested_;
  if (!below || !(below = condition(below, "NOT"))) return nullptr;
  return inverse(below, true);
}

NodePtr Parser::question() {
  NodePtr left = comparison();
  while (left && is_word(next(), "is")) left = is_question(left);
  return left;
}

NodePtr Parser::is_question(NodePtr left) {
  take();
  bool no = take_word("not");
  const Piece& word = next();
  Node node{.op = Op::truth_is, .below = {left}, .at = left->at};
  if (is_word(word, "null") || is_word(word, "unknown"))
    node.op = Op::missing;
  else if (is_word(word, "true"))
    node.wanted = is_true;
  else if (is_word(word, "false"))
    node.wanted = is_false;
  else
    return fail(word.at, fmt::format("expected NULL, TRUE or FALSE after IS, got {}", shown(word)));
  take();
  if (node.op == Op::truth_is && !condition(left, "IS " + std::string(word.text == "true" ? "TRUE" : "FALSE"))) return nullptr;
  NodePtr made = grown(std::move(node));
  return made ? inverse(made, no) : nullptr;
}

NodePtr Parser::comparison() {
  static constexpr std::pair<std::string_view, Op> signs[] = {
      {"=", Op::equal}, {"!=", Op::not_equal}, {"<>", Op::not_equal}, {"<", Op::less},
      {"<=", Op::less_equal}, {">", Op::greater}, {">=", Op::greater_equal}};
  NodePtr left = membership();
  if (!left || next().token != Token::op) return left;
  for (const auto& [sign, op] : signs) {
    if (!is_op(next(), sign)) continue;
    const Piece& piece = take();
    if (is_op(next(), "=") || is_op(next(), ">") || is_op(next(), "<"))
      return fail(piece.at, "compare with one of = != < <= > >=");
    NodePtr right = membership();
    if (!right) return nullptr;
    NodePtr made = compare(op, left, right, piece);
    if (made && next().token == Token::op)
      for (const auto& again : signs)
        if (is_op(next(), again.first)) return fail(next().at, "comparisons do not chain; write a < b AND b < c");
    return made;
  }
  return left;
}

NodePtr Parser::membership() {
  NodePtr left = digging();
  if (!left) return nullptr;
  bool no = is_word(next(), "not") && ahead(1).token == Token::word;
  const Piece& word = no ? ahead(1) : next();
  if (word.token != Token::word) return left;
  NodePtr made;
  auto go = [&] {
    if (no) take();
    take();
  };
  if (word.text == "in") {
    go();
    made = among(left, word);
  } else if (word.text == "between") {
    go();
    made = between(left, word);
  } else if (word.text == "like" || word.text == "ilike") {
    go();
    made = like(left, word);
  } else if (word.text == "similar") {
    return fail(word.at, "SIMILAR TO is not understood; write LIKE 'web%' or ~ '^web[0-9]+'");
  } else {
    return left;
  }
  return made ? inverse(made, no) : nullptr;
}

NodePtr Parser::among(NodePtr left, const Piece& in) {
  if (!want_op("(", "after IN: IN ('a', 'b')")) return nullptr;
  if (is_word(next(), "select")) return answered_before(left);
  Node node{.op = Op::in, .below = {left}, .at = left->at};
  do {
    NodePtr item = digging();
    if (!item) return nullptr;
    NodePtr wanted = node.below[0];
    if (!agree(wanted, item, in)) return nullptr;
    node.below[0] = wanted;
    node.below.push_back(item);
  } while (take_op(","));
  if (!want_op(")", "or ',' in the list of IN")) return nullptr;
  return grown(std::move(node));
}

NodePtr Parser::between(NodePtr left, const Piece& word) {
  NodePtr low = digging();
  if (!low) return nullptr;
  if (!take_word("and")) return fail(next().at, fmt::format("expected AND for BETWEEN, got {}", shown(next())));
  NodePtr high = digging();
  if (!high) return nullptr;
  NodePtr from = compare(Op::greater_equal, left, low, word), to = from ? compare(Op::less_equal, left, high, word) : nullptr;
  return to ? grown({.op = Op::and_, .below = {from, to}, .at = left->at}) : nullptr;
}

NodePtr Parser::digging() {
  NodePtr left = addition();
  while (left && next().token == Token::op) {
    const Piece& op = next();
    if (op.text == "->" || op.text == "->>" || op.text == "#>" || op.text == "#>>")
      left = dig(left, take());
    else if (op.text == "~" || op.text == "~*" || op.text == "!~" || op.text == "!~*")
      left = regular(left, take());
    else
      break;
  }
  return left;
}

NodePtr Parser::dig(NodePtr left, const Piece& op) {
  bool many = op.text[0] == '#';
  if (left->kind != Kind::json)
    return fail(op.at, fmt::format("{} looks into JSON, but what stands before it is {}; it works on environment and tags",
                                   op.text, kind_name(left->kind)));
  const Piece& key = next();
  bool index = key.token == Token::number && !many;
  if (key.token != Token::text && !index)
    return fail(key.at, fmt::format("expected a quoted key after {}, such as environment{}'{}', got {}", op.text, op.text,
                                    many ? "{os}" : "os", shown(key)));
  take();
  Node node{.op = op.text.size() == 3 ? Op::dig_text : Op::dig, .below = {left}, .at = left->at};
  node.kind = node.op == Op::dig_text ? Kind::text : Kind::json;
  if (!many) {
    node.path = {key.text};
    return grown(std::move(node));
  }
  if (key.text.size() < 2 || key.text.front() != '{' || key.text.back() != '}')
    return fail(key.at, fmt::format("expected keys in braces after {}, such as '{{aws,instanceid}}'", op.text));
  std::string_view keys = std::string_view(key.text).substr(1, key.text.size() - 2);
  while (!keys.empty()) {
    std::size_t comma = std::min(keys.find(','), keys.size());
    std::string part(keys.substr(0, comma));
    part.erase(0, std::min(part.find_first_not_of(' '), part.size()));
    part.erase(part.find_last_not_of(' ') + 1);
    if (part.size() > 1 && part.front() == '"' && part.back() == '"') part = part.substr(1, part.size() - 2);
    node.path.push_back(part);
    keys.remove_prefix(std::min(comma + 1, keys.size()));
  }
  return grown(std::move(node));
}

NodePtr Parser::addition() {
  NodePtr left = casting();
  while (left && (is_op(next(), "+") || is_op(next(), "-"))) {
    const Piece& sign = take();
    NodePtr right = casting();
    if (!right) return nullptr;
    Node node{.op = sign.text == "-" ? Op::minus : Op::plus, .at = left->at};
    if (left->kind == Kind::moment && right->kind == Kind::untyped && !(right = typed(right, Kind::span))) return nullptr;
    bool times = left->kind == Kind::moment && right->kind == Kind::span;
    bool turned = left->kind == Kind::span && right->kind == Kind::moment && node.op == Op::plus;
    if (!times && !turned && !(left->kind == Kind::number && right->kind == Kind::number))
      return fail(sign.at, fmt::format("{} {} {} does not add up; write a time and an interval: now() - INTERVAL '30 days'",
                                       kind_name(left->kind), sign.text, kind_name(right->kind)));
    node.kind = times || turned ? Kind::moment : Kind::number;
    node.below = {left, right};
    left = grown(std::move(node));
  }
  return left;
}

NodePtr Parser::casting() {
  NodePtr value = thing();
  while (value && take_op("::")) value = cast_to(value);
  return value;
}

bool Parser::take_word(std::string_view word) {
  if (!is_word(next(), word)) return false;
  take();
  return true;
}

bool Parser::take_op(std::string_view op) {
  if (!is_op(next(), op)) return false;
  take();
  return true;
}

bool Parser::want_op(std::string_view op, std::string_view why) {
  if (take_op(op)) return true;
  fail(next().at, fmt::format("expected '{}' {}, got {}", op, why, shown(next())));
  return false;
}

std::string Parser::shown(const Piece& piece) const {
  if (piece.token == Token::end) return "the end";
  return fmt::format("'{}'", readable_utf8(source_.substr(piece.at, std::min<std::size_t>(piece.size, 40))));
}

std::nullptr_t Parser::fail(std::size_t at, std::string_view what) {
  if (!error_) error_ = error_at(source_, at, what);
  return nullptr;
}

NodePtr Parser::grown(Node node) {
  for (const NodePtr& below : node.below) node.depth = std::max(node.depth, below->depth + 1);
  // The judge and the tree's own end walk it recursively; this bounds their stack.
  if (node.depth > limits::target_depth) return fail(node.at, "nested too deep; simplify the condition");
  return std::make_shared<const Node>(std::move(node));
}

NodePtr Parser::inverse(NodePtr node, bool really) {
  return really ? grown({.op = Op::not_, .below = {node}, .at = node->at}) : node;
}

}  // namespace target

Result<Target> Target::parse(std::string_view text) {
  if (text.size() > limits::target_bytes)
    return Error{Code::too_large, fmt::format("target: {} bytes are over the {} allowed; name agents by a tag, or ask in parts",
                                              text.size(), limits::target_bytes)};
  if (!is_utf8(text)) return invalid("target: the text is not UTF-8");
  Target out;
  out.text_ = text;
  Result<std::vector<target::Piece>> pieces = target::pieces_of(text);
  if (!pieces) return pieces.error();
  const target::Piece& first = pieces->front();
  if (first.token == target::Token::end) return out;
  if (pieces->size() == 2 && first.token == target::Token::word && first.text == "all") return out;
  target::Parser parser(text, *std::move(pieces));
  Result<target::NodePtr> root = parser.parse();
  if (!root) return root.error();
  out.root_ = *root;
  out.needs_journal_ = parser.needs_journal();
  return out;
}

}  // namespace mig::core
