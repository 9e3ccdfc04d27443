// An investigator's keys for half a day: JSON text that one OpenPGP signature of an active person covers.
#include "node/core/identity_fields.h"
#include "node/core/json.h"

namespace mig::core {
namespace {

constexpr std::string_view signing_line = "MIG Mesh session 1\n";

template <class T>
Status read_id(const Json& json, const char* field, T& out) {
  auto found = json.find(field);
  if (found == json.end() || !found->is_string()) return invalid(fmt::format("session: {} must be a text", field));
  auto bytes = from_hex(found->get_ref<const std::string&>());
  auto id = bytes ? T::from(*bytes) : Result<T>(bytes.error());
  if (!id) return invalid(fmt::format("session: {} must be {} hex digits", field, T::size * 2));
  out = *id;
  return Done{};
}

Result<Session> parse_session(BytesView text) {
  auto json = parse_json(text, limits::session_bytes);
  if (!json) return codec::unreadable("session", json.error().text);
  if (!json->is_object() || json->size() != 5) return invalid("session: expected an object of five fields");
  Session session;
  auto text_of = [&](const char* field) {
    auto found = json->find(field);
    return found != json->end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  session.investigator = text_of("investigator");
  if (session.investigator.size() != 40) return invalid("session: investigator must be a fingerprint of 40 hex digits");
  auto not_after = from_rfc3339(text_of("not_after"));
  if (!not_after) return codec::unreadable("session: not_after", not_after.error().text);
  session.not_after = *not_after;
  if (auto ok = read_id(*json, "link_key", session.link_key); !ok) return ok.error();
  if (auto ok = read_id(*json, "sign_key", session.sign_key); !ok) return ok.error();
  if (auto ok = read_id(*json, "sink", session.sink); !ok) return ok.error();
  return session;
}

}  // namespace

Bytes session_text(const Session& session) {
  return canonical_json(Json{{"investigator", session.investigator},
                             {"link_key", session.link_key.hex()},
                             {"not_after", to_rfc3339(session.not_after)},
                             {"sign_key", session.sign_key.hex()},
                             {"sink", session.sink.hex()}});
}

Bytes session_signing_text(BytesView text) { return Bytes(signing_line).append(text); }

Bytes pack_session(const SignedText& signed_session) { return codec::pack(signed_session); }

Result<VerifiedSession> verify_session(BytesView packed, const Roster& roster, WallMs now) {
  auto travelled = codec::unpack<SignedText>(packed);
  if (!travelled) return codec::unreadable("session", travelled.error().text);
  if (travelled->text.size() > limits::session_bytes)
    return invalid(fmt::format("session: {} octets, at most {} are allowed", travelled->text.size(), limits::session_bytes));
  if (travelled->signatures.size() != 1)
    return refused(fmt::format("session: {} signatures, exactly one is expected", travelled->signatures.size()));
  auto signers = check_signers(session_signing_text(travelled->text), travelled->signatures, roster, now);
  if (!signers) return codec::unreadable("session", signers.error().text);
  if (signers->size() != 1 || !signers->front()->active)
    return refused("session: its signer is not an active investigator of the roster");
  auto session = parse_session(travelled->text);
  if (!session) return session.error();
  const Investigator& person = *signers->front();
  if (session->investigator != person.fingerprint)
    return refused(fmt::format("session: it names {}, but {} signed it", session->investigator, person.name));
  if (session->not_after <= now)
    return refused(fmt::format("session of {}: expired at {}", person.name, to_rfc3339(session->not_after)));
  if (session->not_after > now + limits::session_life_ms + limits::clock_skew_ms)
    return refused(fmt::format("session of {}: lasts until {}, more than 12 h from now", person.name,
                               to_rfc3339(session->not_after)));
  return VerifiedSession{*session, person.name};
}

}  // namespace mig::core
