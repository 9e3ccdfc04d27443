// Which time servers a machine is meant to follow: what chrony, systemd-timesyncd and ntpd are told in their files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "modules/module.h"

namespace mig::modules::timedrift {

struct Server {
  std::string text;           ///< as results name it: the host, with ":port" unless that is 123
  std::string host;
  std::uint16_t port = 123;
};

/// "time.example.net", "192.0.2.7:1123", "2001:db8::1", "[2001:db8::1]:1123".
core::Result<Server> parse_server(std::string_view text);

/// In the order chrony, systemd-timesyncd, ntpd; each server once, at most 32. Files that are not there are no
/// trouble; one that cannot be read is told in `errors`.
/// Source: chrony.conf(5), timesyncd.conf(5), ntp.conf(5).
std::vector<Server> configured_servers(const Host& host, std::vector<std::string>& errors);

/// The public servers MIG fell back to.
std::vector<Server> public_servers();

}  // namespace mig::modules::timedrift
