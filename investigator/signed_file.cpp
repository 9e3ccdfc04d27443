#include "investigator/signed_file.h"

#include "node/core/check.h"
#include "node/core/limits.h"

namespace mig::investigator {

using core::Json;

std::string write_signed(const core::SignedText& signed_text) {
  auto document = core::parse_json(signed_text.text, core::limits::roster_bytes);
  MIG_CHECK(document, "only checked documents are kept");
  (*document)["pgpsignatures"] = Json::array();
  for (const core::Bytes& signature : signed_text.signatures) (*document)["pgpsignatures"].push_back(core::to_base64(signature));
  return core::pretty_json(*document) + "\n";
}

core::Result<core::SignedText> read_signed(Json document) {
  core::SignedText out;
  const Json signatures = document.is_object() ? document.value("pgpsignatures", Json()) : Json();
  if (!signatures.is_array()) return core::invalid("it has no list of pgpsignatures");
  for (const Json& text : signatures) {
    auto packet = core::from_base64(text.is_string() ? text.get<std::string>() : std::string("?"));
    if (!packet) return core::invalid("pgpsignatures: each is base64 of one signature packet");
    out.signatures.push_back(*packet);
  }
  document.erase("pgpsignatures");
  out.text = core::canonical_json(document);
  return out;
}

}  // namespace mig::investigator
