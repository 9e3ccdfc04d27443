// The words of schemas: what errors, help and documentation say alike about a field. Internal to schema*.cpp.
#pragma once

#include <string>
#include <string_view>

#include "node/core/schema.h"

namespace mig::core {

/// Whether a person wrote JSON keys or flags: errors speak of what was written.
enum class Wording { keys, flags };

std::string lowered(std::string_view text);
/// "text", "a whole number", "a list" ...: what a value is.
std::string kind(const Json& value);
/// The same for what a field wants.
std::string expected(Type type);
/// "0..64", "1 or more", "at most 9".
std::string bounds(const Field& field);
std::string plain_number(const Json& value);
/// "write -path /etc" or "write "paths": ["/etc"]": one right way to give the field.
std::string teach(const Field& field, Wording wording);
/// A word as a shell needs it: quoted only where a shell would change it.
std::string shell_word(std::string_view word);
/// UTF-8, one_of and check of one text value; the error has no subject.
Status check_text(const Field& field, std::string_view value);

/// check_document() whose errors name flags where fields have one.
Result<Json> check_flags_document(const Schema& schema, const Json& document);

/// A field that people reach from the command line, and the keys that lead to it ("searches", "s1", "options").
struct FlagField {
  const Field* field;
  std::vector<std::string> path;  ///< keys of the containers around it
};
/// Every field with a flag, at all levels, in order.
std::vector<FlagField> flag_fields(const Schema& schema);

}  // namespace mig::core
