// The tree a target is parsed into. Internal to target*.cpp.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "node/core/agent_facts.h"

namespace re2 {
class RE2;
}

namespace mig::core::target {

/// What an expression yields, known when it is parsed. `untyped` is a quoted constant: it takes the other side's kind.
enum class Kind { text, number, moment, span, truth, json, untyped, nothing };

/// What a condition may come out as: any combination of these, since an unknown column leaves several open.
using Truths = unsigned;
constexpr Truths is_true = 1, is_false = 2, is_null = 4, is_any = 7;

struct Null {};
struct Unheld {};
struct Moment {
  WallMs ms;
};
/// PostgreSQL's interval: months are counted on the calendar.
struct Span {
  std::int64_t months = 0, ms = 0;
};
struct Truth {
  Truths may_be;
};
using Value = std::variant<Null, Unheld, Truth, double, std::string, Moment, Span, const Json*>;

enum class Op {
  constant, column, now, lower, upper, dig, dig_text, cast, cast_date, plus, minus,
  equal, not_equal, less, less_equal, greater, greater_equal,
  in, match, missing, truth_is, answered, and_, or_, not_,
};

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct Node {
  Op op = Op::constant;
  Kind kind = Kind::truth;
  std::vector<NodePtr> below;
  Value value = Null{};               ///< constant
  std::string name;                   ///< column; or the action of `answered`
  std::vector<std::string> path;      ///< dig: keys one under the other
  std::shared_ptr<const re2::RE2> pattern;
  Truths wanted = is_true;            ///< truth_is: which outcomes count as true
  bool flag = false;                  ///< answered: the wanted foundanything
  std::size_t depth = 1, at = 0;
};

/// Texts of constants and casts; Null if the text is not one.
Value moment_from(const std::string& text);
Value span_from(const std::string& text);
Value number_from(const std::string& text);
Value truth_from(const std::string& text);
Moment shifted(Moment from, Span by, int sign);

}  // namespace mig::core::target
