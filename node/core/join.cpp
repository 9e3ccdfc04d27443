// The one word a new node needs to join.
#include <fmt/format.h>

#include <algorithm>

#include "node/core/identity.h"
#include "node/core/json.h"
#include "node/core/limits.h"

namespace mig::core {
namespace {

constexpr std::string_view join_mark = "mig1.";

/// The text behind `field`, empty if there is none.
std::string text_of(const Json& json, const char* field) {
  auto found = json.find(field);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

template <class T>
Result<T> id_of(const Json& json, const char* field) {
  auto bytes = from_hex(text_of(json, field));
  auto id = bytes ? T::from(*bytes) : Result<T>(bytes.error());
  if (!id) return invalid(fmt::format("join string: {} must be {} hex digits", field, T::size * 2));
  return id;
}

Status read_seed(const Json& json, const char* field, std::optional<Seed>& out) {
  if (!json.contains(field)) return Done{};
  auto seed = id_of<Seed>(json, field);
  if (!seed) return seed.error();
  out = *seed;
  return Done{};
}

Status read_relays(const Json& json, std::vector<Endpoint>& out) {
  auto relays = json.find("relays");
  if (relays == json.end()) return Done{};
  if (!relays->is_array() || relays->size() > limits::alternatives)
    return invalid(fmt::format("join string: relays must be a list of at most {}", limits::alternatives));
  for (const Json& relay : *relays) {
    auto endpoint = endpoint_from_text(relay.is_string() ? relay.get<std::string>() : "");
    if (!endpoint) return invalid("join string: " + endpoint.error().text);
    out.push_back(*endpoint);
  }
  return Done{};
}

Status read_roster(const Json& json, std::optional<SignedText>& out) {
  auto roster = json.find("roster");
  if (roster == json.end()) return Done{};
  SignedText signed_text{text_of(*roster, "text"), {}};
  auto signatures = roster->find("signatures");
  if (signed_text.text.empty() || signatures == roster->end() || !signatures->is_array() ||
      signatures->size() > limits::signatures)
    return invalid("join string: the roster in it is not readable");
  for (const Json& signature : *signatures) {
    auto bytes = from_base64(signature.is_string() ? signature.get<std::string>() : "?");
    if (!bytes) return invalid("join string: a signature on the roster is not readable");
    signed_text.signatures.push_back(*bytes);
  }
  out = std::move(signed_text);
  return Done{};
}

Result<JoinString> join_from_json(const Json& json) {
  auto trust = json.contains("trust") ? trust_from_json(json["trust"]) : invalid("there is no trust anchor in it");
  if (!trust) return invalid("join string: " + trust.error().text);
  JoinString join;
  join.trust = *trust;
  std::string role = text_of(json, "role");
  if (role != "agent" && role != "relay") return invalid("join string: role must be agent or relay");
  join.role = role == "relay" ? Role::relay : Role::agent;
  auto enroller = id_of<SignPublic>(json, "enroller");
  if (!enroller) return enroller.error();
  join.enroller = *enroller;
  auto invite = from_base64url(text_of(json, "invite"));
  if (!invite) return invalid("join string: the invite in it is not readable");
  join.invite = *invite;
  if (auto ok = read_relays(json, join.relays); !ok) return ok.error();
  if (auto ok = read_seed(json, "invite_secret", join.invite_secret); !ok) return ok.error();
  if (auto ok = read_seed(json, "enroller_seed", join.enroller_seed); !ok) return ok.error();
  if (auto ok = read_seed(json, "node_seed", join.node_seed); !ok) return ok.error();
  if (auto ok = read_roster(json, join.roster); !ok) return ok.error();
  return join;
}

}  // namespace

std::string to_text(const JoinString& join) {
  Json json{{"trust", to_json(join.trust)},
            {"role", to_text(join.role)},
            {"enroller", join.enroller.hex()},
            {"invite", to_base64url(join.invite)},
            {"relays", Json::array()}};
  for (const Endpoint& relay : join.relays) json["relays"].push_back(to_text(relay));
  if (join.invite_secret) json["invite_secret"] = join.invite_secret->hex();
  if (join.enroller_seed) json["enroller_seed"] = join.enroller_seed->hex();
  if (join.node_seed) json["node_seed"] = join.node_seed->hex();
  if (join.roster) {
    json["roster"] = {{"text", join.roster->text}, {"signatures", Json::array()}};
    for (const Bytes& signature : join.roster->signatures) json["roster"]["signatures"].push_back(to_base64(signature));
  }
  return std::string(join_mark) + to_base64url(canonical_json(json));
}

Result<JoinString> join_from_text(std::string_view text) {
  if (text.size() > 2 * limits::join_bytes) return Error{Code::too_large, "join string: too long to be one"};
  std::string word;  // terminals and mails break long words
  std::copy_if(text.begin(), text.end(), std::back_inserter(word),
               [](unsigned char c) { return c > ' ' && c != 0x7f; });
  if (word.compare(0, join_mark.size(), join_mark) != 0) {
    bool newer = word.size() > 5 && word.compare(0, 3, "mig") == 0 && word.find('.') != std::string::npos;
    return invalid(newer ? "join string: made by another version of mig; this one understands mig1."
                         : "join string: it begins with mig1. ; paste what mig invite printed, whole");
  }
  auto damaged = invalid("join string: cut off or altered on the way; paste what mig invite printed, whole");
  auto bytes = from_base64url(std::string_view(word).substr(join_mark.size()));
  if (!bytes) return damaged;
  auto json = parse_json(*bytes, limits::join_bytes);
  if (!json || !json->is_object()) return damaged;
  return join_from_json(*json);
}

}  // namespace mig::core
