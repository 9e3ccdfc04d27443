#include "node/core/attachment.h"

#include <fmt/format.h>

#include <algorithm>

#include "node/core/limits.h"
#include "node/core/zstd.h"

namespace mig::core {

namespace {

Result<Json> value_of(const Reference& reference, const Bytes& content) {
  if (reference.as == Reference::As::json) return parse_json(content, content.size());
  if (!is_utf8(content)) return invalid("is not text in UTF-8");
  if (reference.as == Reference::As::text) return Json(content);
  Json lines = Json::array();
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t end = std::min(content.find('\n', at), content.size());
    std::string line = content.substr(at, end - at);
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(std::move(line));
    at = end + 1;
  }
  return lines;
}

}  // namespace

std::vector<Bytes> chunks_of(BytesView packed) {
  std::vector<Bytes> out;
  for (; !packed.empty(); packed.remove_prefix(out.back().size())) out.emplace_back(packed.substr(0, limits::chunk_bytes));
  return out;
}

Enclosed enclose(std::string name, BytesView content) {
  Enclosed out{{std::move(name), content.size(), {}}, compress(content)};
  for (const Bytes& chunk : chunks_of(out.packed)) out.attachment.chunks.push_back(hash_of(chunk));
  return out;
}

Result<Bytes> content_of(const Enclosed& enclosed) {
  const std::size_t size = enclosed.attachment.size;
  auto content = decompress(enclosed.packed, size);
  if (content && content->size() == size) return content;
  return Error{content ? Code::invalid : content.error().code, fmt::format("attachment '{}': {}", enclosed.attachment.name, content ? "unpacks to less than it states" : content.error().text)};
}

Hash hash_of(const Attachment& attachment) {
  Bytes all;
  for (const Hash& chunk : attachment.chunks) all += chunk.view();
  return hash_of(all);
}

Status each_reference(Json& value, const std::function<Status(Json&, const Reference&)>& visit) {
  if (!value.is_structured()) return Done{};
  if (!value.is_object() || !value.contains("attachment")) {
    for (Json& below : value)
      if (Status ok = each_reference(below, visit); !ok) return ok;
    return Done{};
  }
  static constexpr std::string_view words[] = {"text", "lines", "json"};  // in the order of As
  const Json word = value.value("as", Json("text"));
  const auto as = std::find(std::begin(words), std::end(words), word.is_string() ? word.get<std::string>() : "");
  if (!value["attachment"].is_string() || as == std::end(words) || value.size() != 1 + value.count("as"))
    return invalid(R"(attachment: a parameter names one as {"attachment": NAME}, with "as": "lines" or "json" if it is not text)");
  return visit(value, {value["attachment"].get<std::string>(), static_cast<Reference::As>(as - std::begin(words))});
}

Status fill_in(Json& parameters, const std::vector<Enclosed>& enclosed) {
  return each_reference(parameters, [&](Json& place, const Reference& reference) -> Status {
    for (const Enclosed& one : enclosed) {
      if (one.attachment.name != reference.name) continue;
      auto content = content_of(one);
      if (!content) return content.error();
      auto value = value_of(reference, *content);
      if (!value) return Error{value.error().code, fmt::format("attachment '{}': {}", reference.name, value.error().text)};
      place = *std::move(value);
      return Done{};
    }
    return Error{Code::not_found, fmt::format("attachment missing: {}", reference.name)};
  });
}

}  // namespace mig::core
