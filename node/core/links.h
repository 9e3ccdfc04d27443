// The sessions of one node: who is at the other end, is it alive, how much may be in flight.
//
// Problem: two ends of a connection disagree about it sooner or later, a paused process wakes up and declares its
// peers dead, and a slow peer fills our memory. Choice: a link is a session opened by HELLO/WELCOME; each side judges
// only by what it receives; time during which we ourselves were not running does not count; and bytes in flight never
// exceed the window the peer announced.
//
// 1. sent - consumed <= window for every frame but BEAT and BYE and the handshake itself.
// 2. Class 0 goes at once; 1 (board) before 2 (rows, pulls, hand-over) before 3 (reply data). Class 3 leaves the last
//    quarter of a window free, class 2 the last tenth, so that data never delays what keeps the mesh together.
// 3. Queues are bounded: in class 1 and 2 a frame with a key replaces the waiting one of that key. In class 3 the key
//    names a flow: flows take fair turns, and over the cap the longest loses its newest frame (the investigator asks
//    again). Any other overflow ends the link with BYE(quota).
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/core/fair_queue.h"
#include "node/core/limits.h"
#include "node/core/machine.h"
#include "node/core/random.h"

namespace mig::core {

struct Link {
  enum class Phase { greeting, up } phase = Phase::greeting;
  LinkId id = 0;
  Direction direction = Direction::in;
  LinkPublic peer_key;                        ///< what CURVE proved
  std::string address;
  // known once up:
  Role role = Role::relay;
  NodeId node;                                ///< of a relay or agent
  std::string name;
  SignPublic sign_key;                        ///< of the certificate or session
  SinkId sink;                                ///< of an investigator
  Fingerprint investigator;
  Bytes proof;                                ///< certificate or session it greeted with: judged anew when rights change
  std::uint64_t session = 0;
  Instant up_since;
  bool synced = false;                        ///< relays: the first SYNC after link-up is complete

 private:
  friend class Links;
  struct Waiting {
    Bytes key, frame;
  };
  Instant dead_at, beat_at;
  Duration beat_every, dead_after;
  bool leaf = true;
  std::uint64_t sent = 0, peer_consumed = 0, consumed = 0, reported = 0;
  std::uint32_t peer_window = 0, own_window = 0;
  std::uint64_t beats = 0;
  std::array<std::deque<Waiting>, 3> queues;   ///< of class 1 and 2
  std::array<std::size_t, 3> queued_bytes{};
  FairQueue data;                              ///< of class 3
};

class Links {
 public:
  /// A link came up: it has limits::handshake to greet.
  Link& opened(const Now& now, const Linked& linked);
  void closed(LinkId id) { peers_.erase(id), links_.erase(id); }
  Link* find(LinkId id);
  /// Links that are up and lead to a relay or an investigator: few, beside thousands of agents.
  const std::map<LinkId, Link*>& peers() const { return peers_; }
  Link* find_relay(const NodeId& relay);
  Link* find_sink(const SinkId& sink);

  /// The handshake is done. `peer_window` is what the peer announced; `own_window` what we did. `leaf`: one end is an
  /// agent or investigator, so beats are slow and carry no board digest. Set the link's role before.
  void up(const Now& now, Link& link, std::uint32_t peer_window, std::uint32_t own_window, bool leaf);
  /// Call first for every frame heard: counts it, keeps the link alive, reports consumption when a quarter is used.
  void heard(const Now& now, Link& link, std::size_t frame_bytes, bool counted, const Hash& root, Effects& out);
  void on_beat(Link& link, const Beat& beat, Effects& out);

  /// Handshake frames and class 0: at once. `promise`: only after this step's batch is on disk.
  void send_now(LinkId id, const Message& message, Effects& out, bool promise = false);
  /// Queued by class (1..3) and drained by credit. False if a frame was dropped (class 3 over its cap, no such link).
  bool send(LinkId id, int frame_class, const Message& message, Effects& out, BytesView key = {});
  bool send_frame(LinkId id, int frame_class, Bytes frame, Effects& out, BytesView key = {});
  /// Says goodbye and closes; the link is gone afterwards.
  void bye(LinkId id, const Bye& bye, Effects& out);

  /// Adds time we did not run to every deadline. `late` is how long after the wanted wake this step came.
  void forgive(Duration late);
  /// BEATs that are due go out; links past their deadline are returned (not yet closed).
  std::vector<LinkId> tick(const Now& now, const Hash& root, Effects& out);
  Instant wake() const { return due_; }       ///< not later than the first deadline
  std::size_t greeting() const;               ///< links that have not finished their handshake

 private:
  void drain(Link& link, Effects& out);
  void beat(const Now& now, Link& link, const Hash& root, Effects& out);
  void due(Instant at) { due_ = std::min(due_, at); }
  std::map<LinkId, Link> links_;
  std::map<LinkId, Link*> peers_;
  Instant due_ = Instant::never();            ///< nothing is to be done before: steps are many, and links too
};

/// When to dial again: decorrelated jitter between limits::redial_min and redial_max, reset after a good minute.
class Backoff {
 public:
  Instant failed(Instant now, Random& random);
  void good() { wait_ = Duration{0}; }

 private:
  Duration wait_{0};
};

/// How tickets and HELLO name a relay: by its link key, the only thing an agent knows of it before WELCOME.
inline NodeId link_name_of(const LinkPublic& key) { return *NodeId::from(key.view().substr(0, NodeId::size)); }

/// A link that is kept up by dialling. A relay keeps all of its targets up, a leaf one of them at a time.
struct DialTarget {
  Endpoint to;
  LinkId link = 0;                            ///< 0: not dialling
  Instant next_try;
  Instant up_since = Instant::never();
  Backoff backoff;
};

}  // namespace mig::core
