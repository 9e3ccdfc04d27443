#include "investigator/config.h"

#include <fmt/format.h>

#include <sstream>
#include <toml++/toml.h>

#include "node/core/json.h"
#include "node/core/schema.h"
#include "node/wire/driver.h"

namespace mig::investigator {
namespace {

const core::Schema& schema() {
  static const core::Schema schema = [] {
    core::Field mesh{.name = "mesh", .help = "Label of the mesh."};
    core::Field key{.name = "key", .help = "Fingerprint of the primary key that signs here.", .required = true};
    core::Field gnupg{.name = "gnupg_home", .help = "Directory of gpg; empty: GNUPGHOME or gpg's own."};
    core::Field ledger{.name = "ledger", .help = "File of the ledger; empty: ledger.sqlite in MIG_HOME."};
    core::Field socks{.name = "socks", .help = "SOCKS5 proxy to dial relays through; empty: none.", .example = "127.0.0.1:1080", .check = wire::check_proxy};
    core::Field macros{.name = "macros", .type = core::Type::any, .help = "Words for -t and the targets they mean."};
    return core::Schema{"config", "Who works here, in which mesh.", {mesh, key, gnupg, ledger, socks, macros}, {}};
  }();
  return schema;
}

core::Result<core::Json> json_from(const std::string& toml, const std::string& path) {
  try {
    std::ostringstream text;
    text << toml::json_formatter{toml::parse(toml)};
    return core::parse_json(text.str(), 1 << 20);
  } catch (const toml::parse_error& error) {
    return core::invalid(fmt::format("{}: line {}: {}", path, error.source().begin.line, error.description()));
  }
}

/// A TOML basic string.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04x}", c);
    else
      out += static_cast<char>(c);
  }
  return out + "\"";
}

}  // namespace

core::Result<Config> parse_config(const std::string& toml, const std::string& path) {
  auto json = json_from(toml, path);
  if (!json) return json.error();
  auto document = core::check_document(schema(), *json);
  if (!document) return core::invalid(fmt::format("{}: {}", path, document.error().text));
  auto text = [&](const char* key) { return document->value(key, std::string()); };
  Config config{text("mesh"), text("key"), text("gnupg_home"), text("ledger"), text("socks"), {}};
  if (!document->contains("macros")) return config;
  const core::Json& macros = (*document)["macros"];
  if (!macros.is_object()) return core::invalid(fmt::format("{}: macros: write a table, [macros]", path));
  for (const auto& item : macros.items()) {
    if (!item.value().is_string())
      return core::invalid(fmt::format("{}: macros.{}: the target must be a string", path, item.key()));
    config.macros[item.key()] = item.value().get<std::string>();
  }
  return config;
}

std::string write_config(const Config& config) {
  std::string out = fmt::format("# Who works here, in which mesh.\nmesh = {}\nkey = {}\n", quoted(config.mesh),
                                quoted(config.key));
  if (!config.gnupg_home.empty()) out += fmt::format("gnupg_home = {}\n", quoted(config.gnupg_home));
  if (!config.ledger.empty()) out += fmt::format("ledger = {}\n", quoted(config.ledger));
  if (!config.socks.empty()) out += fmt::format("socks = {}\n", quoted(config.socks));
  out += "\n# Words that -t understands: web = \"tags->>'role'='web'\"\n[macros]\n";
  for (const auto& macro : config.macros) out += fmt::format("{} = {}\n", quoted(macro.first), quoted(macro.second));
  return out;
}

}  // namespace mig::investigator
