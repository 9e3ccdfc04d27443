// JSON twice: strictly read when it comes from a stranger, canonically written when it will be signed.
//
// The same reader serves people, `mig`, relays and agents, since a document that two readers understand
// differently is how one co-signer is shown one thing while another one runs.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "node/core/bytes.h"
#include "node/core/result.h"

namespace mig::core {

using Json = nlohmann::json;  ///< objects keep their keys sorted bytewise

/// The largest whole number every reader of JSON holds exactly (I-JSON, RFC 7493).
constexpr std::int64_t json_integer_max = 9'007'199'254'740'991;

/// Refuses duplicate keys, invalid UTF-8, lone surrogates, trailing bytes, nesting over limits::json_depth,
/// numbers beyond +-json_integer_max (writers put larger ones in quotes), and text longer than `size_max`.
/// Whole numbers come out as integers however they were written (5, 5.0, 5e0).
/// Errors say where (line and column) and what was expected.
Result<Json> parse_json(std::string_view text, std::size_t size_max);

/// RFC 8785 (JCS): sorted by UTF-16 code units, no blanks, numbers as ECMAScript prints them.
/// REQUIRES: no NaN or infinity, only UTF-8 in strings (parse_json never yields anything else).
Bytes canonical_json(const Json& value);

/// For people: two-space indent, keys sorted.
std::string pretty_json(const Json& value);

/// One line, no blanks, invalid UTF-8 in strings replaced by U+FFFD (results hold paths of any bytes).
std::string compact_json(const Json& value);

bool is_utf8(std::string_view text);
/// `text` with every ill-formed byte replaced by U+FFFD.
std::string readable_utf8(std::string_view text);

}  // namespace mig::core
