// MIG_HOME: what an investigator has on disk, and the sessions her programs attach with.
//
//   config.toml      mesh name, key fingerprint, gnupg_home, ledger, macros for targets
//   trust.json       roots of the mesh: what everything else is verified against
//   roster.json      the newest signed roster this home has seen
//   relays.json      relays that may be dialled
//   enroller.seed    only on the administrator's machine; secret
//   ledger.sqlite    every question and every answer
//   session.N        slot N: keys, sink and signed session document, locked while a program uses it; secret
//
// The directory has mode 0700, every file 0600. Nothing here speaks to the network.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "investigator/gpg.h"
#include "investigator/investigator.h"

namespace mig::investigator {

struct KnownRelay {
  std::string name;                           ///< may be empty until the mesh tells it
  core::Endpoint endpoint;
};

struct Config {
  std::string mesh;                           ///< label for people
  core::Fingerprint key;                      ///< primary key of the person who works here
  std::string gnupg_home;                     ///< empty: GNUPGHOME or gpg's own
  std::string ledger;                         ///< empty: ledger.sqlite in MIG_HOME
  std::string socks;                          ///< HOST:PORT of a proxy; empty: none
  std::map<std::string, std::string> macros;  ///< word for -t -> target
};

constexpr core::WallMs session_life_ms = 12LL * 3600 * 1000;   ///< at most
constexpr core::WallMs session_spare_ms = 3600 * 1000;         ///< renewed when less than this is left
constexpr int session_slots = 8;                               ///< programs of one home at the same time

core::Seed fresh_seed();                      ///< 32 octets from the kernel
core::WallMs wall_now();

/// A session slot held by this process; no other process has its sink until this is destroyed.
class SessionSlot {
 public:
  SessionSlot(int fd, int number) : fd_(fd), number_(number) {}
  ~SessionSlot();
  SessionSlot(const SessionSlot&) = delete;
  SessionSlot& operator=(const SessionSlot&) = delete;

  core::Bytes packed;                         ///< the signed document, as HELLO carries it
  core::Seed seed;                            ///< core::Keys of it are the session's link and signing keys
  core::SinkId sink;
  core::WallMs not_after = 0;
  int number() const { return number_; }

 private:
  friend class Home;
  int fd_ = -1;
  int number_ = 0;
};

class Home {
 public:
  /// `given`, else MIG_HOME, else ~/.config/mig.
  static std::string path_of(const std::string& given);
  /// Errors: no mesh here (and how to make one), a file that cannot be read, a roster its roots did not sign.
  static core::Result<Home> open(const std::string& given = "");
  /// Makes the directory and its files; refuses one that already holds a mesh.
  static core::Result<Home> create(const std::string& dir, const Config& config, const core::Trust& trust,
                                   const core::SignedText& roster, const core::Seed& enroller);

  const std::string& dir() const { return dir_; }
  const Config& config() const { return config_; }
  const core::Trust& trust() const { return trust_; }
  const core::Roster& roster() const { return roster_; }
  const core::SignedText& signed_roster() const { return signed_roster_; }
  const std::vector<KnownRelay>& relays() const { return relays_; }
  /// Absent on machines of people who do not administer.
  std::optional<core::Seed> enroller_seed() const { return enroller_; }

  /// Keeps a roster of a higher version, signed by the roots; a lower or equal one changes nothing.
  core::Status keep_roster(const core::SignedText& roster);
  /// Adds; a known endpoint gets the new name, a known name the new endpoint.
  core::Status add_relay(const KnownRelay& relay);
  /// The target behind a macro of config.toml, or `text` itself.
  std::string target_of(const std::string& text) const;

  core::Result<Gpg> gpg() const;
  core::Result<std::unique_ptr<store::Ledger>> ledger() const;

  /// Locks the first free slot; makes and signs a session (through gpg) only when its document has run out.
  core::Result<std::unique_ptr<SessionSlot>> session() const;
  /// Everything the machine needs. `relay`: a name or endpoint to attach to and no other; unknown: Code::not_found
  /// with the known ones listed.
  core::Result<InvestigatorSetting> investigator_setting(const SessionSlot& slot, const store::Ledger& ledger,
                                                         const std::string& relay = "") const;

 private:
  std::string file(const std::string& name) const { return dir_ + "/" + name; }
  core::Status read_config();
  core::Status read_roster();
  core::Status read_relays();
  core::Status fill(SessionSlot& slot, const std::string& path) const;
  core::Status renew(SessionSlot& slot, const std::string& path, core::WallMs now) const;

  std::string dir_;
  Config config_;
  core::Trust trust_;
  core::SignedText signed_roster_;
  core::Roster roster_;
  std::vector<KnownRelay> relays_;
  std::optional<core::Seed> enroller_;
};

}  // namespace mig::investigator
