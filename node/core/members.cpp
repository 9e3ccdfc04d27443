#include "node/core/members.h"

#include <fmt/format.h>

#include <algorithm>

namespace mig::core {
namespace {

std::string_view type_of(const Json& value) {
  if (value.is_number()) return "a number";
  if (value.is_string()) return "text";
  if (value.is_boolean()) return "true or false";
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  return "null";
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string glance(std::string_view text) {
  std::string out = readable_utf8(text.substr(0, 40));
  for (char& c : out)
    if (has_control({&c, 1})) c = '?';
  return out + (text.size() > 40 ? ".." : "");
}

}  // namespace

bool is_fingerprint(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789ABCDEF") == std::string_view::npos;
}

Members::Members(const Json& object, std::string subject, Absent absent)
    : object_(object), subject_(std::move(subject)), absent_(absent) {
  if (!object.is_object()) fail("", fmt::format("is {}, not an object", type_of(object)));
}

// "action" + "name" -> "action: name"; "action: limits" + "grace" -> "action: limits.grace".
std::string Members::path_of(std::string_view name) const {
  bool at_top = subject_.find(": ") == std::string::npos;
  return name.empty() ? subject_ : fmt::format("{}{}{}", subject_, at_top ? ": " : ".", name);
}

void Members::fail(std::string_view name, std::string_view trouble) {
  fail_with(invalid(fmt::format("{}: {}", path_of(name), trouble)));
}

void Members::fail_with(Error error) {
  if (good_) error_ = std::move(error);
  good_ = false;
}

const Json* Members::find(const char* name) {
  if (!good_) return nullptr;
  asked_.insert(name);
  auto at = object_.find(name);
  if (at != object_.end()) return &*at;
  if (absent_ == Absent::skipped)
    lacking_ = true;
  else
    fail(name, "is missing");
  return nullptr;
}

const Json* Members::find(const char* name, bool (Json::*is)() const, std::string_view wanted) {
  const Json* value = find(name);
  if (value == nullptr || (value->*is)()) return value;
  fail(name, fmt::format("is {}; {} is needed", type_of(*value), wanted));
  return nullptr;
}

void Members::text(const char* name, std::string& out, std::size_t least, std::size_t most) {
  const Json* value = find(name, &Json::is_string, "text");
  if (value == nullptr) return;
  const std::string& text = value->get_ref<const std::string&>();
  if (text.empty() && least > 0) return fail(name, "is empty");
  if (text.size() < least || text.size() > most)
    return fail(name, fmt::format("has {} bytes; {} to {} are allowed", text.size(), least, most));
  if (has_control(text)) return fail(name, "holds control characters");
  out = text;
}

void Members::word(const char* name, const std::vector<std::string_view>& words, std::size_t& out) {
  const Json* value = find(name, &Json::is_string, "text");
  if (value == nullptr) return;
  const std::string& text = value->get_ref<const std::string&>();
  auto at = std::find(words.begin(), words.end(), text);
  if (at == words.end())
    return fail(name, fmt::format("'{}' is not one of: {}", glance(text), fmt::join(words, ", ")));
  out = static_cast<std::size_t>(at - words.begin());
}

void Members::fingerprint(const char* name, Fingerprint& out) {
  const Json* value = find(name, &Json::is_string, "text");
  if (value == nullptr) return;
  const std::string& text = value->get_ref<const std::string&>();
  if (!is_fingerprint(text))
    return fail(name, fmt::format("'{}' is not a fingerprint: 40 hex digits in capitals", glance(text)));
  out = text;
}

void Members::boolean(const char* name, bool& out) {
  if (const Json* value = find(name, &Json::is_boolean, "true or false")) out = value->get<bool>();
}

void Members::time(const char* name, WallMs& out) {
  const Json* value = find(name, &Json::is_string, "a time such as 2026-11-24T07:00:00Z");
  if (value == nullptr) return;
  Result<WallMs> time = from_rfc3339(value->get_ref<const std::string&>());
  if (!time)
    return fail(name, fmt::format("'{}' is not a time such as 2026-11-24T07:00:00Z",
                                  glance(value->get_ref<const std::string&>())));
  out = *time;
}

void Members::hex(const char* name, Bytes& out, std::size_t least, std::size_t most) {
  const Json* value = find(name, &Json::is_string, "text");
  if (value == nullptr) return;
  const std::string& text = value->get_ref<const std::string&>();
  Result<Bytes> octets = from_hex(text);
  if (!octets || to_hex(*octets) != text || octets->size() < least || octets->size() > most)
    return fail(name, least == most ? fmt::format("must be {} hex digits, lower case", 2 * least)
                                    : fmt::format("must be {} to {} hex digits, lower case", 2 * least, 2 * most));
  out = *std::move(octets);
}

bool Members::whole_number(const char* name, std::int64_t& out, std::int64_t low, std::int64_t high) {
  const Json* value = find(name, &Json::is_number, "a number");
  if (value == nullptr) return false;
  if (!value->is_number_integer() || value->get<std::int64_t>() < low || value->get<std::int64_t>() > high) {
    fail(name, fmt::format("{} is not a whole number in {}..{}", value->dump(), low, high));
    return false;
  }
  out = value->get<std::int64_t>();
  return true;
}

void Members::object(const char* name, Json& out) {
  if (const Json* value = find(name, &Json::is_object, "an object")) out = *value;
}

void Members::any(const char* name, Json& out) {
  if (const Json* value = find(name)) out = *value;
}

void Members::inside(const char* name, const std::function<void(Members&)>& read) {
  const Json* value = find(name, &Json::is_object, "an object");
  if (value == nullptr) return;
  Members inner(*value, path_of(name), absent_);
  read(inner);
  if (Status ok = inner.end(); !ok) return fail_with(ok.error());
  lacking_ = lacking_ || inner.lacking();
}

void Members::each(const char* name, std::size_t least, std::size_t most,
                   const std::function<void(const Json&, const std::string&)>& read) {
  const Json* value = find(name, &Json::is_array, "a list");
  if (value == nullptr) return;
  if (value->size() < least || value->size() > most)
    return fail(name, fmt::format("has {} entries; {} to {} are allowed", value->size(), least, most));
  for (std::size_t i = 0; i < value->size() && good_; ++i) read((*value)[i], fmt::format("{}[{}]", path_of(name), i));
}

void Members::each_key(const char* name, std::size_t most,
                       const std::function<void(const std::string&, const Json&, const std::string&)>& read) {
  const Json* value = find(name, &Json::is_object, "an object");
  if (value == nullptr) return;
  if (value->size() > most)
    return fail(name, fmt::format("has {} entries; at most {} are allowed", value->size(), most));
  for (auto it = value->begin(); it != value->end() && good_; ++it)
    read(it.key(), it.value(), fmt::format("{}.{}", path_of(name), glance(it.key())));
}

Status Members::end() {
  for (auto it = object_.begin(); object_.is_object() && good_ && it != object_.end(); ++it)
    if (asked_.count(it.key()) == 0) {
      std::vector<std::string> known(asked_.begin(), asked_.end());
      fail(glance(it.key()), fmt::format("is not known here; known are: {}", fmt::join(known, ", ")));
    }
  if (!good_) return error_;
  return Done{};
}

}  // namespace mig::core
