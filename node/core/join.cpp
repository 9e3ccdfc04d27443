// Endpoints and join strings: what people copy from one machine to another.
#include <algorithm>

#include "node/core/identity.h"
#include "node/core/json.h"

namespace mig::core {
namespace {

constexpr std::string_view join_mark = "mig1.";
constexpr std::size_t join_bytes = 512 * 1024;

Error bad_endpoint(std::string_view text, const char* why) {
  return invalid("endpoint: '" + std::string(text) + "': " + why + "; write tcp://HOST:PORT#KEY with the 64 hex digits the relay prints");
}

Json signed_to_json(const SignedText& text) {
  Json signatures = Json::array();
  for (const auto& signature : text.signatures) signatures.push_back(to_base64(signature));
  return {{"text", text.text}, {"signatures", signatures}};
}

SignedText signed_from_json(const Json& json) {
  SignedText out;
  out.text = json.at("text").get<std::string>();
  for (const auto& signature : json.at("signatures")) out.signatures.push_back(*from_base64(signature.get<std::string>()));
  return out;
}

template <class T>
T id_from(const Json& json) {
  return *T::from(*from_hex(json.get<std::string>()));
}

}  // namespace

std::string to_text(const Endpoint& endpoint) { return endpoint.address + "#" + endpoint.key.hex(); }

Result<Endpoint> endpoint_from_text(std::string_view text) {
  const std::size_t hash = text.find('#');
  if (hash == std::string_view::npos) return bad_endpoint(text, "the key after '#' is missing");
  std::string_view address = text.substr(0, hash), key = text.substr(hash + 1);
  if (!address.starts_with("tcp://")) return bad_endpoint(text, "it must begin with tcp://");
  std::string_view host = address.substr(6);
  const std::size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return bad_endpoint(text, "it needs a host and a port");
  std::string_view port = host.substr(colon + 1);
  host = host.substr(0, colon);
  const bool v6 = host.starts_with("[") && host.ends_with("]");
  if (host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") != std::string_view::npos ||
      (!v6 && host.find_first_of(":[]") != std::string_view::npos))
    return bad_endpoint(text, "the host holds characters no host has (IPv6 goes in brackets)");
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos ||
      std::stoi(std::string(port)) < 1 || std::stoi(std::string(port)) > 65535)
    return bad_endpoint(text, "the port must be 1 to 65535");
  auto octets = from_hex(key);
  auto link_key = octets ? LinkPublic::from(*octets) : Result<LinkPublic>(octets.error());
  if (!link_key) return bad_endpoint(text, "the key must have 64 hex digits");
  return Endpoint{std::string(address), *link_key};
}

std::string to_text(const JoinString& join) {
  Json relays = Json::array();
  for (const auto& relay : join.relays) relays.push_back(to_text(relay));
  Json json{{"trust", to_json(join.trust)},
            {"role", static_cast<int>(join.role)},
            {"relays", relays},
            {"enroller", join.enroller.hex()},
            {"invite", to_base64(join.invite)}};
  if (join.invite_secret) json["invite_secret"] = join.invite_secret->hex();
  if (join.enroller_seed) json["enroller_seed"] = join.enroller_seed->hex();
  if (join.node_seed) json["node_seed"] = join.node_seed->hex();
  if (join.roster) json["roster"] = signed_to_json(*join.roster);
  return std::string(join_mark) + to_base64url(canonical_json(json));
}

Result<JoinString> join_from_text(std::string_view text) {
  std::string stripped;
  std::copy_if(text.begin(), text.end(), std::back_inserter(stripped), [](char c) { return c > ' '; });
  const Error wrong = invalid("join string: it is cut off or not one; copy the whole word that `mig invite` printed, from 'mig1.' to its end");
  if (!stripped.starts_with(join_mark) || stripped.size() > join_bytes) return wrong;
  auto bytes = from_base64url(std::string_view(stripped).substr(join_mark.size()));
  if (!bytes) return wrong;
  auto json = parse_json(*bytes, join_bytes);
  if (!json || !json->is_object()) return wrong;
  try {
    JoinString join;
    auto trust = trust_from_json(json->at("trust"));
    if (!trust) return trust.error();
    join.trust = *trust;
    const int role = json->at("role").get<int>();
    if (role != static_cast<int>(Role::relay) && role != static_cast<int>(Role::agent)) return wrong;
    join.role = static_cast<Role>(role);
    for (const auto& relay : json->at("relays")) {
      auto endpoint = endpoint_from_text(relay.get<std::string>());
      if (!endpoint) return endpoint.error();
      join.relays.push_back(*endpoint);
    }
    join.enroller = id_from<SignPublic>(json->at("enroller"));
    join.invite = *from_base64(json->at("invite").get<std::string>());
    if (json->contains("invite_secret")) join.invite_secret = id_from<Seed>(json->at("invite_secret"));
    if (json->contains("enroller_seed")) join.enroller_seed = id_from<Seed>(json->at("enroller_seed"));
    if (json->contains("node_seed")) join.node_seed = id_from<Seed>(json->at("node_seed"));
    if (json->contains("roster")) join.roster = signed_from_json(json->at("roster"));
    return join;
  } catch (const std::exception&) {  // a field is missing or of another type
    return wrong;
  }
}

}  // namespace mig::core
