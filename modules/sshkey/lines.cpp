// Files as lines: authorized_keys and .pub files, and the way to what stands between dashes.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "modules/sshkey/armour.h"
#include "modules/sshkey/key.h"

namespace mig::modules::sshkey {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// Takes the word at the front of `line` and the blanks behind it.
std::string_view take_word(std::string_view& line) {
  const auto end = std::min(line.find_first_of(blanks), line.size());
  const std::string_view out = line.substr(0, end);
  line.remove_prefix(std::min(line.find_first_not_of(blanks, end), line.size()));
  return out;
}

/// Options end at the first blank outside quotes; inside them \" is a quote.
std::vector<std::string> take_options(std::string_view& line) {
  std::vector<std::string> out(1);
  bool quoted = false;
  std::size_t at = 0;
  for (; at < line.size(); ++at) {
    const char letter = line[at];
    if (!quoted && blanks.find(letter) != blanks.npos) break;
    if (letter == '\\' && at + 1 < line.size() && line[at + 1] == '"') {
      out.back() += "\\\"";
      ++at;
      continue;
    }
    if (letter == '"') quoted = !quoted;
    if (letter == ',' && !quoted)
      out.emplace_back();
    else
      out.back() += letter;
  }
  line.remove_prefix(std::min(line.find_first_not_of(blanks, at), line.size()));
  for (std::string& option : out) option = core::readable_utf8(option);
  return out;
}

bool is_option(std::string_view option) {
  constexpr std::array<std::string_view, 17> known = {
      "agent-forwarding", "cert-authority", "command",         "environment",     "expiry-time",   "from",
      "permitlisten",     "permitopen",     "port-forwarding", "principals",      "pty",           "restrict",
      "touch-required",   "tunnel",         "user-rc",         "verify-required", "x11-forwarding"};
  std::string name(option.substr(0, option.find('=')));
  for (char& letter : name)
    if (letter >= 'A' && letter <= 'Z') letter += 'a' - 'A';
  if (name.starts_with("no-")) name.erase(0, 3);
  return std::find(known.begin(), known.end(), name) != known.end();
}

/// Every blob begins with the length of its name, which is below 65,536.
bool is_key_text(std::string_view word) { return word.starts_with("AAAA"); }

/// Looks like a line with a key at all: some word of it that begins a blob has a word before it.
bool has_key_text(std::string_view text) {
  return text.find(" AAAA") != text.npos || text.find("\tAAAA") != text.npos;
}

}  // namespace

core::Result<Key> parse_line(std::string_view line, bool any_option) {
  line = trimmed(line);
  if (line.empty() || line.front() == '#') return core::Error{core::Code::not_found, ""};
  Key out;
  std::string_view rest = line;
  std::string_view name = take_word(rest);
  if (!is_key_text(rest)) {
    out.options = take_options(line);
    if (!any_option && !std::all_of(out.options.begin(), out.options.end(), is_option))
      return core::Error{core::Code::not_found, ""};
    rest = line;
    name = take_word(rest);
  }
  const std::string_view letters = take_word(rest);
  auto blob = core::from_base64(letters);
  if (!blob && !letters.ends_with('=')) {  // some tools leave the padding out
    std::string padded(letters);
    padded.resize((padded.size() + 3) / 4 * 4, '=');
    blob = core::from_base64(padded);
  }
  if (letters.empty()) return core::invalid("there is no key in it");
  if (!blob) return core::invalid("the key is not base64");
  auto half = parse_blob(*blob);
  if (!half) return half.error();
  if (half->name != name) return core::invalid("the key is of another kind than the line says");
  out.half = std::move(*half);
  out.format = "line";
  out.comment = core::readable_utf8(rest);
  return out;
}

bool may_hold_key(std::string_view content) {
  if (content.substr(0, 4096).find('\0') != std::string_view::npos) return false;
  return has_key_text(content) || content.find("--BEGIN ") != content.npos ||
         content.find("---- BEGIN SSH2") != content.npos || content.starts_with(putty_begin);
}

Found parse_keys(std::string_view content, bool authorized) {
  Found out;
  const auto trouble = [&](int line, const std::string& text) {
    if (out.trouble.empty()) out.trouble = fmt::format("line {}: {}", line, text);
  };
  if (content.starts_with(putty_begin)) {
    auto key = parse_putty(content);
    if (!key) {
      trouble(1, key.error().text);
      return out;
    }
    key->line = 1;
    out.keys.push_back(std::move(*key));
    return out;
  }
  int number = 0;
  for (std::size_t at = 0; at < content.size();) {
    const auto end = std::min(content.find('\n', at), content.size());
    const std::string_view line = content.substr(at, end - at);
    const int begins = ++number;
    at = end + 1;
    if (line.starts_with("----")) {
      const std::string_view label = label_of(line);
      if (label.empty()) continue;
      const std::string stop = fmt::format("{}END {}", line.starts_with("-----") ? "-----" : "---- ", label);
      const auto close = content.find(stop, std::min(at, content.size()));
      if (close == content.npos) {
        trouble(begins, "the key has no end");
        continue;
      }
      const std::string_view body = content.substr(at, close - at);
      number += static_cast<int>(std::count(body.begin(), body.end(), '\n'));
      at = close;
      auto keys = parse_block(label, body);
      if (!keys)
        trouble(begins, keys.error().text);
      else
        for (Key& key : *keys) {
          key.line = begins;
          out.keys.push_back(std::move(key));
        }
      continue;
    }
    if (!authorized && !has_key_text(line)) continue;
    auto key = parse_line(line, authorized);
    if (!key) {
      const bool meant =
          authorized || line.starts_with("ssh-") || line.starts_with("ecdsa-") || line.starts_with("sk-");
      if (meant && key.error().code != core::Code::not_found) trouble(begins, key.error().text);
      continue;
    }
    key->line = begins;
    if (authorized) key->type = Key::Type::authorized;
    out.keys.push_back(std::move(*key));
  }
  return out;
}

}  // namespace mig::modules::sshkey
