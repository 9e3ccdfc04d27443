#include "relay/register.h"

#include <algorithm>

#include "node/core/json.h"
#include "node/core/limits.h"

namespace mig::relay {

using namespace core;

namespace {

std::optional<Member> read_member(BytesView value) {
  auto json = parse_json(value, 64 * 1024);
  if (!json) return {};
  try {
    Member member;
    member.certificate = *from_base64(json->at("certificate").get<std::string>());
    auto certificate = read_certificate(member.certificate);
    if (!certificate) return {};
    member.id = certificate->id();
    member.name = certificate->name;
    member.sign_key = certificate->sign_key;
    member.attach_seq = json->at("attach_seq").get<std::uint64_t>();
    member.ticket = *from_base64(json->at("ticket").get<std::string>());
    member.attributes = *from_base64(json->at("attributes").get<std::string>());
    member.first_seen = json->at("first_seen").get<WallMs>();
    member.last_seen = json->at("last_seen").get<WallMs>();
    return member;
  } catch (const std::exception&) {  // our own file, damaged: the agent will attach again
    return {};
  }
}

void read_facts(Member& member) {
  if (auto json = parse_json(member.attributes, limits::attributes_bytes))
    if (auto facts = facts_from_json(*json)) member.facts = std::move(*facts);
}

}  // namespace

Register::Register(store::Store& store) : store_(store) {
  store.scan("r/", [&](BytesView, BytesView value) {
    if (auto member = read_member(value)) {
      read_facts(*member);
      members_[member->id] = std::move(*member);
    }
    return true;
  });
}

Member* Register::find(const NodeId& agent) {
  auto it = members_.find(agent);
  return it == members_.end() ? nullptr : &it->second;
}

Member& Register::enter(Member member) {
  if (const auto* old = find(member.id)) {
    member.first_seen = old->first_seen;
    member.here_since = old->here_since;
  }
  read_facts(member);
  write(member);
  return members_[member.id] = std::move(member);
}

void Register::seen(Member& member, WallMs now) {
  member.last_seen = now;
  write(member);
}

void Register::leave(const NodeId& agent) {
  store_.erase("r/" + agent.bytes());
  members_.erase(agent);
}

std::uint32_t Register::online() const {
  return static_cast<std::uint32_t>(std::count_if(members_.begin(), members_.end(), [](const auto& m) { return m.second.link != 0; }));
}

void Register::write(const Member& member) {
  store_.put("r/" + member.id.bytes(), compact_json({{"attach_seq", member.attach_seq},
                                                     {"ticket", to_base64(member.ticket)},
                                                     {"certificate", to_base64(member.certificate)},
                                                     {"attributes", to_base64(member.attributes)},
                                                     {"first_seen", member.first_seen},
                                                     {"last_seen", member.last_seen}}));
}

}  // namespace mig::relay
