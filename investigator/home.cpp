#include "investigator/home.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "investigator/config.h"
#include "investigator/files.h"
#include "investigator/signed_file.h"
#include "node/core/check.h"
#include "node/core/limits.h"

namespace mig::investigator {
namespace {

using core::Json;
using core::Result;

constexpr std::size_t json_bytes_max = 1 << 20;

core::Error in_file(const std::string& path, const core::Error& error) {
  return {error.code, fmt::format("{}: {}", path, error.text)};
}

Result<Json> json_file(const std::string& path) {
  auto text = read_file(path);
  if (!text) return text.error();
  auto json = core::parse_json(*text, json_bytes_max);
  if (!json) return in_file(path, json.error());
  return json;
}

Json to_json(const std::vector<KnownRelay>& relays) {
  Json list = Json::array();
  for (const KnownRelay& relay : relays)
    list.push_back({{"name", relay.name}, {"endpoint", core::to_text(relay.endpoint)}});
  return list;
}

Result<std::vector<KnownRelay>> relays_from(const Json& json) {
  std::vector<KnownRelay> relays;
  if (!json.is_array()) return core::invalid("expected a list of relays");
  for (const Json& item : json) {
    if (!item.is_object() || !item.contains("endpoint") || !item["endpoint"].is_string())
      return core::invalid("a relay needs an endpoint: tcp://HOST:PORT#KEY");
    auto endpoint = core::endpoint_from_text(item["endpoint"].get<std::string>());
    if (!endpoint) return endpoint.error();
    relays.push_back({item.value("name", Json("")).is_string() ? item.value("name", std::string()) : "", *endpoint});
  }
  return relays;
}

/// Signatures are always checked; that a roster has run out is said by those who use it, so that it can be renewed.
Result<core::Roster> checked_roster(const core::SignedText& roster, const core::Trust& trust) {
  auto parsed = core::parse_roster(roster.text);
  if (!parsed) return parsed.error();
  core::WallMs at = parsed->expires == 0 ? wall_now() : std::min(wall_now(), parsed->expires - 1);
  return core::verify_roster(roster, trust, at);
}

}  // namespace

Result<core::Seed> read_seed(const std::string& path) {
  auto text = read_secret(path);
  if (!text) return text.error();
  while (!text->empty() && text->back() == '\n') text->pop_back();
  auto bytes = core::from_hex(*text);
  auto seed = bytes ? core::Seed::from(*bytes) : Result<core::Seed>(bytes.error());
  if (!seed) return core::invalid(fmt::format("{}: expected 64 hex digits", path));
  return seed;
}

core::Seed fresh_seed() {
  MIG_CHECK(sodium_init() >= 0, "libsodium finds randomness on every supported kernel");
  core::Seed seed;
  randombytes_buf(seed.octets.data(), seed.octets.size());
  return seed;
}

core::WallMs wall_now() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

std::string Home::path_of(const std::string& given) {
  if (!given.empty()) return given;
  if (const char* set = std::getenv("MIG_HOME"); set != nullptr && *set != '\0') return set;
  if (const char* set = std::getenv("XDG_CONFIG_HOME"); set != nullptr && *set == '/') return std::string(set) + "/mig";
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr && *home != '\0' ? home : ".") + "/.config/mig";
}

Result<Home> Home::open(const std::string& given) {
  Home home;
  home.dir_ = path_of(given);
  auto trust = json_file(home.file("trust.json"));
  if (!trust && trust.error().code == core::Code::not_found)
    return core::Error{core::Code::not_found,
                       fmt::format("{}: no mesh here; make one with `mig mesh init --name demo --key FINGERPRINT`, or "
                                   "set MIG_HOME (or -c) to the directory of one", home.dir_)};
  if (!trust) return trust.error();
  auto parsed_trust = core::trust_from_json(*trust);
  if (!parsed_trust) return in_file(home.file("trust.json"), parsed_trust.error());
  home.trust_ = *parsed_trust;
  if (core::Status read = home.read_config(); !read) return read.error();
  if (core::Status read = home.read_roster(); !read) return read.error();
  if (core::Status read = home.read_relays(); !read) return read.error();
  return home;
}

