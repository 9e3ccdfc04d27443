// The parameters of the module, ready to be compared with what the machine has.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "modules/netstat/address.h"
#include "node/core/json.h"
#include "node/core/schema.h"

namespace re2 {
class RE2;
}

namespace mig::modules::netstat {

// In the order in which MIG prints them.
enum class Kind { localmac, neighbormac, neighborip, localip, connectedip, listeningport };
constexpr Kind kinds[] = {Kind::localmac, Kind::neighbormac, Kind::neighborip, Kind::localip, Kind::connectedip, Kind::listeningport};
const char* key_of(Kind kind);

struct Question {
  Kind kind{};
  std::string value;  ///< as asked
  std::shared_ptr<const re2::RE2> regex;  ///< of a MAC
  Prefix prefix;                          ///< of an IP
  std::uint16_t port = 0;
};

struct Questions {
  std::vector<Question> all;  ///< each value once
  bool namespaces = false, listenonly = false, owners = false;
  bool any(Kind kind) const;
};

core::Schema make_parameters();
core::Schema make_row();
/// REQUIRES: checked by the schema.
Questions questions_of(const core::Json& parameters);

}  // namespace mig::modules::netstat
