// Join strings: what a new relay or agent is given to become a member.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "investigator/home.h"

namespace mig::investigator {

/// The first relay of a mesh: it enrols the others.
struct FirstRelay {
  std::string name;                         ///< of the relay, for the list in MIG_HOME; may be empty
  std::string address;                      ///< "tcp://HOST:PORT": where others will reach it
};
/// Holds the enroller's key and the relay's own seed, so that its link key is known before it runs: it is added to
/// the relays of `home`. Secret; for one relay. Errors: no enroller key here, an address without host or port.
core::Result<core::JoinString> invite_first_relay(Home& home, const FirstRelay& relay);

struct Guest {
  core::Role role = core::Role::agent;
  std::map<std::string, std::string> tags;  ///< go into the certificate
  std::string segment;
  std::uint32_t uses = 1;
  core::WallMs not_after = 0;
  std::vector<std::string> via;             ///< names or endpoints, best first; empty: all relays of `home`
};
core::Result<core::JoinString> invite(const Home& home, const Guest& guest);

}  // namespace mig::investigator
