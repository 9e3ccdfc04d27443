#include "node/core/mig2.h"

#include <fmt/format.h>

#include "node/core/gzip.h"
#include "node/core/limits.h"
#include "node/core/members.h"

namespace mig::core {
namespace {

const Json& nothing() {
  static const Json null;
  return null;
}

bool same_word(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) {
           return lower(x) == lower(y);
         });
}

/// As Go finds a key: spelled so, else in any case; null when absent.
const Json& member(const Json& object, std::string_view name) {
  if (!object.is_object()) return nothing();
  if (auto exact = object.find(std::string(name)); exact != object.end()) return *exact;
  for (auto it = object.begin(); it != object.end(); ++it)
    if (same_word(it.key(), name)) return it.value();
  return nothing();
}

std::string text_or_empty(const Json& value) { return value.is_string() ? value.get<std::string>() : ""; }
bool is_true(const Json& value) { return value.is_boolean() && value.get<bool>(); }

constexpr std::string_view zero_time = "0001-01-01T00:00:00";
constexpr std::int64_t zero_time_seconds = -62'135'596'800;

/// 0 for what is absent or Go's zero time.
Result<WallMs> time_of(const Json& document, std::string_view name) {
  const Json& value = member(document, name);
  if (value.is_null()) return WallMs{0};
  std::string text = text_or_empty(value);
  if (text.rfind(zero_time, 0) == 0) return WallMs{0};
  Result<WallMs> time = from_rfc3339(text);
  if (!time) return invalid(fmt::format("action: {}: not a time such as 2026-11-24T07:00:00Z", name));
  return time;
}

Status take_text(const Json& document, std::string_view name, std::string& out) {
  const Json& value = member(document, name);
  if (!value.is_null() && !value.is_string()) return invalid(fmt::format("action: {}: text is needed", name));
  out = text_or_empty(value);
  return Done{};
}

Status take_object(const Json& document, std::string_view name, Json& out) {
  const Json& value = member(document, name);
  if (!value.is_null() && !value.is_object()) return invalid(fmt::format("action: {}: an object is needed", name));
  out = value.is_object() ? value : Json::object();
  return Done{};
}

Result<Json> unpacked(const Json& parameters) {
  if (!parameters.is_string()) return invalid("is marked is_compressed, but its parameters are not text");
  Result<Bytes> packed = from_base64(parameters.get_ref<const std::string&>());
  if (!packed) return packed.error();
  Result<Bytes> text = gunzip(*packed, limits::action_file_bytes);
  if (!text) return text.error();
  return parse_json(*text, limits::action_file_bytes);
}

Status take_operations(const Json& document, std::vector<Operation>& out) {
  const Json& operations = member(document, "operations");
  if (operations.is_null()) return Done{};
  if (!operations.is_array()) return invalid("action: operations: a list is needed");
  if (operations.size() > limits::operations)
    return Error{Code::too_large, fmt::format("action: operations: {} of them; at most {} are allowed",
                                              operations.size(), limits::operations)};
  for (const Json& operation : operations) {
    auto wrong = [&](std::string_view why) {
      return invalid(fmt::format("action: operations[{}]: {}", out.size(), why));
    };
    if (!operation.is_object() || !member(operation, "module").is_string()) return wrong("has no module");
    Json parameters = member(operation, "parameters");
    if (is_true(member(operation, "is_compressed"))) {
      Result<Json> plain = unpacked(parameters);
      if (!plain) return wrong(plain.error().text);
      parameters = *std::move(plain);
    }
    out.push_back({member(operation, "module").get<std::string>(), std::move(parameters)});
  }
  return Done{};
}

/// Go's JSON text: as ECMAScript escapes, and < > & and the two line separators besides.
void append_go_string(std::string_view text, std::string& out) {
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    std::string_view separator = text.substr(i, 3);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    } else if (c < 0x20 || c == '<' || c == '>' || c == '&') {
      out += fmt::format("\\u{:04x}", c);
    } else if (separator == "\xe2\x80\xa8" || separator == "\xe2\x80\xa9") {
      out += separator[2] == '\xa8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out += text[i];
    }
  }
  out += '"';
}

