// The relay's inside: what its nouns are and how a step passes through them. Only relay/*.cpp include this.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>

#include "node/core/links.h"
#include "node/core/map.h"
#include "node/core/membership.h"
#include "relay/board.h"
#include "relay/books.h"
#include "relay/chunks.h"
#include "relay/enroller.h"
#include "relay/notice.h"
#include "relay/outbox.h"
#include "relay/presence.h"
#include "relay/register.h"
#include "relay/relay.h"
#include "relay/rivals.h"

namespace mig::relay {

class Relay::Inside {
 public:
  Inside(RelaySetting setting, store::Store& store, const core::Seed& random_seed);
  void step(const core::Now& now, const core::Input& input, core::Effects& out);
  core::Instant wake() const;
  void reachable_at(const std::vector<core::Endpoint>& endpoints) { presence_.reachable_at(endpoints); }

 private:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  /// Something that is said only when this batch is on disk, and what is said if the disk refuses.
  struct Promise {
    std::uint64_t batch = 0;
    std::function<void(bool ok)> settle;
  };

  // relay.cpp: the step
  void boot();
  void linked(const core::Linked& linked);
  void heard(const core::Heard& heard);
  void greeted(core::Link& link, const core::Message& message);
  void spoken(core::Link& link, core::Message& message);
  void committed(const core::Committed& committed);
  void tick();
  void promise(std::function<void(bool ok)> settle);
  void tell(core::Level level, std::string name, Fields fields = {});
  void lost(core::LinkId id, const char* why);
  void tell_down(core::LinkId id, const std::string& why);
  void bye(core::LinkId id, core::ByeCode code, std::string text, std::uint32_t retry_ms = 0, std::uint64_t min_seq = 0);

  // greeting.cpp: who is at the other end
  void hello(core::Link& link, const core::Hello& hello);
  void hello_too_early(core::Link& link, const core::Hello& hello);
  void hello_relay(core::Link& link, const core::Hello& hello);
  void hello_agent(core::Link& link, const core::Hello& hello);
  void hello_investigator(core::Link& link, const core::Hello& hello);
  void welcome(core::Link& link, const core::Hello& hello);
  std::vector<std::string> others_here(const core::NodeId& leaf) const;
  void welcomed(core::Link& link, const core::Welcome& welcome);
  void relay_up(core::Link& link);
  void compare_clocks(const core::Link& link, core::WallMs theirs);
  void enrol(core::Link& link, const core::Enrol& enrol);
  void pass_enrolments();
  core::NodeId reachable_enroller() const;
  void give_enrolled(core::LinkId id, const core::Enrolled& answer);
  void renew();
  void renewed(const core::Enrolled& answer);
  void enrolled(core::Link& link, const core::Enrolled& answer);
  void greet(core::Link& link);
  bool keep_this_link(const core::Link& link, const core::NodeId& peer);

  /// Ends all sessions, and from now on refuses new ones with these words: what this relay says must not count.
  void stand_aside(core::ByeCode code, std::string why);
  // The clock must not go back: what had expired would live again.
  void watch_clock();
  void keep_clock();
  bool clock_testified(const core::Link& link, const core::Message& message);
  bool clock_went_back() const { return aside_ && aside_->code == core::ByeCode::busy; }
  /// True: two machines take turns as this node, and are held off for a while.
  bool rivals(core::Link& link, const core::Certificate& who, std::uint64_t boot_nonce);

  // bulletin.cpp: the board and its repair
  void take(core::Link& link, const core::Put& put);
  void take(core::Link& link, const core::Object& object);
  void own_record(const core::Version& version);
  void take_own(const core::Object& object, const core::Version& version);
  void pin(const Notice& notice, const core::Object& object, const core::Link* from);
  std::optional<core::Object> cancel_of(const core::ActionId& action, const std::vector<core::Fingerprint>& signers) const;
  void way_opened();
  void publish_own_record();
  void promise_verdict(core::LinkId to, const core::BoardKey& key);
  void promise_stored(core::LinkId to, const core::BoardKey& key);
  void take_chunk(core::LinkId from, core::BytesView chunk);
  void give_chunk(core::LinkId to, core::BytesView chunk);
  void ask_for_chunks();
  void flood(const core::BoardKey& key, const core::Object& object, const core::Link* from);
  void sync(core::Link& link, std::uint32_t kinds);
  void take(core::Link& link, const core::Sync& sync);
  void take(core::Link& link, const core::Want& want);
  void give(core::Link& link, const std::vector<core::BoardKey>& keys);
  void expire();
  void gone(const core::BoardKey& key);
  bool may_inject(const core::Fingerprint& investigator);

