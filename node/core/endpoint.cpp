// Where a relay listens and the key it must prove.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "node/core/identity.h"

namespace mig::core {
namespace {

constexpr std::string_view scheme = "tcp://";

bool is_ipv6(const std::string& host) {
  unsigned char octets[16];
  return inet_pton(AF_INET6, host.c_str(), octets) == 1;
}

bool is_name_or_ipv4(std::string_view host) {
  if (host.empty() || host.size() > 253 || host.front() == '-' || host.front() == '.') return false;
  bool allowed = std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
  });
  // Digits and dots alone must be an address: "10.0.0" and "10.0.0.256" are mistypings.
  unsigned char octets[4];
  bool digits = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return allowed && (!digits || inet_pton(AF_INET, std::string(host).c_str(), octets) == 1);
}

bool is_port(std::string_view port) {
  unsigned number = 0;
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size() && number >= 1 && number <= 65535;
}

}  // namespace

Status check_address(std::string_view address, bool listening) {
  auto wrong = [&](std::string_view trouble) {
    return invalid(fmt::format("{}: {}; right is tcp://HOST:PORT, as in tcp://relay.example.org:7447 or tcp://[2001:db8::7]:7447",
                               address.substr(0, 80), trouble));
  };
  if (address.substr(0, scheme.size()) != scheme) return wrong("an address begins with tcp://");
  std::string_view rest = address.substr(scheme.size());
  std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return wrong("there is no port");
  std::string_view host = rest.substr(0, colon), port = rest.substr(colon + 1);
  if (!is_port(port) && !(listening && port == "*")) return wrong("the port must be 1..65535");
  bool all = host == "*" || host == "0.0.0.0" || host == "[::]";
  if (all) return listening ? Status(Done{}) : wrong("one can listen on all interfaces, but not connect to them");
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  bool good = bracketed ? is_ipv6(std::string(host.substr(1, host.size() - 2))) : is_name_or_ipv4(host);
  if (!good) return wrong("the host is neither a name nor an address (IPv6 stands in brackets)");
  return Done{};
}

std::string to_text(const Endpoint& endpoint) { return endpoint.address + "#" + endpoint.key.hex(); }

Result<Endpoint> endpoint_from_text(std::string_view text) {
  std::size_t mark = text.rfind('#');
  if (mark == std::string_view::npos)
    return invalid(fmt::format("{}: the relay's key is missing; right is tcp://HOST:PORT#<64 hex digits>", text.substr(0, 80)));
  if (auto ok = check_address(text.substr(0, mark)); !ok) return ok.error();
  auto key = from_hex(text.substr(mark + 1));
  auto id = key ? LinkPublic::from(*key) : Result<LinkPublic>(key.error());
  if (!id) return invalid(fmt::format("{}: the key behind # must be 64 hex digits", text.substr(0, 80)));
  return Endpoint{std::string(text.substr(0, mark)), *id};
}

}  // namespace mig::core
