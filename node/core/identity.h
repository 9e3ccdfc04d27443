// Node keys from one seed, and what is signed with them: certificates, tickets, invites, sessions.
//
// Every signature is over a domain string and the exact transmitted bytes; nothing is written anew before a check.
// Formats are msgpack maps with small integer keys, listed in MESSAGES.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/core/ids.h"
#include "node/core/roster.h"
#include "node/core/time.h"

namespace mig::core {

enum class Role : std::uint8_t { relay = 1, agent = 2, investigator = 3 };
std::string_view to_text(Role role);

/// Domain strings: what a signature is about.
namespace domain {
constexpr std::string_view object = "mesh1:obj", row = "mesh1:row", reply = "mesh1:res", pull = "mesh1:pull",
                           ticket = "mesh1:ticket", certificate = "mesh1:cert", invite = "mesh1:invite",
                           enrol = "mesh1:enrol", told = "mesh1:told", route = "mesh1:route";
}

/// A node's keys. Secret: never logged, kept in files of mode 0600.
class Keys {
 public:
  /// Ed25519 and X25519 pairs by crypto_kdf from `seed`.
  explicit Keys(const Seed& seed);
  const NodeId& id() const { return id_; }
  const SignPublic& sign_public() const { return sign_public_; }
  const LinkPublic& link_public() const { return link_public_; }
  const LinkSecret& link_secret() const { return link_secret_; }
  Bytes sign(std::string_view domain, BytesView bytes) const;  ///< 64 octets

 private:
  NodeId id_;
  SignPublic sign_public_;
  std::array<unsigned char, 64> sign_secret_{};
  LinkPublic link_public_;
  LinkSecret link_secret_;
};

/// A signature covers: domain string | one zero octet | bytes. No domain holds a zero octet, so none is a beginning of
/// another one's text.
bool verify(std::string_view domain, BytesView bytes, BytesView signature, const SignPublic& key);

/// Says whose keys these are; signed by an enroller of the roster.
struct Certificate {
  Role role = Role::agent;
  SignPublic sign_key;
  LinkPublic link_key;
  std::string name, segment;
  std::map<std::string, std::string> tags;
  WallMs not_before = 0, not_after = 0;
  std::uint64_t serial = 0;
  SignPublic enroller;

  NodeId id() const { return node_id_of(sign_key); }
};
/// Signs `certificate` as its enroller.
Bytes issue(const Certificate& certificate, const Keys& enroller);
/// Decodes and verifies: enroller in the roster, within validity, not revoked.
Result<Certificate> verify_certificate(BytesView certificate, const Roster& roster, WallMs now);
/// Decodes without verifying: for one's own, and for display.
Result<Certificate> read_certificate(BytesView certificate);

/// "I attach at this relay now": signed by the agent, shown to old homes by the new one.
struct Ticket {
  NodeId agent;
  std::uint64_t attach_seq = 0;
  NodeId relay;                               ///< its link name (link_name_of), not its id
  WallMs at = 0;
};
Bytes write_ticket(const Ticket& ticket, const Keys& agent);
Result<Ticket> verify_ticket(BytesView ticket, const SignPublic& agent_key);

/// An investigator's link and signing keys for at most 12 h, signed by OpenPGP once.
struct Session {
  Fingerprint investigator;
  LinkPublic link_key;
  SignPublic sign_key;
  SinkId sink;
  WallMs not_after = 0;
};
Bytes session_text(const Session& session);        ///< canonical JSON; signed as "MIG Mesh session 1\n" + text
Bytes session_signing_text(BytesView text);
Bytes pack_session(const SignedText& signed_session);  ///< as it travels in HELLO and SINK objects
struct VerifiedSession {
  Session session;
  std::string name;  ///< of the investigator
};
Result<VerifiedSession> verify_session(BytesView packed, const Roster& roster, WallMs now);

/// Permission to enrol; signed by an enroller. Whoever holds the secret that fits `key` may use it.
struct Invite {
  Bytes id;                        ///< 16 octets
  Role role = Role::agent;
  SignPublic key;                  ///< its secret seed travels in the join string only
  std::map<std::string, std::string> tags;  ///< go into the certificate
  std::string segment;
  std::uint32_t uses = 1;
  WallMs not_after = 0;
};
Bytes write_invite(const Invite& invite, const Keys& enroller);
Result<Invite> verify_invite(BytesView invite, const SignPublic& enroller, WallMs now);

/// What a joining node asks of the enroller; sealed to it, so that relays on the way cannot use the invite.
struct EnrolRequest {
  Bytes invite;                    ///< as written by write_invite; or the certificate that is to be renewed
  SignPublic sign_key;
  LinkPublic link_key;
  std::string name, segment;
  std::map<std::string, std::string> tags;
  bool renews = false;             ///< `invite` is a certificate: its own key is the proof, name and tags stay as they are
};
/// Signed by the invite's secret and by the node's own key: proves both.
Bytes write_enrol_request(const EnrolRequest& request, const Seed& invite_secret, const Keys& node);
/// The same for a certificate: only its own key may renew it.
Bytes write_renewal(const Bytes& certificate, const Keys& node);
/// Checks both proofs against the invite (or certificate) inside. The invite itself must still be verified and its uses counted.
Result<EnrolRequest> read_enrol_request(BytesView bytes);

/// What the enroller answers: a certificate and the roster, or why not.
struct EnrolAnswer {
  Bytes certificate;
  SignedText roster;
  std::string refused;             ///< empty on success
};
Bytes write_enrol_answer(const EnrolAnswer& answer);
Result<EnrolAnswer> read_enrol_answer(BytesView bytes);

/// Where a relay listens and the key it must prove.
struct Endpoint {
  std::string address;             ///< "tcp://10.0.0.1:7447"
  LinkPublic key;
  auto operator<=>(const Endpoint&) const = default;
};
/// tcp://HOST:PORT, HOST a name, an IPv4 address or an IPv6 address in brackets. Only where one listens: `*` or an
/// address of all interfaces as HOST, `*` as PORT (a free one is chosen).
Status check_address(std::string_view address, bool listening = false);
std::string to_text(const Endpoint& endpoint);       ///< "tcp://10.0.0.1:7447#<64 hex digits>"
Result<Endpoint> endpoint_from_text(std::string_view text);

/// Everything a new node needs in one word: base64url of JSON with a "mig1." in front.
struct JoinString {
  Trust trust;
  Role role = Role::agent;
  std::vector<Endpoint> relays;
  SignPublic enroller;             ///< enrol requests are sealed to it (converted to X25519)
  Bytes invite;
  std::optional<Seed> invite_secret;
  // first relay only:
  std::optional<Seed> enroller_seed, node_seed;
  std::optional<SignedText> roster;
};
std::string to_text(const JoinString& join);
Result<JoinString> join_from_text(std::string_view text);

}  // namespace mig::core
