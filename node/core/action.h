// The signed question: what an investigator asks, of whom, in which window, and who may read the answers.
//
// The signed bytes are the canonical JSON (RFC 8785) of the document without `pgpsignatures`, and they travel
// verbatim: relays and agents verify first, then parse, and never write the document anew. The action id is the
// BLAKE2b-256 of those bytes, never of the signatures, which are malleable.
#pragma once

#include <string>
#include <vector>

#include "node/core/attachment.h"
#include "node/core/ids.h"
#include "node/core/json.h"
#include "node/core/result.h"
#include "node/core/time.h"

namespace mig::core {

struct Operation {
  std::string module;
  Json parameters;
};

/// How much of an answer relays may see: nothing but that there is one, or also whether something was found.
enum class Disclose { status, found, none };

struct ActionLimits {
  std::uint32_t grace_s = 3600;   ///< results count until expireafter + this
  std::uint32_t seconds = 300;    ///< wall clock of the job on each agent
  std::uint64_t bytes = 8 << 20;  ///< result of one agent
  int priority = 2;               ///< 1 (low) .. 3 (high)
  bool idempotent = false;        ///< may be started again after a crash
  bool prune = false;             ///< home relays filter by attributes; agents not matching do not answer
};

struct Action {
  ActionId id;                    ///< of the canonical bytes it was parsed from
  std::string name, target;
  Json description, threat;       ///< objects, possibly empty
  std::vector<Operation> operations;
  WallMs valid_from = 0, expire_after = 0;
  MeshId mesh;
  Bytes nonce;                    ///< 16 octets
  std::uint64_t roster_version = 0;
  Disclose disclose = Disclose::status;
  LinkPublic reply_key;           ///< replies are sealed to it
  std::string reply_key_wrapped;  ///< its secret half: base64 of an OpenPGP message encrypted to the readers
  std::vector<Fingerprint> readers;
  ActionLimits limits;
  std::vector<Attachment> attachments;  ///< what its parameters name; a node that does not know them refuses the action

  WallMs result_by() const { return expire_after + WallMs{limits.grace_s} * 1000; }
};

/// What travels: the canonical bytes and detached OpenPGP signature packets beside them.
struct SignedText {
  Bytes text;
  std::vector<Bytes> signatures;
  bool operator==(const SignedText&) const = default;
};

/// Strict: version 3, canonical form, known top-level fields only, every bound of limits.h, a target that parses,
/// window in order and not longer than limits::action_life_ms.
Result<Action> parse_action(BytesView canonical_text);

/// The document of an action, ready for canonical_json(); `id` is ignored.
Json to_json(const Action& action);

/// What a person's file holds: a v3 document, or a MIG v2 one (ids as numbers, times and counters of the server
/// dropped, `is_compressed` parameters unpacked), with whatever signatures stand in it.
struct ActionFile {
  int syntax_version = 3;         ///< as found; files of MIG that lack it count as 2
  Action draft;                   ///< times, nonce, keys empty where the file has none
  std::vector<Bytes> signatures;  ///< raw packets from `pgpsignatures` (v3 only; a v2 signature covers another text)
  std::vector<std::string> old_signatures;  ///< v2 signatures as found, for `mig verify`
  std::vector<Enclosed> enclosed; ///< the attachments' contents, verified; all of them, or none
  Bytes canonical;                ///< v3 with all fields: the bytes its signatures cover; else empty
};
Result<ActionFile> read_action_file(std::string_view json_text);

/// Signed action as a readable file: pretty JSON with `pgpsignatures` (base64 of each packet) and, where there are any,
/// `enclosed` (base64 of each attachment's compressed content, by its name). Neither is signed.
std::string write_action_file(const SignedText& signed_action, const std::vector<Enclosed>& enclosed = {});

/// The exact text MIG v2 signed, to check old signatures (`mig verify`).
Bytes mig2_signed_text(const Json& v2_document);

/// "MIG Mesh action 3\n" + text: what OpenPGP signatures on an action cover.
Bytes action_signing_text(BytesView canonical_text);

}  // namespace mig::core
