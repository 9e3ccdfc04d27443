#include "node/core/action.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "node/core/action_fields.h"
#include "node/core/limits.h"
#include "node/core/members.h"
#include "node/core/target.h"

namespace mig::core {
namespace {

const std::vector<std::string_view> disclose_words{"status", "found", "none"};  // in the order of Disclose

bool is_module_name(std::string_view name) {
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

void read_operation(const Json& element, const std::string& subject, Members& in, std::vector<Operation>& out) {
  Members operation(element, subject);
  Operation read;
  operation.text("module", read.module, 1, limits::name_bytes);
  if (!is_module_name(read.module)) operation.fail("module", "holds more than a-z, 0-9, _ and -");
  operation.any("parameters", read.parameters);
  if (Status ok = operation.end(); !ok) return in.fail_with(ok.error());
  out.push_back(std::move(read));
}

void read_readers(Members& in, std::vector<Fingerprint>& out) {
  in.each("readers", 0, limits::readers, [&](const Json& element, const std::string& subject) {
    std::string text = element.is_string() ? element.get<std::string>() : "";
    if (!is_fingerprint(text))
      return in.fail_with(invalid(subject + ": is not a fingerprint: 40 hex digits in capitals"));
    if (std::find(out.begin(), out.end(), text) != out.end())
      return in.fail_with(invalid(subject + ": stands twice in the list"));
    out.push_back(text);
  });
}

void read_reply_key(Members& in, Action& out) {
  in.inside("replykey", [&](Members& key) {
    key.hex("public", out.reply_key);
    key.text("wrapped", out.reply_key_wrapped, 0, limits::action_bytes);
    if (!from_base64(out.reply_key_wrapped)) key.fail("wrapped", "is not base64");
  });
}

void read_limits(Members& in, ActionLimits& out) {
  in.inside("limits", [&](Members& limit) {
    limit.integer("grace", out.grace_s, 0, limits::action_life_ms / 1000);
    limit.integer("seconds", out.seconds, 1, 24 * 3600);
    limit.integer("bytes", out.bytes, 1024, limits::reply_parts * limits::reply_part_bytes);
    limit.integer("priority", out.priority, 1, 3);
    limit.boolean("idempotent", out.idempotent);
    limit.boolean("prune", out.prune);
  });
}

void read_window(Members& in, Action& out) {
  in.time("validfrom", out.valid_from);
  in.time("expireafter", out.expire_after);
  if (!in.good() || out.valid_from == 0 || out.expire_after == 0) return;
  if (out.expire_after <= out.valid_from) return in.fail("expireafter", "is not after validfrom");
  if (out.expire_after - out.valid_from > limits::action_life_ms)
    in.fail("expireafter", fmt::format("is {} after validfrom; {} are allowed",
                                       rough_span(out.expire_after - out.valid_from),
                                       rough_span(limits::action_life_ms)));
}

void read_attachments(Members& in, std::vector<Attachment>& out) {
  std::size_t all = 0;
  in.each("attachments", 1, limits::attachments, [&](const Json& element, const std::string& subject) {
    Members attachment(element, subject);
    Attachment read;
    attachment.text("name", read.name, 1, limits::tag_bytes);
    attachment.integer("size", read.size, 1, limits::attachment_bytes);
    attachment.each("chunks", 1, read.size / limits::chunk_bytes + 2, [&](const Json& chunk, const std::string& place) {
      auto octets = from_hex(chunk.is_string() ? chunk.get<std::string>() : "");
      if (!octets || octets->size() != Hash::size) return attachment.fail_with(invalid(place + ": is not a hash: 64 hex digits"));
      read.chunks.push_back(*Hash::from(*octets));
    });
    if (Status ok = attachment.end(); !ok) return in.fail_with(ok.error());
    if (std::any_of(out.begin(), out.end(), [&](const Attachment& other) { return other.name == read.name; }))
      return in.fail_with(invalid(subject + ".name: stands twice in the list"));
    if ((all += read.size) > limits::attachment_bytes)
      return in.fail_with({Code::too_large, fmt::format("{}: together they hold more than {} bytes", subject, limits::attachment_bytes)});
    out.push_back(std::move(read));
  });
}

/// Each attachment is named by a parameter, and each name is one of an attachment.
Status check_references(Action& action) {
  std::set<std::string> named;
  for (Operation& operation : action.operations) {
    Status ok = each_reference(operation.parameters, [&](Json&, const Reference& reference) -> Status {
      named.insert(reference.name);
      const auto& all = action.attachments;
      if (std::any_of(all.begin(), all.end(), [&](const Attachment& one) { return one.name == reference.name; })) return Done{};
      return invalid(fmt::format("action: operations: '{}' is not among the attachments", readable_utf8(reference.name)));
    });
    if (!ok) return ok;
  }
  for (const Attachment& one : action.attachments)
    if (!named.contains(one.name)) return invalid(fmt::format("action: attachments: no parameter names '{}'", one.name));
  return Done{};
}

void check_target(Members& in, const Action& action) {
  if (!in.good() || action.target.empty()) return;
  if (Result<Target> target = Target::parse(action.target); !target)
    in.fail_with({target.error().code, "action: " + target.error().text});
}

std::string first_difference(BytesView given, BytesView canonical) {
  std::size_t at = static_cast<std::size_t>(
      std::mismatch(given.begin(), given.end(), canonical.begin(), canonical.end()).first - given.begin());
  return fmt::format("action: not in its canonical form, from byte {} on: {}; that form alone is signed", at,
                     Json(readable_utf8(given.substr(at, 24))).dump());
}

}  // namespace

Result<ActionFields> read_action_fields(const Json& document, Members::Absent absent) {
  Members in(document, "action", absent);
  ActionFields out;
  Action& action = out.action;
  std::size_t disclose = 0;
  int version = 3;
  in.integer("syntaxversion", version, 3, 3);
  in.text("name", action.name, 1, limits::action_name_bytes);
  in.text("target", action.target, 1, limits::target_bytes);
  in.object("description", action.description);
  in.object("threat", action.threat);
  in.each("operations", 1, limits::operations, [&](const Json& element, const std::string& subject) {
    read_operation(element, subject, in, action.operations);
  });
  read_window(in, action);
  in.hex("mesh", action.mesh);
  in.hex("nonce", action.nonce, 16, 16);
  in.integer("rosterversion", action.roster_version, 0, json_integer_max);
  in.word("disclose", disclose_words, disclose);
  read_reply_key(in, action);
  read_readers(in, action.readers);
  read_limits(in, action.limits);
  if (document.contains("attachments")) read_attachments(in, action.attachments);  // absent in most, and in all of older programs
  check_target(in, action);
  if (Status ok = in.end(); !ok) return ok.error();
  action.disclose = static_cast<Disclose>(disclose);
  out.complete = !in.lacking();
  return out;
}

Result<Action> parse_action(BytesView canonical_text) {
  Result<Json> document = parse_json(canonical_text, limits::action_bytes);
  if (!document) return Error{document.error().code, "action: " + document.error().text};
  Result<ActionFields> fields = read_action_fields(*document, Members::Absent::refused);
  if (!fields) return fields.error();
  Action action = std::move(fields->action);
  if (Bytes canonical = canonical_json(to_json(action)); canonical != canonical_text)
    return invalid(first_difference(canonical_text, canonical));
  if (Status ok = check_references(action); !ok) return ok.error();
  action.id = action_id_of(canonical_text);
  return action;
}

Json to_json(const Action& action) {
  Json operations = Json::array();
  for (const Operation& operation : action.operations)
    operations.push_back({{"module", operation.module}, {"parameters", operation.parameters}});
  const ActionLimits& limit = action.limits;
  Json out{
      {"syntaxversion", 3},
      {"name", action.name},
      {"target", action.target},
      {"description", action.description.is_object() ? action.description : Json::object()},
      {"threat", action.threat.is_object() ? action.threat : Json::object()},
      {"operations", std::move(operations)},
      {"validfrom", to_rfc3339(action.valid_from)},
      {"expireafter", to_rfc3339(action.expire_after)},
      {"mesh", action.mesh.hex()},
      {"nonce", to_hex(action.nonce)},
      {"rosterversion", action.roster_version},
      {"disclose", std::string(disclose_words[static_cast<std::size_t>(action.disclose)])},
      {"replykey", {{"public", action.reply_key.hex()}, {"wrapped", action.reply_key_wrapped}}},
      {"readers", action.readers},
      {"limits",
       {{"grace", limit.grace_s},
        {"seconds", limit.seconds},
        {"bytes", limit.bytes},
        {"priority", limit.priority},
        {"idempotent", limit.idempotent},
        {"prune", limit.prune}}}};
  for (const Attachment& attachment : action.attachments) {
    Json chunks = Json::array();
    for (const Hash& chunk : attachment.chunks) chunks.push_back(chunk.hex());
    out["attachments"].push_back({{"name", attachment.name}, {"size", attachment.size}, {"chunks", std::move(chunks)}});
  }
  return out;
}

Bytes action_signing_text(BytesView canonical_text) { return Bytes("MIG Mesh action 3\n").append(canonical_text); }

}  // namespace mig::core
