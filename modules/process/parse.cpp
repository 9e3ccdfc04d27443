// The texts of /proc/PID taken apart; whatever is in them, only what makes sense comes out.
#include <algorithm>
#include <array>
#include <charconv>

#include "modules/process/look.h"

namespace mig::modules::process {
namespace {

template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
  T out{};
  const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  if (trouble != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::string_view next_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t\n"), rest.size()));
  const std::string_view out = rest.substr(0, rest.find_first_of(" \t\n"));
  rest.remove_prefix(out.size());
  return out;
}

/// What follows "Key:" on its line.
std::optional<std::string_view> value_of(std::string_view text, std::string_view key) {
  for (std::size_t at = 0; (at = text.find(key, at)) != text.npos; at += key.size())
    if (at == 0 || text[at - 1] == '\n') {
      const std::size_t begin = at + key.size();
      return text.substr(begin, text.find('\n', begin) - begin);
    }
  return std::nullopt;
}

}  // namespace

std::optional<Stat> parse_stat(std::string_view text) {
  const std::size_t open = text.find('('), close = text.rfind(')');
  if (open == text.npos || close == text.npos || close < open) return std::nullopt;
  Stat out;
  out.name = text.substr(open + 1, close - open - 1);
  std::string_view rest = text.substr(close + 1);
  const std::string_view state = next_word(rest);
  out.dead = state == "Z" || state == "X";
  const auto parent = number<int>(next_word(rest));
  for (int skipped = 0; skipped < 17; ++skipped) next_word(rest);
  const auto started = number<std::uint64_t>(next_word(rest));
  if (!parent || !started) return std::nullopt;
  out.parent = *parent;
  out.started = *started;
  return out;
}

std::optional<Status> parse_status(std::string_view text) {
  auto uids = value_of(text, "Uid:");
  if (!uids) return std::nullopt;
  next_word(*uids);  // the real one
  const auto uid = number<std::uint32_t>(next_word(*uids));
  if (!uid) return std::nullopt;
  Status out{*uid, 0};
  if (auto effective = value_of(text, "CapEff:")) out.capabilities = number<std::uint64_t>(next_word(*effective), 16).value_or(0);
  return out;
}

std::vector<std::string> parse_cmdline(std::string_view text) {
  std::vector<std::string> out;
  // A program may have written over its arguments: then there is one text, with zeros behind it.
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find('\0'));
    out.emplace_back(one);
    if (one.size() == text.size()) break;
    text.remove_prefix(one.size() + 1);
  }
  return out;
}

std::vector<std::string> capability_names(std::uint64_t capabilities) {
  constexpr std::array<const char*, 41> names = {
      "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "linux_immutable", "net_bind_service",
      "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin",
      "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap", "mac_override",
      "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore"};
  std::vector<std::string> out;
  for (std::size_t i = 0; i < 64; ++i)
    if ((capabilities >> i & 1) != 0) out.push_back(i < names.size() ? std::string("cap_") + names[i] : std::to_string(i));
  return out;
}

std::optional<std::int64_t> parse_boot_time(std::string_view text) {
  auto value = value_of(text, "btime");
  const auto seconds = value ? number<std::int64_t>(next_word(*value)) : std::nullopt;
  constexpr std::int64_t latest = 100'000'000'000;  // a clock can say nothing later
  return seconds && *seconds >= 0 && *seconds <= latest ? seconds : std::nullopt;
}

}  // namespace mig::modules::process
