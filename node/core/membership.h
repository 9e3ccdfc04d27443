// What a node holds of its mesh: the trust anchor it was born with, the newest roster, its own certificate.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "node/core/message.h"
#include "node/core/random.h"
#include "node/core/roster.h"

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
  const std::optional<Roster>& roster() const { return roster_; }
  const SignedText& roster_text() const { return roster_text_; }
  std::uint64_t roster_version() const { return roster_ ? roster_->version : 0; }
  const Bytes& certificate() const { return certificate_; }
  bool enrolled() const { return roster_ && !certificate_.empty(); }

  enum class Adopted { newer, same, older, forked };
  /// Takes a roster that verifies and is newer than the held one. `forked`: two documents of one version.
  Result<Adopted> adopt(const SignedText& roster, WallMs now);
  /// Takes one's own certificate; it must verify and belong to `keys`.
  Status take_certificate(BytesView certificate, const Keys& keys, WallMs now);

  /// The request of a joining node, sealed to the enroller.
  Enrol enrol_request(const Joining& joining, const Keys& keys, const std::string& name, const std::string& segment,
                      const std::map<std::string, std::string>& tags, Random& random) const;
  /// Takes the answer; the error says what the enroller said.
  Status take_answer(const Enrolled& answer, const Keys& keys, WallMs now);

  /// The roster as an object of the board.
  Object roster_object() const { return {ObjectKind::roster, roster_text_.text, roster_text_.signatures, {}}; }

 private:
  Trust trust_;
  std::optional<Roster> roster_;
  SignedText roster_text_;
  Bytes certificate_;
};

}  // namespace mig::core
