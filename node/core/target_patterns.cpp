// LIKE and ~ in a target: compiled when it is parsed, so that a bad pattern is refused before anything is signed.
#include <fmt/format.h>
#include <re2/re2.h>

#include "node/core/limits.h"
#include "node/core/target_parser.h"

namespace mig::core::target {
namespace {

// LIKE as an expression: % any run, _ any letter, \ takes the next letter as it is.
std::string like_expression(std::string_view like, bool& complete) {
  std::string out = "\\A", plain;
  auto flush = [&] {
    out += re2::RE2::QuoteMeta(plain);
    plain.clear();
  };
  for (std::size_t i = 0; i < like.size(); ++i) {
    if (like[i] == '%' || like[i] == '_') {
      flush();
      out += like[i] == '%' ? ".*" : ".";
    } else if (like[i] != '\\') {
      plain += like[i];
    } else if (++i < like.size()) {
      plain += like[i];
    } else {
      complete = false;
    }
  }
  flush();
  return out + "\\z";
}

}  // namespace

NodePtr Parser::like(NodePtr left, const Piece& word) {
  const Piece& constant = next();
  if (constant.token != Token::text)
    return fail(constant.at, fmt::format("expected a quoted pattern after {}, such as 'web%', got {}", shown(word), shown(constant)));
  take();
  if (is_word(next(), "escape")) return fail(next().at, "ESCAPE is not understood; a backslash escapes % and _");
  bool complete = true;
  std::string expression = like_expression(constant.text, complete);
  if (!complete) return fail(constant.at, "the pattern ends in a backslash that escapes nothing; double it");
  return pattern(left, std::move(expression), word.text == "ilike", constant);
}

NodePtr Parser::regular(NodePtr left, const Piece& op) {
  const Piece& constant = next();
  if (constant.token != Token::text)
    return fail(constant.at, fmt::format("expected a quoted regular expression after {}, such as '^web[0-9]', got {}", op.text, shown(constant)));
  take();
  NodePtr made = pattern(left, constant.text, op.text.back() == '*', constant);
  return made ? inverse(made, op.text[0] == '!') : nullptr;
}

NodePtr Parser::pattern(NodePtr left, std::string expression, bool fold, const Piece& constant) {
  if (left->kind == Kind::untyped && !(left = typed(left, Kind::text))) return nullptr;
  if (left->kind != Kind::text)
    return fail(left->at, fmt::format("patterns match text, and this is {}; {}", kind_name(left->kind),
                                      left->kind == Kind::json ? "take its text with ->>" : "cast it: ...::text"));
  if (++patterns_ > limits::target_patterns)
    return fail(constant.at, fmt::format("more than {} patterns; join them: ~ '^(web|db)[0-9]'", limits::target_patterns));
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(static_cast<std::int64_t>(limits::pattern_memory));
  options.set_case_sensitive(!fold);
  options.set_dot_nl(true);
  auto compiled = std::make_shared<const re2::RE2>(expression, options);
  if (!compiled->ok())
    return fail(constant.at, fmt::format("the regular expression does not work: {} (the syntax is RE2's)", readable_utf8(compiled->error())));
  return grown({.op = Op::match, .below = {left}, .pattern = std::move(compiled), .at = left->at});
}

}  // namespace mig::core::target