void append_go_json(const Json& value, std::string& out) {
  if (value.is_string()) return append_go_string(value.get_ref<const std::string&>(), out);
  if (value.is_array()) {
    out += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i != 0) out += ',';
      append_go_json(value[i], out);
    }
    out += ']';
  } else if (value.is_object()) {
    out += '{';
    for (auto it = value.begin(); it != value.end(); ++it) {  // sorted bytewise, as Go sorts its maps
      if (it != value.begin()) out += ',';
      append_go_string(it.key(), out);
      out += ':';
      append_go_json(it.value(), out);
    }
    out += '}';
  } else {
    out += canonical_json(value);  // Go prints numbers as ECMAScript does
  }
}

std::string go_operations(const Json& operations) {
  if (!operations.is_array()) return "null";
  std::string out = "[";
  for (const Json& operation : operations) {
    if (out.size() > 1) out += ',';
    out += "{\"module\":";
    append_go_string(text_or_empty(member(operation, "module")), out);
    out += ",\"parameters\":";
    append_go_json(member(operation, "parameters"), out);
    for (const char* flag : {"is_compressed", "want_compressed"})
      if (is_true(member(operation, flag))) out += fmt::format(",\"{}\":true", flag);
    out += '}';
  }
  return out + ']';
}

std::int64_t unix_seconds(const Json& document, std::string_view name) {
  std::string text = text_or_empty(member(document, name));
  Result<WallMs> time = from_rfc3339(text);
  return time && text.rfind(zero_time, 0) != 0 ? *time / 1000 : zero_time_seconds;
}

/// OpenPGP's CRC-24 (RFC 4880 §6.1).
std::uint32_t crc24(BytesView bytes) {
  std::uint32_t crc = 0xb704ce;
  for (unsigned char c : bytes) {
    crc ^= static_cast<std::uint32_t>(c) << 16;
    for (int bit = 0; bit < 8; ++bit) {
      crc <<= 1;
      if ((crc & 0x1000000) != 0) crc ^= 0x1864cfb;
    }
  }
  return crc & 0xffffff;
}

}  // namespace

Result<ActionFile> read_mig2_document(const Json& document) {
  if (!document.is_object()) return invalid("action: is not an object");
  ActionFile out;
  out.syntax_version = 2;
  Result<WallMs> from = time_of(document, "validfrom"), until = time_of(document, "expireafter");
  if (!from) return from.error();
  if (!until) return until.error();
  out.draft.valid_from = *from;
  out.draft.expire_after = *until;
  for (Status ok : {take_text(document, "name", out.draft.name), take_text(document, "target", out.draft.target),
                    take_object(document, "description", out.draft.description),
                    take_object(document, "threat", out.draft.threat),
                    take_operations(document, out.draft.operations)})
    if (!ok) return ok.error();
  for (const Json& signature : member(document, "pgpsignatures"))
    if (signature.is_string()) out.old_signatures.push_back(signature.get<std::string>());
  return out;
}

Bytes mig2_signed_text(const Json& v2_document) {
  // The %!s(int64=...) is a slip of MIG's formatting that every old signature covers.
  return fmt::format("name={};target={};validfrom={};expireafter=%!s(int64={});operations={};",
                     text_or_empty(member(v2_document, "name")), text_or_empty(member(v2_document, "target")),
                     unix_seconds(v2_document, "validfrom"), unix_seconds(v2_document, "expireafter"),
                     go_operations(member(v2_document, "operations")));
}

Result<Bytes> mig2_signature(std::string_view stored) {
  std::size_t split = stored.rfind('=');
  if (split == std::string_view::npos || stored.size() - split != 5)
    return invalid("signature: not as MIG stores them (base64, then = and a checksum of four letters)");
  Result<Bytes> packets = from_base64(stored.substr(0, split)), sum = from_base64(stored.substr(split + 1));
  if (!packets || !sum || packets->size() > 64 * 1024) return invalid("signature: not valid base64");
  std::uint32_t crc = crc24(*packets);
  Bytes wanted{static_cast<char>(crc >> 16), static_cast<char>(crc >> 8), static_cast<char>(crc)};
  if (*sum != wanted) return invalid("signature: its checksum is wrong; it was damaged on the way");
  return packets;
}

}  // namespace mig::core
