// What a node holds of its mesh: the trust anchor it was born with, the newest roster, its own certificate.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "node/core/machine.h"
#include "node/core/message.h"
#include "node/core/random.h"
#include "node/core/roster.h"
#include "node/core/stop.h"

namespace mig::core {

/// How a node without a certificate gets one.
struct Joining {
  SignPublic enroller;
  Bytes invite;
  Seed invite_secret;
};

class Membership {
 public:
  explicit Membership(Trust trust) : trust_(std::move(trust)) {}

  const Trust& trust() const { return trust_; }
  /// The newest roster without what stops have taken away.
  const std::optional<Roster>& roster() const { return in_force_; }
  const SignedText& roster_text() const { return roster_text_; }
  std::uint64_t roster_version() const { return roster_ ? roster_->version : 0; }
  Version version() const {
    return roster_ ? version_of_roster(roster_->version, roster_text_.text) : Version{};
  }
  const Bytes& certificate() const { return certificate_; }
  bool enrolled() const { return roster_ && !certificate_.empty(); }

  enum class Adopted { newer, same, older, forked };
  /// Takes a roster that verifies, is newer than the held one, and knows of the same changes of roots.
  /// `forked`: two documents of one version that both hold; the first one stays, the second is kept as
  /// evidence.
  Result<Adopted> adopt(const SignedText& roster, WallMs now);
  /// The newest roster was not built on the one held here before it: somebody signed two of that version.
  bool built_on_another() const { return built_on_another_; }
  const std::optional<SignedText>& fork() const { return fork_; }
  /// Takes a stop that verifies. `older`: a later one of the same signer is held; `same`: this one is.
  /// `kept`: it comes from this node's own store, and was verified when it came. Whoever stopped her own key may have
  /// left the roster since: should she come back, the stop still holds.
  Result<Adopted> take_stop(const SignedText& stop, WallMs now, bool kept = false);
  /// The roots that count now: the anchor's, or those of the roster's last change.
  Trust roots_in_force() const;
  /// Takes one's own certificate; it must verify and belong to `keys`.
  Status take_certificate(BytesView certificate, const Keys& keys, WallMs now);

  /// The request of a joining node, sealed to the enroller.
  Enrol enrol_request(const Joining& joining, const Keys& keys, const std::string& name,
                      const std::string& segment, const std::map<std::string, std::string>& tags,
                      Random& random) const;
  /// The request for a new certificate in place of the held one, sealed to the enroller that issued it.
  Result<Enrol> renewal_request(const Keys& keys, Random& random) const;
  /// When to ask for it: a third of the certificate's life before it ends.
  WallMs renew_at() const;
  /// Takes the answer; the error says what the enroller said.
  Status take_answer(const Enrolled& answer, const Keys& keys, WallMs now);

  /// The roster as an object of the board.
  Object roster_object() const {
    return {ObjectKind::roster, roster_text_.text, roster_text_.signatures, {}};
  }

 private:
  Trust trust_;
  std::optional<Roster> roster_;
  SignedText roster_text_;
  Bytes certificate_;
  struct HeldStop {
    StopOrder stop;
    NodeId id;
  };
  void apply_stops();
  std::map<BoardKey, HeldStop> stops_;
  std::optional<Roster> in_force_;
  std::optional<SignedText> fork_;
  bool built_on_another_ = false;
};

/// The alarm about two valid rosters of one version: which one counts here, and what the other is.
void tell_fork(const Membership& membership, Effects& out);

}  // namespace mig::core
