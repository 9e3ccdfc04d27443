// From a draft to the document people sign: fills what a draft leaves open, and makes the reply keys.
#pragma once

#include <string>
#include <vector>

#include "investigator/home.h"
#include "node/core/action.h"
#include "node/core/seal.h"

namespace mig::investigator {

struct Completion {
  core::WallMs lifetime_ms = 300'000;            ///< of a draft without a window: now - 60 s .. now + this + 60 s
  std::vector<core::Fingerprint> readers;        ///< empty: whoever is named by config.toml
};

/// A document ready for signatures.
struct Complete {
  core::Action action;                           ///< as parsed from `text`, with its id
  core::Bytes text;                              ///< canonical
  core::LinkSecret reply_secret;                 ///< opens the replies
  std::vector<core::Enclosed> enclosed;          ///< its attachments
};

/// What is enclosed becomes the draft's attachments.
void attach(core::Action& draft, const std::vector<core::Enclosed>& enclosed);

/// Fills mesh, nonce, window, roster version, readers and reply key of `draft` and checks the outcome as agents will.
/// Errors: empty name, target or operations; bad target; window in the past; a reader gpg cannot encrypt to.
/// What makes it larger than an action may be becomes attachments.
core::Result<Complete> complete(core::Action draft, std::vector<core::Enclosed> enclosed, const Home& home, const Gpg& gpg, const Completion& how);

/// The secret half of an action's reply key, unwrapped through gpg. Error refused: not one of its readers.
core::Result<core::LinkSecret> reply_secret(const core::Action& action, const Gpg& gpg);

/// Adds a signature of the person of this home to `action`; her earlier one is replaced.
core::Status add_signature(core::SignedText& action, const Home& home, const Gpg& gpg);

}  // namespace mig::investigator
