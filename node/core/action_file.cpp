#include <fmt/format.h>

#include "node/core/action_fields.h"
#include "node/core/check.h"
#include "node/core/limits.h"
#include "node/core/mig2.h"

namespace mig::core {
namespace {

/// MIG's own program leaves the version out of files; then it is 2.
Result<int> version_of(const Json& document) {
  if (!document.is_object()) return invalid("action: is not a JSON object");
  for (auto it = document.begin(); it != document.end(); ++it) {
    std::string name = it.key();
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (name != "syntaxversion" || it.value().is_null() || it.value() == 0) continue;
    if (it.value() == 2 || it.value() == 3) return it.value().get<int>();
    return invalid(fmt::format("action: syntaxversion: {} is not known; 2 (MIG) and 3 are", it.value().dump()));
  }
  for (const char* name : {"attachments", "disclose", "limits", "mesh", "nonce", "readers", "replykey", "rosterversion"})
    if (document.contains(name))  // what would be read as a document of MIG would be signed without it
      return invalid(fmt::format("action: {}: only actions of version 3 have it; write \"syntaxversion\": 3 as well", name));
  return 2;
}

Result<std::vector<Bytes>> take_signatures(Json& document) {
  std::vector<Bytes> out;
  auto listed = document.find("pgpsignatures");
  if (listed == document.end()) return out;
  if (!listed->is_array() || listed->size() > limits::signatures)
    return invalid(fmt::format("action: pgpsignatures: a list of at most {} is needed", limits::signatures));
  for (const Json& entry : *listed) {
    Result<Bytes> packet = entry.is_string() ? from_base64(entry.get_ref<const std::string&>()) : invalid("");
    if (!packet || packet->empty() || packet->size() > limits::signature_bytes)
      return invalid(fmt::format("action: pgpsignatures[{}]: is not the base64 of a signature of at most {} bytes",
                                 out.size(), limits::signature_bytes));
    out.push_back(*std::move(packet));
  }
  document.erase(listed);
  return out;
}

/// All attachments of the action, or none. Errors: another content than the one that is signed.
Result<std::vector<Enclosed>> take_enclosed(const Json& contents, const std::vector<Attachment>& attachments) {
  std::vector<Enclosed> out;
  for (const Attachment& attachment : attachments) {
    auto text = contents.find(attachment.name);
    auto packed = text != contents.end() && text->is_string() ? from_base64(text->get_ref<const std::string&>()) : invalid("");
    if (!packed) return invalid(fmt::format("action: enclosed: base64 of '{}' is needed", attachment.name));
    const auto chunks = chunks_of(*packed);
    if (!std::equal(chunks.begin(), chunks.end(), attachment.chunks.begin(), attachment.chunks.end(), [](const Bytes& chunk, const Hash& hash) { return hash_of(chunk) == hash; }))
      return refused(fmt::format("action: enclosed: '{}' is not what the action names", attachment.name));
    out.push_back({attachment, *std::move(packed)});
  }
  return out;
}

}  // namespace

Result<ActionFile> read_action_file(std::string_view json_text) {
  Result<Json> document = parse_json(json_text, limits::attached_file_bytes);
  if (!document) return Error{document.error().code, "action: " + document.error().text};
  Result<int> version = version_of(*document);
  if (!version) return version.error();
  if (*version == 2) return read_mig2_document(*document);

  ActionFile out;
  Result<std::vector<Bytes>> signatures = take_signatures(*document);
  if (!signatures) return signatures.error();
  const Json enclosed = document->value("enclosed", Json());
  document->erase("enclosed");
  Result<ActionFields> fields = read_action_fields(*document, Members::Absent::skipped);
  if (!fields) return fields.error();
  if (!fields->complete && !signatures->empty())
    return invalid("action: pgpsignatures: nobody can have signed this, since fields are missing");
  out.draft = std::move(fields->action);
  out.signatures = *std::move(signatures);
  if (enclosed.is_object()) {
    auto contents = take_enclosed(enclosed, out.draft.attachments);
    if (!contents) return contents.error();
    out.enclosed = *std::move(contents);
  }
  if (!fields->complete) return out;

  out.canonical = canonical_json(*document);
  Result<Action> parsed = parse_action(out.canonical);
  if (!parsed) return parsed.error();
  out.draft = *std::move(parsed);
  return out;
}

std::string write_action_file(const SignedText& signed_action, const std::vector<Enclosed>& enclosed) {
  Result<Json> document = parse_json(signed_action.text, limits::action_bytes);
  MIG_CHECK(document && document->is_object(), "only what parse_action took is written to a file");
  Json& signatures = (*document)["pgpsignatures"] = Json::array();
  for (const Bytes& signature : signed_action.signatures) signatures.push_back(to_base64(signature));
  for (const Enclosed& one : enclosed) (*document)["enclosed"][one.attachment.name] = to_base64(one.packed);
  return pretty_json(*document) + "\n";
}

}  // namespace mig::core
