// Session slots of a home, and what the investigator's machine is made of.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "investigator/home.h"
#include "node/core/check.h"

namespace mig::investigator {
namespace {

using core::Bytes;
using core::Json;
using core::Result;

constexpr std::size_t slot_bytes_max = 16 * 1024;

// The file of a slot is the lock as well, so it is written in place: a new file would be a new lock.
Bytes read_slot(int fd) {
  Bytes out(slot_bytes_max, '\0');
  ssize_t got = pread(fd, out.data(), out.size(), 0);
  out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return out;
}

core::Status write_slot(int fd, const Bytes& text, const std::string& path) {
  bool ok = ftruncate(fd, 0) == 0 && pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
            fsync(fd) == 0;
  if (!ok) return core::Error{core::Code::world, fmt::format("{}: {}", path, std::strerror(errno))};
  return core::Done{};
}

template <class T>
std::optional<T> id_in(const Json& json, const char* key) {
  if (!json.is_object() || !json.contains(key) || !json[key].is_string()) return std::nullopt;
  auto bytes = core::from_hex(json[key].get<std::string>());
  auto id = bytes ? T::from(*bytes) : Result<T>(bytes.error());
  return id ? std::optional<T>(*id) : std::nullopt;
}

/// What a slot file holds; a torn or foreign file is an empty slot.
struct Kept {
  std::optional<core::SinkId> sink;
  std::optional<core::Seed> seed;
  Bytes packed;
};

Kept parse_slot(const Bytes& text) {
  auto json = core::parse_json(text, slot_bytes_max);
  if (!json) return {};
  Kept kept{id_in<core::SinkId>(*json, "sink"), id_in<core::Seed>(*json, "seed"), {}};
  if (json->is_object() && json->contains("document") && (*json)["document"].is_string())
    if (auto packed = core::from_base64((*json)["document"].get<std::string>())) kept.packed = *packed;
  return kept;
}

bool still_good(const core::VerifiedSession& verified, const Kept& kept, const core::Fingerprint& person,
                core::WallMs now) {
  const core::Session& session = verified.session;
  core::WallMs left = session.not_after - now;
  core::Keys keys(*kept.seed);
  return session.investigator == person && session.sink == *kept.sink && session.sign_key == keys.sign_public() &&
         session.link_key == keys.link_public() && left > session_spare_ms && left <= session_life_ms;
}

/// The descriptor of the slot, locked; -1 with errno EWOULDBLOCK when another program has it.
int locked(const std::string& path) {
  int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  int why = errno;
  close(fd);
  errno = why;
  return -1;
}

std::string known_list(const std::vector<KnownRelay>& relays) {
  if (relays.empty()) return "none is known; add one with `mig relays add ENDPOINT#KEY`";
  std::string out = "known are:";
  for (const KnownRelay& relay : relays)
    out += fmt::format("\n  {}  {}", relay.name.empty() ? "-" : relay.name, relay.endpoint.address);
  return out;
}

Result<std::vector<core::Endpoint>> candidates(const std::vector<KnownRelay>& relays, const std::string& only) {
  std::vector<core::Endpoint> out;
  for (const KnownRelay& relay : relays)
    if (only.empty() || relay.name == only || relay.endpoint.address == only || core::to_text(relay.endpoint) == only)
      out.push_back(relay.endpoint);
  if (!out.empty()) return out;
  // A full endpoint proves itself by its key, so it need not be known.
  if (auto given = core::endpoint_from_text(only); !only.empty() && given) return std::vector<core::Endpoint>{*given};
  if (only.empty()) return core::Error{core::Code::not_found, "relay: " + known_list(relays)};
  return core::Error{core::Code::not_found, fmt::format("relay '{}': unknown; {}", only, known_list(relays))};
}

}  // namespace

SessionSlot::~SessionSlot() { close(fd_); }
void SessionSlot::give_up() { (void)!ftruncate(fd_, 0); }

Result<std::unique_ptr<SessionSlot>> Home::session() const {
  for (int number = 1; number <= session_slots; ++number) {
    std::string path = file(fmt::format("session.{}", number));
    int fd = locked(path);
    if (fd < 0 && errno == EWOULDBLOCK) continue;
    if (fd < 0) return core::Error{core::Code::world, fmt::format("{}: {}", path, std::strerror(errno))};
    auto slot = std::make_unique<SessionSlot>(fd, number);
    if (core::Status ready = fill(*slot, path); !ready) return ready.error();
    return slot;
  }
  return core::Error{core::Code::later, fmt::format("{}: {} programs use it already; end one of them", dir_,
                                                    session_slots)};
}

core::Status Home::fill(SessionSlot& slot, const std::string& path) const {
  core::WallMs now = wall_now();
  Kept kept = parse_slot(read_slot(slot.fd_));
  if (kept.sink) slot.sink = *kept.sink;
  if (kept.sink && kept.seed && !kept.packed.empty()) {
    auto verified = core::verify_session(kept.packed, roster_, now);
    if (verified && still_good(*verified, kept, config_.key, now)) {
      slot.packed = kept.packed;
      slot.seed = *kept.seed;
      slot.not_after = verified->session.not_after;
      return core::Done{};
    }
  }
  return renew(slot, path, now);
}

core::Status Home::renew(SessionSlot& slot, const std::string& path, core::WallMs now) const {
  if (!roster_.by_fingerprint(config_.key))
    return core::refused(fmt::format("key {}: the roster of mesh {} does not list it; ask its administrator", config_.key,
                                     config_.mesh));
  auto gpg_door = gpg();
  if (!gpg_door) return gpg_door.error();
  // A sink outlives its sessions: replies of older actions still flow to it.
  if (slot.sink.empty()) slot.sink = *core::SinkId::from(fresh_seed().view().substr(0, core::SinkId::size));
  slot.seed = fresh_seed();
  slot.not_after = now + session_life_ms;
  core::Keys keys(slot.seed);
  core::Session session{config_.key, keys.link_public(), keys.sign_public(), slot.sink, slot.not_after};
  Bytes text = core::session_text(session);
  auto signature = gpg_door->sign(core::session_signing_text(text), config_.key);
  if (!signature) return signature.error();
  slot.packed = core::pack_session({text, {*signature}});
  // What no relay would take is said here, in words.
  if (auto verified = core::verify_session(slot.packed, roster_, wall_now()); !verified) return verified.error();
  Json kept = {{"sink", slot.sink.hex()}, {"seed", slot.seed.hex()}, {"document", core::to_base64(slot.packed)}};
  return write_slot(slot.fd_, core::pretty_json(kept) + "\n", path);
}

Result<InvestigatorSetting> Home::investigator_setting(const SessionSlot& slot, const store::Ledger& ledger,
                                                       const std::string& relay) const {
  auto relays = candidates(relays_, relay);
  if (!relays) return relays.error();
  InvestigatorSetting setting;
  setting.trust = trust_;
  setting.roster = signed_roster_;
  if (auto newer = ledger.roster()) {
    auto verified = core::verify_roster(*newer, trust_, wall_now());
    if (verified && verified->version > roster_.version) setting.roster = *newer;
  }
  setting.session = slot.packed;
  setting.session_seed = slot.seed;
  setting.sink = slot.sink;
  setting.epoch = ledger.epoch(slot.sink);
  setting.relays = *relays;
  setting.known_relays = ledger.relays();
  setting.known_agents = ledger.agents();
  return setting;
}

}  // namespace mig::investigator
