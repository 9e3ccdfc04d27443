// What both daemons share: a state directory with secrets in it, a stored join string, log lines, signals.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "node/core/baked.h"
#include "node/core/json.h"
#include "node/wire/driver.h"

namespace mig::wire {

class StateDirectory {
 public:
  /// Makes `path` (0700) if it is missing. Errors name it and what helps.
  static core::Result<StateDirectory> open(const std::string& path);
  const std::string& path() const { return path_; }
  std::string store_path() const { return path_ + "/store"; }
  /// The node's seed: `given` the first time, else the stored one, else a fresh one. Mode 0600.
  core::Result<core::Seed> seed(const std::optional<core::Seed>& given);
  /// The join string: `given` is stored and returned; empty: the stored one. Error: none was ever given.
  core::Result<core::JoinString> join(const std::string& given);
  /// Settings that a restart without arguments finds again: what `given` holds wins over what was stored.
  core::Result<core::Json> settings(const core::Json& given);
  core::Status write(const std::string& name, const std::string& content) const;
  std::optional<std::string> read(const std::string& name) const;

 private:
  std::string path_;
};

inline constexpr const char* no_proxy = "none";  ///< --socks none forgets the proxy that was stored
/// The proxy of stored settings, for Setting::socks_proxy.
std::string proxy_of(const core::Json& settings);
/// One line an event on stderr: "2026-11-24T07:00:00.123Z info attached relay=relay-1". Debug events are left out.
void log_event(const core::Event& event);
/// SIGTERM and SIGINT stop `driver`; SIGPIPE is ignored; as many descriptors as allowed. Call once.
void prepare_process(Driver& driver);
/// "mig-agent: TEXT" on stderr; gives 2.
int fail(const char* program, const std::string& text);

}  // namespace mig::wire
