// Agents by what they answered before: MIG's -target-found and -target-notfound, and nothing else that selects.
//
//   id IN (SELECT agentid FROM commands, json_array_elements(commands.results) AS r
//          WHERE actionid = N AND r#>>'{foundanything}' = 'true')
#include <fmt/format.h>

#include "node/core/schema_text.h"
#include "node/core/target_parser.h"

namespace mig::core::target {
namespace {

constexpr std::string_view what_is_right =
    "the only SELECT understood is MIG's: id IN (SELECT agentid FROM commands, json_array_elements(commands.results) "
    "AS r WHERE actionid = N AND r#>>'{foundanything}' = 'true'); mig writes it for -target-found N";

bool is_action_id(const Piece& piece) {
  bool kind = piece.token == Token::text || piece.token == Token::number || piece.token == Token::odd_number ||
              piece.token == Token::word;  // abcd12 without quotes is a word
  return kind && !piece.text.empty() && piece.text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
}

}  // namespace

bool Parser::take_all(std::initializer_list<std::string_view> words) {
  for (std::string_view word : words) {
    if (!is_word(next(), word) && !is_op(next(), word)) {
      fail(next().at, what_is_right);
      return false;
    }
    take();
  }
  return true;
}

NodePtr Parser::answered_before(NodePtr left) {
  if (left->op != Op::column || left->name != "id") return fail(next().at, what_is_right);
  Node node{.op = Op::answered, .at = next().at};
  if (!take_all({"select", "agentid", "from", "commands", ",", "json_array_elements", "(", "commands", ".", "results", ")"}))
    return nullptr;
  take_word("as");
  if (!take_all({"r", "where", "actionid", "="})) return nullptr;
  const Piece& action = take();
  if (!is_action_id(action))
    return fail(action.at, fmt::format("expected the id of an action, such as '3f9c02ab', got {}", shown(action)));
  node.name = lowered(action.text);
  if (!take_all({"and", "r"})) return nullptr;
  const Piece& op = take();
  const Piece& key = take();
  bool path = is_op(op, "#>>") && key.text == "{foundanything}", member = is_op(op, "->>") && key.text == "foundanything";
  if ((!path && !member) || key.token != Token::text) return fail(op.at, what_is_right);
  if (!take_all({"="})) return nullptr;
  const Piece& wanted = take();
  if ((wanted.token != Token::text && wanted.token != Token::word) || (wanted.text != "true" && wanted.text != "false"))
    return fail(wanted.at, fmt::format("expected 'true' or 'false', got {}", shown(wanted)));
  node.flag = wanted.text == "true";
  if (!want_op(")", "to close the SELECT")) return nullptr;
  needs_journal_ = true;
  return grown(std::move(node));
}

}  // namespace mig::core::target
