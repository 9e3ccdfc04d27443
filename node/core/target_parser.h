// From a target's text to its tree. Internal to target*.cpp.
//
// Recursive descent, one function a level of precedence, loosest first: OR, AND, NOT, IS, comparison, IN/LIKE/BETWEEN,
// -> and ~, + and -, ::, and the things themselves. Kinds are settled here, so that the judge never meets a surprise.
#pragma once

#include <initializer_list>
#include <optional>

#include "node/core/target_node.h"
#include "node/core/target_tokens.h"

namespace mig::core::target {

class Parser {
 public:
  Parser(std::string_view source, std::vector<Piece> pieces) : source_(source), pieces_(std::move(pieces)) {}
  Result<NodePtr> parse();
  bool needs_journal() const { return needs_journal_; }

 private:
  // Levels, loosest first. They return nullptr after fail().
  NodePtr disjunction();
  NodePtr conjunction();
  NodePtr negation();
  NodePtr question();
  NodePtr comparison();
  NodePtr membership();
  NodePtr digging();
  NodePtr addition();
  NodePtr casting();
  NodePtr thing();

  NodePtr joined(Op op, std::string_view word, NodePtr (Parser::*below)());
  NodePtr is_question(NodePtr left);
  NodePtr among(NodePtr left, const Piece& in);
  NodePtr answered_before(NodePtr left);
  NodePtr between(NodePtr left, const Piece& word);
  NodePtr like(NodePtr left, const Piece& word);
  NodePtr regular(NodePtr left, const Piece& op);
  NodePtr dig(NodePtr left, const Piece& op);
  NodePtr word_thing();
  NodePtr column(const Piece& word);
  NodePtr function(const Piece& word);
  NodePtr cast_to(NodePtr value);
  NodePtr span_thing();

  NodePtr compare(Op op, NodePtr left, NodePtr right, const Piece& sign);
  NodePtr pattern(NodePtr left, std::string expression, bool fold, const Piece& constant);
  bool agree(NodePtr& left, NodePtr& right, const Piece& sign);
  NodePtr typed(const NodePtr& constant, Kind kind);
  NodePtr condition(NodePtr node, std::string_view after);
  NodePtr grown(Node node);
  NodePtr inverse(NodePtr node, bool really);

  const Piece& next() const { return pieces_[at_]; }
  const Piece& ahead(std::size_t n) const { return pieces_[std::min(at_ + n, pieces_.size() - 1)]; }
  const Piece& take() { return pieces_[at_ + 1 < pieces_.size() ? at_++ : at_]; }
  bool is_word(const Piece& piece, std::string_view word) const { return piece.token == Token::word && piece.text == word; }
  bool is_op(const Piece& piece, std::string_view op) const { return piece.token == Token::op && piece.text == op; }
  bool take_word(std::string_view word);
  bool take_op(std::string_view op);
  bool take_all(std::initializer_list<std::string_view> words);
  bool want_op(std::string_view op, std::string_view why);
  std::string shown(const Piece& piece) const;
  std::nullptr_t fail(std::size_t at, std::string_view what);

  std::string_view source_;
  std::vector<Piece> pieces_;
  std::size_t at_ = 0, nested_ = 0, patterns_ = 0;
  bool needs_journal_ = false;
  std::optional<Error> error_;
};

std::string kind_name(Kind kind);

}  // namespace mig::core::target
