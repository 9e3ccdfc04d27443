#include "investigator/join.h"

#include <fmt/format.h>

namespace mig::investigator {
namespace {

using core::Result;

Result<core::Keys> enroller_of(const Home& home) {
  auto seed = home.enroller_seed();
  if (!seed)
    return core::refused(fmt::format("{}: there is no enroller key here; invite on the machine where the mesh was made",
                                     home.dir()));
  return core::Keys(*seed);
}

/// What relays listen on is not what others can dial.
Result<core::Endpoint> reachable(const std::string& address, const core::LinkPublic& key) {
  for (const char* anywhere : {"tcp://*:", "tcp://0.0.0.0:", "tcp://[::]:"})
    if (address.rfind(anywhere, 0) == 0)
      return core::invalid(fmt::format("--endpoint: {} is where a relay listens; write a name or address others can dial",
                                       address));
  auto endpoint = core::endpoint_from_text(address + "#" + key.hex());
  if (!endpoint || address.find('#') != std::string::npos)
    return core::invalid(fmt::format("--endpoint: '{}' is no address; write tcp://HOST:PORT as others will reach it",
                                     address));
  return endpoint;
}

Result<core::Endpoint> relay_called(const Home& home, const std::string& word) {
  std::string known;
  for (const KnownRelay& relay : home.relays()) {
    if (relay.name == word || relay.endpoint.address == word || core::to_text(relay.endpoint) == word)
      return relay.endpoint;
    known += fmt::format("\n  {}  {}", relay.name.empty() ? "-" : relay.name, relay.endpoint.address);
  }
  if (auto given = core::endpoint_from_text(word)) return given;
  return core::Error{core::Code::not_found, fmt::format("--via: no relay '{}' is known; known are:{}", word,
                                                        known.empty() ? " none" : known)};
}

}  // namespace

Result<core::JoinString> invite_first_relay(Home& home, const FirstRelay& relay) {
  auto enroller = enroller_of(home);
  if (!enroller) return enroller.error();
  core::JoinString join;
  join.trust = home.trust();
  join.role = core::Role::relay;
  join.enroller = enroller->sign_public();
  join.enroller_seed = home.enroller_seed();
  join.node_seed = fresh_seed();
  join.roster = home.signed_roster();
  auto endpoint = reachable(relay.address, core::Keys(*join.node_seed).link_public());
  if (!endpoint) return endpoint.error();
  if (core::Status added = home.add_relay({relay.name, *endpoint}); !added) return added.error();
  return join;
}

Result<core::JoinString> invite(const Home& home, const Guest& guest) {
  auto enroller = enroller_of(home);
  if (!enroller) return enroller.error();
  core::JoinString join;
  for (const std::string& word : guest.via) {
    auto endpoint = relay_called(home, word);
    if (!endpoint) return endpoint.error();
    join.relays.push_back(*endpoint);
  }
  if (guest.via.empty())
    for (const KnownRelay& relay : home.relays()) join.relays.push_back(relay.endpoint);
  if (join.relays.empty())
    return core::invalid("relay: none is known that could be dialled; begin with `mig invite --role enroller --endpoint "
                         "tcp://HOST:PORT`, or add one with `mig relays add ENDPOINT#KEY`");
  join.trust = home.trust();
  join.role = guest.role;
  join.enroller = enroller->sign_public();
  join.invite_secret = fresh_seed();
  core::Invite permission;
  permission.id = fresh_seed().bytes().substr(0, 16);
  permission.role = guest.role;
  permission.key = core::Keys(*join.invite_secret).sign_public();
  permission.tags = guest.tags;
  permission.segment = guest.segment;
  permission.uses = guest.uses;
  permission.not_after = guest.not_after;
  join.invite = core::write_invite(permission, *enroller);
  return join;
}

}  // namespace mig::investigator
