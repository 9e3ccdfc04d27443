#include "modules/netstat/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace mig::modules::netstat {
namespace {

constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

Ip without_host_bits(Ip ip, int bits) {
  const int size = ip.six ? 16 : 4;
  for (int i = 0; i < size; ++i) {
    const int kept = std::clamp(bits - i * 8, 0, 8);
    ip.octets[static_cast<std::size_t>(i)] &= static_cast<std::uint8_t>(0xff00 >> kept);
  }
  return ip;
}

}  // namespace

Ip Ip::from(core::BytesView octets) {
  Ip out;
  if (octets.size() == 16 && std::memcmp(octets.data(), mapped.data(), mapped.size()) == 0) octets.remove_prefix(mapped.size());
  out.six = octets.size() == 16;
  std::memcpy(out.octets.data(), octets.data(), std::min<std::size_t>(octets.size(), out.six ? 16 : 4));
  return out;
}

std::optional<Ip> Ip::parse(std::string_view text) {
  char octets[16];
  const std::string word(text);
  if (word.find('\0') != word.npos) return std::nullopt;
  if (inet_pton(AF_INET, word.c_str(), octets) == 1) return from({octets, 4});
  if (inet_pton(AF_INET6, word.c_str(), octets) == 1) return from({octets, 16});
  return std::nullopt;
}

std::string Ip::text() const {
  char out[INET6_ADDRSTRLEN] = "";
  inet_ntop(six ? AF_INET6 : AF_INET, octets.data(), out, sizeof out);
  return out;
}

core::Result<Prefix> parse_prefix(std::string_view text) {
  const auto wrong = [&] { return core::invalid(fmt::format("'{}' is no IP address; write 192.0.2.7, 2001:db8::1 or 192.0.2.0/24", text.substr(0, 80))); };
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  const auto ip = Ip::parse(address);
  if (!ip) return wrong();
  int bits = ip->six ? 128 : 32;
  if (slash != text.npos) {
    const std::string_view number = text.substr(slash + 1);
    // ::ffff:192.0.2.0/120 is 192.0.2.0/24
    const int above = !ip->six && address.find(':') != address.npos ? 96 : 0, most = bits + above;
    const auto [end, trouble] = std::from_chars(number.data(), number.data() + number.size(), bits);
    if (trouble != std::errc{} || end != number.data() + number.size() || number.front() == '-') return wrong();
    if (bits < above || bits > most) return core::invalid(fmt::format("'{}' has a prefix outside {}..{}", text.substr(0, 80), above, most));
    bits -= above;
  }
  return Prefix{without_host_bits(*ip, bits), bits};
}

void PrefixTable::add(const Prefix& prefix, std::size_t number) { tables_[{prefix.ip.six, prefix.bits}][prefix.ip].push_back(number); }

void PrefixTable::find(const Ip& ip, std::vector<std::size_t>& numbers) const {
  for (const auto& [kind, table] : tables_) {
    if (kind.first != ip.six) continue;
    if (auto at = table.find(without_host_bits(ip, kind.second)); at != table.end()) numbers.insert(numbers.end(), at->second.begin(), at->second.end());
  }
}

}  // namespace mig::modules::netstat
