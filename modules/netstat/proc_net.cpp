#include "modules/netstat/proc_net.h"

#include <fcntl.h>
#include <linux/neighbour.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace mig::modules::netstat {
namespace {

/// A line longer than this is no line of /proc/net.
constexpr std::size_t line_bytes_max = 1 << 20;

std::string_view next_word(std::string_view& rest) {
  const std::size_t begin = std::min(rest.find_first_not_of(" \t"), rest.size());
  rest.remove_prefix(begin);
  const std::string_view out = rest.substr(0, rest.find_first_of(" \t"));
  rest.remove_prefix(out.size());
  return out;
}

template <class T>
std::optional<T> number(std::string_view text, int base) {
  T out{};
  const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  if (trouble != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

/// The kernel prints each group of four octets as one number of this machine's byte order.
std::optional<Ip> ip_of_hex(std::string_view hex) {
  char octets[16];
  if (hex.size() != 8 && hex.size() != 32) return std::nullopt;
  for (std::size_t at = 0; at < hex.size(); at += 8) {
    const auto four = number<std::uint32_t>(hex.substr(at, 8), 16);
    if (!four) return std::nullopt;
    std::memcpy(octets + at / 2, &*four, 4);
  }
  return Ip::from({octets, hex.size() / 2});
}

struct Place {
  Ip ip;
  std::uint16_t port = 0;
};
std::optional<Place> place_of_hex(std::string_view text, bool six) {
  const std::size_t colon = text.find(':');
  if (colon != (six ? 32u : 8u)) return std::nullopt;
  const auto ip = ip_of_hex(text.substr(0, colon));
  const auto port = number<std::uint16_t>(text.substr(colon + 1), 16);
  if (!ip || !port) return std::nullopt;
  return Place{*ip, *port};
}

}  // namespace

std::optional<SocketInfo> socket_of_line(std::string_view line, int protocol, bool six) {
  if (!next_word(line).ends_with(':')) return std::nullopt;
  const auto local = place_of_hex(next_word(line), six), remote = place_of_hex(next_word(line), six);
  const auto state = number<unsigned>(next_word(line), 16);
  for (int skipped = 0; skipped < 3; ++skipped) next_word(line);  // queues, timer, retransmissions
  const auto uid = number<std::uint32_t>(next_word(line), 10);
  next_word(line);
  const auto inode = number<std::uint64_t>(next_word(line), 10);
  if (!local || !remote || !state || !uid || !inode) return std::nullopt;
  return SocketInfo{protocol, six, *state, local->ip, remote->ip, local->port, remote->port, *uid, *inode};
}

std::optional<Neighbour> neighbour_of_line(std::string_view line) {
  const auto ip = Ip::parse(next_word(line));
  next_word(line);
  const std::string_view hex = next_word(line);  // 0x2
  const auto flags = hex.starts_with("0x") ? number<unsigned>(hex.substr(2), 16) : std::nullopt;
  const std::string_view mac = next_word(line);
  if (!ip || !flags || mac.empty()) return std::nullopt;
  const unsigned state = (*flags & 4) != 0 ? NUD_PERMANENT : (*flags & 2) != 0 ? NUD_REACHABLE : NUD_INCOMPLETE;
  return Neighbour{*ip, std::string(mac), state};
}

std::optional<Ip> address_of_line(std::string_view line) {
  const std::string_view hex = next_word(line);
  if (hex.size() != 32) return std::nullopt;
  char octets[16];
  for (std::size_t i = 0; i < 16; ++i) {
    const auto one = number<std::uint8_t>(hex.substr(i * 2, 2), 16);
    if (!one) return std::nullopt;
    octets[i] = static_cast<char>(*one);
  }
  return Ip::from({octets, 16});
}

std::vector<Ip> addresses_of_trie(std::string_view text) {
  std::vector<Ip> out;
  std::optional<Ip> leaf;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::string_view word = next_word(line);
    if (word == "|--") leaf = Ip::parse(next_word(line));
    else if (word == "/32" && next_word(line) == "host" && next_word(line) == "LOCAL" && leaf) out.push_back(*leaf);
  }
  std::sort(out.begin(), out.end());  // main and local table say the same
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool each_line(const std::string& path, Budget& budget, const std::function<void(std::string_view)>& take) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return false;
  std::string block(64 * 1024, '\0');
  std::size_t held = 0;
  ssize_t got = 0;
  while (!budget.spent()) {
    got = read(fd, block.data() + held, block.size() - held);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    held += static_cast<std::size_t>(got);
    std::string_view rest(block.data(), held);
    for (std::size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) take(rest.substr(0, end));
    held = rest.size();
    std::memmove(block.data(), rest.data(), held);
    if (held == block.size()) {
      if (held >= line_bytes_max) held = 0;
      else block.resize(block.size() * 2);
    }
  }
  close(fd);
  if (got == 0 && held > 0) take({block.data(), held});
  return got >= 0;
}

}  // namespace mig::modules::netstat
