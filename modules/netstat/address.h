// IP addresses and prefixes, compared as MIG did: an IPv4 address within an IPv6 socket is that IPv4 address.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/core/bytes.h"
#include "node/core/result.h"

namespace mig::modules::netstat {

struct Ip {
  bool six = false;
  std::array<std::uint8_t, 16> octets{};  ///< the first 4 if not six
  auto operator<=>(const Ip&) const = default;
  std::string text() const;
  /// 4 or 16 octets; ::ffff:a.b.c.d becomes a.b.c.d.
  static Ip from(core::BytesView octets);
  static std::optional<Ip> parse(std::string_view text);
};

struct Prefix {
  Ip ip;  ///< without its host bits
  int bits = 0;
  auto operator<=>(const Prefix&) const = default;
};
/// "192.0.2.7" (all bits) or "192.0.2.0/24". The error is a trouble and a remedy without a subject.
core::Result<Prefix> parse_prefix(std::string_view text);

/// Which of many prefixes hold an address: one look-up a distinct length, however many there are.
class PrefixTable {
 public:
  void add(const Prefix& prefix, std::size_t number);
  /// Appends the numbers of all that hold `ip`.
  void find(const Ip& ip, std::vector<std::size_t>& numbers) const;
  bool empty() const { return tables_.empty(); }

 private:
  std::map<std::pair<bool, int>, std::map<Ip, std::vector<std::size_t>>> tables_;
};

}  // namespace mig::modules::netstat