core::Status Home::read_config() {
  auto text = read_file(file("config.toml"));
  if (!text) return text.error();
  auto config = parse_config(*text, file("config.toml"));
  if (!config) return config.error();
  config_ = *config;
  auto seed = read_seed(file("enroller.seed"));
  if (!seed && seed.error().code != core::Code::not_found) return seed.error();
  if (seed) enroller_ = *seed;
  return core::Done{};
}

core::Status Home::read_roster() {
  auto json = json_file(file("roster.json"));
  if (!json) return json.error();
  auto signed_text = read_signed(*json);
  if (!signed_text) return in_file(file("roster.json"), signed_text.error());
  auto roster = checked_roster(*signed_text, trust_);
  if (!roster) return in_file(file("roster.json"), roster.error());
  signed_roster_ = *signed_text;
  roster_ = *roster;
  return core::Done{};
}

core::Status Home::read_relays() {
  auto json = json_file(file("relays.json"));
  if (!json && json.error().code == core::Code::not_found) return core::Done{};
  if (!json) return json.error();
  auto relays = relays_from(*json);
  if (!relays) return in_file(file("relays.json"), relays.error());
  relays_ = *relays;
  return core::Done{};
}

Result<Home> Home::create(const std::string& dir, const Config& config, const core::Trust& trust,
                          const core::SignedText& roster, const std::optional<core::Seed>& enroller) {
  Home home;
  home.dir_ = dir;
  auto there = read_file(home.file("trust.json"));
  if (there || there.error().code != core::Code::not_found)
    return core::refused(fmt::format("{}: there is a mesh already; set MIG_HOME to another directory (its old one is "
                                     "never overwritten)", dir));
  auto checked = checked_roster(roster, trust);
  if (!checked) return in_file("roster", checked.error());
  if (core::Status made = make_private_dir(dir); !made) return made.error();
  if (enroller)
    if (core::Status written = write_private(home.file("enroller.seed"), enroller->hex() + "\n"); !written) return written.error();
  // trust.json last: it is what says that there is a mesh.
  const std::pair<const char*, std::string> files[] = {{"config.toml", write_config(config)},
                                                       {"roster.json", write_signed(roster)},
                                                       {"relays.json", "[]\n"},
                                                       {"trust.json", core::pretty_json(core::to_json(trust)) + "\n"}};
  for (const auto& entry : files)
    if (core::Status written = write_private(home.file(entry.first), entry.second); !written) return written.error();
  return open(dir);
}

core::Status Home::keep_roster(const core::SignedText& roster) {
  auto checked = checked_roster(roster, trust_);
  if (!checked) return in_file("roster", checked.error());
  if (checked->version <= roster_.version) return core::Done{};
  if (core::Status written = write_private(file("roster.json"), write_signed(roster)); !written) return written;
  signed_roster_ = roster;
  roster_ = *checked;
  return core::Done{};
}

core::Status Home::add_relay(const KnownRelay& relay) {
  std::vector<KnownRelay> relays = relays_;
  auto same = std::find_if(relays.begin(), relays.end(), [&](const KnownRelay& known) {
    return known.endpoint == relay.endpoint || (!relay.name.empty() && known.name == relay.name);
  });
  if (same == relays.end())
    relays.push_back(relay);
  else
    *same = {relay.name.empty() ? same->name : relay.name, relay.endpoint};
  core::Status written = write_private(file("relays.json"), core::pretty_json(to_json(relays)) + "\n");
  if (written) relays_ = std::move(relays);
  return written;
}

std::string Home::target_of(const std::string& text) const {
  auto macro = config_.macros.find(text);
  return macro == config_.macros.end() ? text : macro->second;
}

Result<Gpg> Home::gpg() const {
  std::string where = config_.gnupg_home;
  if (!where.empty() && where[0] != '/') where = file(where);
  return Gpg::open(where);
}

Result<std::unique_ptr<store::Ledger>> Home::ledger() const {
  std::string path = config_.ledger.empty() ? "ledger.sqlite" : config_.ledger;
  return store::open_sqlite_ledger(path[0] == '/' ? path : file(path));
}

}  // namespace mig::investigator
