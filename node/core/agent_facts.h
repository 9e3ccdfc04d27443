// What can be asked about one agent: the columns a target may name, and their form on the wire.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "node/core/json.h"
#include "node/core/result.h"
#include "node/core/time.h"

namespace mig::core {

/// One agent as a target sees it. An empty text and a zero time or pid count as SQL's NULL.
struct AgentFacts {
  std::string id, name, queueloc, mode, version, status, loadername;
  std::int64_t pid = 0;
  WallMs starttime = 0, heartbeattime = 0, refreshtime = 0, destructiontime = 0;
  Json environment = Json::object();  ///< init ident os arch isproxied proxy addresses publicip modules aws
  std::map<std::string, std::string> tags;
  /// What this copy does not hold ("status", "tags", "environment.addresses"): unknown, which is not the same as NULL.
  /// Empty at the agent itself.
  std::set<std::string> unheld;
};

/// MIG's "never": the destructiontime of an agent that lives.
constexpr WallMs never_destroyed = 253'340'133'071'000;  // 9998-01-11T11:11:11Z

/// All columns; what is NULL is left out. Times in RFC 3339.
Json to_json(const AgentFacts& facts);

/// JSON text of at most limits::attributes_bytes for the home relay: without the volatile columns (status,
/// heartbeattime, refreshtime) and, if that is still too long, without the longest others. All of them stand in
/// `unheld`, so that a target about them counts as a match there.
std::string attributes_of(const AgentFacts& facts);

/// Reads both forms. Strict about types, since it comes from strangers; unknown keys are passed over (a newer agent).
Result<AgentFacts> facts_from_json(const Json& json);

}  // namespace mig::core