  // rights.cpp: rosters and stops
  core::Status take_roster(const core::Object& object, const core::Link* from);
  void take_stop(const Notice& notice, const core::Object& object, bool kept);
  void to_agents(const core::Object& object);
  void give_rights(core::Link& link, const core::Hello& hello);
  void rights_changed();

  // post.cpp: routes, and what is addressed to this relay
  void route(core::Route route, int frame_class, core::BytesView key, bool row);
  core::Route routed(const core::NodeId& to, const core::SinkId& sub, const core::Routed& routed) const;
  void route_to_relay(const core::NodeId& to, const core::Routed& routed, int frame_class = 2);
  void take(core::Link& link, core::Route& route);
  void delivered(const core::Routed& routed, const core::Route& frame);
  void take(const core::SignedPull& pull);
  void take(const core::SignedAsk& ask);
  void take(const core::Handover& handover);
  void take(const core::Handed& handed, const core::Route& frame);
  void take(const core::Gone& gone, const core::Route& frame);
  void nobody_reads(const core::Route& frame);
  void forget_reader(core::SinkId sink);
  void hand_over();
  void take(core::Link& link, const core::ResultFrame& frame);
  void answer_enrolment(const core::EnrolRouted& routed);

  RelaySetting setting_;
  store::Store& store_;
  core::Keys keys_;
  core::Random random_;
  core::Membership membership_;
  core::Links links_;
  core::Map map_;
  Board board_;
  Chunks chunks_;
  Register members_;
  Outbox outbox_;
  std::optional<Enroller> enroller_;
  Presence presence_;
  Books books_;
  std::map<core::SinkId, SinkNotice> sinks_;
  std::map<core::SinkId, std::uint64_t> departed_;  // epochs of sessions that ended here; a restart, or a copy of us, knows of none
  std::map<core::ActionId, std::map<core::BoardKey, core::Fingerprint>> cancels_;  ///< who cancelled; of live CANCEL notices
  std::set<std::pair<core::LinkId, core::BoardKey>> unsettled_;  ///< who waits to hear that an action is stored with its attachments
  std::map<core::NodeId, core::Certificate> relays_;   ///< of live RELAY notices
  std::vector<core::DialTarget> targets_;
  std::vector<Promise> promises_;
  std::map<core::LinkId, core::Enrol> enrolments_;             ///< of greeting links; bounded by limits::links_unproven
  std::map<core::LinkId, std::vector<core::Digest>> syncing_;  ///< digests of a Sync in several frames
  std::map<core::LinkId, core::Instant> synced_at_;
  std::map<core::LinkId, unsigned> root_differs_;
  struct Tokens {
    double left = core::limits::inject_burst;
    core::Instant at;
  };
  std::map<core::Fingerprint, Tokens> tokens_;
  core::Instant renew_at_{};
  std::set<core::LinkId> clock_told_;
  core::Instant stalled_at_{};                                 ///< when we last went on after not having run
  core::LinkId last_link_ = 0;
  std::uint64_t boot_nonce_ = 0, sessions_ = 0;
  bool booted_ = false;
  Rivals rivals_;
  std::optional<core::Bye> aside_;                             ///< it keeps out of the mesh, and says this to whoever comes
  core::WallMs clock_high_ = 0, clock_kept_ = 0;               ///< the latest time this relay has lived in; as the store has it
  // of the step in progress:
  core::Now now_;
  core::Effects* out_ = nullptr;
};

}  // namespace mig::relay
