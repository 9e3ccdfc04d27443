// An agent's one link to its home relay: enrol if need be, attach, stay attached, move on when it fails.
//
// 1. attach_seq and the relay's id are on disk before HELLO leaves (a phantom register entry is healed by them).
// 2. The agent keeps one link. It does not return to a better relay by itself.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/core/candidates.h"
#include "node/core/membership.h"
#include "store/store.h"

namespace mig::node {

struct HomeLinkSetting {
  core::Trust trust;
  std::vector<core::Endpoint> relays;
  std::optional<core::Joining> joining;
  std::string name, segment;
  std::map<std::string, std::string> tags;
  core::Bytes attributes;
};

class HomeLink {
 public:
  HomeLink(HomeLinkSetting setting, const core::Keys& keys, store::Store& store, core::Random& random);

  /// First in every step: time we did not run is forgiven; rosters are loaded once there is a clock.
  void begin(const core::Now& now, const core::Input& input);
  void linked(const core::Now& now, const core::Linked& linked, const std::vector<core::Held>& held, core::Effects& out);
  /// What the agent itself must see of a frame: Welcome, Put, Acks. The rest is dealt with here.
  std::optional<core::Message> heard(const core::Now& now, const core::Heard& heard, const std::vector<core::Held>& held,
                                     core::Effects& out);
  /// Last in every step: dials, beats, gives up on the dead.
  void tick(const core::Now& now, const std::vector<core::Held>& held, core::Effects& out);
  core::Instant wake() const;

  bool attached() const { return attached_; }
  const core::Membership& membership() const { return membership_; }
  /// Adopts and keeps a newer roster, or takes and keeps a stop; true if rights may have changed.
  bool take_roster(const core::Now& now, const core::SignedText& roster, core::Effects& out);
  bool take_stop(const core::Now& now, const core::Object& stop, core::Effects& out);
  void want_roster(core::Effects& out);
  /// What the relay's clock would say now, by its WELCOME and our monotonic clock, and at least what our own papers prove.
  core::WallMs relay_time(const core::Now& now) const;
  void send(int frame_class, const core::Message& message, core::Effects& out);
  void send_frame(int frame_class, core::Bytes frame, core::Effects& out);

 private:
  core::WallMs proven_time();
  void load(core::WallMs wall);
  void greet(const core::Now& now, core::LinkId link, const std::vector<core::Held>& held, core::Effects& out);
  void hello(const core::Now& now, core::LinkId link, const std::vector<core::Held>& held, core::Effects& out);
  void welcomed(const core::Now& now, core::Link& link, const core::Welcome& welcome, core::Effects& out);
  void enrolled(const core::Now& now, core::LinkId link, const core::Enrolled& answer, const std::vector<core::Held>& held, core::Effects& out);
  void dismissed(const core::Now& now, const core::Bye& bye, core::Effects& out);
  void lost(const core::Now& now, const char* why, core::Effects& out);
  void remember(const core::NodeId& relay);
  void learn(const std::vector<std::string>& endpoints);
  void keep_roster();
  void renew(const core::Now& now, core::Effects& out);
  void tell(core::Level level, std::string name, std::vector<std::pair<std::string, std::string>> fields, core::Effects& out);

  HomeLinkSetting setting_;
  const core::Keys& keys_;
  store::Store& store_;
  core::Random& random_;
  core::Membership membership_;
  core::Links links_;
  core::Candidates candidates_;
  std::uint64_t boot_nonce_;
  std::uint64_t attach_seq_ = 0, attach_seq_min_ = 0;
  std::vector<core::NodeId> maybe_at_;
  bool loaded_ = false, attached_ = false;
  core::LinkId last_link_ = 0, link_ = 0;      ///< 0: none
  core::Endpoint dialled_;
  std::uint32_t herd_ms_ = 0;
  core::Instant renew_at_ = core::Instant::never();
  core::WallMs welcome_time_ = 0, proven_ = 0;
  core::Instant welcome_at_;
};

}  // namespace mig::node
